"""Frames as other programs write them: units, order of atoms, boxes, and optional contents of files."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import cgcore
from cgcore.cluster.parcel import Parcel
from cgcore.data.batches import Cut, Piece
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.stored.written_formats import (
    CELL,
    EV,
    KELVIN,
    KJ,
    NM,
    OPTIONAL,
    WRITERS,
    Beside,
    Frames,
    lengths_and_angles,
)
from validation.tolerances import relative

FRAMES = 5
EXACT = 1e-14
"""Tolerance of one or two factors in float64; text has 17 digits."""

UNITS = {
    "angstrom-kcal": (1.0, 1.0),
    "nm-kj": (NM, KJ / NM),
    "angstrom-kj": (1.0, KJ),
    "angstrom-ev": (1.0, EV),
    "nm-kcal": (NM, 1 / NM),
}
"""Factors by which positions and forces of a file are multiplied."""

WITHOUT_SPECIES = ("TRR", "NetCDF", "AMBER HDF5", "NPZ", "projections")
NOTED = {
    "H5MD, forces later": f"{FRAMES + 1} frames of positions and {FRAMES + 1} of forces, {FRAMES} of both are used"
}
"""What is said of a file that is not used as a whole."""
TOLERANCES = {"H5MD in bohr": 1e-9, "LAMMPS scaled": 1e-13}
"""The hartree is rounded to nine digits. Scaled positions are far from the origin of a box and are converted back."""
GAP = np.array([0, 0, 0, 0, 2, 2, 2, 2, 2, 2])
"""Number of residues that are missing before each bead."""
WHOLE, SINGLE = 1e-12, 1e-5
"""Tolerances, in double and in single precision, of chains that a box has cut: bonds of 4 Å from positions in a box
of 60 Å."""


@check("formats", quick=True, needs=("h5py", "scipy"))
def formats(context: Context) -> Iterator[Row]:
    """Positions, forces and species in every format, with its units and optional contents; chains that a box has
    cut."""
    batch, rng = context.some(FRAMES).join(), np.random.default_rng(0)
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    species = (3 * np.arange(R.shape[1])) % 5 + 1
    frames = Frames(R, F, rng.normal(size=R.shape), species, CELL * rng.uniform(1, 1.2, (len(R), 1, 1)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for units, (length, force) in UNITS.items():
            np.savez(folder / "units.npz", R=R / length, F=F / force)
            found = cgcore.read(folder / "units.npz", units=units, accept_faults=True).join()
            yield at_most(f"{units}, positions", relative(found.R, R), EXACT, "relative")
            yield at_most(f"{units}, forces", relative(found.F, F), EXACT, "relative")
        for form in WRITERS:
            further = OPTIONAL.get(form, ())
            together = [further] if len(further) > 1 else []
            for beside in [(), *((one,) for one in further), *together]:
                yield from _read_again(folder, form, frames, frozenset(beside), together=beside in together)
        yield from _boxes(folder, R, F)
        for form in WRITERS:
            yield from _checksums(folder / f"{form}, checksums", form, frames)


def _checksums(folder: Path, form: str, frames: Frames) -> Iterator[Row]:
    """A checksum that is that of all frames: another one if a number changes, and the same if none does."""
    cases = {"same": frames, "again": frames}
    for name, values in (("R", frames.R), ("F", frames.F), ("species", frames.species)):
        changed = values.copy()
        changed.flat[-1] += 1
        cases[name] = frames._replace(**{name: changed})
    found = {}
    for name, own in cases.items():
        (folder / name).mkdir(parents=True)
        found[name] = cgcore.read(WRITERS[form](folder / name, own, frozenset()), accept_faults=True).sha256
    yield equal(f"{form}, checksum of the same frames", found["again"] == found["same"], True)
    others = [name for name in ("R", "F", "species") if form not in WITHOUT_SPECIES or name != "species"]
    unseen = [name for name in others if list(found.values()).count(found[name]) > 1]
    yield equal(f"{form}, changed arrays that the checksum misses", ", ".join(unseen), "")


def _read_again(folder: Path, form: str, frames: Frames, beside: Beside, together: bool) -> Iterator[Row]:
    """One file of a format with these optional contents."""
    label = f"{form} with all beside" if together else " with ".join((form, *beside))
    (folder / label).mkdir()
    data = cgcore.read(WRITERS[form](folder / label, frames, beside), accept_faults=True)
    found = data.join()
    yield equal(f"{label}, frames", len(found.R), len(frames.R))
    exact = max(TOLERANCES.get(form, EXACT), 2.0**-22 if "single" in beside else 0.0)
    bonds = None
    if "cell" in beside:
        bonds = np.delete(np.arange(frames.R.shape[1] - 1), frames.chains.tolist().index(2) - 1)  # bonds within a chain
        close, what = SINGLE if "single" in beside else WHOLE, "bonds"
    else:
        close, what = exact, "positions"
    yield at_most(f"{label}, {what}", _moved(found.R, frames.R, bonds), close, "relative")
    yield at_most(f"{label}, forces", relative(found.F, frames.F), exact, "relative")
    some = data.sources[-1]
    rows = np.arange(1, some.n_frames, 2)
    piece = Piece(0, (Cut(0, some, rows, len(rows)),))
    sent = pickle.loads(pickle.dumps(Parcel.of(piece))).piece().cuts[0].load()
    rows += len(frames.R) - some.n_frames
    yield at_most(f"{label}, {what} sent to a worker", _moved(sent.R, frames.R[rows], bonds), close, "relative")
    yield at_most(f"{label}, forces sent to a worker", relative(sent.F, frames.F[rows]), exact, "relative")
    if form in NOTED:
        yield equal(f"{label}, noted", any(NOTED[form] in note for note in data.notes), True)
    if form not in WITHOUT_SPECIES:
        yield equal(f"{label}, species", bool((found.species == frames.species).all()), True)
    yield equal(f"{label}, temperatures", str(data.temperatures), str((KELVIN,) * ("temperature" in beside)))
    if "chains" in beside:
        yield equal(f"{label}, chains", str(data.sources[0].extras.get("chain")), str(frames.chains))


def _moved(found: Array, known: Array, bonds: Array | None) -> float:
    """Largest relative difference of positions, or of these bonds of chains that a box has cut."""
    ours, theirs = (x if bonds is None else np.diff(x, axis=1)[:, bonds] for x in (found, known))
    return relative(ours, theirs)


def _boxes(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    """Frames that are each shifted and wrapped into a box: the vectors between neighbouring beads are unchanged."""
    rng = np.random.default_rng(0)
    shifted = R + rng.uniform(-50, 50, (len(R), 1, 3))
    lengths = rng.uniform(40, 60, (len(R), 3))
    for name, vectors, said in (
        ("of each frame", np.eye(3) * lengths[:, None], lengths),
        ("tilted", np.tile(CELL, (len(R), 1, 1)), CELL),
        ("by angles", np.tile(CELL, (len(R), 1, 1)), lengths_and_angles(CELL)),
    ):
        parts = shifted @ np.linalg.inv(vectors)
        wrapped = (parts - np.floor(parts)) @ vectors
        for gap, numbers in (("", np.arange(R.shape[1])), (", a gap", np.arange(R.shape[1]) + GAP)):
            np.savez(folder / "box.npz", R=wrapped, F=F, box=said, resid=numbers)
            found = cgcore.read(folder / "box.npz", accept_faults=True).join()
            off = relative(np.diff(found.R, axis=1), np.diff(R, axis=1))
            yield at_most(f"box, {name}{gap}", off, 1e-12, "relative")
        cut = float(np.abs(np.diff(wrapped, axis=1) - np.diff(R, axis=1)).max())
        yield equal(f"box, {name}, cuts chains", cut > 10, True)
