"""Choosing frames: held-out tails, blocks in time, random subsets, and a record of the choice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cgcore.data.frames import Frames
from cgcore.errors import InputError


class Segment(NamedTuple):
    """Consecutive frames of one protein in one source, in time order."""

    source: int  # index into Dataset.sources
    protein: str
    block: int
    rows: np.ndarray  # (frames of the segment,) int64: rows of that source


def protein_rows(frames: Frames) -> list[tuple[str, np.ndarray]]:
    """Name and rows, in order, of each protein that has frames."""
    order = np.argsort(frames.protein, kind="stable")
    labels, starts = np.unique(frames.protein[order], return_index=True)
    groups = np.split(order, starts[1:])
    return [(frames.protein_names[label], rows) for label, rows in zip(labels, groups, strict=True)]


def held_out(frames: Frames, fraction: float) -> np.ndarray:
    """Held-out frames, (frames,) bool: the last `round(fraction * n)` of each protein's n, at least 1 and below n."""
    chosen = np.zeros(frames.n_frames, bool)
    for _, rows in protein_rows(frames):
        n = len(rows)
        count = min(max(round(fraction * n), 1), n - 1)
        chosen[rows[n - count :]] = True
    return chosen


def held_out_rows(sizes: list[int], fraction: float, seed: int | None) -> list[np.ndarray]:
    """Held-out frames of each source, (frames,) bool: the last `n - round((1 - fraction) n)` of all n rows.

    With a seed, as many random rows instead. At least one frame is held out, and never all; a single frame is not.
    """
    n = sum(sizes)
    count = min(max(n - round((1 - fraction) * n), 1), n - 1)
    chosen = np.zeros(n, bool)
    rows = np.arange(n) if seed is None else np.random.default_rng((seed, n)).permutation(n)
    chosen[rows[n - count :]] = True
    return np.split(chosen, np.cumsum(sizes)[:-1])


def cut_segments(sources: tuple[Frames, ...], blocks: int) -> list[Segment]:
    """See `Dataset.segments`."""
    if blocks < 1:
        raise InputError(f"blocks is {blocks}; give at least 1.")
    return [
        Segment(index, name, block, part)
        for index, frames in enumerate(sources)
        for name, rows in protein_rows(frames)
        for block, part in enumerate(np.array_split(rows, min(blocks, len(rows))))
    ]


def random_rows(sizes: list[int], count: int, seed: int) -> list[np.ndarray]:
    """Draw `count` of all rows uniformly without replacement; returned as sorted rows of each source."""
    return by_source(np.sort(np.random.default_rng(seed).choice(sum(sizes), count, replace=False)), sizes)


def by_source(rows: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """The rows of each source, from sorted numbers of rows of all sources together."""
    ends = np.cumsum(sizes)
    parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
    return [part - (end - size) for part, end, size in zip(parts, ends, sizes, strict=True)]


def number_ranges(numbers: np.ndarray) -> np.ndarray:
    """Sorted ranges [start, stop) that cover exactly these numbers, (ranges, 2): [3, 4, 5, 9] -> [[3, 6], [9, 10]]."""
    numbers = np.asarray(numbers, np.int64)
    steps = np.diff(numbers)
    if not (steps > 0).all():  # mostly sorted already, and np.unique takes a microsecond per number
        numbers = np.unique(numbers)
        steps = np.diff(numbers)
    cuts = np.flatnonzero(steps != 1)
    first, last = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(numbers) - 1]])
    return np.stack([numbers[first], numbers[last] + 1], axis=1) if len(numbers) else np.zeros((0, 2), np.int64)
