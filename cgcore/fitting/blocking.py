"""How many consecutive blocks of frames must be pooled to obtain independent pools, from the correlation of the data.

Frames close in time are correlated, and so are the errors that they cause in a fit. An error bar from single frames
would be too small; one from blocks much longer than the correlation time is correct (Flyvbjerg and Petersen, J. Chem.
Phys. 91, 461 (1989); Künsch, Ann. Stat. 17, 1217 (1989)). A factor consists of contiguous blocks. The contribution of
each block to the error is its score e, and the correlation of the scores of neighbours is

    r = (mean of e_j . e_j+1 over neighbours) / (mean of e_j . e_j) + 1/(n - 1),

where the last term corrects for the subtracted mean of the scores. The dot product is over all directions of the fit,
each weighted by the force that it changes, so that r is known far better than from a single quantity. Two, three and
more neighbours are pooled until r is within one standard error of 0. A remaining positive r enters the variance by the
factor 1 + 2 r, which is to first order the effect of correlated neighbours on the variance of a sum.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgcore.factor.block import Block

FEWEST = 5
"""Smallest number of pools for an error estimate, which gives a t distribution with 4 degrees of freedom."""

FEWEST_OF_PROTEIN = 4
"""Smallest number of pools of each protein for separate strata. With fewer, all pools form one stratum, so that
differences between proteins count as error, too."""

FEWEST_PROTEINS = 5
"""Smallest number of proteins for an estimate of how much other proteins would differ."""

MUCH = 0.1
"""A note is given if the correlation of neighbours exceeds its standard error by more than this and longer pools are
impossible."""


class Level(NamedTuple):
    """Statistics for one length of pools.

    Arguments:
        pooled: number of consecutive blocks in a pool.
        pools: number of pools.
        frames: mean number of frames in a pool.
        error: square root of the sum of the variances estimated from the pools, without the factor 1 + 2 r: for a fit,
            the error of its forces, root mean square per bead [kcal/mol/Å]; for a loss, the error of the loss.
        correlation: correlation r of neighbouring pools.
        uncertainty: standard error of r in the absence of correlation.
    """

    pooled: int
    pools: int
    frames: float
    error: float
    correlation: float
    uncertainty: float


@dataclass(frozen=True, eq=False)
class Blocking:
    """Which blocks are resampled together.

    Arguments:
        levels: all lengths for which there are enough pools.
        chosen: index of the level that is used.
        pools: number of the pool of each block.
        strata: number of the stratum of each pool; pools of a stratum are exchangeable.
        by: what is resampled: "blocks", or "proteins", each of which is one pool.
        inflation: factor of the variance for the remaining correlation.
        notes: limitations, as sentences.
    """

    levels: tuple[Level, ...]
    chosen: int
    pools: Int[np.ndarray, " blocks"]
    strata: Int[np.ndarray, " pools"]
    by: str
    inflation: float
    notes: tuple[str, ...]

    @property
    def level(self) -> Level:
        """The level that is used."""
        return self.levels[self.chosen]

    @property
    def degrees_of_freedom(self) -> int:
        """Degrees of freedom of the t distribution: pools minus strata."""
        return len(self.strata) - len(np.unique(self.strata))

    @property
    def effective(self) -> float:
        """The number of independent pools that would give the same errors."""
        return len(self.strata) / self.inflation

    def weights(self, resamples: int, rng: np.random.Generator) -> Float[np.ndarray, "resamples blocks"]:
        """The weight of each block in each resample.

        From each stratum of n pools, n - 1 are drawn with replacement and weighted by n / (n - 1), which makes the
        variance of a sum unbiased.

        Source: Rao and Wu, J. Am. Stat. Assoc. 83, 231 (1988).
        """
        drawn = np.zeros((resamples, len(self.strata)))
        for stratum in np.unique(self.strata):
            own = np.flatnonzero(self.strata == stratum)
            n = len(own)
            if n > 1:
                drawn[:, own] = rng.multinomial(n - 1, np.full(n, 1 / n), size=resamples) * (n / (n - 1))
            else:
                drawn[:, own] = 1.0
        return drawn[:, self.pools]

    def covariance(self, scores: Float[np.ndarray, "blocks d"], shares: Float[np.ndarray, " blocks"]) -> np.ndarray:
        """Covariance of the sum of scores over blocks, (d, d): the middle matrix of a sandwich estimate."""
        centred = _centred(scores, shares, self.pools, self.strata)
        counts = np.bincount(self.strata)[self.strata]
        scaled = centred * np.sqrt(self.inflation * counts / np.maximum(counts - 1, 1))[:, None]
        return scaled.T @ scaled


def blocking(
    blocks: Sequence[Block],
    scores: Float[np.ndarray, "blocks d"],
    shares: Float[np.ndarray, " blocks"],
    by_proteins: bool = False,
) -> Blocking | None:
    """How to resample these blocks; None if there are too few.

    Arguments:
        blocks: blocks of a factor.
        scores: contribution of each block to an error, whose square is a sum of their squares.
        shares: fraction of the data in each block; they add up to 1.
        by_proteins: whether to resample whole proteins, which tells how others would differ, instead of blocks within
            proteins.
    """
    protein = _numbered([block.protein for block in blocks])
    if by_proteins:
        if (count := int(protein.max()) + 1) < FEWEST_PROTEINS:
            return None
        level = _level(blocks, scores, shares, protein, np.zeros(count, np.int64), 1)
        return Blocking((level,), 0, protein, np.zeros(count, np.int64), "proteins", 1.0, ())
    tried: list[tuple[Level, np.ndarray, np.ndarray]] = []
    for pooled in range(1, len(blocks) + 1):
        pools = _pooled(blocks, pooled)
        strata = _strata(pools, protein)
        if len(strata) - len(np.unique(strata)) + 1 < FEWEST:
            break
        if not tried or len(strata) < tried[-1][0].pools:
            tried.append((_level(blocks, scores, shares, pools, strata, pooled), pools, strata))
    if not tried:
        return None
    flat = [k for k, (level, _, _) in enumerate(tried) if level.correlation <= level.uncertainty]
    chosen = flat[0] if flat else len(tried) - 1
    level, pools, strata = tried[chosen]
    notes = []
    if level.correlation > level.uncertainty + MUCH:
        notes.append(
            f"pools of {level.frames:.0f} frames are still correlated with their neighbours "
            f"({level.correlation:.2f} ± {level.uncertainty:.2f}), and there are too few for longer ones: the error "
            "bars may be too small, until there are more frames"
        )
    inflation = 1 + 2 * max(level.correlation, 0.0)
    return Blocking(tuple(one for one, _, _ in tried), chosen, pools, strata, "blocks", inflation, tuple(notes))


def _level(
    blocks: Sequence[Block],
    scores: Float[np.ndarray, "blocks d"],
    shares: Float[np.ndarray, " blocks"],
    pools: Int[np.ndarray, " blocks"],
    strata: Int[np.ndarray, " pools"],
    pooled: int,
) -> Level:
    e, frames = _centred(scores, shares, pools, strata), sum(block.frames for block in blocks) / len(strata)
    sizes = np.bincount(strata)[strata]
    squares = np.sum(e**2, axis=1)
    error = float(np.sqrt(np.sum(squares * sizes / np.maximum(sizes - 1, 1))))
    run = np.zeros(len(strata), np.int64)
    run[pools] = _numbered([(block.source, block.protein) for block in blocks])
    next_to = np.flatnonzero(run[1:] == run[:-1])
    products, total = e @ e.T, float(squares.sum())
    if not len(next_to) or total == 0:
        return Level(pooled, len(strata), frames, error, 0.0, 1.0)
    r = float(products[next_to, next_to + 1].mean()) / (total / len(strata)) + float(
        np.mean(1 / np.maximum(sizes - 1, 1))
    )
    others = products[~np.eye(len(e), dtype=bool)]
    directions = (total / len(e)) ** 2 / max(float(np.mean(others**2)), np.finfo(np.float64).tiny)
    return Level(pooled, len(strata), frames, error, r, float(1 / np.sqrt(len(next_to) * max(directions, 1.0))))


def _centred(
    scores: Float[np.ndarray, "blocks d"],
    shares: Float[np.ndarray, " blocks"],
    pools: Int[np.ndarray, " blocks"],
    strata: Int[np.ndarray, " pools"],
) -> Float[np.ndarray, "pools d"]:
    """Sums of scores over pools, minus their share of the stratum's sum."""
    e, part = np.zeros((len(strata), scores.shape[1])), np.zeros(len(strata))
    np.add.at(e, pools, scores)
    np.add.at(part, pools, shares)
    total, whole = np.zeros((strata.max() + 1, scores.shape[1])), np.zeros(strata.max() + 1)
    np.add.at(total, strata, e)
    np.add.at(whole, strata, part)
    return e - (part / whole[strata])[:, None] * total[strata]


