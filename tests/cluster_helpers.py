"""A way to execute like that of a cluster, with pieces sent as bytes and in reverse order; and comparison of
factors."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence

import numpy as np

from cgcore import Factor
from cgcore.cluster.parcel import Parcel
from cgcore.data.batches import Piece
from cgcore.factor.work import Part, Work


def posted(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
    """Pieces go to the worker as bytes and read their data from files; the last piece comes first."""
    shared = pickle.dumps(work)
    for number in reversed(range(len(pieces))):
        parcel: Parcel = pickle.loads(pickle.dumps(Parcel.of(pieces[number])))
        parcel.require_files("here")
        yield number, pickle.loads(pickle.dumps(pickle.loads(shared).of_piece(parcel.piece())))


def assert_same(one: Factor, other: Factor) -> None:
    """Assert that all numbers of two factors are equal in every bit."""
    assert one.fingerprint == other.fingerprint
    assert len(one.blocks) == len(other.blocks)
    for a, b in zip(one.blocks, other.blocks, strict=True):
        np.testing.assert_array_equal(a.S, b.S)
        np.testing.assert_array_equal(a.ranges, b.ranges)
        assert (a.beads, a.frames, a.source, a.protein, a.index, a.sha256, a.weight) == (
            *(b.beads, b.frames, b.source, b.protein, b.index, b.sha256, b.weight),
        )
    for mine, theirs in (
        (one.histograms.counts, other.histograms.counts),
        (one.histograms.groups, other.histograms.groups),
    ):
        assert mine.keys() == theirs.keys()
        for name, values in mine.items():
            np.testing.assert_array_equal(values, theirs[name])
