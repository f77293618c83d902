"""Several files of different sizes and chains: which frames are joined, held out, drawn and shown."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import cgcore
from cgcore.report.force_sample import force_sample
from validation import explicit
from validation.check import Row, at_most, check, equal
from validation.context import Context, five_terms
from validation.explicit import Array
from validation.tolerances import relative

SIZES, BEADS = (13, 8, 21), (10, 8, 9)
"""Number of frames and beads of each file. The frames of the last belong to two proteins by turns."""
EXACT = 1e-10
MISSING = 3
"""Number of sites that are missing after the fourth bead of the second file."""
HELD_OUT, DRAWN, SEED = 0.3, 20, 5


@dataclass(frozen=True)
class Files:
    """The arrays in the files, each padded to the same number of beads."""

    R: Array
    F: Array
    species: Array
    weights: Array
    file: Array
    """Number of the file of each frame."""
    row: Array
    """Number of each frame in its file."""

    @cached_property
    def mask(self) -> Array:
        """Which beads are real."""
        return np.arange(self.R.shape[1]) < np.array(BEADS)[self.file][:, None]

    @cached_property
    def sites(self) -> Array:
        """The site of each bead, 0 where there is none."""
        own = np.arange(self.R.shape[1]) + MISSING * (np.arange(self.R.shape[1]) > 3) * (self.file == 1)[:, None]
        return np.where(self.mask, own, 0)

    def rows(self, data: cgcore.Dataset | None) -> list[int]:
        """The frames of a part of the data, numbered through all files, by what each source says."""
        if data is None:
            return []
        starts = {f"{number}.npz": start for number, start in enumerate(np.cumsum((0, *SIZES[:-1])).tolist())}
        found = data.frame_ranges()
        return [starts[Path(name).name] + k for name, own in found.items() for a, b in own for k in range(a, b)]


@check("sources", quick=True)
def sources(context: Context) -> Iterator[Row]:
    """Three files: joined arrays, frames that are held out, drawn, and shown in a picture, against NumPy."""
    batch = context.some(sum(SIZES)).join()
    R, F = (np.array(x, float) for x in (batch.R, batch.F))
    file = np.repeat(np.arange(3), SIZES)
    row = np.concatenate([np.arange(size) for size in SIZES])
    species = np.where(file == 2, row % 2, 0)[:, None] + np.arange(R.shape[1]) % 3
    own = Files(R, F, species, np.random.default_rng(0).uniform(0.5, 2.0, R.shape[:2]), file, row)
    for padded in (own.R, own.F, own.species):
        padded[~own.mask] = 0
    own.weights[(file == 0)[:, None] | ~own.mask] = 1.0  # the first file names no weights
    with tempfile.TemporaryDirectory() as name:
        for number, beads in enumerate(BEADS):
            here = file == number
            arrays = {key: getattr(own, key)[here][:, :beads] for key in ("R", "F", "species")}
            if number == 1:
                arrays["resid"] = own.sites[here][0, :beads]
            if number > 0:
                arrays["bead_weights"] = own.weights[here][:, :beads]
            np.savez(Path(name) / f"{number}.npz", **arrays)
        data = cgcore.read([Path(name) / f"{number}.npz" for number in range(3)], accept_faults=True)
        yield from _joined(data, own)
        yield from _held_out(data, own)
        yield from _drawn(data, own)
        yield from _shown(data, own, five_terms(context.prior))


def _joined(data: cgcore.Dataset, own: Files) -> Iterator[Row]:
    batch = data.join()
    for key in ("R", "F", "species", "mask"):
        yield equal(f"joined, {key}", np.array_equal(getattr(batch, key), getattr(own, key)), True)
    sites, weights = data.sites(), data.weights()
    assert sites is not None
    assert weights is not None
    ours, theirs = (np.diff(x, axis=1)[own.mask[:, 1:]] for x in (sites, own.sites))
    yield equal("joined, steps between sites", np.array_equal(ours, theirs), True)
    yield equal("joined, weights", np.array_equal(weights[own.mask], own.weights[own.mask]), True)


def _held_out(data: cgcore.Dataset, own: Files) -> Iterator[Row]:
    """The last frames of each protein, or of all."""
    last: list[int] = []
    for protein in ((own.file == 0), (own.file == 1), *((own.file == 2) & (own.row % 2 == k) for k in (0, 1))):
        mine = np.flatnonzero(protein)
        last += mine[len(mine) - round(HELD_OUT * len(mine)) :].tolist()
    n = len(own.R)
    for way, known in (("each_protein", sorted(last)), ("last_rows", list(range(round((1 - HELD_OUT) * n), n)))):
        train, held_out = data.split(HELD_OUT, way)  # type: ignore[arg-type]
        yield equal(f"{way}, held out", str(own.rows(held_out)), str(known))
        yield equal(f"{way}, training", str(own.rows(train)), str([k for k in range(n) if k not in known]))
        for part, rows in ((train, own.rows(train)), (held_out, known)):
            assert part is not None
            found = part.join().R
            yield equal(f"{way}, {len(rows)} positions", np.array_equal(found, own.R[rows, : found.shape[1]]), True)


def _drawn(data: cgcore.Dataset, own: Files) -> Iterator[Row]:
    """Frames drawn from all files, in order, and those of them that are held out at random."""
    drawn = data.subset(DRAWN, SEED)
    rows, batch = own.rows(drawn), drawn.join()
    yield equal("drawn, different frames in order", str(rows), str(sorted(set(rows))))
    yield equal("drawn, number of frames", len(rows), DRAWN)
    yield equal("drawn, files", str(sorted(set(own.file[rows].tolist()))), "[0, 1, 2]")
    yield equal("drawn, positions", np.array_equal(batch.R, own.R[rows, : batch.R.shape[1]]), True)
    yield equal("drawn, the same seed draws the same", own.rows(data.subset(DRAWN, SEED)) == rows, True)
    yield equal("drawn, another seed draws others", own.rows(data.subset(DRAWN, SEED + 1)) == rows, False)
    train, held_out = (own.rows(part) for part in drawn.split(HELD_OUT, "last_rows"))
    yield equal("drawn, training and held out", str(sorted(train + held_out)), str(rows))
    yield equal("drawn, number held out", len(held_out), DRAWN - round((1 - HELD_OUT) * DRAWN))
    yield equal("drawn, the last frames are held out", held_out == rows[-len(held_out) :], False)


def _shown(data: cgcore.Dataset, own: Files, prior: cgcore.Prior) -> Iterator[Row]:
    """Forces and distances of frames that are evenly spaced over all files."""
    chosen = np.unique(np.round(np.linspace(0, len(own.R) - 1, 9)).astype(int))
    components = math.ceil(len(chosen) * 3 * own.mask.sum() / len(own.R))
    sample = force_sample(data, prior, prior.params, components=components)
    yield equal("shown, frames", sample.frames, len(chosen))
    c, reference, predicted, distances = explicit.coefficients(prior.params), [], [], []
    for k in chosen:
        n = BEADS[own.file[k]]
        R, sites = own.R[k, :n], own.sites[k, :n]
        X = explicit.matrix(R[None], prior.weights, prior.params, sites)[0]
        reference.append(own.F[k, :n].ravel())
        predicted.append((X @ c).ravel())
        i, j = np.nonzero(sites - sites[:, None] >= 6)
        distances.append(np.linalg.norm(R[j] - R[i], axis=1))
    both = (sample.reference, reference), (sample.predicted, predicted), (np.sort(sample.distances), distances)
    for what, (ours, theirs) in zip(("reference forces", "forces of the prior", "distances"), both, strict=True):
        known = np.concatenate(theirs)
        known = np.sort(known) if what == "distances" else known
        yield at_most(f"shown, {what}", relative(np.asarray(ours), known), EXACT, "relative")
