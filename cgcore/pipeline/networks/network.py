"""What a network is, whichever it is."""

from __future__ import annotations

from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int

from cgcore.physics.geometry import Displacement, free
from cgcore.pipeline.networks.settings import NetworkSettings

NetworkParams = Any
"""A pytree of arrays of one dtype, which is the dtype that the network computes in."""


class Network(Protocol):
    """The energy of one frame, as a function of parameters. Hashable, so that jit may take it as static."""

    def init(self, key: jax.Array, dtype: DTypeLike = jnp.float32) -> NetworkParams:
        """Random starting parameters of this dtype."""
        ...

    def energy(
        self,
        params: NetworkParams,
        R: Float[Array, "beads 3"],
        mask: Bool[Array, " beads"],
        species: Int[Array, " beads"],
    ) -> Float[Array, ""]:
        """Energy of one frame [kcal/mol], to be jitted, mapped over frames and differentiated at will.

        Arguments:
            params: from `init`.
            R: positions [Å]; padded beads may hold anything, NaN included.
            mask: 1 for a real bead, 0 for padding.
            species: 0 ... n_species - 1 for real beads; padded beads may hold anything.
        """
        ...


def make_network(
    settings: NetworkSettings, n_beads: int, displacement: Displacement = free, max_edges: int | None = None
) -> Network:
    """The network that the settings name, for frames of `n_beads` beads, padding included.

    Arguments:
        settings: which network and its sizes, `avg_num_neighbors` included (see `edges.average_neighbors`).
        n_beads: beads of a frame.
        displacement: in jax-md's convention.
        max_edges: room for the directed edges of a frame (see `edges.count_edges`); a frame with more has energy NaN.
            None: every pair, the faster choice where most pairs are within the cutoff.

    Raises:
        InputError: `avg_num_neighbors` is None, or a number is out of range.
    """
    raise NotImplementedError
