"""Allegro: equivariant, strictly local energies of pairs, which depend on their environment.

Musaelian, Batzner, Johansson, Sun, Owen, Kornbluth and Kozinsky, Learning local equivariant representations for
large-scale atomistic dynamics, Nature Communications 14, 579 (2023). As in the paper, an edge ij carries scalars x and
equivariant features V, Y are spherical harmonics of its direction, and u is the envelope. All of x has the factor u,
and no layer has a bias, so that an edge at the cutoff has no effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Shaped

from cgcore.config.networks import AllegroSettings
from cgcore.physics.geometry import norm
from cgcore.physics.space import Displacement
from cgcore.pipeline.networks.edges import Edges, every_pair, listed
from cgcore.pipeline.networks.equivariant import SCALAR, harmonics, mix, mix_shape, outputs, paths, weighted
from cgcore.pipeline.networks.mlp import Normal, draw, mlp, mlp_shape, silu
from cgcore.pipeline.networks.network import NetworkParams
from cgcore.pipeline.networks.radial import bessel, envelope

ALPHA = 0.5
"""Weight of a layer's update of x relative to x itself."""

"""`species`: embedding; `two_body`: MLP; `features`: weights of the first V; `layers`: see `_layer_shape`; `readout`:
a vector, which is what the paper's last MLP is, since it has no nonlinearity."""


@dataclass(frozen=True)
class Allegro:
    """A `Network`; the arguments are those of `make_network`."""

    settings: AllegroSettings
    avg_num_neighbors: float
    cutoff: float
    n_species: int
    displacement: Displacement
    max_edges: int | None

    def init(self, key: jax.Array, dtype: DTypeLike = jnp.float32) -> NetworkParams:
        s, x = self.settings, self.settings.mlp_n_hidden
        shapes: NetworkParams = {
            "species": Normal((self.n_species, s.species_embed), 1),
            "two_body": mlp_shape(2 * s.species_embed + s.n_radial_basis, *s.embed_n_hidden, x),
            "features": Normal((x, s.channels, s.max_ell + 1), x),
            "layers": [],
            "readout": Normal((x,), x),
        }
        Y = V = e3nn.Irreps.spherical_harmonics(s.max_ell)
        for wanted in outputs(s.max_ell, s.num_layers):
            product = paths(V, Y, wanted)
            shapes["layers"].append(_layer_shape(s, product))
            V = product.set_mul(1)
        return draw(key, shapes, dtype)

    def energy(
        self,
        params: NetworkParams,
        R: Float[Any, "beads 3"],
        mask: Shaped[Any, " beads"],
        species: Int[Any, " beads"],
    ) -> Float[Array, ""]:
        s, per_edge = self.settings, 1 / math.sqrt(self.avg_num_neighbors)
        edges = self._edges(R, mask, params["readout"].dtype)
        r = jnp.vectorize(norm, signature="(k)->()")(edges.vectors)
        u = envelope(r / self.cutoff, s.envelope_p)[..., None]
        Y = harmonics(edges.vectors / jnp.where(r > 0, r, 1)[..., None], s.max_ell)
        embedded = params["species"][species]
        x = _two_body(params["two_body"], edges, embedded, bessel(r / self.cutoff, s.n_radial_basis) * u) * u
        V = weighted(Y, x, params["features"])
        for layer, wanted in zip(params["layers"], outputs(s.max_ell, s.num_layers), strict=True):
            environment = edges.sum_to_centre(weighted(Y, x, layer["environment"]).array) * per_edge
            product = e3nn.tensor_product(
                V, e3nn.IrrepsArray(Y.irreps, edges.at_centre(environment)), filter_ir_out=wanted
            )
            scalars = product.filter([SCALAR]).array
            update = mlp(layer["latent"], jnp.concatenate([x, scalars.reshape(*x.shape[:-1], -1)], axis=-1)) * u
            x = (x + ALPHA * update) / math.sqrt(1 + ALPHA**2)
            if "mix" in layer:
                V = mix(product, layer["mix"])
        return jnp.sum(x @ params["readout"]) * per_edge

    def _edges(self, R: Float[Any, "beads 3"], mask: Shaped[Any, " beads"], dtype: DTypeLike) -> Edges:
        if self.max_edges is None:
            return every_pair(R, mask, self.cutoff, self.displacement, dtype)
        return listed(R, mask, self.cutoff, self.displacement, dtype, self.max_edges)


def _layer_shape(s: AllegroSettings, product: e3nn.Irreps) -> NetworkParams:
    """`environment`: weights of the environment; `latent`: MLP that updates x; `mix`: weights that mix V, except in the
    last layer."""
    x, scalars = s.mlp_n_hidden, s.channels * product.count(SCALAR)
    layer: NetworkParams = {
        "environment": Normal((x, s.channels, s.max_ell + 1), x),
        "latent": mlp_shape(x + scalars, *[x] * s.mlp_n_layers),
    }
    return layer | {"mix": mix_shape(product, s.channels)} if product.lmax > 0 else layer


def _two_body(
    weights: list[Array], edges: Edges, embedded: Float[Array, "beads embed"], basis: Float[Array, "*slots basis"]
) -> Float[Array, "*slots scalars"]:
    """The MLP of both species and the distance.

    The first matrix is applied to each bead's species before they are copied to the edges.
    """
    centre, neighbour, radial = jnp.split(weights[0], [embedded.shape[1], 2 * embedded.shape[1]])
    hidden = edges.at_centre(embedded @ centre) + edges.at_neighbour(embedded @ neighbour) + basis @ radial
    return mlp(weights[1:], silu(hidden))
