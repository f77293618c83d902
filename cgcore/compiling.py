"""Faster compilation of programs that take longer to compile than to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, update_wrapper
from typing import Any, Generic, TypeVar

import jax

T = TypeVar("T")

QUICKLY = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1}
"""XLA's CPU back end has two code generators for fused loops. The default one, which uses MLIR, takes two to three
times as long to compile. For the internal coordinates and the solver's loop, code from the other one runs equally fast;
for sums over pairs it is three times slower, so these keep the default. Compiled as one unit instead of one unit per
thread, a program shares the work that all of its loops have in common."""


class QuicklyCompiled(Generic[T]):
    """`jax.jit` with the options `QUICKLY` if the program runs on a CPU and this XLA knows them.

    It must be called outside of other compiled functions: JAX takes compiler options only for a whole program.

    Arguments:
        function: the function to compile.
        static_argnums: as for `jax.jit`.
    """

    def __init__(self, function: Callable[..., T], static_argnums: int | Sequence[int] = ()) -> None:
        update_wrapper(self, function)
        self._plain = jax.jit(function, static_argnums=static_argnums)
        self._quick = jax.jit(function, static_argnums=static_argnums, compiler_options=QUICKLY)

    def __call__(self, *args: Any, **kwargs: Any) -> T:
        return (self._quick if jax.default_backend() == "cpu" and _understood() else self._plain)(*args, **kwargs)

    def _cache_size(self) -> int:
        """The number of compiled programs, as for a function from `jax.jit`."""
        return sum(getattr(one, "_cache_size")() for one in (self._plain, self._quick))  # noqa: B009


@cache
def _understood() -> bool:
    """Whether this release of XLA has these options; it refuses to compile with an unknown one."""
    try:
        jax.jit(lambda x: -x, compiler_options=QUICKLY).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
