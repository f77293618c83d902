"""Equivariant features of edges: weighted spherical harmonics, tensor products of channels, linear mixing.

Features have shape (*slots, channels, components), with components in e3nn's order of irreps, where each irrep occurs
once for every path that leads to it.
"""

from __future__ import annotations

import e3nn_jax as e3nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgcore.pipeline.networks.mlp import Normal

SCALAR = e3nn.Irrep(0, 1)


def harmonics(unit: Float[Array, "*slots 3"], max_ell: int) -> e3nn.IrrepsArray:
    """Spherical harmonics of degrees 0 ... max_ell of unit vectors; components have variance 1 on the sphere.

    A zero vector, for coinciding beads, gives 0 for all degrees but 0.
    """
    return e3nn.spherical_harmonics(e3nn.Irreps.spherical_harmonics(max_ell), unit, normalize=False)


def weighted(
    Y: e3nn.IrrepsArray, x: Float[Array, "*slots scalars"], w: Float[Array, "scalars channels degrees"]
) -> e3nn.IrrepsArray:
    """Channels of Y, with a weight for each channel and degree that is linear in the scalars x."""
    degree = np.repeat(np.arange(w.shape[-1]), [ir.dim for _, ir in Y.irreps])
    return e3nn.IrrepsArray(Y.irreps, jnp.einsum("...x,xcm->...cm", x, w[..., degree]) * Y.array[..., None, :])


def outputs(max_ell: int, num_layers: int) -> list[list[e3nn.Irrep]]:
    """Irreps that each layer's tensor product must produce: those that later layers can convert to scalars."""
    layers = [[SCALAR]]
    Y, every = e3nn.Irreps.spherical_harmonics(max_ell), list(e3nn.Irrep.iterator(max_ell))
    for _ in range(num_layers - 1):
        layers.append([ir for ir in every if paths(e3nn.Irreps([(1, ir)]), Y, layers[-1])])
    return layers[::-1]


def paths(V: e3nn.Irreps, Y: e3nn.Irreps, wanted: list[e3nn.Irrep]) -> e3nn.Irreps:
    """Irreps of a tensor product; the multiplicity of each is the number of paths that lead to it."""
    return e3nn.Irreps([(1, out) for _, v in V for _, y in Y for out in v * y if out in wanted]).regroup()


def mix_shape(product: e3nn.Irreps, channels: int) -> list[Normal]:
    """Weights of `mix` for each irrep."""
    return [Normal((channels, n_paths, channels), channels * n_paths) for n_paths, _ in product]


def mix(product: e3nn.IrrepsArray, weights: list[Array]) -> e3nn.IrrepsArray:
    """Mix all channels and paths of each irrep linearly into channels that have it once."""
    chunks: list[Array | None] = [
        jnp.einsum("...cpm,cpd->...dm", chunk, w)[..., None, :]
        for chunk, w in zip(product.chunks, weights, strict=True)
    ]
    return e3nn.from_chunks([(1, ir) for _, ir in product.irreps], chunks, product.shape[:-1], product.dtype)
