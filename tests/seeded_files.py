"""Faults of one line in cgcore, as in `seeded_fits`: files that are written and read, maps, exports, evaluations."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore import archive
from cgcore.config import paths
from cgcore.data import contents, npz, reading, stored, writing
from cgcore.data.formats import h5md, mdcath, netcdf
from cgcore.data.formats import lammps as dump
from cgcore.data.formats.opened import Opened
from cgcore.evaluation import gathering
from cgcore.export import expressions, lammps, openmm
from cgcore.generate import simulate as generate
from cgcore.mapping import choosing, mapped, naming, topology
from cgcore.pipeline import model
from cgcore.simulation import storage
from cgcore.simulation.reference import Reference
from validation.checks import generator, simulation_starts
from validation.stored import written_files

FAULTS: Faults = {
    "a file in the working folder first": (
        "files",
        edited(paths, "resolved", "(beside, given)", "(given, beside)"),
    ),
    "files of a group that failed": (
        "files-on-disk",
        edited(
            written_files,
            "atomic_group",
            "        yield group\n        group.commit()\n",
            "        try:\n            yield group\n        finally:\n            group.commit()\n",
        ),
    ),
    "names of cgcore's species for the file's own": (
        "readers-files",
        edited(naming, "_named", "set(source.arrays)", "set(source.extras)"),
    ),
    "arrays with the first axis fastest, read as others": (
        "data-sets",
        edited(npz, "_placed", "h.stored and not h.fortran", "h.stored"),
    ),
    "checksums of the first array alone": (
        "formats",
        edited(Opened, "read", "in self.contents]", "in self.contents[:1]]"),
    ),
    "arrays that a damaged list hides": (
        "files",
        edited(archive, "_check_directory", "count not in (len(members), 0xFFFF)", "count < len(members)"),
    ),
    # Written files
    "residues of the first file for all": (
        "writing",
        edited(writing, "_members", "of[id(frames)][frames.protein[rows]]", "of[id(sources[0])][frames.protein[rows]]"),
    ),
    "no weight where a file states none": ("writing", edited(writing, "_weights", "np.ones(", "np.zeros(")),
    "padding before the beads": (
        "writing",
        edited(writing, "_rows", "padded[:, : frames.n_beads]", "padded[:, -frames.n_beads :]"),
    ),
    "temperatures of the first frames, written": (
        "writing",
        edited(writing, "_per_frame", "every[frames.frame_numbers]", "every[: frames.n_frames]"),
    ),
    "gaps left out of a large file": ("writing", edited(writing, "_members", 'elif key == "resid":', "elif False:")),
    "the first file's table for all": ("writing", edited(writing, "_members", "len(sources) == 1", "True")),
    "written in the precision of the first file": (
        "writing",
        edited(writing, "_members", "(frames.store.dtype for frames in sources)", "(sources[0].store.dtype,)"),
    ),
    # Boxes, and rows of files for other processes
    "two tilts to one side, one after the other": (
        "formats-boxes",
        edited(dump, "_box", "max(0.0, xy, xz, xy + xz)", "max(0.0, xy, xz)"),
    ),
    "open sides are periodic": ("formats-boxes", edited(h5md, "_edges", '!= ["periodic"] * 3', "== []")),
    "fixed edges are none": (
        "formats-boxes",
        edited(h5md, "_edges", "return np.asarray(edges[()], np.float64)[None]", "return None"),
    ),
    "one periodic side of three": (
        "formats-boxes",
        edited(dump, "_box", 'flags[-3:] == ["pp", "pp", "pp"]', '"pp" in flags'),
    ),
    "unwrapped columns in a box": (
        "formats-boxes",
        edited(dump, "_opened", 'periodic and not found[0].endswith("u")', "periodic"),
    ),
    "variables without frames in each record": (
        "formats-boxes",
        edited(netcdf._Reader, "_header", "if own and own[0] == unlimited:", "if own:"),
    ),
    "records that end where their bytes do": (
        "formats-boxes",
        edited(netcdf._Reader, "_header", "sum(-(-n // 4) * 4 for", "sum(n for"),
    ),
    "boxes of mdCATH in Å": ("formats-boxes", edited(mdcath, "_opened", "once(box * ANGSTROM_PER_NM)", "once(box)")),
    "boxes of the first frames, sent": (
        "formats",
        edited(dump.DumpRows, "alone", "self.boxes[rows]", "self.boxes[: len(rows)]"),
    ),
    "rows of the first frames, sent": (
        "formats",
        edited(stored.ScatteredArray, "alone", "offsets=self.offsets[rows]", "offsets=self.offsets[: len(rows)]"),
    ),
    "numbers of a selection for those of its array": (
        "formats",
        edited(stored.SelectedRows, "alone", "np.asarray(self.rows, np.int64)[rows]", "rows"),
    ),
    "names of padded beads": (
        "readers",
        edited(
            contents, "_from_residues", "species[0, :length].tolist(), names[:length]", "species[0].tolist(), names"
        ),
    ),
    "the last of two names of a species": (
        "readers",
        edited(contents, "_from_residues", " and len({k for k, _ in pairs}) == len(pairs)", ""),
    ),
    "a table that is none hides another": (
        "readers",
        edited(reading, "species_names", "(found := _table(table)):", "(found := _table(table)) is not None:"),
    ),
    "residues of the last protein alone": (
        "evaluation",
        edited(gathering.Gathering, "_types", "rows.setdefault((code, 0), []).append(row)", "rows[code, 0] = [row]"),
    ),
    "species of files with names, too": (
        "evaluation",
        edited(gathering.Gathering, "_types", "if code != UNKNOWN:", "if False:"),
    ),
    # Maps from atoms to beads
    "the ridge of a noisier map": ("mapping", edited(mapped, "best_map", "> least", "> 1e9 * least")),
    "sums over residues that are tied": (
        "mapping-cases",
        edited(choosing, "residue_map", "(joined.sum(axis=0) > 1).any()", "False"),
    ),
    "no map because another cannot be made": (
        "mapping-cases",
        edited(mapped, "fixed_maps", 'name == wanted or name == "slice"', 'wanted != "residue"'),
    ),
    "water is part of the protein": (
        "mapping-cases",
        edited(mapped, "ca_beads", "np.isin(topology.residue, residues) | capped", "topology.residue >= 0"),
    ),
    "frames, not numbers, against weights": (
        "mapping-cases",
        edited(mapped, "_enough", "3 * frames > atoms", "frames > atoms"),
    ),
    "a ligand's bonds tell chains": (
        "mapping-cases",
        edited(topology, "_of_atoms", "len(atoms.bonds) > len(atoms) / 2", "len(atoms.bonds) > 0"),
    ),
    "fragments are one chain": (
        "mapping-cases",
        edited(topology, "_of_atoms", "np.asarray(atoms.fragindices)", "(0 * np.asarray(atoms.fragindices))"),
    ),
    # Frames from which replicas start
    "gaps of the first protein": (
        "simulation-starts",
        edited(simulation_starts, "reference", "source.sites[label, : held", "source.sites[0, : held"),
    ),
    "frames of the first protein": (
        "simulation-starts",
        edited(
            simulation_starts,
            "reference",
            "source.protein == source.protein_names.index(name)",
            "source.protein == 0",
        ),
    ),
    "the first of many frames": (
        "simulation-starts",
        edited(
            simulation_starts,
            "reference",
            "np.linspace(0, total - 1, min(total, MOST_FRAMES))",
            "np.arange(min(total, MOST_FRAMES))",
        ),
    ),
    "starts anywhere": ("simulation-starts", edited(Reference, "starts", "np.arange(replicas) + ", "replicas * ")),
}

WHOLE: Faults = {
    "a seed of 0 that continues any run": (
        "resume-simulation",
        edited(storage, "load", "if said.get(name) != value", "if value and said.get(name) != value"),
    ),
    # The generator
    "cis bonds that are refused late": (
        "generator",
        edited(generator, "require_stereochemistry", "< CIS", "< CIS - 0.2"),
    ),
    "mirrored residues": ("generator", edited(generator, "require_stereochemistry", ") < 0", ") > 0")),
    "bonds that are too short": (
        "generator",
        edited(
            generator,
            "require_bonds",
            "np.abs(np.linalg.norm(R[i] - R[j], axis=1) - rest)",
            "(np.linalg.norm(R[i] - R[j], axis=1) - rest)",
        ),
    ),
    "psi of the residue before": ("generator", edited(generator, "heavy_atoms", "list(psi[:-1])", "list(psi[1:])")),
    "radii without their offset": (
        "generator",
        edited(generate, "native_solvent", "values[radius] + _OFFSET", "values[radius]"),
    ),
    "files of trained models without their wall": (
        "evaluation-trained",
        edited(model.CombinedModel, "fingerprint", ' | ({} if self.core is None else {"core": self.core})', ""),
    ),
    "beads of one species, evaluated": (
        "evaluation-trained",
        edited(model, "evaluate_parts", "kinds[:length] = species[0, :length]", "pass"),
    ),
    "gaps left out of the prior in a model": (
        "evaluation-trained",
        edited(model.CombinedModel, "parts", "self.displacement, sites)", "self.displacement)"),
    ),
    "near pairs of the first group": (
        "export-openmm",
        edited(openmm, "_forces", "rows[close], groups[close])", "rows[close], 0 * groups[close])"),
    ),
    "uneven knots that are moved": (
        "export-openmm",
        edited(expressions, "_of_pieces", "step(y-(", "step(y-0.1-("),
    ),
    "far pairs that are listed lose their other terms": (
        "export-lammps",
        edited(lammps, "types_of", "row[1] - row[0] >= near", "False"),
    ),
}
"""Faults that only the whole run, not `--quick`, must detect."""
