"""Maps of unusual systems: constraints between residues, too few frames, other molecules, chains by their bonds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from cgcore.mapping import Mapped, map_to_beads
from cgcore.mapping.naming import read_named
from validation.check import Row, at_most, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.tolerances import relative

RESIDUES = 4
SITES = {"N": (-1.3, 0.5, 0.0), "CA": (0.0, 0.0, 0.0), "C": (1.3, 0.5, 0.2), "O": (1.3, 1.7, 0.2)}
"""Atoms of a residue [Å]; the next one is 3.8 Å away along x, so that its N is near C."""
NAMES = tuple(SITES) * RESIDUES
EXACT = 1e-12
"""Tolerance of sums of a few forces."""


@check("mapping-cases", quick=True, needs=("MDAnalysis",))
def mapping_cases(context: Context) -> Iterator[Row]:
    """Tied residues, the fewest frames, calcium, water and double atoms, chains by bonds, and files without chains."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _tied(folder)
        yield from _few(folder)
        yield from _others(folder)
        yield from _chains(folder)


def _positions(rng: np.random.Generator, frames: int) -> Array:
    first = np.concatenate(
        [np.array(list(SITES.values())) + np.array([3.8 * k, 0.2 * k, 0.0]) for k in range(RESIDUES)]
    )
    return first + rng.normal(scale=0.05, size=(frames, *first.shape))


