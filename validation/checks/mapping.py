"""Mapping from all atoms to beads: force maps computed by LAPACK from the conditions that they must satisfy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cgcore.mapping import map_to_beads
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.tolerances import relative

RESIDUES, FRAMES, HELD = 4, 60, 12
"""Numbers of residues and frames, and of the last frames, which test maps that were made from the others."""

KJ, NM = 4.184, 10.0
EXACT = 1e-8
"""Tolerance between maps whose conditions are solved as equations and maps that satisfy them by construction
(observed: 1e-13)."""

RIDGES = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Ridges, in units of the mean square force on an atom."""

ATOMS = {
    "N": (-1.3, 0.5, 0.0),
    "H": (-1.3, 1.5, 0.0),
    "CA": (0.0, 0.0, 0.0),
    "HA": (0.0, -1.0, 0.3),
    "CB": (0.0, 0.3, 1.5),
    "C": (1.3, 0.5, 0.2),
    "O": (1.3, 1.7, 0.2),
}
"""Atoms of a residue [Å]; H is tied to N, and HA to CA."""
TIED = {"H": "N", "HA": "CA"}
STIFF = 0.01
"""Standard deviation [Å] of the bond to O: a third of that of the stiffest free bond, and five times the limit of a
tied bond."""


@check("mapping", quick=True, needs=("MDAnalysis",))
def mapping(context: Context) -> Iterator[Row]:
    """Slice, residue and optimal force maps, their noise, the ridge, rigid bonds, and the frames of beads."""
    names, residue, R, F = peptides()
    yield from _compared("", names, residue, R, F)
    # Bonds within residues alone, and none in held-out frames, where the least weights are the least noisy ones: sums
    # over residues are far less noisy than maps with a strong ridge, which therefore must not be chosen.
    rng = np.random.default_rng(2)
    other = rng.normal(size=F.shape)
    for n in range(RESIDUES):
        here = np.flatnonzero(residue == n)
        pulls = rng.normal(scale=50.0, size=(FRAMES - HELD, len(here), 3))
        other[:-HELD, here] += pulls - pulls.mean(axis=1, keepdims=True)
    yield from _compared("no bonds in held-out frames, ", names, residue, R, other)


