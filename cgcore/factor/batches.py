"""Frames cut into batches of one shape, so that one compiled program serves all that have the same width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgcore.data import Dataset, Segment

ROWS_AT_ONCE = 20_000
"""Rows (3 * beads * frames) of a batch: its design matrix of 28 columns takes 4 MiB, about a cache."""

SAMPLED_SEGMENTS = 8


class Batch(NamedTuple):
    """Frames of one segment, padded with empty frames (length 0)."""

    segment: int
    R: Float[np.ndarray, "frames beads 3"]
    F: Float[np.ndarray, "frames beads 3"]
    lengths: Int[np.ndarray, " frames"]


def all_batches(dataset: Dataset, segments: Sequence[Segment]) -> Iterator[Batch]:
    """Every frame once, segment by segment."""
    sizes = _sizes(dataset, segments)
    for number, segment in enumerate(segments):
        size = sizes[dataset.sources[segment.source].n_beads]
        for start in range(0, len(segment.rows), size):
            yield _load(dataset, segments, number, segment.rows[start : start + size], size)


def sample_batches(dataset: Dataset, segments: Sequence[Segment]) -> Iterator[Batch]:
    """Batches of the same shapes whose frames are spread over a few segments, these over the whole data set."""
    sizes = _sizes(dataset, segments)
    # The frames of a protein in one source together: its segments, which are consecutive, joined.
    starts = [k for k, segment in enumerate(segments) if segment.block == 0]
    ends = [*starts[1:], len(segments)]
    for which in _spread(len(starts), SAMPLED_SEGMENTS):
        first = starts[which]
        rows = np.concatenate([segment.rows for segment in segments[first : ends[which]]])
        size = sizes[dataset.sources[segments[first].source].n_beads]
        yield _load(dataset, segments, first, rows[_spread(len(rows), size)], size)


def _sizes(dataset: Dataset, segments: Sequence[Segment]) -> dict[int, int]:
    """Frames of a batch for each width: near `ROWS_AT_ONCE` rows, with little padding in the longest segment."""
    longest: dict[int, int] = {}
    for segment in segments:
        width = dataset.sources[segment.source].n_beads
        longest[width] = max(longest.get(width, 1), len(segment.rows))
    most = {width: max(ROWS_AT_ONCE // (3 * width), 1) for width in longest}
    return {width: -(-n // -(-n // most[width])) for width, n in longest.items()}


def _spread(n: int, most: int) -> np.ndarray:
    """At most `most` of range(n), evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))


def _load(dataset: Dataset, segments: Sequence[Segment], number: int, rows: np.ndarray, size: int) -> Batch:
    source = dataset.sources[segments[number].source]
    missing = size - len(rows)
    R, F = source.load(rows)
    lengths = source.lengths[rows]
    if missing:
        R, F = (np.concatenate([x, np.zeros((missing, *x.shape[1:]), x.dtype)]) for x in (R, F))
        lengths = np.concatenate([lengths, np.zeros(missing, lengths.dtype)])
    return Batch(number, R, F, lengths)
