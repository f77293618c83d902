"""How many consecutive blocks of frames have to be pooled until pools are independent, from the data's own correlation.

Frames near in time are alike, and so are the errors that they make in a fit. An error bar from single frames would be
too small; one from blocks much longer than the correlation time is not (Flyvbjerg and Petersen, J. Chem. Phys. 91, 461
(1989); Künsch, Ann. Stat. 17, 1217 (1989)). A factor has contiguous blocks. What each contributes to the error is its
score, and the question is whether the scores of neighbours are correlated:

    r = mean of e_j . e_j+1 over neighbours, over the mean of e_j . e_j       (+ 1/(n - 1): their mean is taken out)

The dot product is over all directions of the fit, each weighted by the force that it changes, so that r is known far
better than from one quantity alone. Neighbours are pooled, two, three and more at a time, until r is within one
standard error of 0. What is left of a positive r goes into the variance as the factor 1 + 2 r, to first order what
correlated neighbours add to that of a sum.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgcore.factor.block import Block

FEWEST = 5
"""Pools that an error is estimated from, at least: a t distribution of 4 degrees of freedom."""

FEWEST_OF_PROTEIN = 4
"""Pools of each protein for proteins to be told apart; with fewer, all pools are taken to be alike, which counts the
differences between proteins as error, too."""

FEWEST_PROTEINS = 5
"""Proteins that say how much others would differ."""

MUCH = 0.1
"""A correlation of neighbours, beyond its standard error, that no longer pool can be made for is told."""


class Level(NamedTuple):
    """One length of pools.

    Arguments:
        pooled: consecutive blocks in a pool.
        pools: number of pools.
        frames: in a pool, on average.
        error: square root of the sum of the variances that the pools give, before `1 + 2 correlation` [kcal/mol/Å]: for
            a fit, the error of its forces, root mean square per bead; for a loss, the error of that.
        correlation: of neighbouring pools, r.
        uncertainty: standard error of r where there is no correlation.
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
        levels: all lengths of pools that there are enough of.
        chosen: index of the one that is used.
        pools: number of the pool of each block.
        strata: for each pool, a number that it shares with those that it is exchangeable with.
        by: what is resampled: "blocks", or "proteins", each of which is one pool.
        inflation: factor of the variance for what is left of the correlation.
        notes: what cannot be told, in sentences.
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
        """The one that is used."""
        return self.levels[self.chosen]

    @property
    def degrees_of_freedom(self) -> int:
        """Degrees of freedom of the t distribution: pools minus strata."""
        return len(self.strata) - len(np.unique(self.strata))

    @property
    def effective(self) -> float:
        """So many independent pools would give the same errors."""
        return len(self.strata) / self.inflation

    def weights(self, resamples: int, rng: np.random.Generator) -> Float[np.ndarray, "resamples blocks"]:
        """How often each block counts in each resample.

        From each stratum of n pools, n - 1 are drawn with replacement, and count n / (n - 1) times: the variance of a
        sum is then the unbiased one.

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
        """Covariance of the sum of scores over blocks, (d, d): the middle of a sandwich estimate."""
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
    """How to resample these blocks; None where there are too few.

    Arguments:
        blocks: of a factor.
        scores: what each contributes to an error; the error's square is a sum of their squares.
        shares: part of each block in the data; they add up to 1.
        by_proteins: resample proteins as a whole, which says how others would differ, in place of blocks within them.
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
    """Sums over pools, less what each would have if all of its stratum were alike."""
    e, part = np.zeros((len(strata), scores.shape[1])), np.zeros(len(strata))
    np.add.at(e, pools, scores)
    np.add.at(part, pools, shares)
    total, whole = np.zeros((strata.max() + 1, scores.shape[1])), np.zeros(strata.max() + 1)
    np.add.at(total, strata, e)
    np.add.at(whole, strata, part)
    return e - (part / whole[strata])[:, None] * total[strata]


def _pooled(blocks: Sequence[Block], pooled: int) -> Int[np.ndarray, " blocks"]:
    """Numbers of pools of so many consecutive blocks of one run; the blocks of a run are cut into equal parts."""
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
    """The protein of each pool, or one stratum of all where a protein has too few."""
    own = np.zeros(pools.max() + 1, np.int64)
    own[pools] = protein
    return own if np.bincount(own).min() >= FEWEST_OF_PROTEIN else np.zeros_like(own)


def _numbered(labels: Sequence[Hashable]) -> Int[np.ndarray, " labels"]:
    """Numbers in the place of labels, in order of appearance."""
    known = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    return np.array([known[label] for label in labels])
