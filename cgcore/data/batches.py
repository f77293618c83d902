"""Frames cut into batches of one shape, so that one compiled program serves all that have the same width."""

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
"""Rows (3 * beads * frames) of a batch: enough that calls cost little, few enough to stay in the caches of a core
(measured, 2,000 frames x 100 beads: 42 us a frame with 8,000, 38 with 20,000)."""

FEW_COLUMNS = 64
"""Coefficients up to which that holds; batches of more are smaller in proportion, but of more rows than columns, so
that their sums are worth adding."""

BATCHES_OF_PIECE = 128
"""Most batches of a piece, half a second of work: little is lost with it, and handing it to somebody costs less."""

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
    """Which frames a batch holds, before they are loaded: `rows` of a source, padded to `size`."""

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
        broken = self.source.sites is not None  # the frames of a segment are of one protein
        sites = self.source.sites_of(int(self.source.protein[self.rows[0]]))[:, None] if broken else None
        weights = self.source.weights_of(self.rows)
        if weights is not None:
            weights = np.concatenate([weights, np.zeros((missing, self.source.n_beads))])
        return Batch(self.segment, R, F, lengths, sites, weights)

    def species(self) -> Int[np.ndarray, " beads"] | None:
        """Species of the beads, the same in all frames of a segment; None if the source has none."""
        species = self.source.species(self.rows[:1])
        return None if species is None else species[0]


class Piece(NamedTuple):
    """Consecutive batches of one segment, which are added up before anything else: whoever does it, and with whomever,
    sums are made in the same order."""

    segment: int
    cuts: tuple[Cut, ...]


def pieces_of(cuts: Sequence[Cut]) -> list[Piece]:
    """Batches, which come segment by segment, in pieces."""
    pieces = []
    for segment, found in groupby(cuts, lambda cut: cut.segment):
        own = tuple(found)
        for start in range(0, len(own), BATCHES_OF_PIECE):
            pieces.append(Piece(segment, own[start : start + BATCHES_OF_PIECE]))
    return pieces


def all_cuts(dataset: Dataset, segments: Sequence[Segment], columns: int = FEW_COLUMNS) -> list[Cut]:
    """Every frame once, segment by segment."""
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
    # The frames of a protein in one source together: its segments, which are consecutive, joined.
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
    """Frames of a batch for each width: near `ROWS_AT_ONCE` rows, with little padding in the longest segment."""
    longest: dict[int, int] = {}
    for segment in segments:
        width = dataset.sources[segment.source].n_beads
        longest[width] = max(longest.get(width, 1), len(segment.rows))
    rows = max(ROWS_AT_ONCE * FEW_COLUMNS // max(columns, FEW_COLUMNS), 4 * columns)
    most = {width: max(rows // (3 * width), 1) for width in longest}
    return {width: -(-n // -(-n // most[width])) for width, n in longest.items()}


def _spread(n: int, most: int) -> np.ndarray:
    """At most `most` of range(n), evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
