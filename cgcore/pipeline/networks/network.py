"""The interface of all networks."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Shaped

NetworkParams = Any
"""A pytree of arrays with the same dtype, in which the network computes."""


@runtime_checkable
class Network(Protocol):
    """The energy of one frame as a function of parameters. Networks are hashable, so that they can be static arguments
    of jit."""

    def init(self, key: jax.Array, dtype: DTypeLike = jnp.float32) -> NetworkParams:
        """Random initial parameters in this dtype."""
        ...

    def energy(
        self,
        params: NetworkParams,
        R: Float[Any, "beads 3"],
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
    ) -> Float[Array, ""]:
        """Energy of one frame [kcal/mol]; can be jitted, mapped over frames and differentiated.

        Arguments:
            params: parameters from `init`.
            R: positions [Å]; padded beads may hold anything, NaN included.
            mask: 1 for a real bead, 0 for padding.
            species: 0 ... n_species - 1 for real beads; padded beads may hold anything.
        """
        ...
