"""Frames cut into batches of equal shape, so that one compiled program serves all batches of the same width."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgcore.data.dataset import Dataset
from cgcore.data.frames import Frames
from cgcore.data.splitting import Segment

ROWS_AT_ONCE = 20_000
"""Number of rows (3 * beads * frames) of a batch: large enough for a small overhead of calls, and small enough to stay
in the caches of a core (measured for 2,000 frames x 100 beads: 42 us per frame with 8,000 rows, 38 with 20,000)."""

FEW_COLUMNS = 64
"""Number of coefficients up to which `ROWS_AT_ONCE` is used. With more, batches have proportionally fewer rows, but
always more rows than columns, so that reducing them is worthwhile."""

BATCHES_OF_PIECE = 128
"""Largest number of batches of a piece, half a second of work: losing one costs little, and sending it even less."""

SAMPLE_ROWS, SAMPLED_PROTEINS = 4_000, 8


class Batch(NamedTuple):
    """Frames of one segment, padded with empty frames (length 0)."""

    segment: int
    R: Float[np.ndarray, "frames beads 3"]
    F: Float[np.ndarray, "frames beads 3"]
    lengths: Int[np.ndarray, " frames"]
    sites: Int[np.ndarray, "beads 1"] | None = None
    weights: Float[np.ndarray, "frames beads"] | None = None


class Cut(NamedTuple):
    """The frames of a batch, not yet loaded: `rows` of a source, padded to `size`."""

    segment: int
    source: Frames
    rows: Int[np.ndarray, " frames"]
    size: int

    def load(self) -> Batch:
        """Read the frames."""
        missing = self.size - len(self.rows)
        R, F = self.source.load(self.rows)
        lengths = self.source.lengths[self.rows]
        if missing:
            R, F = (np.concatenate([x, np.zeros((missing, *x.shape[1:]), x.dtype)]) for x in (R, F))
            lengths = np.concatenate([lengths, np.zeros(missing, lengths.dtype)])
        broken = self.source.sites is not None  # the frames of a segment belong to one protein
        sites = self.source.sites_of(int(self.source.protein[self.rows[0]]))[:, None] if broken else None
        weights = self.source.weights_of(self.rows)
        if weights is not None:
            weights = np.concatenate([weights, np.zeros((missing, self.source.n_beads))])
        return Batch(self.segment, R, F, lengths, sites, weights)

    def species(self) -> Int[np.ndarray, " beads"] | None:
        """Species of the beads, which are the same in all frames of a segment; None if the source has none."""
        species = self.source.species(self.rows[:1])
        return None if species is None else species[0]


class Piece(NamedTuple):
    """Consecutive batches of one segment, whose sums are added first: the order of summation is then the same however
    the work is distributed."""

    segment: int
    cuts: tuple[Cut, ...]


def pieces_of(cuts: Sequence[Cut]) -> list[Piece]:
    """Group batches, which are ordered by segment, into pieces."""
    pieces = []
    for segment, found in groupby(cuts, lambda cut: cut.segment):
        own = tuple(found)
        for start in range(0, len(own), BATCHES_OF_PIECE):
            pieces.append(Piece(segment, own[start : start + BATCHES_OF_PIECE]))
    return pieces


def all_cuts(dataset: Dataset, segments: Sequence[Segment], columns: int = FEW_COLUMNS) -> list[Cut]:
    """Batches that contain every frame once, segment by segment."""
    sizes = _sizes(dataset, segments, columns)
    cuts = []
    for number, segment in enumerate(segments):
        source = dataset.sources[segment.source]
        size = sizes[source.n_beads]
        for start in range(0, len(segment.rows), size):
            cuts.append(Cut(number, source, segment.rows[start : start + size], size))
    return cuts


def sample_cuts(dataset: Dataset, segments: Sequence[Segment], columns: int = FEW_COLUMNS) -> list[Cut]:
    """Batches of the same shapes with about `SAMPLE_ROWS` rows, spread over the frames of a few proteins."""
    sizes = _sizes(dataset, segments, columns)
    # Join the segments of each protein in each source, which are consecutive.
    starts = [k for k, segment in enumerate(segments) if segment.block == 0]
    ends = [*starts[1:], len(segments)]
    sampled = _spread(len(starts), SAMPLED_PROTEINS)
    cuts = []
    for which in sampled:
        first = starts[which]
        source = dataset.sources[segments[first].source]
        rows = np.concatenate([segment.rows for segment in segments[first : ends[which]]])
        rows = rows[_spread(len(rows), -(-SAMPLE_ROWS // (3 * int(source.lengths[rows[0]]) * len(sampled))))]
        size = sizes[source.n_beads]
        cuts += [Cut(first, source, rows[start : start + size], size) for start in range(0, len(rows), size)]
    return cuts


def _sizes(dataset: Dataset, segments: Sequence[Segment], columns: int) -> dict[int, int]:
    """Frames of a batch for each width: about `ROWS_AT_ONCE` rows, and little padding in the longest segment."""
    longest: dict[int, int] = {}
    for segment in segments:
        width = dataset.sources[segment.source].n_beads
        longest[width] = max(longest.get(width, 1), len(segment.rows))
    rows = max(ROWS_AT_ONCE * FEW_COLUMNS // max(columns, FEW_COLUMNS), 4 * columns)
    most = {width: max(rows // (3 * width), 1) for width in longest}
    return {width: -(-n // -(-n // most[width])) for width, n in longest.items()}


def _spread(n: int, most: int) -> np.ndarray:
    """At most `most` evenly spaced elements of range(n)."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
