"""How far to converge: the cut-off on singular values, chosen by what it predicts of data it has not seen.

Measured with ten folds (training loss falls along each row, and says nothing):

    cut-off            0.3      0.1      0.01     1e-3     1e-6     1e-10    0
    chignolin          1424.2   1421.3   1421.1   1421.0   1421.3   1422.0   1422.0    held-out loss
    two proteins       1495.3   1492.1   1492.0   1492.0   1492.6   1494.1   1498.4

Hence the default, "auto": the fewest directions whose held-out loss is within one standard error of the best. The
error is that of the paired difference to the best cut-off, fold by fold: losses of different folds differ far more
among each other than cut-offs do, and alike for all cut-offs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Block, Factor
from cgcore.factor.triangle import Coefficients, Triangle, merged, residuals
from cgcore.fitting.spectrum import spectrum

GRID = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 0.0)
FOLDS = 10
FALLBACK = 0.01
"""Where the data are too few for folds: in the flat part of every curve that was measured."""


@dataclass(frozen=True)
class Curve:
    """Loss against cut-off; every list runs along `cutoffs`, descending.

    Arguments:
        cutoffs: relative singular values.
        kept: number of directions kept, on all the data.
        train_loss: loss of the optimum over the kept directions, on all the data.
        held_out_loss: loss on the folds that a fit has not seen, per real bead.
        standard_error: of the difference of that to the best cut-off's, over folds.
        held_out_protein_loss: loss on the protein that a fit has not seen; None where there is only one.
        folds: number of folds.
        best: index of the lowest held-out loss.
        chosen: index of the fewest directions within one standard error of it.
    """

    cutoffs: list[float]
    kept: list[int]
    train_loss: list[float]
    held_out_loss: list[float]
    standard_error: list[float]
    held_out_protein_loss: list[float] | None
    folds: int
    best: int
    chosen: int


class Fold(NamedTuple):
    """Some of the data: its factor and its number of real beads."""

    S: Triangle
    beads: int


def cross_validate(factor: Factor, start: Coefficients, grid: Sequence[float] = GRID) -> Curve | None:
    """The curve over `grid`, from block factors alone; None where the data are too few for two folds.

    Folds are contiguous in time within each protein of each source.
    """
    folds = _folds(factor.blocks, _in_time(factor.blocks))
    if len(folds) < 2:
        return None
    whole = spectrum(factor.S, factor.beads)
    kept = [whole.kept(cutoff) for cutoff in grid]
    losses = _held_out(folds, start, grid)
    beads = np.array([fold.beads for fold in folds])
    held_out = np.average(losses, axis=0, weights=beads)
    best = int(np.argmin(held_out))
    error = np.std(losses - losses[:, [best]], axis=0, ddof=1) / np.sqrt(len(folds))
    proteins = _folds(factor.blocks, lambda block: block.protein)
    return Curve(
        cutoffs=list(grid),
        kept=[int(k.sum()) for k in kept],
        train_loss=[factor.loss(whole.optimum(factor.S, start, k)) for k in kept],
        held_out_loss=held_out.tolist(),
        standard_error=error.tolist(),
        held_out_protein_loss=_held_out(proteins, start, grid).mean(axis=0).tolist() if len(proteins) > 1 else None,
        folds=len(folds),
        best=best,
        chosen=int(np.argmax(held_out <= held_out[best] + error)),
    )


def _held_out(folds: Sequence[Fold], start: Coefficients, grid: Sequence[float]) -> Float[np.ndarray, "folds grid"]:
    """Loss of each fold at the optimum of all the others."""
    losses = np.empty((len(folds), len(grid)))
    for k, fold in enumerate(folds):
        others = [other for other in folds if other is not fold]
        S = merged([other.S for other in others])
        seen = spectrum(S, sum(other.beads for other in others))
        kept = np.array([seen.kept(cutoff) for cutoff in grid])
        losses[k] = residuals(fold.S, seen.optima(S, start, kept)) / fold.beads
    return losses


def _folds(blocks: Sequence[Block], key: Callable[[Block], Hashable]) -> list[Fold]:
    """Blocks with the same key joined."""
    groups: dict[Hashable, list[Block]] = {}
    for block in blocks:
        groups.setdefault(key(block), []).append(block)
    return [Fold(merged([b.S for b in group]), sum(b.beads for b in group)) for group in groups.values()]


def _in_time(blocks: Sequence[Block]) -> Callable[[Block], int]:
    """The fold of a block: the blocks of a protein in a source are cut into equal runs."""
    counts: dict[tuple[str, str], int] = {}
    for block in blocks:
        counts[block.source, block.protein] = max(counts.get((block.source, block.protein), 0), block.index + 1)

    def fold(block: Block) -> int:
        count = counts[block.source, block.protein]
        return block.index * min(FOLDS, count) // count

    return fold
