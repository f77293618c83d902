"""Creating the network named by the settings; its library is imported only here, and only when needed."""

from __future__ import annotations

from cgcore.config.networks import NetworkSettings
from cgcore.errors import InputError
from cgcore.physics.space import Displacement, free
from cgcore.pipeline.networks.network import Network


def make_network(
    settings: NetworkSettings, n_beads: int, displacement: Displacement = free, max_edges: int | None = None
) -> Network:
    """Create the network named by the settings, for frames of `n_beads` beads, padding included.

    Arguments:
        settings: kind of the network and its sizes; `avg_num_neighbors` must be set, for instance from the data (see
            `NetworkSettings.with_avg_num_neighbors` and `edges.average_neighbors`).
        n_beads: number of beads of a frame.
        displacement: displacement function in jax-md's convention.
        max_edges: number of slots for the edges of a frame, see `edges.count_edges`; the energy of a frame with more
            edges is NaN. None for a slot for each pair, which is faster if most pairs are edges.

    Raises:
        InputError: `avg_num_neighbors` is None, a size is out of range, or a library is not installed.
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
