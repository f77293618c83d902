"""One thread for BLAS while XLA works.

NumPy's and SciPy's OpenBLAS each keep a pool of threads that wait actively, beside XLA's own pool. On two cores the
factor pass took 110 ms with their default and 59 ms with one thread each: the matrices here are too small or too
narrow for more.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_limits: list[AbstractContextManager[object]] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A context in which BLAS uses one thread; the former number comes back after it.

    The number is that of the process, so of several threads in such blocks at one time none brings it back before the
    others are done: limits are lifted in the order opposite to that in which they were set, whoever set them.
    """
    with _lock:
        _limits.append(_controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            _limits.pop().__exit__(None, None, None)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def batch_threads() -> int:
    """Threads for batches of frames: one a core, as XLA's own threads leave half of each idle on arrays that fit a
    cache, and one to fill gaps."""
    return 1 + cores()


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg.cython_blas  # noqa: F401  (the BLAS that XLA calls; the controller has to find it)

    return ThreadpoolController()
