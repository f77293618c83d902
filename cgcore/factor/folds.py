"""Folds of the data for cross-validation.

Folds are contiguous in time within each protein of each source, since frames close in time are similar.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from cgcore.factor.block import Block
from cgcore.factor.triangle import Triangle, merged

FOLDS = 10


class Fold(NamedTuple):
    """Part of the data: its factor, and its number of real beads or the sum of their weights."""

    S: Triangle
    beads: float


def folds_by(blocks: Sequence[Block], key: Callable[[Block], Hashable]) -> list[Fold]:
    """Folds that join the blocks with the same key."""
    groups: dict[Hashable, list[Block]] = {}
    for block in blocks:
        groups.setdefault(key(block), []).append(block)
    return [Fold(merged([b.S for b in group]), sum(b.weight for b in group)) for group in groups.values()]


def fold_of(blocks: Sequence[Block]) -> Callable[[Block], int]:
    """A function that returns the fold of a block: the blocks of each protein in each source form equal runs."""
    counts: dict[tuple[str, str], int] = {}
    for block in blocks:
        counts[block.source, block.protein] = max(counts.get((block.source, block.protein), 0), block.index + 1)

    def fold(block: Block) -> int:
        count = counts[block.source, block.protein]
        return block.index * min(FOLDS, count) // count

    return fold
