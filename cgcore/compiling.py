"""Programs of a fit that take longer to compile than to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, update_wrapper
from typing import Any, Generic, TypeVar

import jax

T = TypeVar("T")

QUICKLY = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1}
"""XLA's CPU back end has two code generators for fused loops. The default, which goes through MLIR, takes two to three
times as long as the other one. What that one makes of the internal coordinates and of the solver's loop is as fast;
sums over pairs are three times slower, so they keep the default. As one unit, and not one for each of many threads, a
program shares the work that is the same for all of its loops."""


class QuicklyCompiled(Generic[T]):
    """`jax.jit` with the options `QUICKLY` where the program is for a CPU whose XLA has them.

    It is called by itself: JAX has no options for programs inside others.

    Arguments:
        function: what is compiled.
        static_argnums: as of `jax.jit`.
    """

    def __init__(self, function: Callable[..., T], static_argnums: int | Sequence[int] = ()) -> None:
        update_wrapper(self, function)
        self._plain = jax.jit(function, static_argnums=static_argnums)
        self._quick = jax.jit(function, static_argnums=static_argnums, compiler_options=QUICKLY)

    def __call__(self, *args: Any, **kwargs: Any) -> T:
        return (self._quick if jax.default_backend() == "cpu" and _understood() else self._plain)(*args, **kwargs)

    def _cache_size(self) -> int:
        """As of what `jax.jit` gives: the number of programs."""
        return sum(getattr(one, "_cache_size")() for one in (self._plain, self._quick))  # noqa: B009


@cache
def _understood() -> bool:
    """Whether this release of XLA has these options: one that it does not know makes it refuse the program."""
    try:
        jax.jit(lambda x: -x, compiler_options=QUICKLY).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
