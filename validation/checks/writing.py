"""Frames of several files, written into one: the arrays of the new file, read by NumPy."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np

import cgcore
from cgcore.data import writing as written
from validation.check import Row, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain

LETTERS = {"ALA": "A", "CYS": "C", "GLY": "G", "TYR": "Y"}
"""Residues of the chains here."""


@dataclass(frozen=True)
class Part:
    """What a file holds.

    Arguments:
        R, F: positions and forces (frames, beads, 3).
        said: its other keys.
        resid: the residue number of each bead, counted from 1, as it has to be written.
        resname: the residue name of each bead, as it has to be written.
    """

    R: Array
    F: Array
    said: Mapping[str, Array]
    resid: Array
    resname: tuple[str, ...]

    @property
    def beads(self) -> int:
        """Number of beads."""
        return self.R.shape[1]

    def save(self, path: Path) -> Path:
        """Write it as a file."""
        np.savez(path, allow_pickle=False, R=self.R, F=self.F, **self.said)
        return path


def _part(seed: int, frames: int, names: tuple[str, ...], resid: Array, **said: Array) -> Part:
    R, F = chain(np.random.default_rng(seed), frames, len(names), 3.8, 0.06, 20.0)
    return Part(R, F, {"resname": np.array(names), **said}, resid, names)


@check("writing", quick=True)
def writing(context: Context) -> Iterator[Row]:
    """Files of different and of equal chains, written as one: padding, gaps, names, weights, temperatures, energies."""
    rng = np.random.default_rng(0)
    short = _part(1, 4, ("GLY", "ALA", "TYR", "CYS", "ALA"), np.array([1, 2, 5, 6, 7]))
    short = replace(
        short, said={**short.said, "resid": short.resid, "temperature": np.array(300.0), "U": rng.normal(size=4)}
    )
    long = _part(2, 6, ("TYR", "GLY", "GLY", "ALA", "CYS", "TYR", "ALA"), np.arange(1, 8))
    long = replace(long, said={**long.said, "bead_weights": rng.uniform(0.5, 2.0, (6, 7)), "U": rng.normal(size=6),
                               "temperature": rng.uniform(290, 310, 6)})  # fmt: skip
    twin = replace(short, R=short.R[:3] + 1.0, F=2 * short.F[:3])
    twin = replace(twin, said={**twin.said, "U": rng.normal(size=3), "frame_weights": np.array([1.0, 2.0, 0.5])})
    other = _part(3, 3, ("ALA", "ALA", "GLY", "CYS", "TYR"), np.array([1, 2, 3, 6, 7]))
    other = replace(other, said={**other.said, "resid": other.resid, "temperature": np.array(310.0), "U": np.ones(3)})
    single = replace(short, R=short.R.astype("f4"), F=short.F.astype("f4"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, parts in (
            ("other gaps and residues", [short, other]),
            ("two lengths", [short, long]),
            ("the longer one first", [long, short]),
            ("equal chains", [short, twin]),
            ("one file", [long]),
            ("in single precision", [single, single]),
            ("in both precisions", [single, long]),
        ):
            yield from _compared(folder, label, parts)
        yield from _missing(folder, short, twin)
        for limit, words in ((139, "too many frames of proteins with gaps"), (140, "accepted")):  # 4 bytes for 35 beads
            with patch.dict(inspect.unwrap(written._members).__globals__, STRUCTURE_LIMIT=limit):
                work = partial(_written, folder, [short, other])
                yield says(f"other gaps and residues, {limit} bytes at most", work, words)
        yield from _of_one_file(folder, short)


def _written(folder: Path, parts: list[Part], half: bool = False) -> dict[str, Array]:
    """The arrays of the file into which all frames, or those that are held out, are written."""
    data = cgcore.read([part.save(folder / f"{k}.npz") for k, part in enumerate(parts)])
    (data.split(0.5)[1] or data if half else data).write(folder / "all.npz")
    with np.load(folder / "all.npz", allow_pickle=False) as found:
        return dict(found)


def _compared(folder: Path, label: str, parts: list[Part]) -> Iterator[Row]:
    """All frames, and the last half of each file, which is held out."""
    for half in (False, True):
        found = _written(folder, parts, half)
        kept = [round(0.5 * len(part.R)) if half else len(part.R) for part in parts]
        known = _known(parts, kept)
        real = known.get("mask", np.ones(found["R"].shape[:2])) > 0
        wrong = set(known) ^ set(found)
        for key in known.keys() & found.keys():
            ours, theirs = found[key], known[key]
            if key in ("resid", "resname", "bead_weights") and ours.shape == theirs.shape == real.shape:
                ours, theirs = ours[real], theirs[real]  # padding may hold anything
            if not np.array_equal(ours, theirs) or (key in "RF" and ours.dtype != theirs.dtype):
                wrong.add(key)
        name = f"{label}, last halves" if half else label
        yield equal(f"{name}, keys that differ", ", ".join(sorted(wrong)), "")


def _known(parts: list[Part], kept: list[int]) -> dict[str, Array]:
    """The keys that the last frames of these files, as many of each as `kept`, have to be written with."""
    width = max(part.beads for part in parts)
    both = list(zip(parts, kept, strict=True))
    known = {key: np.concatenate([_padded(getattr(one, key)[-n:], width) for one, n in both]) for key in "RF"}
    if len({part.beads for part in parts}) > 1:
        known["mask"] = np.arange(width) < np.repeat([part.beads for part in parts], kept)[:, None]
    names = [_padded(np.array([part.resname], "S4"), width) for part in parts]
    known["resname"] = _rows(names, kept)
    if any("resid" in part.said for part in parts):
        known["resid"] = _rows([_padded(part.resid[None], width) for part in parts], kept)
    if any(key.endswith("weights") for part in parts for key in part.said):
        known["bead_weights"] = np.concatenate([_weights(one, width)[-n:] for one, n in both])
    for key in ("temperature", "U"):
        each = np.concatenate([np.broadcast_to(one.said[key], len(one.R))[-n:] for one, n in both])
        known[key] = each[0] if len(np.unique(each)) == 1 else each
    return known


def _rows(each: list[Array], kept: list[int]) -> Array:
    """The row of each file for each of its frames; a single row if all are equal."""
    alike = all(np.array_equal(row, each[0]) for row in each)
    return each[0][0] if alike else np.concatenate([np.repeat(row, n, 0) for row, n in zip(each, kept, strict=True)])


def _padded(values: Array, width: int) -> Array:
    """Rows of beads (rows, beads, ...) with zeros, or empty text, after the last bead."""
    out = np.zeros((len(values), width, *values.shape[2:]), values.dtype)
    out[:, : values.shape[1]] = values
    return out


def _weights(part: Part, width: int) -> Array:
    frames = part.said.get("frame_weights", np.ones(len(part.R)))
    return _padded(part.said.get("bead_weights", np.ones(part.R.shape[:2])) * frames[:, None], width)


def _missing(folder: Path, first: Part, second: Part) -> Iterator[Row]:
    """Species, and keys that not every file has."""
    kinds = [np.arange(5) % 3, np.arange(5) % 2 + 4]
    with_species = [
        replace(part, said={**part.said, "species": own}) for part, own in zip((first, second), kinds, strict=True)
    ]
    known = np.repeat(kinds, [len(first.R), len(second.R)], axis=0)
    yield equal("species of both", np.array_equal(_written(folder, with_species)["species"], known), True)
    yield equal("species of one of two", "species" in _written(folder, [with_species[0], second]), False)
    joined = cgcore.read([folder / f"{k}.npz" for k in range(2)]).join().species
    yield equal(
        "species of one of two, joined",
        np.array_equal(joined, known * (np.arange(len(known)) < len(first.R))[:, None]),
        True,
    )
    for key in ("U", "temperature"):
        without = replace(second, said={name: value for name, value in second.said.items() if name != key})
        found = _written(folder, [first, without])
        yield equal(f"{key} of one of two", ", ".join(sorted(set(found) & {"U", "temperature"})),
                    "temperature" if key == "U" else "U")  # fmt: skip


def _of_one_file(folder: Path, part: Part) -> Iterator[Row]:
    """Names of one file as they are, tables of its species, and two proteins with a gap each."""
    names = np.array(["NGLY", "ALA", "TYR", "CYX", "CALA"])
    table = np.array(["ALA", "CYS", "GLY", "TYR"])
    for label, own in (("text", names), ("bytes", names.astype("S"))):
        said = {"resname": own, "id_to_aa": table, "species": np.array([2, 0, 3, 1, 0])}
        found = _written(folder, [replace(part, said=said)])
        yield equal(f"names as {label}", np.array_equal(found["resname"], names.astype("S4")), True)
        yield equal(f"names as {label}, the table", np.array_equal(found.get("id_to_aa", ""), table), True)
        twice = _written(folder, [replace(part, said=said)] * 2)
        yield equal(f"names as {label}, no table of two files", "id_to_aa" in twice, False)
    species = np.array([[2, 0, 3, 1, 0], [3, 0, 3, 1, 0]])[np.arange(len(part.R)) % 2]
    resid = np.array([[1, 2, 5, 6, 7], [1, 4, 5, 6, 7]])[np.arange(len(part.R)) % 2]
    found = _written(folder, [replace(part, said={"species": species, "id_to_aa": table, "resid": resid})])
    yield equal("two proteins, numbers", np.array_equal(found["resid"], resid), True)
    sequences = ["".join(LETTERS[name] for name in row.astype(str).tolist()) for row in found["resname"]]
    yield equal("two proteins, names", str(sequences), str(["GAYCA", "YAYCA", "GAYCA", "YAYCA"]))
