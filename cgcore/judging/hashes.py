"""Hashes of frames, for finding equal ones without keeping them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt64


def hashes(values: Float[np.ndarray, "frames beads 3"]) -> UInt64[np.ndarray, " frames"]:
    """A 64-bit hash of each frame: equal for equal values; different frames collide in about one of 2^60 pairs.

    Arguments:
        values: finite values, float32 or float64.
    """
    rows = (values + values.dtype.type(0)).reshape(len(values), -1)  # maps -0.0 to 0.0
    if rows.itemsize * rows.shape[1] % 8:
        rows = np.pad(rows, ((0, 0), (0, 1)))
    words = rows.view(np.uint64)
    words ^= words >> np.uint64(32)  # so that the lowest bits differ in both precisions
    return np.einsum("fw,w->f", words, _factors(words.shape[1]))


def all_differ(numbers: UInt64[np.ndarray, " frames"]) -> bool:
    """Whether no hash occurs twice. Sorting alone takes a tenth of the time that locating duplicates would take."""
    ordered = np.sort(numbers)
    return bool((ordered[1:] != ordered[:-1]).all())


@lru_cache(maxsize=16)
def _factors(count: int) -> UInt64[np.ndarray, " words"]:
    return np.random.default_rng(count).integers(0, 2**64, count, np.uint64) | np.uint64(1)
