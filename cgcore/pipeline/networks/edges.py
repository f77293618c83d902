"""The edges of one frame: ordered pairs (centre, neighbour) of real beads within the cutoff.

There are two kinds of storage with the same methods, so that a network is written only once. An empty slot gets a
vector of twice the cutoff, where the envelope and its derivatives are 0, so that nothing downstream needs a mask. If
there are more edges than slots, every vector is NaN, and so are energy and forces.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int, Shaped

from cgcore.physics.space import Displacement, Vector, free


@runtime_checkable
class Edges(Protocol):
    """Slots for edges, along one or two leading axes that are called `*slots` here."""

    @property
    def vectors(self) -> Float[Array, "*slots 3"]:
        """Vectors from the centre to its neighbour [Å]."""
        ...

    def at_centre(self, values: Float[Array, "beads ..."]) -> Float[Array, "*slots ..."]:
        """The values of each edge's centre, in a shape that broadcasts to all slots."""
        ...

    def at_neighbour(self, values: Float[Array, "beads ..."]) -> Float[Array, "*slots ..."]:
        """The values of each edge's neighbour, in a shape that broadcasts to all slots."""
        ...

    def sum_to_centre(self, values: Float[Array, "*slots ..."]) -> Float[Array, "beads ..."]:
        """Sum over the edges of each centre."""
        ...


class EveryPair(NamedTuple):
    """A slot for each pair, along two axes (centre, neighbour); sums and copies need no indices."""

    vectors: Float[Array, "beads beads 3"]

    def at_centre(self, values: Array) -> Array:
        return values[:, None]

    def at_neighbour(self, values: Array) -> Array:
        return values[None, :]

    def sum_to_centre(self, values: Array) -> Array:
        return jnp.sum(values, axis=1)


class Listed(NamedTuple):
    """A fixed number of slots, filled with edges ordered by their centres."""

    vectors: Float[Array, "slots 3"]
    centre: Int[Array, " slots"]
    neighbour: Int[Array, " slots"]
    n_beads: int

    def at_centre(self, values: Array) -> Array:
        return values[self.centre]

    def at_neighbour(self, values: Array) -> Array:
        return values[self.neighbour]

    def sum_to_centre(self, values: Array) -> Array:
        return jax.ops.segment_sum(values, self.centre, self.n_beads, indices_are_sorted=True)


def every_pair(
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    cutoff: float,
    displacement: Displacement,
    dtype: DTypeLike,
) -> EveryPair:
    """Edges with a slot for each pair; vectors are computed in the dtype of R and then cast to `dtype`."""
    mask = jnp.asarray(mask, bool)
    vectors = _all_vectors(R, mask, displacement).astype(dtype)
    return EveryPair(jnp.where(_pairs(mask)[..., None], vectors, _out_of_reach(cutoff, dtype)[None, None]))


def listed(
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    cutoff: float,
    displacement: Displacement,
    dtype: DTypeLike,
    max_edges: int,
) -> Listed:
    """Edges in `max_edges` slots; otherwise as `every_pair`."""
    mask, n_beads = jnp.asarray(mask, bool), R.shape[0]
    edges = _within(R, mask, cutoff, displacement)
    # Unused slots are assigned to the last bead, which keeps the centres sorted.
    centre, neighbour = jnp.nonzero(edges, size=max_edges, fill_value=n_beads - 1)
    count, R = jnp.sum(edges), jnp.where(mask[:, None], R, 0.0)
    vectors = jax.vmap(displacement)(R[neighbour], R[centre]).astype(dtype)
    used = (jnp.arange(max_edges) < count)[:, None]
    # As a factor, since a NaN chosen by `where` would have a gradient of 0.
    spoil = jnp.where(count > max_edges, jnp.nan, 1.0).astype(dtype)
    return Listed(jnp.where(used, vectors, _out_of_reach(cutoff, dtype)[None]) * spoil, centre, neighbour, n_beads)


def count_edges(
    R: Float[Any, "beads 3"], mask: Shaped[Any, " beads"], cutoff: float, displacement: Displacement = free
) -> Int[Array, ""]:
    """Number of edges of one frame, counting both directions; padded beads in R [Å] may hold anything."""
    return jnp.sum(_within(R, jnp.asarray(mask, bool), cutoff, displacement))


def average_neighbors(
    R: Float[Any, "frames beads 3"],
    mask: Shaped[Any, "frames beads"],
    cutoff: float,
    displacement: Displacement = free,
) -> float:
    """Mean number of neighbours of a real bead, the `avg_num_neighbors` of networks."""
    mask = np.asarray(mask, bool)
    frames = (jnp.asarray(R), jnp.asarray(mask))
    counts = jax.lax.map(lambda frame: count_edges(frame[0], frame[1], cutoff, displacement), frames)
    return float(np.sum(np.asarray(counts), dtype=np.int64) / max(np.sum(mask), 1))


def _all_vectors(
    R: Float[Any, "beads 3"], mask: Shaped[Any, " beads"], displacement: Displacement
) -> Float[Array, "beads beads 3"]:
    R = jnp.where(mask[:, None], R, 0.0)
    return jax.vmap(jax.vmap(displacement, (0, None)), (None, 0))(R, R)


def _pairs(mask: Shaped[Any, " beads"]) -> Bool[Array, "beads beads"]:
    return mask[:, None] & mask[None] & ~np.eye(len(mask), dtype=bool)


def _within(
    R: Float[Any, "beads 3"], mask: Shaped[Any, " beads"], cutoff: float, displacement: Displacement
) -> Bool[Array, "beads beads"]:
    squared = jnp.sum(_all_vectors(jax.lax.stop_gradient(R), mask, displacement) ** 2, axis=-1)
    # Not "<": a real bead at NaN must make the energy NaN, not vanish from it.
    return _pairs(mask) & ~(squared >= cutoff**2)


def _out_of_reach(cutoff: float, dtype: DTypeLike) -> Vector:
    return jnp.asarray([2 * cutoff, 0.0, 0.0], dtype)
