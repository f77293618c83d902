"""jax-md's NequIP on graphs of the edges within the cut-off, which NumPy finds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from validation.networks.frames import BEADS, CUTOFF, N_MAX, N_SPECIES, Array, Energies, edges

UNIT = CUTOFF / 2
"""cgcore's NequIP measures lengths in a unit in which the cut-off is 2."""

SLOTS, AT_ONCE = N_MAX * (N_MAX - 1), 12 * (BEADS + 1)
"""Number of edges of a padded graph, and of graphs of one compiled call: four displacements of each coordinate."""


def jax_md_nequip(sizes: Any) -> Energies:
    """Energies of jax-md's model with cgcore's parameters.

    Arguments:
        sizes: cgcore's settings of the network.
    """
    import jax
    import jraph
    from jax_md.nn import nequip

    said = nequip.default_config()
    irreps = [f"{degree}{'eo'[degree % 2]}" for degree in range(sizes.max_ell + 1)]
    said.update(
        graph_net_steps=sizes.num_layers,
        n_elements=N_SPECIES,
        hidden_irreps=" + ".join(f"{sizes.hidden_channels}x{one}" for one in irreps),
        sh_irreps=" + ".join(f"1x{one}" for one in irreps),
        num_basis=sizes.n_radial_basis,
        r_max=2.0,
        radial_net_n_hidden=sizes.mlp_n_hidden,
        radial_net_n_layers=sizes.mlp_n_layers - 1,
        n_neighbors=sizes.avg_num_neighbors,
        shift=0.0,
        scale=1.0,
    )
    model = nequip.model_from_config(said)
    # The second graph is padding.
    apply = jax.jit(jax.vmap(lambda params, graph: model.apply(params, graph)[0, 0], (None, 0)))  # type: ignore[index]

    def graph(R: Array, species: Array) -> Any:
        centre, neighbour = edges(R)
        n_beads, n_edges = len(R), len(centre)
        vectors = np.tile([1.0, 0.0, 0.0], (SLOTS, 1))
        vectors[:n_edges] = (R[neighbour] - R[centre]) / UNIT
        ends = np.full((2, SLOTS), N_MAX - 1)
        ends[:, :n_edges] = neighbour, centre
        nodes = np.zeros((N_MAX, N_SPECIES))
        nodes[np.arange(n_beads), species] = 1
        counts = {"n_node": np.array([n_beads, N_MAX - n_beads]), "n_edge": np.array([n_edges, SLOTS - n_edges])}
        return jraph.GraphsTuple(nodes=nodes, edges=vectors, senders=ends[0], receivers=ends[1], globals=None, **counts)  # type: ignore[arg-type]

    def energies(params: Any, R: Array, species: Array) -> Array:
        graphs = [graph(one, species) for one in R]
        graphs += graphs[-1:] * (AT_ONCE - len(R))
        with warnings.catch_warnings():  # about names of e3nn_jax that jax-md uses
            warnings.filterwarnings("ignore", ".* is deprecated", DeprecationWarning)
            return np.asarray(apply(params, jax.tree.map(lambda *x: np.stack(x), *graphs)))[: len(R)]

    return energies
