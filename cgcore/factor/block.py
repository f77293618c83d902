"""A block of a factor: consecutive frames of one protein in one source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from cgcore.factor.triangle import Triangle

SAME = 1e-9
"""Relative tolerance of equal sums: sums over different frames never agree so closely, whereas two ways of summing
over the same frames agree to rounding."""


@dataclass(frozen=True, eq=False)
class Block:
    """A run of consecutive frames of one protein in one source.

    Arguments:
        S: upper triangular factor of the block.
        beads: number of real beads.
        frames: number of frames.
        source: name of the file.
        protein: name of the protein.
        index: position in time among the blocks of this source and protein.
        sha256: checksum of the source's content.
        ranges: [start, stop) of the block's frames, numbered as in the source, ascending.
        weight: sum of the real beads' weights in the loss, whose mean over all data is 1. The sum of squared residuals
            is divided by it.
        broken: numbers of bonds, angles and dihedrals that are missing at gaps and chain ends, summed over frames.
    """

    S: Triangle
    beads: int
    frames: int
    source: str
    protein: str
    index: int
    sha256: str
    ranges: Int[np.ndarray, "ranges 2"]
    weight: float
    broken: Int[np.ndarray, " three"] = field(default_factory=lambda: np.zeros(3, np.int64))

    def __repr__(self) -> str:
        return f"Block({self.source!r}, {self.protein!r}, {self.index}: {self.frames} frames, {self.beads} real beads)"


def counted_twice(blocks: Sequence[Block]) -> list[str]:
    """A sentence for each source, or for two sources with the same content, whose frames are in several blocks.

    Sources with the same SHA-256 are compared by frame numbers. Others are compared by their sums, since the same
    frames may have been written to another file.
    """
    sources: dict[str, list[Block]] = defaultdict(list)
    for block in blocks:
        sources[block.sha256].append(block)
    found = []
    for content, same in sources.items():
        if content and (twice := _overlap(same)):
            found.append(_sentence([block.source for block in same], twice))
    copies: dict[tuple[str, ...], int] = defaultdict(int)
    ordered = sorted(blocks, key=lambda block: (block.beads, block.frames, np.linalg.norm(block.S[:, -1])))
    for a, b in pairwise(ordered):
        if a.sha256 != b.sha256 and (a.beads, a.frames) == (b.beads, b.frames):
            first, second = (np.linalg.norm(block.S, axis=0) for block in (a, b))
            if np.allclose(first, second, rtol=SAME, atol=0):
                copies[tuple(sorted({a.source, b.source}))] += a.frames
    found += [_sentence(names, frames) for names, frames in copies.items()]
    return found


def _overlap(blocks: list[Block]) -> int:
    """Number of frames that are in more than one range."""
    ranges = np.concatenate([block.ranges for block in blocks])
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    covered = np.maximum.accumulate(ranges[:, 1])[:-1]
    return int(np.maximum(np.minimum(covered, ranges[1:, 1]) - ranges[1:, 0], 0).sum())


def _sentence(sources: Sequence[str], frames: int) -> str:
    names = sorted(set(sources))
    what = f"{names[0]} is given more than once" if len(names) == 1 else f"{' and '.join(names)} hold the same frames"
    return f"{what}: {frames} frames are counted twice; leave one of them out"