def _pdb(
    path: Path, R: Array, names: list[str] | None = None, further: tuple[str, ...] = (), bonds: Array | None = None
) -> Path:
    """A PDB of residues ALA in one chain, with further lines and, if said, bonds."""
    lines = [
        _line(k, name, "ALA", k // len(SITES) + 1, x) for k, (name, x) in enumerate(zip(names or NAMES, R, strict=True))
    ]
    lines += further
    lines += [] if bonds is None else [f"CONECT{i + 1:5d}{j + 1:5d}" for i, j in bonds.tolist()]
    path.write_text("\n".join([*lines, "END"]) + "\n", encoding="utf-8")
    return path


def _line(k: int, name: str, residue: str, number: int, x: Array) -> str:
    place = "".join(f"{one:8.3f}" for one in x.tolist())
    return f"ATOM  {k + 1:5d}  {name:<3s} {residue:<3s} A{number:4d}    {place}  1.00  0.00           {name[0]}"


def _mapped(folder: Path, pdb: Path, R: Array, F: Array, force_map: str) -> Mapped:
    np.savez(folder / "frames.npz", coords=R, Fs=F)
    return map_to_beads(pdb, [folder / "frames.npz"], force_map=force_map, units="angstrom-kcal")


def _found(mapped: Mapped) -> str:
    return ", ".join(one.name for one in mapped.maps)


def _tied(folder: Path) -> Iterator[Row]:
    """A constraint between C and the next N: sums over residues are no map, but what is left is consistent."""
    rng = np.random.default_rng(0)
    R, F = _positions(rng, 40), rng.normal(size=(40, len(NAMES), 3))
    size, carbons, nitrogens = len(SITES), *(np.arange(RESIDUES) * len(SITES) + k for k in (2, 0))
    loose = _pdb(folder / "a.pdb", R[0])
    yield equal("free, maps", _found(_mapped(folder, loose, R, F, "slice")), "slice, residue, optimal")
    c, n = carbons[1], nitrogens[2]
    R[:, n] = R[:, c] + R[0, n] - R[0, c]
    pdb = _pdb(folder / "a.pdb", R[0])
    yield says("tied residues, sums of atoms tied to CA", partial(_mapped, folder, pdb, R, F, "slice"), "accepted")
    found = _mapped(folder, pdb, R, F, "slice")
    yield equal("tied residues, maps", _found(found), "slice, optimal")
    yield equal("tied residues, pairs", found.rigid, 1)
    yield at_most("tied residues, slice", relative(found.dataset.join().F, F[:, 1::size]), EXACT, "relative")
    W = next(one.W for one in _mapped(folder, pdb, R, F, "optimal").maps if one.name == "optimal")
    yield at_most("tied residues, weights of tied atoms", relative(W[:, c], W[:, n]), EXACT, "relative")
    yield at_most("tied residues, weights of beads", relative(W[:, 1::size], np.eye(RESIDUES)), EXACT, "relative")
    words = "constraints connect atoms of two residues"
    yield says("tied residues, sums of residues", partial(_mapped, folder, pdb, R, F, "residue"), words)
    for i, j in ((5, c), (9, n)):
        R[:, i] = R[:, j] + R[0, i] - R[0, j]
    pdb = _pdb(folder / "a.pdb", R[0])
    words = "constraints connect the CA atoms of two residues"
    yield says("tied beads", partial(_mapped, folder, pdb, R, F, "slice"), words)


def _few(folder: Path) -> Iterator[Row]:
    """Three numbers of each frame against as many weights as there are atoms."""
    rng = np.random.default_rng(1)
    atoms = len(NAMES)
    for frames in (atoms // 3, atoms // 3 + 1):
        R, F = _positions(rng, frames), rng.normal(size=(frames, atoms, 3))
        pdb, enough = _pdb(folder / "a.pdb", R[0]), 3 * frames > atoms
        maps = "slice, residue, optimal" if enough else "slice, residue"
        found = _mapped(folder, pdb, R, F, "residue")
        yield equal(f"{frames} frames, maps", _found(found), maps)
        sums = F.reshape(frames, RESIDUES, -1, 3).sum(axis=2)
        yield at_most(f"{frames} frames, sums of residues", relative(found.dataset.join().F, sums), EXACT, "relative")
        words = "accepted" if enough else f"{frames} frames are too few for the optimal map of {atoms} atoms"
        yield says(f"{frames} frames, optimal", partial(_mapped, folder, pdb, R, F, "optimal"), words)


def _others(folder: Path) -> Iterator[Row]:
    """Calcium, whose atom is also named CA, and water; a residue with two CA; NaN."""
    rng = np.random.default_rng(2)
    atoms = len(NAMES)
    R = np.concatenate([_positions(rng, 9), rng.uniform(20, 30, (9, 2, 3))], axis=1)
    F = rng.normal(size=R.shape)
    further = _line(atoms, "CA", "CA", 20, R[0, -2]), _line(atoms + 1, "O", "HOH", 21, R[0, -1])
    pdb = _pdb(folder / "a.pdb", R[0, :atoms], further=further)
    found = _mapped(folder, pdb, R, F, "residue")
    yield equal("calcium and water, atoms", found.atoms, atoms)
    batch = found.dataset.join()
    yield at_most("calcium and water, positions", relative(batch.R, R[:, 1 : atoms : len(SITES)]), EXACT, "relative")
    sums = F[:, :atoms].reshape(9, RESIDUES, -1, 3).sum(axis=2)
    yield at_most("calcium and water, sums of residues", relative(batch.F, sums), EXACT, "relative")
    words = "residue 3 has two CA atoms"
    names = [*NAMES[:11], "CA", *NAMES[12:]]
    double = _pdb(folder / "b.pdb", R[0, :atoms], names)
    yield says("two CA in a residue", partial(_mapped, folder, double, R[:, :atoms], F[:, :atoms], "slice"), words)
    R[7, 3, 1] = np.nan
    yield says("NaN", partial(_mapped, folder, pdb, R, F, "slice"), "frame 7 (0-based) holds NaN or inf")


def _chains(folder: Path) -> Iterator[Row]:
    """Fragments are chains if bonds of the whole molecule are stated, but not those of a ligand; GRO files."""
    rng = np.random.default_rng(3)
    R, size = _positions(rng, 1)[0], len(SITES)
    x, F = np.tile(R[1::size], (5, 1, 1)), rng.normal(size=(5, RESIDUES, 3))
    np.savez(folder / "beads.npz", R=x + rng.normal(scale=0.05, size=x.shape), F=F)
    within = np.array([[size * k + i, size * k + j] for k in range(RESIDUES) for i, j in ((0, 1), (1, 2), (2, 3))])
    across = np.array([[size * k + 2, size * k + 4] for k in range(RESIDUES - 1)])
    for name, bonds, jumps in (
        ("no bonds", None, None),
        ("all bonds", np.concatenate([within, across]), None),
        ("two fragments", np.concatenate([within, across[[0, 2]]]), [1, 1000, 1]),
        ("bonds of one residue", within[:3], None),
    ):
        sites = read_named(_pdb(folder / "a.pdb", R, bonds=bonds), [folder / "beads.npz"]).sites()
        found = None if sites is None else np.diff(sites[0]).tolist()
        yield equal(f"chains by {name}", str(found), str(jumps))
    gro = folder / "a.gro"
    numbers = [1, 2, 6, 7]
    lines = [f"{numbers[k // size]:5d}GLY  {name:>5s}{k + 1:5d}" + "".join(f"{0.1 * one:8.3f}" for one in R[k])
             for k, name in enumerate(NAMES)]  # fmt: skip
    gro.write_text("\n".join(["title", str(len(NAMES)), *lines, "   9.0   9.0   9.0"]) + "\n", encoding="utf-8")
    data = read_named(gro, [folder / "beads.npz"])
    sites = data.sites()
    yield equal("GRO, gap", str(None if sites is None else np.diff(sites[0]).tolist()), "[1, 4, 1]")
    yield equal("GRO, protein", str(data.sources[0].protein_names), str(("GGGG",)))
