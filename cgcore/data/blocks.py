"""Cutting rows into blocks of bounded size, so that no pass over the data needs all of it in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK_BYTES = 2 * 2**20


def row_blocks(n_rows: int, n_beads: int, size: int = BLOCK_BYTES) -> Iterator[slice]:
    """Slices that cover `n_rows` frames, each of about `size` bytes of float64 positions."""
    step = max(1, size // (n_beads * 3 * 8))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def real_mask(lengths: np.ndarray, n_beads: int) -> np.ndarray:
    """(frames, beads) bool, True for a real bead: real beads are a prefix of each row."""
    return np.arange(n_beads) < lengths[:, None]
