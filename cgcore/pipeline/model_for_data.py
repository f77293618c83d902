"""Creating a model for given frames, with settings that depend on the data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cgcore.config import Settings, load_settings
from cgcore.config.networks import NetworkSettings
from cgcore.errors import InputWarning
from cgcore.pipeline.box import displacement_in
from cgcore.pipeline.core import BELOW, closest_approach
from cgcore.pipeline.loader import DatasetLoader, check_species
from cgcore.pipeline.model import CombinedModel
from cgcore.pipeline.networks.edges import average_neighbors, count_edges

FAR = 1.5
"""Largest factor by which `avg_num_neighbors` may differ from the count without a warning; features are scaled by its
square root."""

ROOM = 1.25
"""Ratio of the number of edge slots to the largest number of edges in a frame of the data."""

DENSE = 1 / 3
"""If there would be more edge slots than this fraction of all pairs, all pairs are computed instead."""


def far_from(network: NetworkSettings, counted: float, data: str) -> str | None:
    """A message if `avg_num_neighbors` is far from the count; None if it is not, or is left out.

    Arguments:
        network: settings with `avg_num_neighbors` and the cutoff.
        counted: mean number of neighbours in the data.
        data: name of the data.
    """
    given = network.avg_num_neighbors
    if given is None or 1 / FAR < given / max(counted, 1.0) < FAR:
        return None
    return (
        f"avg_num_neighbors is {given:g}, and beads of {data} have {counted:.3g} within {network.cutoff:g} Å; leave it "
        "out, and it is counted"
    )


def model_for(
    config: str | os.PathLike[str] | Mapping[str, Any] | Settings, loader: DatasetLoader, box: Any = None
) -> CombinedModel:
    """Create a model for the frames on which it will be trained.

    If the settings leave out `avg_num_neighbors`, it is counted in the frames; a given value that is far from the count
    causes a warning. `core: auto` becomes nine tenths of the closest approach in the frames. The network gets room for
    a quarter more edges than any of these frames has; the energy of a frame with still more edges is NaN, never a wrong
    number.

    Raises:
        InputError: as `CombinedModel`.
    """
    settings = load_settings(config)
    network, room = settings.model.network, None
    mask, real = loader.mask.astype(bool), loader.mask[0].astype(bool)
    if network is not None:
        displacement, _ = displacement_in(box, network.cutoff)
        check_species(loader.dataset.path, loader.species, mask, network.n_species)
        R, cutoff = jnp.asarray(loader.R), network.cutoff
        counted = average_neighbors(R, jnp.asarray(mask), cutoff, displacement)
        if network.avg_num_neighbors is None:
            network = network.with_avg_num_neighbors(max(counted, 1.0))
            settings = replace(settings, model=replace(settings.model, network=network))
        elif (words := far_from(network, counted, loader.dataset.path)) is not None:
            warnings.warn(f"{settings.name}: {words}", InputWarning, stacklevel=2)
        if settings.model.core == "auto":
            closest = closest_approach(R, jnp.asarray(mask), displacement)
            core = BELOW * closest if np.isfinite(closest) else None
            settings = replace(settings, model=replace(settings.model, core=core))
        edges = jax.lax.map(lambda frame: count_edges(frame[0], frame[1], cutoff, displacement), (R, jnp.asarray(mask)))
        most = max(int(jnp.max(edges)), 1)
        room = int(np.ceil(ROOM * most / 8)) * 8
        if room > DENSE * loader.N_max * (loader.N_max - 1):
            room = None
    return CombinedModel(settings, loader.R[0][real], box, loader.species[0][real], loader.N_max, max_edges=room)
