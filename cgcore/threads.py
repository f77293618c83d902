"""One thread for BLAS while XLA works.

NumPy's and SciPy's OpenBLAS each keep a pool of threads that wait actively, beside XLA's own pool. On two cores the
factor pass took 110 ms with their default and 59 ms with one thread each: the matrices here are too small or too
narrow for more.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[object]:
    """A context in which BLAS uses one thread; the former number comes back after it."""
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg.cython_blas  # noqa: F401  (the BLAS that XLA calls; the controller has to find it)

    return ThreadpoolController()
