"""Forces and distances in some frames, evenly spaced in a data set."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgcore.data import Dataset
from cgcore.physics.energy import frame_forces
from cgcore.physics.geometry import norm
from cgcore.physics.prior import Params, Prior
from cgcore.physics.rows import Rows
from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import REPULSIVE_MIN_SEPARATION

COMPONENTS = 20_000
"""Largest number of force components that a picture needs."""


class ForceSample(NamedTuple):
    """Forces and distances in sampled frames.

    Arguments:
        reference: force components of real beads [kcal/mol/Å].
        predicted: the same components predicted by the prior [kcal/mol/Å].
        distances: distances in these frames of all pairs that repel each other (j - i >= 6, or in two chains) [Å].
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
    """Predicted and reference forces of whole frames, with about `components` components in total.

    Arguments:
        dataset: the frames.
        prior: prior with its weights.
        params: parameters for the prediction.
        displacement: displacement function in jax-md's convention.
        components: approximate number of components; at least one frame is taken, and all if there are fewer.
    """
    R, F, lengths, species, sites = _frames(dataset, components)
    beyond = Rows("pairs", REPULSIVE_MIN_SEPARATION)
    pairs = beyond.candidates(R.shape[1], sites is not None)
    real = np.arange(R.shape[1]) < lengths[:, None]
    with jax.enable_x64(True):
        bare = prior.without_values()
        predicted, distances = _predict(bare, displacement, params, R, real, species, sites, pairs)
    both_real = pairs[:, 1] < lengths[:, None]
    if sites is not None:
        both_real &= beyond.count(sites[:, pairs[:, 0]], sites[:, pairs[:, 1]], False)
    return ForceSample(
        reference=F[real].ravel(),
        predicted=np.asarray(predicted)[real].ravel(),
        distances=np.asarray(distances)[both_real],
        frames=len(R),
    )


def _frames(
    dataset: Dataset, components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """R, F, lengths, species and sites of evenly spaced frames, padded with zeros to the same width, in float64."""
    count = int(np.clip(components * dataset.n_frames // (3 * dataset.real_beads), 1, dataset.n_frames))
    chosen = np.unique(np.linspace(0, dataset.n_frames - 1, count).round().astype(np.int64))
    R, F = (np.zeros((len(chosen), dataset.n_beads, 3)) for _ in range(2))
    lengths, species = np.zeros(len(chosen), np.int64), np.zeros(R.shape[:2], np.int32)
    offset = 0
    for source in dataset.sources:
        here = (chosen >= offset) & (chosen < offset + source.n_frames)
        rows = chosen[here] - offset
        if len(rows):
            R[here, : source.n_beads], F[here, : source.n_beads] = source.load(rows)
            lengths[here] = source.lengths[rows]
            if (kinds := source.species(rows)) is not None:
                species[here, : source.n_beads] = kinds
        offset += source.n_frames
    sites = dataset.sites()
    return R, F, lengths, species, None if sites is None else sites[chosen]


@partial(jax.jit, static_argnums=(0, 1))
def _predict(
    prior: Prior,
    displacement: Displacement,
    params: Params,
    R: Float[Array, "frames beads 3"],
    real: Bool[Array, "frames beads"],
    species: Int[Array, "frames beads"],
    sites: Int[Array, "frames beads"] | None,
    pairs: Int[Array, "pairs 2"],
) -> tuple[Float[Array, "frames beads 3"], Float[Array, "frames pairs"]]:
    apart = jax.vmap(jax.vmap(lambda a, b: norm(displacement(a, b))))(R[:, pairs[:, 1]], R[:, pairs[:, 0]])
    return frame_forces(prior, params, R, real, species, displacement, sites), apart
