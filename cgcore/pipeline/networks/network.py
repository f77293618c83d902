"""What a network is, whichever it is."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Shaped

NetworkParams = Any
"""A pytree of arrays of one dtype, which is the dtype that the network computes in."""


@runtime_checkable
class Network(Protocol):
    """The energy of one frame, as a function of parameters. Hashable, so that jit may take it as static."""

    def init(self, key: jax.Array, dtype: DTypeLike = jnp.float32) -> NetworkParams:
        """Random starting parameters of this dtype."""
        ...

    def energy(
        self,
        params: NetworkParams,
        R: Float[Any, "beads 3"],
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
    ) -> Float[Array, ""]:
        """Energy of one frame [kcal/mol], to be jitted, mapped over frames and differentiated at will.

        Arguments:
            params: from `init`.
            R: positions [Å]; padded beads may hold anything, NaN included.
            mask: 1 for a real bead, 0 for padding.
            species: 0 ... n_species - 1 for real beads; padded beads may hold anything.
        """
        ...
