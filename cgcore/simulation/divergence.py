"""The divergence of simulated distributions from sampled ones, with errors from blocks.

Frames close in time are correlated, so errors are estimated from blocks: runs of the data in time, and replicas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgcore.simulation.observables import KINDS, Frames, of_frames

Blocks = Sequence[Float[np.ndarray, "_ beads 3"]]
"""The frames of each block; blocks may differ in length."""

BLOCKS = 20
"""Number of blocks of the data, and smallest number of blocks of the simulation."""

BINS = 60
RESAMPLES = 200
"""Number of bootstrap resamples: the standard deviation is then accurate to 5 %."""


@dataclass(frozen=True)
class Summary:
    """The distribution of an observable in one set of frames.

    Arguments:
        mean: mean of all values; None for a dihedral, which is an angle on a circle.
        error: standard error of the mean, from blocks; None with a single block.
        std: standard deviation of the values.
        density: density in the bins of the observable [1/unit].
    """

    mean: float | None
    error: float | None
    std: float | None
    density: Float[np.ndarray, " bins"]


@dataclass(frozen=True)
class Observable:
    """An observable in the data and in a simulation.

    Arguments:
        title: name to show.
        unit: unit to show.
        edges: edges of the bins; values beyond them count in bins of their own, which `density` leaves out.
        reference: distribution in the data.
        simulation: distribution in the replicas while they were whole.
        divergence: Jensen-Shannon divergence between the two [bits]: 0 if they are equal, 1 if they share no value.
        divergence_error: its standard error, by bootstrap over the blocks of both; None if both are single blocks.
        divergence_floor: mean divergence between random halves of the data's blocks, i.e. between two samples of the
            same distribution, each half as long as the data; None with a single block.
    """

    title: str
    unit: str
    edges: Float[np.ndarray, " edges"]
    reference: Summary
    simulation: Summary
    divergence: float
    divergence_error: float | None
    divergence_floor: float | None


def compare(name: str, data: Blocks, simulated: Blocks, rng: np.random.Generator) -> Observable:
    """Compare an observable between blocks of frames of the data and of the simulation, none of which may be empty."""
    edges = _edges(name, data)
    reference, simulation = ([_Block.of(name, R, edges) for R in blocks] for blocks in (data, simulated))
    counts = [np.array([block.counts for block in blocks]) for blocks in (reference, simulation)]
    spread = jensen_shannon(*(c[rng.integers(len(c), size=(RESAMPLES, len(c)))].sum(axis=1) for c in counts))
    several = max(len(c) for c in counts) > 1
    return Observable(
        KINDS[name].title,
        KINDS[name].unit,
        edges,
        _summary(name, reference, edges),
        _summary(name, simulation, edges),
        float(jensen_shannon(*(c.sum(axis=0) for c in counts))),
        float(np.std(spread, ddof=1)) if several else None,
        _floor(counts[0], rng),
    )


def jensen_shannon(
    a: Float[np.ndarray, "*samples bins"], b: Float[np.ndarray, "*samples bins"]
) -> Float[np.ndarray, "*samples"]:
    """The Jensen-Shannon divergence of two histograms [bits] (Lin, IEEE Trans. Inf. Theory 37, 145 (1991))."""
    p, q = (counts / counts.sum(axis=-1, keepdims=True) for counts in (a, b))
    middle = (p + q) / 2

    def relative(of: np.ndarray) -> np.ndarray:
        # Empty bins contribute 0 log 1.
        return np.asarray(np.sum(of * np.log2(np.where(of > 0, of, 1.0) / np.where(of > 0, middle, 1.0)), axis=-1))

    return np.asarray(np.maximum((relative(p) + relative(q)) / 2, 0.0))  # rounding can give -1e-17


@dataclass(frozen=True)
class _Block:
    values: int
    total: float
    squares: float  # relative to `origin`
    origin: float
    counts: Float[np.ndarray, " counts"]

    @classmethod
    def of(cls, name: str, R: Frames, edges: Float[np.ndarray, " edges"]) -> _Block:
        x = of_frames(name, R).ravel()
        middle = float(edges[0] + edges[-1]) / 2
        bins = np.searchsorted(edges, x, side="right")
        counts = np.bincount(bins, minlength=len(edges) + 1).astype(np.float64)
        return cls(x.size, float(np.sum(x - middle)), float(np.sum((x - middle) ** 2)), middle, counts)


def _summary(name: str, blocks: Sequence[_Block], edges: Float[np.ndarray, " edges"]) -> Summary:
    counts = np.sum([block.counts for block in blocks], axis=0)
    density = counts[1:-1] / (counts.sum() * np.diff(edges))
    if name == "dihedral":
        return Summary(None, None, None, density)
    values = np.array([block.values for block in blocks], np.float64)
    totals = np.array([block.total for block in blocks])
    mean = totals.sum() / values.sum()
    variance = sum(block.squares for block in blocks) / values.sum() - mean**2
    error = None
    if (n := len(blocks)) > 1:
        # The error of a ratio of sums over blocks, since these may differ in length.
        error = float(np.sqrt(n / (n - 1) * np.sum((totals - mean * values) ** 2)) / values.sum())
    return Summary(float(mean + blocks[0].origin), error, float(np.sqrt(max(variance, 0.0))), density)


def _floor(counts: Float[np.ndarray, "blocks bins"], rng: np.random.Generator) -> float | None:
    if len(counts) < 2:
        return None
    order = rng.permuted(np.tile(np.arange(len(counts)), (RESAMPLES, 1)), axis=1)
    half = len(counts) // 2
    halves = counts[order[:, :half]].sum(axis=1), counts[order[:, half:]].sum(axis=1)
    return float(np.mean(jensen_shannon(*halves)))


def _edges(name: str, data: Blocks) -> Float[np.ndarray, " edges"]:
    """Edges of bins over the sampled range and half of it beyond on both sides; for angles, over all possible
    values."""
    if name == "dihedral":
        return np.linspace(-180, 180, BINS + 1)
    if name == "angle":
        return np.linspace(0, 180, BINS + 1)
    found = [of_frames(name, R) for R in data]
    low, high = min(float(x.min()) for x in found), max(float(x.max()) for x in found)
    if name == "contacts":
        width = max(1, -(-int(high - low + 1) // BINS))
        return np.arange(max(low - 2 * width, 0.0), high + 3 * width + 1, width) - 0.5  # bins are centred on integers
    pad = max((high - low) / 2, 0.01)
    return np.linspace(max(low - pad, 0.0), high + pad, BINS + 1)
