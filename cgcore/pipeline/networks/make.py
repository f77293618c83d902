"""The network that the settings name; its library is imported here, late, and nowhere else."""

from __future__ import annotations

from cgcore.config.networks import NetworkSettings
from cgcore.errors import InputError
from cgcore.physics.space import Displacement, free
from cgcore.pipeline.networks.network import Network


def make_network(
    settings: NetworkSettings, n_beads: int, displacement: Displacement = free, max_edges: int | None = None
) -> Network:
    """The network that the settings name, for frames of `n_beads` beads, padding included.

    Arguments:
        settings: which network and its sizes; `avg_num_neighbors` must be set, from the data say: see
            `NetworkSettings.with_avg_num_neighbors` and `edges.average_neighbors`.
        n_beads: beads of a frame.
        displacement: in jax-md's convention.
        max_edges: slots for the edges of a frame, see `edges.count_edges`; a frame with more has energy NaN. None:
            one for each pair, which is faster where most pairs are edges.

    Raises:
        InputError: `avg_num_neighbors` is None, a size is out of range, or a library is missing.
    """
    neighbors = settings.avg_num_neighbors
    if neighbors is None:
        raise InputError(
            f"{settings.kind}.avg_num_neighbors is not set; give the mean number of beads within the cutoff of a bead"
        )
    if n_beads < 1:
        raise InputError(f"n_beads is {n_beads}; give at least 1")
    if max_edges is not None and max_edges < 1:
        raise InputError(f"max_edges is {max_edges}; give at least 1, or None for every pair")
    every_pair = n_beads * (n_beads - 1)
    try:
        if settings.kind == "allegro":
            from cgcore.pipeline.networks.allegro import Allegro

            slots = None if max_edges is None or max_edges >= every_pair else max_edges
            return Allegro(settings.allegro, neighbors, settings.cutoff, settings.n_species, displacement, slots)
        from cgcore.pipeline.networks.nequip import Nequip

        slots = max(min(every_pair if max_edges is None else max_edges, every_pair), 1)
        return Nequip(settings.nequip, neighbors, settings.cutoff, settings.n_species, displacement, slots)
    except ModuleNotFoundError as missing:
        raise InputError(
            f"the {settings.kind} network needs {missing.name}, which is not installed; pip install 'cgcore[train]'"
        ) from missing
