"""Forces and distances of some frames, evenly spread over a data set."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.data import Dataset
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.design import design_matrix
from cgcore.physics.geometry import norm
from cgcore.physics.prior import Params, Prior, Weights
from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import REPULSIVE_MIN_SEPARATION, Sites, candidates, chain

COMPONENTS = 20_000
"""Force components that a picture needs at most."""


class ForceSample(NamedTuple):
    """What was drawn from the frames.

    Arguments:
        reference: force components of real beads [kcal/mol/Å].
        predicted: those of the prior.
        distances: of all pairs that repel (j - i >= 6, or of two chains) in the same frames [Å].
        frames: number of frames.
    """

    reference: Float[np.ndarray, " components"]
    predicted: Float[np.ndarray, " components"]
    distances: Float[np.ndarray, " pairs"]
    frames: int


def force_sample(
    dataset: Dataset,
    prior: Prior,
    params: Params,
    displacement: Displacement = free,
    components: int = COMPONENTS,
) -> ForceSample:
    """Predicted and reference forces of about `components` force components, whole frames of them.

    Arguments:
        dataset: frames.
        prior: its weights count.
        params: parameters to predict with.
        displacement: in jax-md's convention.
        components: number to aim for; at least one frame is taken, and all where there are fewer.
    """
    R, F, lengths, sites = _frames(dataset, components)
    pairs = (chain if sites is None else candidates)(R.shape[1]).repulsive
    with jax.enable_x64(True):
        c = to_coefficients(params)
        predicted, distances = _predict(prior.weights, Layout.of(prior), displacement, c, R, lengths, pairs, sites)
    real = np.arange(R.shape[1]) < lengths[:, None]
    both_real = pairs[:, 1] < lengths[:, None]
    if sites is not None:
        both_real &= (sites[pairs[:, 1]] - sites[pairs[:, 0]] >= REPULSIVE_MIN_SEPARATION).T
    return ForceSample(
        reference=F[real].ravel(),
        predicted=np.asarray(predicted)[real].ravel(),
        distances=np.asarray(distances)[both_real],
        frames=len(R),
    )


def _frames(dataset: Dataset, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """R, F, lengths and sites (beads, frames) of evenly spread frames, padded with zeros to one width, float64."""
    count = int(np.clip(components * dataset.n_frames // (3 * dataset.real_beads), 1, dataset.n_frames))
    chosen = np.unique(np.linspace(0, dataset.n_frames - 1, count).round().astype(np.int64))
    R, F = (np.zeros((len(chosen), dataset.n_beads, 3)) for _ in range(2))
    lengths = np.zeros(len(chosen), np.int64)
    offset = 0
    for source in dataset.sources:
        here = (chosen >= offset) & (chosen < offset + source.n_frames)
        rows = chosen[here] - offset
        if len(rows):
            R[here, : source.n_beads], F[here, : source.n_beads] = source.load(rows)
            lengths[here] = source.lengths[rows]
        offset += source.n_frames
    sites = dataset.sites()
    return R, F, lengths, None if sites is None else sites[chosen].T


@partial(jax.jit, static_argnums=(0, 1, 2))
def _predict(
    weights: Weights,
    layout: Layout,
    displacement: Displacement,
    c: Float[Array, " n"],
    R: Float[Array, "frames beads 3"],
    lengths: Int[Array, " frames"],
    pairs: Int[Array, "pairs 2"],
    sites: Sites | None,
) -> tuple[Float[Array, "frames beads 3"], Float[Array, "frames pairs"]]:
    X = design_matrix(weights, layout, R, lengths, displacement, sites)
    forces = jax.numpy.einsum("n,ncbf->fbc", c, X)
    apart = jax.vmap(jax.vmap(lambda a, b: norm(displacement(a, b))))(R[:, pairs[:, 1]], R[:, pairs[:, 0]])
    return forces, apart
