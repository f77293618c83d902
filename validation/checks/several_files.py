"""Files in several units, a folder beside a file, proteins that share a row of names, and rows and tables of which more
than the first is needed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np

from cgcore.data.npz import open_npz
from cgcore.data.reading import dataset_of, from_arrays, read
from cgcore.data.residues import species_names, three_letters
from cgcore.data.stored import FileRows
from validation.check import Row, at_most, check, equal, says
from validation.context import Context
from validation.sampled_chains import Arrays, chain
from validation.stored.stored_frames import ANGSTROM_PER_NM, KJ_PER_KCAL
from validation.tolerances import relative

BEADS, SHORT, FRAMES = 8, 6, 6
"""Beads and frames; every odd frame of two proteins in a file is of one with `SHORT` beads."""

TOLERANCE = 1e-14
"""Products of two factors in double precision."""


@check("several-files", quick=True)
def several_files(context: Context) -> Iterator[Row]:
    """Units, checksums, names and rows that are not those of the first file, protein, run or entry alone."""
    first, second = (dict(zip("RF", chain(np.random.default_rng(k), FRAMES, BEADS, 3.8, 0.06, 20.0), strict=True))
                     for k in range(2))  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _units(folder, first, second)
        yield from _checksums(folder, first)
        yield from _names(folder, first)
        yield from _rows(folder, first)
        yield from _structure(folder, first)
    yield from _tables()


def _units(folder: Path, first: Arrays, second: Arrays) -> Iterator[Row]:
    """A file in Å and kcal/mol, and one in nm and kJ/mol."""
    energies = np.arange(1.0, 2 * FRAMES + 1).reshape(2, FRAMES)
    stored = first, second | {"R": second["R"] / ANGSTROM_PER_NM}
    for order in ((0, 1), (1, 0)):
        files = []
        for k in order:
            path = folder / f"units-{k}.npz"
            np.savez(path, **stored[k], U=energies[k])
            files.append(open_npz(path))
        states = ("angstrom-kcal", "nm-kj")
        data = dataset_of((replace(file, units=states[k]) for file, k in zip(files, order, strict=True)), "both",
                          accept_faults=True)  # fmt: skip
        name = " and ".join(states[k] for k in order)
        yield equal(f"{name}, units", data.units, ", ".join(states[k] for k in order))
        data.write(folder / "written.npz")
        length, energy = (1.0, ANGSTROM_PER_NM), (1.0, 1 / KJ_PER_KCAL)
        with np.load(folder / "written.npz") as written:
            for key, factor in (("R", length), ("F", tuple(e / x for e, x in zip(energy, length, strict=True))),
                                ("U", energy)):  # fmt: skip
                own = [energies[k] if key == "U" else stored[k][key] for k in order]
                known = np.concatenate([factor[k] * values for k, values in zip(order, own, strict=True)])
                yield at_most(f"{name}, {key} written", relative(written[key], known), TOLERANCE, "relative")


def _checksums(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """The checksum of arrays covers all of them; that of one source in a folder covers its name, too."""
    R, F = (np.ascontiguousarray(arrays[key]) for key in "RF")
    known = hashlib.sha256(R.tobytes() + F.tobytes()).hexdigest()
    yield equal("checksum of arrays", from_arrays(R, F).sha256, known)
    own = folder / "set"
    own.mkdir()
    files = [own / "one_coords.npy", own / "one_forces.npy"]
    for file, array in zip(files, (R, F), strict=True):
        np.save(file, array)
    read_set = partial(read, units="angstrom-kcal")
    alone = read_set(files[0])
    (source,) = alone.sources
    named = hashlib.sha256(source.source.encode() + b"\0" + source.sha256.encode() + b"\n").hexdigest()
    yield equal("checksum of two files of a set", read_set(files).sha256, source.sha256)
    for name, paths in (("a folder", [own]), ("a folder, and its file", [own, files[0]]),
                        ("a file, and its folder", [files[1], own])):  # fmt: skip
        data = read_set(paths)
        yield equal(f"{name}, sources", len(data.sources), 1)
        yield equal(f"{name}, checksum", data.sha256, named)


def _names(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """One row of residue names in a file of two proteins, which says nothing about either of them."""
    names = ["GLY", "ALA", "TYR", "CYS", "ALA", "GLY", "TRP", "SER"]
    mask = (np.arange(BEADS) < SHORT) | (np.arange(FRAMES)[:, None] % 2 == 0)
    data = from_arrays(**arrays, mask=mask, resname=np.array(names))
    data.write(folder / "names.npz")
    with np.load(folder / "names.npz") as written:
        found = written["resname"].astype("U4").tolist()
    yield equal(
        "names of two proteins from one row",
        str(data.sources[0].protein_names),
        str((f"protein-{BEADS}-1", f"protein-{SHORT}-1")),
    )
    known = [["UNK" if bead else "PAD" for bead in row] for row in mask.tolist()]
    yield equal("names of two proteins from one row, written", str(found), str(known))


def _rows(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """Rows of rows that stay in their file, in several runs."""
    path = folder / "rows.npz"
    np.savez(path, **arrays)
    stored = read(path).sources[0].store.R
    assert isinstance(stored, FileRows)
    for chosen in (np.array([0, 2, 3, 5]), np.arange(1, 6)):
        part = stored.alone(chosen)
        for rows in (np.array([0, 1, 3]), np.array([3, 0, 2]), np.array([1, 2])):
            same = np.array_equal(part[rows], arrays["R"][chosen][rows])
            yield equal(f"rows {rows.tolist()} of {chosen.tolist()}", same, True)


def _structure(folder: Path, arrays: Arrays) -> Iterator[Row]:
    """Two arrays that are needed to interpret positions: either of them may be too large, and both are read."""
    path = folder / "structure.npz"
    resid, chain_of = np.arange(BEADS) + 5, np.zeros((FRAMES, BEADS), int)
    limit = resid.nbytes
    for name, keys in (("first", {"chain": chain_of, "resid": resid}), ("second", {"resid": resid, "chain": chain_of})):
        np.savez(path, **arrays, **keys)
        with patch("cgcore.data.npz.STRUCTURE_LIMIT", limit):
            yield says(f"the {name} of two arrays is too large", partial(open_npz, path), "key 'chain' is larger than")
        found = open_npz(path).extras
        same = [key for key, array in keys.items() if np.array_equal(found.get(key, ()), array)]
        yield equal(f"arrays that are read, the larger one {name}", str(same), str(list(keys)))


def _tables() -> Iterator[Row]:
    """Names of which one is unknown, and tables with one pair that is none."""
    for protein, known in (
        ("AGA", "ALA GLY ALA"),
        ("AXA", "UNK UNK UNK"),
        ("XAG", "UNK UNK UNK"),
        ("AG", "UNK UNK UNK"),
    ):
        yield equal(f"residues of {protein}", _said(lambda protein=protein: " ".join(three_letters(protein, 3))), known)
    good, bad = [("0", "ALA"), ("GLY", "1"), ("2", "TYR")], ("CYS", "SER")
    yield equal("a table of pairs", str(_table(good)), str({0: "ALA", 1: "GLY", 2: "TYR"}))
    for place in range(len(good) + 1):
        yield equal(f"a pair without a number, {place}", str(_table([*good[:place], bad, *good[place:]])), "{}")


def _table(pairs: list[tuple[str, str]]) -> dict[int, str]:
    return dict(species_names({"id_to_aa": np.array(pairs)}))


def _said(work: Callable[[], str]) -> str:
    """What it returns, or the error that it ends with."""
    try:
        return work()
    except KeyError as error:
        return f"KeyError {error}"