def _compared(label: str, names: list[str], residue: Array, R: Array, F: Array) -> Iterator[Row]:
    """All maps of these frames."""
    with tempfile.TemporaryDirectory() as folder:
        pdb, frames = Path(folder) / "atoms.pdb", Path(folder) / "frames.npz"
        write_pdb(pdb, names, residue, R[0])
        np.savez(frames, coords=R / NM, Fs=F * KJ * NM)
        found = {
            name: map_to_beads(pdb, [frames], force_map=name, units="nm-kj") for name in ("slice", "residue", "optimal")
        }
        beads = {name: one.dataset.join() for name, one in found.items()}
    own = np.array([k for k, name in enumerate(names) if name == "CA"])
    size = len(ATOMS)
    group = np.array([names.index(TIED.get(name, name), size * (k // size)) for k, name in enumerate(names)])
    yield equal(f"{label}pairs that are tied", found["optimal"].rigid, len(TIED) * RESIDUES)
    yield equal(f"{label}atoms", found["optimal"].atoms, len(names))
    yield at_most(f"{label}positions", max(relative(one.R, R[:, own]) for one in beads.values()), 1e-12, "relative")
    known, ridge = _maps(own, group, residue, F)
    yield equal(f"{label}ridge", found["optimal"].ridge, ridge)
    for name, (W, noise, held_out) in known.items():
        one = next(one for one in found["optimal"].maps if one.name == name)
        yield at_most(f"{label}{name}, weights of atoms", relative(one.W, W), EXACT, "relative")
        yield at_most(
            f"{label}{name}, noise", relative((one.noise, one.held_out), (noise, held_out)), EXACT, "relative"
        )
        forces = np.einsum("ba,fax->fbx", W, F)
        yield at_most(f"{label}{name}, forces on beads", relative(beads[name].F, forces), EXACT, "relative")


def peptides() -> tuple[list[str], Array, Array, Array]:
    """Names and residues of the atoms, positions and forces. Bonds pull on both of their atoms."""
    rng = np.random.default_rng(1)
    names = list(ATOMS) * RESIDUES + ["N"]  # and the first atom of a cap
    residue = np.repeat(np.arange(RESIDUES + 1), [len(ATOMS)] * RESIDUES + [1])
    each = np.array(list(ATOMS.values()))
    residues = [each + np.array([3.8 * k, 0.1 * k, 0.0]) for k in range(RESIDUES)]
    first = np.concatenate([*residues, [[3.8 * RESIDUES, 0.5, 0.0]]])
    parent = [names.index(TIED.get(name, name), len(ATOMS) * (k // len(ATOMS))) for k, name in enumerate(names)]
    steps = rng.normal(scale=0.1, size=(FRAMES, len(names), 3))[:, parent]
    carbon, oxygen = (np.array([name == wanted for name in names]) for wanted in "CO")
    steps[:, oxygen] = steps[:, carbon] + rng.normal(scale=STIFF, size=steps[:, carbon].shape)
    R = first + steps
    F = rng.normal(size=R.shape)
    apart = np.linalg.norm(first[:, None] - first, axis=-1)
    for i, j in zip(*np.nonzero(np.triu((apart > 0) & (apart < 1.7))), strict=True):
        pull = rng.normal(scale=20.0, size=(FRAMES, 3))
        F[:, i] += pull
        F[:, j] -= pull
    return names, residue, R, F


def write_pdb(path: Path, names: list[str], residue: Array, R: Array) -> None:
    lines = [
        f"ATOM  {k + 1:5d}  {name:<3s} {'ALA' if n < RESIDUES else 'NME'} A{n + 1:4d}    "
        f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           {name[0]}"
        for k, (name, n, (x, y, z)) in enumerate(zip(names, residue.tolist(), R.tolist(), strict=True))
    ]
    path.write_text("\n".join([*lines, "END"]) + "\n", encoding="utf-8")


def _noise(W: Array, F: Array) -> float:
    """Mean square force on a bead."""
    return float(np.mean(np.sum(np.einsum("ba,fax->fbx", W, F) ** 2, axis=-1)))


def _maps(own: Array, group: Array, residue: Array, F: Array) -> tuple[dict[str, tuple[Array, float, float]], float]:
    """Each map, its noise on all frames, the noise of the corresponding map on frames that it was not made from, and
    the chosen ridge."""
    fixed = {
        "slice": (group == group[own][:, None]).astype(float),
        "residue": (residue == np.arange(RESIDUES)[:, None]).astype(float),
    }
    known = {name: (W, _noise(W, F), _noise(W, F[-HELD:])) for name, W in fixed.items()}
    least, tried = min(noise for _, noise, _ in known.values()), []
    for ridge in RIDGES:
        W, part = _optimal(own, group, F, ridge), _optimal(own, group, F[:-HELD], ridge)
        if ridge == 0 or _noise(W, F) <= least:
            tried.append((_noise(part, F[-HELD:]), ridge, W))
    held_out, ridge, W = min(tried, key=lambda one: one[0])
    return known | {"optimal": (W, _noise(W, F), held_out)}, ridge


def _optimal(own: Array, group: Array, F: Array, ridge: float) -> Array:
    """The map with the least mean square force: one linear system for each row, of the gradient and one equation per
    condition."""
    n = F.shape[1]
    flat = F.transpose(0, 2, 1).reshape(-1, n)
    G = flat.T @ flat
    G = G + ridge * np.trace(G) / n * np.eye(n)
    eye = np.eye(n)
    equal_weights = [eye[k] - eye[g] for k, g in enumerate(group) if k != g]
    A = np.array([*eye[own], *equal_weights])
    system = np.block([[2 * G, A.T], [A, np.zeros((len(A), len(A)))]])
    rows = []
    for bead in range(len(own)):
        wanted = np.zeros(n + len(A))
        wanted[n + bead] = 1.0
        rows.append(np.linalg.solve(system, wanted)[:n])
    return np.array(rows)
