"""Comparison of force maps by their noise, on all frames and on held-out frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.mapping.beads import Beads
from cgcore.mapping.force_maps import OptimalMaps, noise, residue_map, slice_map
from cgcore.mapping.moments import Moments

RIDGES = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Strengths of the ridge to try, in units of the mean square force on an atom."""


class ForceMap(NamedTuple):
    """A force map and its noise [(kcal/mol/Å)² per bead].

    Arguments:
        name: one of `force_maps.MAPS`.
        W: (beads, solute atoms).
        W: weights (beads, solute atoms).
        noise: mean square force over all frames.
        held_out: mean square force of a map of the same kind, made from the first four fifths of the frames, over the
            last fifth; None if there is only one frame.
    """

    name: str
    W: np.ndarray
    noise: float
    held_out: float | None


class Optimal(NamedTuple):
    """The optimal map, and the ridge chosen for it."""

    map: ForceMap
    ridge: float


def fixed_maps(found: Moments, beads: Beads, group: np.ndarray, wanted: str) -> list[ForceMap]:
    """The maps that do not depend on the frames.

    Arguments:
        found: moments of the frames.
        beads: beads of the topology.
        group: groups of rigidly connected atoms (solute atoms,), see `rigid.groups`.
        wanted: name of the requested map.

    Raises:
        InputError: constraints make the requested map, or all maps, inconsistent.
    """
    maps = []
    for name, make in (("slice", slice_map), ("residue", residue_map)):
        try:
            maps.append(_with_noise(name, make(beads, group), found))
        except InputError:
            if name == wanted or name == "slice":
                raise
    return maps


def best_map(found: Moments, beads: Beads, group: np.ndarray, others: list[ForceMap]) -> Optimal:
    """The optimal map of all frames, with the ridge that has the smallest noise on held-out frames.

    Only ridges are considered for which the map is not noisier than the other maps on the frames that it is made from.
    """
    least = min(other.noise for other in others) * (1 + 1e-9)
    tried = []
    everything, part = OptimalMaps(found.all, beads, group), OptimalMaps(found.fitted, beads, group)
    for ridge in RIDGES:
        W = everything.map(ridge)
        if ridge and noise(W, found.all, sum(found.frames)) > least:
            continue
        judged = noise(part.map(ridge), found.held_out, found.frames[1]) if found.frames[1] else None
        made = ForceMap("optimal", W, noise(W, found.all, sum(found.frames)), judged)
        tried.append(Optimal(made, ridge))
    return min(tried, key=lambda one: one.map.noise if one.map.held_out is None else one.map.held_out)


def _with_noise(name: str, W: np.ndarray, found: Moments) -> ForceMap:
    held = noise(W, found.held_out, found.frames[1]) if found.frames[1] else None
    return ForceMap(name, W, noise(W, found.all, sum(found.frames)), held)
