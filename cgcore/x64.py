"""The floating-point precision of everything that cgcore solves.

`fit`, `compress`, `minimise` and `inspect` work in float64 whatever the session's `jax_enable_x64` is, and leave that
setting unchanged. `fit` and `minimise` use float32 if asked to by `precision="float32"`; their results name the dtype.
Functions that only evaluate (`energy`, `forces`, `design_matrix`, `force_matching_loss`) work in the precision of the
session, like any JAX function. A solve returns concrete numbers, so it cannot be part of a `jax.jit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from cgcore.errors import InputError

Precision = Literal["float64", "float32"]


@contextmanager
def solving(what: str, precision: Precision = "float64") -> Iterator[None]:
    """A context in which JAX works in this precision; the session's own setting is restored afterwards.

    Raises:
        InputError: the precision is unknown, or JAX is tracing, so that there are no concrete numbers to solve for.
    """
    if precision not in get_args(Precision):
        raise InputError(f"precision is {precision!r}; give one of {', '.join(get_args(Precision))}")
    if isinstance(jnp.zeros(()), jax.core.Tracer):
        raise InputError(
            f"{what} returns plain numbers, so it can't be used inside jax.jit and similar "
            "transformations; call it outside"
        )
    with jax.enable_x64(precision == "float64"):
        yield


def as_floating(what: str, tree: Any, precision: Precision) -> Any:
    """A pytree with its leaves, integers included, as NumPy arrays of this precision.

    Raises:
        InputError: a leaf is not a real number or an array of them, or is being traced.
    """

    def cast(leaf: Any) -> np.ndarray:
        if isinstance(leaf, jax.core.Tracer):
            raise InputError(f"{what} is being traced by JAX; give plain numbers, outside of jax.jit")
        array = np.asarray(leaf)
        if not (jnp.issubdtype(array.dtype, jnp.floating) or jnp.issubdtype(array.dtype, jnp.integer)):
            raise InputError(f"{what} holds {array.dtype} ({leaf!r:.40}); give real numbers")
        return array.astype(precision)

    leaves = jax.tree.leaves(tree)
    if not leaves:
        raise InputError(f"{what} holds no numbers; give at least one parameter")
    return jax.tree.map(cast, tree)
