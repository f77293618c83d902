"""Frames of files: their units, padding and energies, how neighbours are bonded, and what happens when frames are drawn
and split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.pipeline import DatasetLoader
from validation.check import Row, at_most, equal
from validation.explicit_terms import NEXT_CHAIN
from validation.tolerances import relative

ANGSTROM_PER_NM, KJ_PER_KCAL = 10.0, 4.184
"""The thermochemical calorie, exact."""

STORED = 1e-14
"""Tolerance of one or two factors in float64."""

EXACT = 1e-10

BOX = 60.0
"""Edge of the box [Å], more than twice the size of any chain here, so that no pair has a closer image."""


def of_a_folder(folder: Path, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Two files in one folder, in other units and padded with NaN, and their split."""
    in_nm, in_kj = R / ANGSTROM_PER_NM, F * KJ_PER_KCAL * ANGSTROM_PER_NM
    mask = np.arange(R.shape[1]) < np.where(np.arange(len(R)) % 2, R.shape[1], R.shape[1] - 2)[:, None]
    half, U = len(R) // 2, np.linspace(-30.0, 20.0, len(R))
    padded = [np.where(mask[..., None], x, np.nan) for x in (in_nm, in_kj)]
    (folder / "data").mkdir()
    for file, part in (("a.npz", slice(half)), ("b.npz", slice(half, None))):
        np.savez(folder / "data" / file, R=padded[0][part], F=padded[1][part], mask=mask[part], U=U[part] * KJ_PER_KCAL)
    found = cgcore.read(folder / "data", units="nm-kj")
    joined = found.join()
    real = mask[..., None]
    yield equal("folder, real beads", found.real_beads, int(mask.sum()))
    yield equal("folder, mask", bool(np.array_equal(joined.mask.astype(bool), mask)), True)
    yield at_most("folder in nm, positions", relative(joined.R * real, np.where(real, R, 0)), STORED, "relative")
    yield at_most("folder in kJ/mol/nm, forces", relative(joined.F * real, np.where(real, F, 0)), STORED, "relative")
    found.write(folder / "written.npz")
    with np.load(folder / "written.npz", allow_pickle=False) as written:
        yield at_most("folder in kJ/mol, energies as written", relative(written["U"], U), STORED, "relative")
    loaded = DatasetLoader(found).U
    yield at_most("folder in kJ/mol, energies for training", relative(np.asarray(loaded), U), STORED, "relative")
    whole = cgcore.from_arrays(in_nm, in_kj, units="nm-kj")
    yield at_most("arrays in nm, positions", relative(whole.join().R, R), STORED, "relative")
    train, held_out = whole.split(0.25)
    assert held_out is not None
    count = round(0.25 * len(R))
    every = whole.subset(2 * len(R)).split(0.25, "last_rows")[1]  # nothing is drawn, so the last ones are held out
    held = ("held-out", held_out, R[-count:]), ("held-out, of as many as there are", every, R[-count:])
    for name, part, expected in (("training", train, R[:-count]), *held):
        assert part is not None
        same = part.n_frames == len(expected) and relative(part.join().R, expected) <= STORED
        yield equal(f"split, {name} frames", same, True)


def bonded(R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Separations of neighbours along the chain, as a file states them."""
    whole, beads = np.ones(R.shape[1] - 1, int), np.arange(R.shape[1])
    gap, second = np.where(beads[:-1] == 4, 4, whole), np.where(beads[:-1] == 3, NEXT_CHAIN, whole)
    inserted = np.where(beads > 4, beads + 2, np.where(beads > 1, beads - 1, beads)) + 1  # 1, 2, 2, 3, 4, 8, ...
    cases: dict[str, tuple[dict[str, Any], np.ndarray]] = {
        "inserted residues": ({"resid": np.array(["1A" if k == 1 else f"{max(k, 1)}" for k in beads])}, whole),
        "an inserted residue and a gap": ({"resid": inserted}, gap),
        "numbers that begin again": ({"resid": np.where(beads > 3, beads - 3, beads + 5)}, second),
        "two chains": ({"chain": np.where(beads > 3, "B", "A"), "resid": beads}, second),
        "bonds": ({"bonds": np.stack([beads[:-1], beads[1:]], axis=1)[beads[:-1] != 3]}, second),
    }
    for name, (said, steps) in cases.items():
        sites = cgcore.from_arrays(R, F, accept_faults=True, **said).sites()
        found = whole if sites is None else np.minimum(np.diff(sites[0]), NEXT_CHAIN)
        yield equal(f"{name}, separations of neighbours", str(found.tolist()), str(steps.tolist()))


def named(R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """The sequence of a protein from residue names of the PDB, and of Amber, which marks the ends of a chain."""
    residues = ["TYR", "TYR", "ASP", "PRO", "GLU", "THR", "GLY", "THR", "TRP", "TYR"]
    ends = ["NTYR", *residues[1:-1], "CTYR"]
    for name, each in (("residue names", residues), ("residue names of Amber", ends)):
        found = cgcore.from_arrays(R, F, resname=np.array(each), accept_faults=True).sources[0].protein_names
        yield equal(f"{name}, the protein", ", ".join(found), "YYDPETGTWY")


def drawn_and_split(folder: Path, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """Frames drawn and split, with a box, species and weights of their own: all of them stay with their frame."""
    rng = np.random.default_rng(4)
    cells = BOX * rng.uniform(1.0, 1.5, (len(R), 3))
    wrapped = np.mod(R - R.mean(axis=(1, 2), keepdims=True), cells[:, None])
    species = rng.integers(0, 5, (2, R.shape[1]))[np.arange(len(R)) % 2]  # two proteins
    weights, U = rng.uniform(0.5, 2.0, len(R)), rng.normal(size=len(R))
    np.savez(folder / "drawn.npz", R=wrapped, F=F, species=species, box=cells, frame_weights=weights, U=U)
    data = cgcore.read(folder / "drawn.npz")
    drawn = data.subset(len(R) // 2, 3)
    train, held_out = drawn.split(0.3)
    for name, part in (("drawn", drawn), ("drawn, training", train), ("drawn, held-out", held_out)):
        assert part is not None
        joined = part.join()
        rows = np.array([np.flatnonzero((forces == F).all(axis=(1, 2)))[0] for forces in joined.F])
        yield equal(f"{name}, frames, each once", len(set(rows.tolist())), part.n_frames)
        bonds, known = (np.diff(x, axis=1) for x in (joined.R, R[rows]))
        yield at_most(f"{name}, bonds across walls", relative(bonds, known), EXACT, "relative")
        yield equal(f"{name}, species", bool(np.array_equal(joined.species, species[rows])), True)
        yield at_most(f"{name}, energies", relative(np.asarray(DatasetLoader(part).U), U[rows]), EXACT, "relative")
        found = np.asarray(part.weights())[:, 0]
        yield at_most(f"{name}, weights", relative(found / found.sum(), weights[rows] / weights[rows].sum()), EXACT)