def _pooled(blocks: Sequence[Block], pooled: int) -> Int[np.ndarray, " blocks"]:
    """The pool of each block: each run of blocks is cut into equal parts of about `pooled` consecutive blocks."""
    runs: dict[Hashable, list[int]] = {}
    for k, block in enumerate(blocks):
        runs.setdefault((block.source, block.protein), []).append(k)
    pools, first = np.zeros(len(blocks), np.int64), 0
    for own in runs.values():
        ordered = sorted(own, key=lambda k: blocks[k].index)
        count = max(len(own) // pooled, 1)
        pools[ordered] = first + np.arange(len(own)) * count // len(own)
        first += count
    return pools


def _strata(pools: Int[np.ndarray, " blocks"], protein: Int[np.ndarray, " blocks"]) -> Int[np.ndarray, " pools"]:
    """The stratum of each pool: its protein, or a single stratum if a protein has too few pools."""
    own = np.zeros(pools.max() + 1, np.int64)
    own[pools] = protein
    return own if np.bincount(own).min() >= FEWEST_OF_PROTEIN else np.zeros_like(own)


def _numbered(labels: Sequence[Hashable]) -> Int[np.ndarray, " labels"]:
    """Replace labels by numbers, in order of appearance."""
    known = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    return np.array([known[label] for label in labels])
