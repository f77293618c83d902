"""Folds of the data for cross-validation.

Folds are contiguous in time within each protein of each source, since frames close in time are similar.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from cgcore.factor.block import Block
from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Triangle, merged

FOLDS = 10


class Fold(NamedTuple):
    """Part of the data: its factor, and its number of real beads or the sum of their weights."""

    S: Triangle
    beads: float


def time_folds(factor: Factor) -> list[Fold]:
    """Folds of the data that are contiguous in time: ten, or fewer if there are fewer blocks."""
    return _joined(factor.blocks, fold_numbers(factor.blocks))


def protein_folds(factor: Factor) -> list[Fold]:
    """One fold for each protein."""
    return _joined(factor.blocks, [block.protein for block in factor.blocks])


def fold_numbers(blocks: Sequence[Block]) -> list[int]:
    """The fold in time of each block: the blocks of each protein in each source form equal runs."""
    counts: dict[tuple[str, str], int] = {}
    for block in blocks:
        counts[block.source, block.protein] = max(counts.get((block.source, block.protein), 0), block.index + 1)
    each = ((block, counts[block.source, block.protein]) for block in blocks)
    return [block.index * min(FOLDS, count) // count for block, count in each]


def _joined(blocks: Sequence[Block], keys: Sequence[Hashable]) -> list[Fold]:
    """Folds that join the blocks with the same key."""
    groups: dict[Hashable, list[Block]] = {}
    for block, key in zip(blocks, keys, strict=True):
        groups.setdefault(key, []).append(block)
    return [Fold(merged([b.S for b in group]), sum(b.weight for b in group)) for group in groups.values()]
