"""Allegro in NumPy, from the paper: several layers for degrees 0 and 1, as scalars and vectors in Cartesian components.

Musaelian et al., Nature Communications 14, 579 (2023). With degrees up to 1, tensor products are products, dot products
and cross products, in e3nn's normalisation, in which components of harmonics have variance 1. No cgcore code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray

UPDATE = 0.5
"""Weight of a layer's update of the scalars relative to the scalars."""

SILU = 1.6791767
"""Factor of z sigmoid(z) in e3nn and the paper's code, which makes the mean square for standard normal z nearly 1
(1.0032, since it was estimated from random numbers)."""


def energy(network: Mapping[str, Any], sizes: Any, cutoff: float, R: Array, species: Array) -> float:
    """Energy of a frame without padding.

    Arguments:
        network: parameters by name.
        sizes: `avg_num_neighbors`, `envelope_p` and `n_radial_basis`.
        cutoff: cut-off distance.
        R: positions.
        species: species of each bead.
    """
    vectors = R[None] - R[:, None]
    r = np.linalg.norm(vectors, axis=-1)
    i, j = np.nonzero((r > 0) & (r < cutoff))
    r, unit = r[i, j], vectors[i, j] / r[i, j, None]
    u = _envelope(r / cutoff, sizes.envelope_p)[:, None]
    basis = u * np.sqrt(2) * np.sin(np.pi * np.outer(r / cutoff, np.arange(1, sizes.n_radial_basis + 1)))
    basis /= r[:, None] / cutoff
    embedded = network["species"][species]
    x = u * _mlp(network["two_body"], np.concatenate([embedded[i], embedded[j], basis], axis=1))
    V = _harmonics(x, network["features"], unit)
    for more, layer in zip(range(len(network["layers"]))[::-1], network["layers"], strict=True):
        A = {}
        for kind, values in _harmonics(x, layer["environment"], unit).items():
            total = np.zeros((len(R), *values.shape[1:]))
            np.add.at(total, i, values)
            A[kind] = total[i] / np.sqrt(sizes.avg_num_neighbors)
        scalars, vectors_of, axial = _products(V, A)
        update = _mlp(layer["latent"], np.concatenate([x, scalars.reshape(len(x), -1)], axis=1))
        x = (x + UPDATE * u * update) / np.sqrt(1 + UPDATE**2)
        if more > 0:
            parts = {"s": scalars[..., None], "v": vectors_of, "p": axial}
            if more == 1:
                del parts["p"]  # one further layer cannot turn them into scalars
            mixed = zip(parts.items(), layer["mix"], strict=True)
            V = {kind: np.einsum("ecpm,cpd->edm", own, weights) for (kind, own), weights in mixed}
            V["s"] = V["s"][..., 0]
    return float((x @ network["readout"]).sum() / np.sqrt(sizes.avg_num_neighbors))


def _harmonics(x: Array, weights: Array, unit: Array) -> dict[str, Array]:
    """Scalars s and vectors v of each edge and channel."""
    s, v = np.einsum("ex,xcl->lec", x, weights)
    return {"s": s, "v": np.sqrt(3) * v[..., None] * unit[:, None]}


def _products(V: Mapping[str, Array], A: Mapping[str, Array]) -> tuple[Array, Array, Array]:
    """Products of the features V with the environment A, with an axis for the paths: scalars, vectors, and axial
    vectors, which a later layer turns into vectors."""
    s, v, p = V["s"], V["v"], V.get("p")
    S, W = A["s"], A["v"]
    scalars = [s * S, np.sum(v * W, axis=-1) / np.sqrt(3)]
    vectors = [s[..., None] * W, v * S[..., None]]
    axial = [np.cross(v, W) / np.sqrt(2)]
    if p is not None:
        vectors.append(np.cross(p, W) / np.sqrt(2))
        axial.append(p * S[..., None])
    return np.stack(scalars, axis=-1), np.stack(vectors, axis=-2), np.stack(axial, axis=-2)


def _envelope(x: Array, p: int) -> Array:
    return 1 - (p + 1) * (p + 2) / 2 * x**p + p * (p + 2) * x ** (p + 1) - p * (p + 1) / 2 * x ** (p + 2)


def _mlp(weights: list[Array], z: Array) -> Array:
    for matrix in weights[:-1]:
        z = z @ matrix
        z = SILU * z / (1 + np.exp(-z))
    return z @ weights[-1]
