"""Distributions of internal coordinates in a simulation and in the data, computed with NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from validation.check import Row, at_most
from validation.explicit import Array, value
from validation.tolerances import relative

NEAREST = 3
"""Smallest separation along the chain of beads that must not overlap."""


def distributions(run: Any, R: Array) -> Iterator[Row]:
    """Histograms, means and errors of a simulation, and their divergence from the data, computed with NumPy.

    Arguments:
        run: the frames and observables of a simulation, of which no replica was lost.
        R: frames (frames, beads, 3) [Å] with which it was compared.
    """
    frames = run.frames[:, run.frames.shape[1] // 10 :].astype(float)
    blocks = np.array_split(np.asarray(R, float), 20), list(frames)
    for name, of in KINDS.items():
        found, rng = run.observables[name], np.random.default_rng(0)
        parts = [[of(own).ravel() for own in side] for side in blocks]
        edges = found.edges
        counts = []
        for what, own, summary in zip(("data", "run"), parts, (found.reference, found.simulation), strict=True):
            x, n = np.concatenate(own), np.array([len(part) for part in own])
            inside = np.histogram(x, edges)[0]
            yield at_most(f"{name}, {what}, density", relative(summary.density, inside / len(x) / np.diff(edges)), 1e-9)
            if name != "dihedral":
                means = np.array([part.mean() for part in own])
                error = np.sqrt(len(n) / (len(n) - 1) * np.sum((n * (means - x.mean())) ** 2)) / n.sum()
                ours, theirs = (summary.mean, summary.std, summary.error), (x.mean(), x.std(), error)
                off = max(abs(float(a or 0) / b - 1) for a, b in zip(ours, theirs, strict=True))
                yield at_most(f"{name}, {what}, mean, spread and error", off, 1e-8, "relative")
            full = np.r_[-np.inf, edges, np.inf]
            counts.append(np.array([np.histogram(part, full)[0] for part in own], float))
        p, q = (c.sum(axis=0) / c.sum() for c in counts)
        yield at_most(f"{name}, divergence", abs(found.divergence - _apart(p, q)), 1e-12, "bits")
        drawn = [c[rng.integers(len(c), size=(200, len(c)))].sum(axis=1) for c in counts]
        spread = np.std([_apart(a / a.sum(), b / b.sum()) for a, b in zip(*drawn, strict=True)], ddof=1)
        yield at_most(f"{name}, error of the divergence", relative(found.divergence_error, spread), 1e-9, "relative")


def _apart(p: Array, q: Array) -> float:
    """Jensen-Shannon divergence of two distributions [bits]."""
    middle = (p + q) / 2
    return float(sum(np.sum(one[one > 0] * np.log2(one[one > 0] / middle[one > 0])) for one in (p, q)) / 2)


def _internal(kind: str, width: int) -> Any:
    def values(R: Array) -> Array:
        x = value(kind, np.stack([R[:, k : R.shape[1] - width + 1 + k] for k in range(width)], axis=2))
        return x if kind == "bond" else np.degrees(x)

    return values


def _far(R: Array) -> Array:
    i, j = np.triu_indices(R.shape[1], NEAREST)
    return np.linalg.norm(R[:, i] - R[:, j], axis=-1)


KINDS = {
    "bond": _internal("bond", 2),
    "angle": _internal("angle", 3),
    "dihedral": _internal("dihedral", 4),
    "distance": _far,
    "contacts": lambda R: np.sum(_far(R) < 8.0, axis=1),
    "radius_of_gyration": lambda R: np.sqrt(np.sum(np.var(R, axis=1), axis=-1)),
    "end_to_end": lambda R: np.linalg.norm(R[:, -1] - R[:, 0], axis=-1),
}
"""Observables of frames, in Å or degrees; contacts are pairs within 8 Å."""
