"""One thread for BLAS while XLA works.

The OpenBLAS of NumPy and that of SciPy each keep a pool of busy-waiting threads beside XLA's own pool. On two cores the
factor pass took 110 ms with their defaults and 59 ms with one thread each: the matrices here are too small or too
narrow to gain from more.
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
    """A context in which BLAS uses one thread; the previous number is restored afterwards.

    The number applies to the whole process. If several threads are in such blocks at the same time, limits are lifted
    in the reverse of the order in which they were set, whichever thread leaves first, so that the number is restored
    only when all are done.
    """
    with _lock:
        _limits.append(_controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            _limits.pop().__exit__(None, None, None)


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def batch_threads() -> int:
    """Threads for batches of frames: one a core, as XLA's own threads leave half of each idle on arrays that fit a
    cache, and one to fill gaps."""
    return 1 + cores()


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg.cython_blas  # noqa: F401  (loads the BLAS that XLA calls, so that the controller finds it)

    return ThreadpoolController()
