"""jax-md's NequIP as a `Network`: a second, well-maintained network that checks the code around the first.

Batzner et al., E(3)-equivariant graph neural networks for data-efficient and accurate interatomic potentials, Nature
Communications 13, 2453 (2022). The implementation is jax-md's. It was designed for atoms with cutoffs of a few Å; at
the cutoffs of beads, its initial forces would nearly vanish and be switched off within 0.5 Å. Therefore it is given
lengths in units in which the cutoff is 2, and is switched off over the last quarter.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import jraph
from jax.typing import DTypeLike
from jax_md.nn import nequip
from jaxtyping import Array, Float, Int, Shaped

from cgcore.config.networks import NequipSettings
from cgcore.physics.space import Displacement
from cgcore.pipeline.networks.edges import listed
from cgcore.pipeline.networks.network import NetworkParams

CUTOFF = 2.0
"""The cutoff in the unit of length used for jax-md."""


@dataclass(frozen=True)
class Nequip:
    """A `Network`; the arguments are those of `make_network`."""

    settings: NequipSettings
    avg_num_neighbors: float
    cutoff: float
    n_species: int
    displacement: Displacement
    max_edges: int

    def init(self, key: jax.Array, dtype: DTypeLike = jnp.float32) -> NetworkParams:
        two = jnp.asarray([[0.0, 0, 0], [self.cutoff / 2, 0, 0]], jnp.float32)
        graph = self._graph(two, jnp.ones(2, bool), jnp.zeros(2, int), jnp.float32)
        # Some of jax-md's layers initialise in float32 and others in JAX's default precision.
        with _deprecations_of_jax_md():
            params = jax.jit(self._model.init)(key, graph)
        return jax.tree.map(lambda leaf: leaf.astype(dtype), params)

    def energy(
        self,
        params: NetworkParams,
        R: Float[Any, "beads 3"],
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
    ) -> Float[Array, ""]:
        mask, dtype = jnp.asarray(mask, bool), jax.tree.leaves(params)[0].dtype
        with _deprecations_of_jax_md():
            energies = self._model.apply(params, self._graph(R, mask, species, dtype))
        return jnp.sum(jnp.where(mask, jnp.asarray(energies)[:, 0], 0)).astype(dtype)

    @property
    def _model(self) -> nequip.NequIPEnergyModel:
        s = self.settings
        harmonics = e3nn.Irreps.spherical_harmonics(s.max_ell)
        return nequip.NequIPEnergyModel(
            graph_net_steps=s.num_layers,
            use_sc=True,
            nonlinearities={"e": "raw_swish", "o": "tanh"},
            n_elements=self.n_species,
            hidden_irreps=str(harmonics.set_mul(s.hidden_channels)),
            sh_irreps=str(harmonics),
            num_basis=s.n_radial_basis,
            r_max=CUTOFF,
            radial_net_n_hidden=s.mlp_n_hidden,
            radial_net_n_layers=s.mlp_n_layers - 1,  # jax-md does not count the last layer
            n_neighbors=self.avg_num_neighbors,
        )

    def _graph(
        self, R: Float[Any, "beads 3"], mask: Shaped[Any, " beads"], species: Int[Any, " beads"], dtype: DTypeLike
    ) -> jraph.GraphsTuple:
        edges = listed(R, mask, self.cutoff, self.displacement, dtype, self.max_edges)
        n_beads = R.shape[0]
        return jraph.GraphsTuple(
            nodes=jax.nn.one_hot(species, self.n_species, dtype=dtype),
            edges=edges.vectors * (CUTOFF / self.cutoff),
            senders=edges.neighbour,
            receivers=edges.centre,
            # A graph for each bead, so that energies are given per bead and padding can be left out.
            n_node=jnp.ones(n_beads, jnp.int32),
            n_edge=jnp.ones(n_beads, jnp.int32),
            globals=None,
        )


@contextmanager
def _deprecations_of_jax_md() -> Iterator[None]:
    """A context that hides warnings about deprecated names of e3nn_jax used by jax-md."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is deprecated", DeprecationWarning)
        yield
