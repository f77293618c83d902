"""Faults of one line in cgcore, as in `seeded_fits`: data sets, files that are refused, maps and judgements."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import pytest
from fault_helpers import Fault, Faults, edited

from cgcore.data import boxes, checks, contents, dataset, frames, layout, reading, stored, units
from cgcore.data.checksums import Checksums
from cgcore.data.formats import amber_hdf5, h5md, hdf5, lammps, mdcath, mlcg, netcdf, npy, table, trr
from cgcore.judging import Judgement, survey
from cgcore.mapping import mapped
from validation.checks import data_blocks, data_sets

JUDGE = import_module("cgcore.judging.judge")
"""The module, whose name in its package is that of its function."""


def tabled(module: ModuleType, name: str, old: str, new: str) -> Fault:
    """A fault in a reader, which the table of formats holds."""

    def put(monkeypatch: pytest.MonkeyPatch) -> None:
        before = getattr(module, name)
        edited(module, name, old, new)(monkeypatch)
        after = getattr(module, name)
        forms = tuple(form._replace(open=after) if form.open is before else form for form in table.FORMATS)
        monkeypatch.setattr(table, "FORMATS", forms)

    return Fault(put, compiled=False)


FAULTS: Faults = {
    # Data sets
    "faults of arrays that are refused again": (
        "data-sets",
        edited(data_sets, "from_arrays", ", accept_faults=accept_faults)", ")"),
    ),
    "faults of files that are refused again": (
        "data-sets",
        edited(data_sets, "read", "accept_faults=accept_faults, ", ""),
    ),
    "no record of the box": ("data-sets", edited(data_sets, "from_arrays", "box=_plain(box)", "box=None")),
    "a temperature that replaces other keys": (
        "data-sets",
        edited(dataset.Dataset, "at", "tuple(replace(each", "self.sources[:1] + tuple(replace(each"),
    ),
    "no record of what is held out": ("data-sets", edited(dataset.Dataset, "split", ", hold_out=hold_out)", ")")),
    "no record of the limit of frames": (
        "data-sets",
        edited(dataset.Dataset, "subset", "return chosen\n", "return self\n"),
    ),
    "last rows that are always drawn": (
        "data-sets",
        edited(dataset.Dataset, "split", "self.choice.seed if drawn else None", "self.choice.seed"),
    ),
    "the only frame of a protein is held out": (
        "data-sets",
        edited(dataset, "held_out", "min(max(round(fraction * n), 1), n - 1)", "max(round(fraction * n), 1)"),
    ),
    "no weight beside weights": (
        "data-sets",
        edited(dataset.Dataset, "weights", "1.0 if own is None", "0.0 if own is None"),
    ),
    "single precision of positions alone": (
        "data-sets",
        edited(frames.Store, "dtype", "in (self.R, self.F))", "in (self.R,))"),
    ),
    "single precision in other units": (
        "data-sets",
        edited(frames.Store, "dtype", "small and self.factors == (1.0, 1.0)", "small"),
    ),
    "arrays in memory that are not copied": (
        "data-sets",
        edited(frames.Frames, "_loaded", "isinstance(stored, np.ndarray)", "False"),
    ),
    "a reversed slice in the order of the file": (
        "data-sets",
        edited(stored.FileRows, "__getitem__", "np.arange(start, stop, step)", "np.sort(np.arange(start, stop, step))"),
    ),
    "rows from the end that are wrong by one": (
        "data-sets",
        edited(stored, "_row_numbers", "rows + n_rows, rows)", "rows + n_rows - 1, rows)"),
    ),
    "a limit of arrays together that is none": (
        "data-sets",
        edited(table, "open_npz", "room -= header.nbytes", "pass"),
    ),
    "residue numbers that are skipped": (
        "data-sets",
        edited(table, "open_npz", "key in STRUCTURE and not", "False and not"),
    ),
    "projections in place of frames": (
        "data-sets",
        edited(table, "open_npz", " and not set(RAW.values()) & keys", ""),
    ),
    "a folder of one file like that file": (
        "data-sets",
        edited(reading, "dataset_of", "named_apart or len(sources) > 1", "len(sources) > 1"),
    ),
    "the start of each piece of a checksum": (
        "data-sets",
        edited(Checksums, "_add", "update(piece)", "update(piece[:65536])"),
    ),
    "forces left out of a checksum": (
        "data-sets",
        edited(data_sets, "from_arrays", 'for key in ("R", "F"):', 'for key in ("R",):'),
    ),
    "forces per length of positions": (
        "data-sets",
        edited(units, "factors", "ENERGIES[energy] / LENGTHS[per or length]", "ENERGIES[energy] / LENGTHS[length]"),
    ),
    "one of two stated units": (
        "data-sets",
        edited(units, "_one", "if len(found) == 1 else None", "if found else None"),
    ),
    # Files that are refused
    "H5MD without positions is another kind": (
        "data-refused",
        edited(h5md, "open_kind", "raise refuse(", "return None and ("),
    ),
    "H5MD of other shapes": ("data-refused", edited(h5md, "_opened", "kept[0].shape != kept[1].shape or ", "")),
    "one H5MD unit for both": (
        "data-refused",
        edited(
            h5md, "_opened", "text(words) if words is not None else None for words in said", "None for words in said"
        ),
    ),
    "H5MD of no common step": ("data-refused", edited(h5md, "_opened", "if not len(rows[0]):", "if False:")),
    "species of some beads": ("data-refused", edited(h5md, "_fixed", "found.shape != (n_beads,) or ", "")),
    "datasets of text": ("data-refused", edited(hdf5.DatasetRows, "of", 'dtype.kind not in "iuf" or ', "")),
    "mdCATH without replicas": ("data-refused", edited(mdcath, "open_kind", "raise refuse(", "return None and (")),
    "mdCATH without positions": (
        "data-refused",
        edited(mdcath, "_opened", '"coords" not in run or ', ""),
    ),
    "mdCATH of several proteins": ("data-refused", edited(mapped, "_atoms", "if len(names) > 1:", "if False:")),
    "mlcg of other shapes": ("data-refused", edited(mlcg, "_opened", "R.shape != F.shape or ", "")),
    "AMBER of one frame": ("data-refused", edited(amber_hdf5, "open_kind", " or len(R.shape) != 3", "")),
    "unknown units of AMBER": (
        "data-refused",
        edited(netcdf, "amber_trajectory", 'raise InputError(f"{path}: {error}") from None', "units = None"),
    ),
    "NetCDF of other shapes": ("data-refused", tabled(netcdf, "open_netcdf", " or R.shape != F.shape", "")),
    "NetCDF that is cut": (
        "data-refused",
        edited(netcdf._Variables, "rows", "if shape[0] and variable", "if not shape[0] and variable"),
    ),
    "TRR of other beads": (
        "data-refused",
        tabled(trr, "open_trr", "if (layout.atoms, layout.real) != (first.atoms, first.real):", "if False:"),
    ),
    "TRR whose frames go unmentioned": (
        "data-refused",
        tabled(trr, "open_trr", "if left_out else ()", "if not left_out else ()"),
    ),
    "TRR with a box in some frames": (
        "data-refused",
        tabled(trr, "open_trr", "if len(boxes) == len(positions) else {}", "if len(boxes) else {}"),
    ),
    "TRR that is cut": (
        "data-refused",
        tabled(trr, "open_trr", "if at + layout.size > content.stamp.size:", "if False:"),
    ),
    "a damaged header of TRR": (
        "data-refused",
        edited(trr, "_layout", " and all(n in (0, 3 * atoms * real) for n in (x, v, f))", ""),
    ),
    "LAMMPS in any units": (
        "data-refused",
        tabled(lammps, "open_lammps", "style or said, first or frame", "style, first or frame"),
    ),
    "LAMMPS of other columns": (
        "data-refused",
        tabled(
            lammps,
            "open_lammps",
            "(frame.atoms, frame.columns) != (first.atoms, first.columns)",
            "frame.atoms != first.atoms",
        ),
    ),
    "LAMMPS with an id twice": ("data-refused", edited(lammps.DumpRows, "_frame", "== 0).any()", "== 0).all()")),
    "NPY that is too long": (
        "data-refused",
        edited(npy, "_open", "content.stamp.size != offset", "content.stamp.size < offset"),
    ),
    "forces that are missing, in other words": (
        "data-refused",
        edited(trr, "without_forces", "holds no forces", "holds nothing"),
    ),
    # Several blocks, boxes, judgements
    "blocks after the first, joined": (
        "data-blocks",
        edited(
            dataset.Dataset,
            "join",
            "offset + block.start, offset + block.stop",
            "offset, offset + block.stop - block.start",
        ),
    ),
    "species of the first block": (
        "data-blocks",
        edited(
            contents,
            "species_of",
            "source.lengths[block], source",
            "source.lengths[: block.stop - block.start], source",
        ),
    ),
    "frames of an overlap, from the block": (
        "data-blocks",
        edited(data_blocks, "locate_overlap", "frames.frame_numbers[block.start + row]", "frames.frame_numbers[row]"),
    ),
    "places of NaN, from the block": (
        "data-blocks",
        edited(checks._Check, "find_infinite", "{start + frame}", "{frame}"),
    ),
    "padding of the first block": (
        "data-blocks",
        edited(checks._Check, "loaded", "self.lengths[start : start + len(values)]", "self.lengths[: len(values)]"),
    ),
    "places in the mask, from the block": ("data-blocks", edited(layout, "_wrong_row", "{start + int(", "{int(")),
    "lengths of the first block": (
        "data-blocks",
        edited(
            layout.Lengths,
            "add",
            "self.values[start : start + len(count)] = count",
            "self.values[: len(count)] = count",
        ),
    ),
    "beads of zero force in the first block": (
        "data-blocks",
        edited(survey, "_survey_protein", "found.unforced[own] = ", "found.unforced[: len(own)] = "),
    ),
    "vectors above 0 are lengths": (
        "data-blocks",
        edited(boxes, "_vectors", "(one_by_one and (box > 0).all())", "(box > 0).all()"),
    ),
    "lengths and angles of the first frame": (
        "data-blocks",
        edited(boxes, "_vectors", "return _from_angles(box)", "return _from_angles(box[:1])"),
    ),
    "the thickest box": (
        "data-blocks",
        edited(data_blocks, "box_vectors", "float(np.min(volume", "float(np.max(volume"),
    ),
    "boxes in nm": ("data-blocks", edited(data_blocks, "box_vectors", "vectors = vectors * factor", "pass")),
    "a negative length": ("data-blocks", edited(boxes, "_vectors", "(box[:, :3] < 0).any()", "(box[:, :3] < 0).all()")),
    "numbers that are not sorted": (
        "data-blocks",
        edited(data_blocks, "number_ranges", "numbers = np.unique(numbers)", "pass"),
    ),
    "refused, and none more": (
        "data-blocks",
        edited(Judgement, "require_right", 'see `cgcore inspect`)" if rest', 'see `cgcore inspect`)" if True'),
    ),
    "refused, in the first source": (
        "data-blocks",
        edited(Judgement, "require_right", "if len(self.sources) == 1", "if self.sources"),
    ),
    "a temperature of 0": ("data-blocks", edited(JUDGE, "_kelvin", " and kelvin > 0", "")),
    "a given temperature over that of the data": (
        "data-blocks",
        edited(
            JUDGE,
            "_kelvin",
            "float(np.mean(said)) if said else given or",
            "given or float(np.mean(said)) if said else",
        ),
    ),
    "all findings are of equipartition": (
        "data-blocks",
        edited(Judgement, "without_equipartition", "if finding.code not in EQUIPARTITION", "if False"),
    ),
    "all frames are recorded": (
        "data-blocks",
        edited(survey.Survey, "about", "np.sort(frames)[:RECORDED]", "np.sort(frames)"),
    ),
    "0 and -0 differ": ("data-blocks", edited(survey, "hashes", "(values + values.dtype.type(0))", "np.array(values)")),
}
