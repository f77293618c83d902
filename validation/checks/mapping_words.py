"""Atoms and residues: names, pairs that may be rigid, mapped rows, and what maps and topologies refuse, in words."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import cgcore
from cgcore.data import residues
from cgcore.mapping import map_to_beads, moments
from cgcore.mapping.beads import species_of
from cgcore.mapping.mapped import MappedRows, PickedRows
from cgcore.mapping.naming import read_named
from cgcore.mapping.rigid import candidate_pairs, groups
from validation.check import Row, at_most, check, equal, says
from validation.checks.mapping import ATOMS, peptides, write_pdb
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain
from validation.stored.written_formats import CELL, WRITERS, Frames
from validation.tolerances import relative

CODES = [
    "ALA",
    "ARG",
    "ASN",
    "ASP",
    "CYS",
    "GLN",
    "GLU",
    "GLY",
    "HIS",
    "ILE",
    "LEU",
    "LYS",
    "MET",
    "PHE",
    "PRO",
    "SER",
    "THR",
    "TRP",
    "TYR",
    "VAL",
]
LETTERS = "ARNDCQEGHILKMFPSTWYV"
OTHERS: dict[str, str | None] = {
    "HSD": "H", "HIP": "H", "CYX": "C", "CYM": "C", "ASH": "D", "GLH": "E", "PCA": "E", "LYN": "K", "ARN": "R",
    "MSE": "M", "HYP": "P", "SEP": "S", "TPO": "T", "PTR": "Y", "SEC": "U", "PYL": "O", "NALA": "A", "CGLU": "E",
    "NHID": "H", " gly ": "G", "CYSH": "C", "W": "W", "ALAN": None, "XALA": None, "PAD": None, "": None, "UNK": None,
}  # fmt: skip
"""Names of residues and their letters; None for those that are unknown."""

UNKNOWN = 20
"""Species of an unknown residue."""


@check("mapping-words", quick=True, needs=("MDAnalysis", "h5py", "scipy"))
def mapping_words(context: Context) -> Iterator[Row]:
    """Names of residues, candidates for constraints, rows of maps, atoms in every format, and refusals in words."""
    yield from _names()
    yield from _pairs()
    with tempfile.TemporaryDirectory() as name:
        yield from _rows()
        yield from _atoms(Path(name))
        yield from _maps(Path(name))
        yield from _water(Path(name))
        yield from _topologies(Path(name))


def _names() -> Iterator[Row]:
    """Letters, three-letter codes, and species in the alphabetical order of the codes."""
    for kind in (str, str.lower, str.encode):
        found = residues.letters([kind(code) for code in CODES])
        yield equal(f"letters of {kind.__name__}", str(found), LETTERS)
    found = {name: residues.letter(name) for name in OTHERS}
    yield equal("letters of other names", str(found), str(OTHERS))
    yield equal("letters of none", str((residues.letters([]), residues.letters(["ALA", "X1"]))), str((None, None)))
    for name, beads, codes in (("GAW", 3, ["GLY", "ALA", "TRP"]), ("GAW", 4, ["UNK"] * 4), ("GAZ", 3, ["UNK"] * 3)):
        yield equal(f"codes of {name} with {beads} beads", str(residues.three_letters(name, beads)), str(codes))
    species = {code: k for k, code in enumerate(sorted(CODES))}
    species |= {"HSE": 8, "NVAL": 19, "SEC": UNKNOWN, "PYL": UNKNOWN, "XYZ": UNKNOWN, "MSE": 12}
    yield equal("species", str(species_of(np.array(list(species))).tolist()), str(list(species.values())))


def _pairs() -> Iterator[Row]:
    """Pairs within residues, C and the next N, and sulphur atoms; groups that pairs connect."""
    names = np.array(["N", "CA", "C", "SG", "N", "CA", "C", "N", "CA", "C", "SG", "C", "SG"])
    residue = np.array([0, 0, 0, 0, 1, 1, 1, 3, 3, 3, 3, 4, 4])
    known = {(i, j) for i, j in combinations(range(len(names)), 2) if residue[i] == residue[j]}
    known |= {(2, 4), (6, 7)} | set(combinations([3, 10, 12], 2))
    found = [tuple(pair) for pair in candidate_pairs(residue, names).tolist()]
    yield equal("pairs", str(sorted(set(found))), str(sorted(known)))
    for label, pairs, of in (
        ("none", np.zeros((0, 2), int), [0, 1, 2, 3, 4, 5]),
        ("two", np.array([[4, 1], [5, 3]]), [0, 1, 2, 3, 1, 3]),
        ("a cycle", np.array([[5, 0], [2, 5], [0, 2]]), [0, 1, 0, 2, 3, 0]),
        ("all", np.array([[5, 4], [3, 4], [2, 3], [1, 2], [0, 1]]), [0] * 6),
    ):
        yield equal(f"groups of {label}", str(groups(6, pairs).tolist()), str(of))


def _rows() -> Iterator[Row]:
    """Rows of maps by every kind of index, in one piece or in several."""
    rng = np.random.default_rng(0)
    base, W = rng.normal(size=(11, 7, 3)), rng.normal(size=(3, 4))
    atoms = np.array([6, 0, 3, 4])
    known = np.einsum("ba,fax->fbx", W, base[:, atoms])
    indices: dict[str, Any] = {"a slice": slice(2, 9), "a step": slice(1, None, 4), "all": slice(None),
                               "numbers": np.array([10, 2, 3, 4, 2]), "none": np.zeros(0, int)}  # fmt: skip
    place = inspect.unwrap(MappedRows._read).__globals__
    for size in (1, 3 * 8 * 7 * 2, 10**6):
        with patch.dict(place, _PIECE=size):
            for name, rows in indices.items():
                mapped, picked = MappedRows(base, atoms, W)[rows], PickedRows(base, atoms)[rows]
                yield at_most(f"mapped rows, {name}, {size} bytes", relative(mapped, known[rows]), 1e-13, "relative")
                yield equal(f"picked rows, {name}, {size} bytes", np.array_equal(picked, base[rows][:, atoms]), True)


def _atoms(folder: Path) -> Iterator[Row]:
    """Neighbours at the distance of bonded atoms are no beads, in each format that may hold atoms."""
    R, F = chain(np.random.default_rng(1), 4, 6, 1.6, 0.02, 20.0)
    frames = Frames(R, F, F, np.arange(6) % 3, np.tile(CELL, (4, 1, 1)))
    for form, write in WRITERS.items():
        place = folder / form.replace(" ", "_")
        place.mkdir()
        path = write(place, frames, frozenset())
        words = "accepted" if form == "NPZ" else "neighbours are 1.6 Å apart (median), which suggests atoms"
        yield says(f"atoms, {form}", partial(cgcore.read, path), words)


def _maps(folder: Path) -> Iterator[Row]:
    """What a map refuses, and what tells its frames from those of another one."""
    names, residue, R, F = peptides()
    pdb, path, small = folder / "atoms.pdb", folder / "frames.npz", folder / "small.npz"
    write_pdb(pdb, names, residue, R[0])
    np.savez(path, coords=R, Fs=F, temperature=np.array(310.0))
    np.savez(small, coords=R[:, :-1], Fs=F[:, :-1])
    atoms = len(names)
    for name, work, words in (
        ("of another name", partial(map_to_beads, pdb, [path], force_map="best"), "the map 'best' is not known"),
        ("without a topology", partial(map_to_beads, path), "does not name its atoms; give a topology"),
        ("of fewer atoms", partial(map_to_beads, pdb, [small]), f"has {atoms - 1} atoms, but {pdb} has {atoms}"),
        ("of fewer atoms in the second file", partial(map_to_beads, pdb, [path, small]), f"small.npz: has {atoms - 1}"),
        ("at another temperature", partial(map_to_beads, pdb, [path], temperature=300.0), "has no frames at 300 K"),
        ("at its temperature", partial(map_to_beads, pdb, [path], temperature=310.0), "accepted"),
        ("of unstated temperature", partial(map_to_beads, pdb, [small], temperature=310.0), "has no frames at 310 K"),
    ):
        yield says(f"map {name}", work, words)
    place = inspect.unwrap(moments.moments).__globals__
    for most, words in ((atoms, "accepted"), (atoms - 1, f"has {atoms} atoms of protein; give a system with at most")):
        with patch.dict(place, MOST_ATOMS=most):
            yield says(f"map of at most {most} atoms", partial(map_to_beads, pdb, [path]), words)
    found = {way: map_to_beads(pdb, [path], force_map=way) for way in ("slice", "residue", "optimal")}
    yield equal("checksums of maps", len({one.dataset.sha256 for one in found.values()}), 3)
    yield equal("chosen maps", str([one.chosen for one in found.values()]), str(list(found)))
    yield equal("temperatures", str(found["slice"].dataset.temperatures), str((310.0,)))
    twice = map_to_beads(pdb, [path, path], force_map="slice")
    frames = [twice.dataset.n_frames, *(one.n_frames for one in twice.dataset.sources)]
    yield equal("frames of a file and of itself", str(frames), str([2 * len(R), len(R), len(R)]))
    single = folder / "single.npz"
    np.savez(single, coords=R[:1], Fs=F[:1])
    yield says(
        "a single frame, sums of residues", partial(map_to_beads, pdb, [single], force_map="residue"), "accepted"
    )
    one = map_to_beads(pdb, [single], force_map="residue")
    yield equal("a single frame", str([x.held_out for x in one.maps]), str([None, None]))
    yield equal("a single frame, rigid pairs", one.rigid, 0)
    yield from _wrapped(folder, pdb, R, F, found["slice"].rigid)


def _wrapped(folder: Path, pdb: Path, R: Array, F: Array, rigid: int) -> Iterator[Row]:
    """Atoms that a box cuts are as rigid as whole ones; a given box makes beads whole."""
    lengths = np.array([20.0, 21.0, 22.0])
    shifted = R + np.random.default_rng(0).uniform(-30, 30, (len(R), 1, 3))
    np.savez(folder / "wrapped.npz", coords=np.mod(shifted, lengths), Fs=F, box=lengths)
    found = map_to_beads(pdb, [folder / "wrapped.npz"], force_map="slice")
    yield equal("rigid pairs in a box", found.rigid, rigid)
    steps = np.diff(R[:, np.flatnonzero(np.array([*ATOMS] * 4) == "CA")], axis=1)
    yield at_most("beads in a box", relative(np.diff(found.dataset.join().R, axis=1), steps), 1e-12, "relative")
    np.savez(folder / "wrapped.npz", coords=np.mod(shifted, lengths), Fs=F)
    found = map_to_beads(pdb, [folder / "wrapped.npz"], force_map="slice", box=lengths).dataset
    yield at_most("beads in a given box", relative(np.diff(found.join().R, axis=1), steps), 1e-12, "relative")


def _water(folder: Path) -> Iterator[Row]:
    """Atoms of other molecules before those of the protein: the same beads, forces and rigid pairs as without them."""
    names, residue, R, F = peptides()
    pdb, rng = folder / "water.pdb", np.random.default_rng(3)
    carbon, nitrogen = names.index("C"), names.index("N", names.index("C"))
    R[:, nitrogen] = R[:, carbon] + R[0, nitrogen] - R[0, carbon]  # tied across two residues
    write_pdb(pdb, names, residue, R[0])
    np.savez(folder / "dry.npz", coords=R, Fs=F)
    dry = map_to_beads(pdb, [folder / "dry.npz"], force_map="slice")
    place = "".join(f"{one:8.3f}" for one in (25.0, 26.0, 27.0))
    lines = [
        f"ATOM  {k + 1:5d}  {'OH'[k % 2]:<3s} HOH A{k // 2 + 50:4d}    {place}  1.00  0.00           O"
        for k in range(6)
    ]
    pdb.write_text("\n".join([*lines, pdb.read_text(encoding="utf-8")]), encoding="utf-8")
    more = rng.normal(scale=5.0, size=(len(R), 6, 3))
    np.savez(folder / "wet.npz", coords=np.concatenate([30 + more, R], axis=1), Fs=np.concatenate([more, F], axis=1))
    wet = map_to_beads(pdb, [folder / "wet.npz"], force_map="slice")
    yield equal("water first, atoms and pairs", str((wet.atoms, wet.rigid)), str((dry.atoms, dry.rigid)))
    yield at_most("water first, positions", relative(wet.dataset.join().R, dry.dataset.join().R), 1e-12, "relative")
    yield at_most("water first, forces", relative(wet.dataset.join().F, dry.dataset.join().F), 1e-9, "relative")


def _topologies(folder: Path) -> Iterator[Row]:
    """Topologies that do not belong to the beads, or are none."""
    names, _, R, F = peptides()
    pdb = folder / "atoms.pdb"
    beads = np.flatnonzero(np.array(names) == "CA")
    np.savez(folder / "beads.npz", R=R[:, beads], F=F[:, beads])
    np.savez(folder / "all.npz", R=4 * R, F=F)
    np.savez(folder / "three.npz", R=R[:, beads[:3]], F=F[:, beads[:3]])
    count, own = len(names), len(beads)
    (folder / "empty.pdb").write_text("END\n", encoding="utf-8")
    (folder / "other.psf").write_text("nothing\n", encoding="utf-8")
    (folder / "two.pdb").write_text(pdb.read_text(encoding="utf-8").split("\n")[2] + "\nEND\n", encoding="utf-8")
    for name, topology, frames, words in (
        ("of the atoms", pdb, "beads", "accepted"),
        ("of other beads", pdb, "three", f"has 3 beads, but {pdb} has {count} atoms, {own} of them CA"),
        ("of these atoms", pdb, "all", f"all.npz: holds {count} atoms, and {pdb} has them in {own + 1} residues"),
        ("without atoms", folder / "empty.pdb", "beads", "empty.pdb: "),
        ("in other words", folder / "other.psf", "beads", "is not a topology that MDAnalysis can read"),
        ("that is missing", folder / "none.pdb", "beads", "none.pdb: "),
        ("of one residue", folder / "two.pdb", "beads", "has 0 residues with atoms N, CA and C"),
    ):
        yield says(f"topology {name}", partial(read_named, topology, [folder / f"{frames}.npz"]), words)
