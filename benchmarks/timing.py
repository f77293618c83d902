"""Wall time of a call, including the wait for its result."""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import numpy as np


def best_of(repeats: int, call: Callable[[], object]) -> float:
    """Shortest of `repeats` wall times [s], which is the least disturbed, after one call that compiles."""
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return float(np.min(times))
