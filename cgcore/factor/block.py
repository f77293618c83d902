"""A part of a factor: the frames of one protein in one source that are consecutive in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from cgcore.factor.triangle import Triangle

SAME = 1e-9
"""Two sums over different frames never agree as closely; two ways to sum over the same frames do to rounding."""


@dataclass(frozen=True, eq=False)
class Block:
    """A run of consecutive frames of one protein in one source.

    Arguments:
        S: its upper triangular factor.
        beads: number of real beads.
        frames: number of frames.
        source: name of the file.
        protein: name of the protein.
        index: position of the block among those of its source and protein, in time.
        sha256: of the source's content.
        ranges: [start, stop) of its frames, numbered as in the source, ascending.
        broken: bonds, angles and dihedrals of all frames together that gaps and chain ends take away.
        weight: sum of the weights of its real beads in the loss, whose mean over all data is 1; None: all are 1.
    """

    S: Triangle
    beads: int
    frames: int
    source: str
    protein: str
    index: int
    sha256: str
    ranges: Int[np.ndarray, "ranges 2"]
    broken: Int[np.ndarray, " three"] = field(default_factory=lambda: np.zeros(3, np.int64))
    weight: float | None = None

    @property
    def total_weight(self) -> float:
        """What the block's squared residuals are divided by for a mean: its number of real beads, or their weights."""
        return float(self.beads) if self.weight is None else self.weight

    def __repr__(self) -> str:
        return f"Block({self.source!r}, {self.protein!r}, {self.index}: {self.frames} frames, {self.beads} real beads)"


def counted_twice(blocks: Sequence[Block]) -> list[str]:
    """A sentence for each source (or two of one content) whose frames are in several blocks.

    Sources of one SHA-256 are compared by frame numbers; others by their sums, as a file may have been written anew.
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
