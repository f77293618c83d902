"""How much of the forces any function of the bead positions could explain, estimated from pairs of similar frames.

The difference between a frame's forces and their mean at its positions is noise from atoms that are not beads. Two
frames at the same positions share the mean, but not the noise. Let r be the residual forces, which a prior does not
explain, rotated so that the two frames are superposed, and d the distance between the frames. Then

    mean of r_i . r_j = missed + slope * d² + ...

holds for small d if the residual mean force varies smoothly, where `missed` is the mean square of the mean force that
the prior misses. A line is fitted to the nearest pairs and extrapolated to d = 0. This is the signal power of repeated
trials (Sahani and Linden, NIPS 15 (2003)), with a covariogram in place of exact repeats. The prior must explain the
forces that vary over short distances, above all those of bonds. Forces that it misses and that vary over less than the
distance of the nearest pairs count as noise: the ceiling applies to smoother functions.

Pairs consist of frames far apart in time, which are similar by chance and not because their atoms are correlated. The
error combines a jackknife over blocks in time with the change that a term for curvature in the fit would make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from cgcore.data import Dataset
from cgcore.errors import InputError
from cgcore.evaluation.residual import residual_forces
from cgcore.physics.prior import Prior
from cgcore.physics.space import Displacement, free
from cgcore.x64 import solving

BLOCKS, FEWEST_BLOCKS = 20, 6
"""Number of blocks in time of each protein in each source; smallest number of all blocks together."""

APART = 2
"""Smallest difference between the block numbers of the two frames of a pair from the same source."""

PAIRS, FEWEST_PAIRS, PART = 20_000, 500, 0.05
"""Number of nearest pairs that the line is fitted to: largest and smallest number, and fraction of all pairs."""

MOST_FRAMES = 3000
"""Largest number of frames used, of all proteins together; they are evenly spaced."""

MOST_DISTANCES = 400
"""Largest number of bead-bead distances by which frames are compared before they are superposed."""

BINS = 8

CERTAIN = 0.05
"""Largest standard error of the ceiling for which the verdict gives a value."""


@dataclass(frozen=True, eq=False)
class Ceiling:
    """How much of the forces a function of the bead positions could explain; all numbers in (kcal/mol/Å)² per bead.

    Arguments:
        reference: mean square of the reference forces.
        left: mean square of the residual forces, which the prior does not explain.
        missed: the part of `left` that smooth functions of the positions could explain; statistical error can make it
            negative.
        missed_error: standard error of `missed`.
        frames: number of frames from which pairs were formed.
        pairs: number of pairs.
        distances: root mean square distance of the pairs in each bin [Å], in ascending order.
        products: mean product of the residual forces of the two frames, for each bin.
        line: the fitted line at these distances.
    """

    reference: float
    left: float
    missed: float
    missed_error: float
    frames: int
    pairs: int
    distances: list[float]
    products: list[float]
    line: list[float]

    @property
    def explained(self) -> float:
        """Fraction of the mean square force that the prior explains."""
        return 1 - self.left / self.reference

    @property
    def ceiling(self) -> float:
        """Fraction that could be explained; never less than the explained fraction."""
        return self.explained + max(self.missed, 0.0) / self.reference

    @property
    def ceiling_error(self) -> float:
        """Standard error of `ceiling`."""
        return self.missed_error / self.reference

    @property
    def highest(self) -> float:
        """`ceiling` plus two standard errors."""
        return min(self.ceiling + 2 * self.ceiling_error, 1.0)

    def verdict(self) -> str:
        """One sentence about the explained and the explainable fraction."""
        explained = f"The prior explains {100 * self.explained:.1f} % of the mean square force"
        if self.ceiling_error > CERTAIN:
            return f"{explained}; these frames are not alike enough to tell how much could be explained."
        return (
            f"{explained}, of {100 * self.ceiling:.1f} ± {100 * self.ceiling_error:.1f} % that smooth functions of the "
            f"positions could: at most {100 * self.highest:.0f} %."
        )

    def as_dict(self) -> dict[str, Any]:
        """The numbers as plain values."""
        from cgcore.serialize import plain

        names = ("explained", "ceiling", "ceiling_error", "highest")
        own = {name: getattr(self, name) for name in names}
        return plain(self) | own | {"verdict": self.verdict()}

    def report(self) -> str:
        """The table that `cgcore ceiling` prints."""
        from cgcore.report.ceiling_text import ceiling_report

        return ceiling_report(self)


class _Frames(NamedTuple):
    """Frames of one protein: positions, forces, residual forces, and number of source and block."""

    R: Float[np.ndarray, "frames beads 3"]
    F: Float[np.ndarray, "frames beads 3"]
    left: Float[np.ndarray, "frames beads 3"]
    run: Int[np.ndarray, " frames"]
    block: Int[np.ndarray, " frames"]


class _Pairs(NamedTuple):
    """Pairs of frames: square distance and product of residual forces, both per bead, and the blocks of the two."""

    distance: Float[np.ndarray, " pairs"]
    product: Float[np.ndarray, " pairs"]
    blocks: Int[np.ndarray, "pairs 2"]


def noise_ceiling(dataset: Dataset, prior: Prior, displacement: Displacement = free) -> Ceiling:
    """Estimate how much of the forces any smooth function of the bead positions could explain.

    Pairs of similar frames that are far apart in time have nearly the same mean force and independent noise, so the
    product of their residual forces, extrapolated to distance 0, is the mean square force that the prior misses.

    Arguments:
        dataset: frames (frames, beads, 3) in time order, in Å and kcal/mol/Å.
        prior: a prior that was fitted to these frames, or to frames of the same kind.
        displacement: the displacement with which the prior was fitted.

    Returns:
        The explained and the explainable mean square force with its standard error [(kcal/mol/Å)²].

    Raises:
        InputError: there are too few frames that are far apart in time.

    Source: M. Sahani and J. F. Linden, How linear are auditory cortical responses?, NIPS 15 (2003), with similar frames
    instead of repeated trials.

    Examples:
        >>> import cgcore
        >>> data = cgcore.datasets.chignolin()
        >>> ceiling = cgcore.noise_ceiling(data, cgcore.fit(data, cgcore.default_prior()).fitted_prior)
        >>> print(f"{ceiling.explained:.3f}")
        0.129
    """
    with solving("ceiling"):
        proteins = _gathered(dataset, prior, displacement)
    found = [_nearest(frames, len(proteins)) for frames in proteins]
    pairs = _Pairs(*(np.concatenate(x) for x in zip(*found, strict=True)))
    blocks = np.unique(pairs.blocks)
    if len(pairs.distance) < FEWEST_PAIRS or len(blocks) < FEWEST_BLOCKS:
        raise InputError(f"{dataset.path}: too few frames to find pairs that are alike and far apart in time")
    missed, slope = _line(pairs, np.ones(len(pairs.distance), bool))
    without = [_line(pairs, ~(pairs.blocks == block).any(axis=1))[0] for block in blocks]
    jackknife = np.sqrt((len(blocks) - 1) * np.mean((np.array(without) - np.mean(without)) ** 2))
    curved = _line(pairs, np.ones(len(pairs.distance), bool), curved=True)[0]
    beads = sum(frames.R.shape[0] * frames.R.shape[1] for frames in proteins)
    order = np.array_split(np.argsort(pairs.distance, kind="stable"), BINS)
    squares = np.array([pairs.distance[own].mean() for own in order])
    return Ceiling(
        reference=float(sum(np.sum(frames.F**2) for frames in proteins) / beads),
        left=float(sum(np.sum(frames.left**2) for frames in proteins) / beads),
        missed=float(missed),
        missed_error=float(np.hypot(jackknife, curved - missed)),
        frames=sum(len(frames.R) for frames in proteins),
        pairs=len(pairs.distance),
        distances=np.sqrt(squares).tolist(),
        products=[float(pairs.product[own].mean()) for own in order],
        line=(missed + slope * squares).tolist(),
    )


def _gathered(dataset: Dataset, prior: Prior, displacement: Displacement) -> list[_Frames]:
    """The frames of each protein, evenly thinned out if there are many."""
    stride = max(-(-dataset.n_frames // MOST_FRAMES), 1)
    parts: dict[str, list[tuple[np.ndarray, ...]]] = {}
    for number, segment in enumerate(dataset.segments(BLOCKS)):
        source, rows = dataset.sources[segment.source], segment.rows[::stride]
        R, F = (x.astype(np.float64) for x in source.load(rows))
        left = residual_forces(source, rows, prior, displacement)
        beads = int(source.lengths[rows[0]])
        where = np.full(len(rows), segment.source), np.full(len(rows), number)
        parts.setdefault(segment.protein, []).append((R[:, :beads], F[:, :beads], left[:, :beads], *where))
    return [_Frames(*(np.concatenate(x) for x in zip(*own, strict=True))) for own in parts.values()]


def _nearest(frames: _Frames, proteins: int) -> _Pairs:
    """The nearest pairs of frames that are apart in time."""
    n, beads = len(frames.R), frames.R.shape[1]
    first, second = np.triu_indices(beads, 1)
    some = np.linspace(0, len(first) - 1, min(len(first), MOST_DISTANCES)).round().astype(int)
    between = np.linalg.norm(frames.R[:, first[some]] - frames.R[:, second[some]], axis=-1)
    between -= between.mean(axis=0)
    i, j = np.nonzero(_apart(frames))
    square = np.sum(between**2, axis=1)
    alike = (square[:, None] + square - 2 * between @ between.T)[i, j]
    count = min(len(alike), int(np.clip(PART * n * n / 2, FEWEST_PAIRS, PAIRS / proteins)))
    chosen = np.argpartition(alike, count - 1)[:count] if count else np.zeros(0, int)
    i, j = i[chosen], j[chosen]
    centred = frames.R - frames.R.mean(axis=1, keepdims=True)
    turned = _turns(centred[i], centred[j])
    distance = np.mean(np.sum((centred[i] @ turned - centred[j]) ** 2, axis=-1), axis=-1)
    product = np.mean(np.sum((frames.left[i] @ turned) * frames.left[j], axis=-1), axis=-1)
    return _Pairs(distance, product, np.stack([frames.block[i], frames.block[j]], axis=1))


def _apart(frames: _Frames) -> Bool[np.ndarray, "frames frames"]:
    """Pairs i < j of frames from different sources, or far enough apart in the same one."""
    near = (frames.run[:, None] == frames.run) & (np.abs(frames.block[:, None] - frames.block) < APART)
    return np.triu(~near, 1)


def _turns(
    these: Float[np.ndarray, "pairs beads 3"], those: Float[np.ndarray, "pairs beads 3"]
) -> Float[np.ndarray, "pairs 3 3"]:
    """The rotations T for which `these @ T` is closest to `those` (Kabsch, Acta Cryst. A 32, 922 (1976))."""
    U, _, Vt = np.linalg.svd(these.transpose(0, 2, 1) @ those)
    U[:, :, 2] *= np.sign(np.linalg.det(U) * np.linalg.det(Vt))[:, None]
    return U @ Vt


def _line(pairs: _Pairs, chosen: np.ndarray, curved: bool = False) -> tuple[float, float]:
    """Value at distance 0 and slope of a least-squares line in the square distance; `curved` adds a quadratic term."""
    x, y = pairs.distance[chosen], pairs.product[chosen]
    columns = [np.ones_like(x), x, x**2] if curved else [np.ones_like(x), x]
    found = np.linalg.lstsq(np.stack(columns, axis=1), y, rcond=None)[0]
    return float(found[0]), float(found[1])
