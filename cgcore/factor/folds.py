"""Parts of the data that take turns at being left out.

They are contiguous in time within each protein of each source, since frames near in time are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from cgcore.factor.block import Block
from cgcore.factor.triangle import Triangle, merged

FOLDS = 10


class Fold(NamedTuple):
    """Some of the data: its factor and its number of real beads, or the sum of their weights."""

    S: Triangle
    beads: float


def folds_by(blocks: Sequence[Block], key: Callable[[Block], Hashable]) -> list[Fold]:
    """Blocks with the same key joined."""
    groups: dict[Hashable, list[Block]] = {}
    for block in blocks:
        groups.setdefault(key(block), []).append(block)
    return [Fold(merged([b.S for b in group]), sum(b.total_weight for b in group)) for group in groups.values()]


def fold_of(blocks: Sequence[Block]) -> Callable[[Block], int]:
    """Gives the fold of each block: the blocks of a protein in a source are cut into equal runs."""
    counts: dict[tuple[str, str], int] = {}
    for block in blocks:
        counts[block.source, block.protein] = max(counts.get((block.source, block.protein), 0), block.index + 1)

    def fold(block: Block) -> int:
        count = counts[block.source, block.protein]
        return block.index * min(FOLDS, count) // count

    return fold
