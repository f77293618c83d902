"""Frames for networks: moved, permuted, padded, with beads on both sides of the cut-off; and derivatives by
differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

Array = np.ndarray

CUTOFF, N_SPECIES, N_MAX, BEADS = 7.0, 3, 8, 6
"""Cut-off [Å], numbers of species, of beads in a row, and of beads in a frame."""

CLOSE, FAR = 1e-3, 100.0
"""Distance from the cut-off of beads on both sides of it, which no step below crosses, and how far away each coordinate
of a bead out of reach is [Å]."""

STEP = 3e-4
"""Length of the steps of differences [Å], of the fourth order: their error is below 1e-9 of the largest value."""

STRETCHED = 1.4
"""Factor of lengths that takes edges away."""

TOO_MANY = ("one pair too many", "two pairs too many")

PADDING = np.where(np.arange(N_MAX) % 2, 10**6, 0)
"""Species of padding, which may also be that of a bead."""


@dataclass(frozen=True)
class Frame:
    """A frame without padding, the positions of its beads in a row, and its row of N_MAX beads."""

    R: Array
    species: Array
    slots: Array

    @property
    def row(self) -> tuple[Array, Array, Array]:
        """Positions, NaN in padding; mask; species."""
        R, species = np.full((N_MAX, 3), np.nan), PADDING.copy()
        R[self.slots], species[self.slots] = self.R, self.species
        return R, np.isin(np.arange(N_MAX), self.slots), species


def edges(R: Array) -> tuple[Array, Array]:
    """Centres and neighbours of all ordered pairs within the cut-off."""
    r = np.linalg.norm(R[None] - R[:, None], axis=-1)
    centre, neighbour = np.nonzero((r < CUTOFF) & ~np.eye(len(R), dtype=bool))
    return centre, neighbour


def frames() -> dict[str, Frame]:
    """Frames by what is special about them. Those in `TOO_MANY` have more edges than "most", and the others at most as
    many."""
    rng = np.random.default_rng(45)  # no two beads are closer than 3.8 Å, and none has a distance near the cut-off
    steps = rng.normal(size=(BEADS + 1, 3))
    whole = np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1)[:, None], axis=0)
    R, species, slots = whole[:-1], np.array([0, 1, 2, 0, 1, 0]), np.arange(BEADS)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    order, exchanged = rng.permutation(BEADS), np.array([3, 1, 2, 0, 4, 5])
    more_species, more_slots = np.append(species, 1), np.arange(BEADS + 1)

    def with_bead(R: Array, bead: Array) -> Frame:
        return Frame(np.vstack([R, bead]), more_species, more_slots)

    def at_end(R: Array, off: float) -> Array:
        """A place so far from the cut-off of the outermost bead, and out of reach of the others."""
        outwards = R[0] - R.mean(axis=0)
        outwards /= np.linalg.norm(outwards)
        return R[np.argmax(R @ outwards)] + (CUTOFF + off) * outwards

    wide = STRETCHED * R
    return {
        "most": Frame(R, species, slots),
        "turned and moved": Frame(R @ turn.T + [3.0, -2.0, 1.0], species, slots),
        "mirrored": Frame(-R, species, slots),
        "permuted, between padding": Frame(R[order], species[order], np.array([0, 2, 3, 5, 6, 7])),
        "like beads exchanged": Frame(R[exchanged], species, slots),
        "other species": Frame(R, 2 - species, slots),
        "stretched": Frame(wide, species, slots),
        "a bead out of reach": with_bead(R, R[0] + FAR),
        "a bead just inside": with_bead(wide, at_end(wide, -CLOSE)),
        "a bead just outside": with_bead(wide, at_end(wide, CLOSE)),
        "one pair too many": with_bead(R, at_end(R, -1.0)),
        "two pairs too many": with_bead(R, whole[-1]),
    }


def evaluate(network: Any, params: Any, rows: list[tuple[Array, ...]]) -> tuple[Array, Array, Any]:
    """Energies, forces, and gradients in the parameters, of rows, compiled once."""
    both = jax.jit(jax.vmap(jax.value_and_grad(network.energy, argnums=(0, 1)), (None, 0, 0, 0)))
    E, (slope, dE) = jax.device_get(both(params, *(np.stack(x) for x in zip(*rows, strict=True))))
    return E, -dE, slope


Energies = Callable[[Any, Array, Array], Array]
"""Energies from parameters, positions (many, beads, 3) and species (beads,), without cgcore."""

STEPS = (1, -1, 2, -2)


def forces_of(energies: Energies, params: Any, frame: Frame) -> Array:
    """Forces from differences of energies."""
    unit = STEP * np.eye(frame.R.size).reshape(-1, *frame.R.shape)
    moved = np.concatenate([frame.R + times * unit for times in STEPS])
    return -_slope(energies(params, moved, frame.species).reshape(4, *frame.R.shape))


def slope_of(energies: Energies, params: Any, direction: Any, frame: Frame) -> float:
    """Derivative of the energy along a direction in the parameters, from differences."""
    values = []
    for times in STEPS:
        moved = jax.tree.map(lambda p, d, times=times: p + times * STEP * d, params, direction)
        values.append(energies(moved, frame.R[None], frame.species)[0])
    return float(_slope(np.array(values)))


def _slope(values: Array) -> Array:
    """Derivative, to fourth order, from values after `STEPS` steps."""
    forth, back, far_forth, far_back = values
    return (8 * (forth - back) - (far_forth - far_back)) / (12 * STEP)
