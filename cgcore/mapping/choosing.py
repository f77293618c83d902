"""The maps of one set of frames, side by side: their noise on the frames they are made of, and on others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.mapping.beads import Beads
from cgcore.mapping.force_maps import OptimalMaps, noise, residue_map, slice_map
from cgcore.mapping.moments import Moments

RIDGES = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Strengths of the ridge that are tried, in mean square forces of an atom."""


class ForceMap(NamedTuple):
    """A map and its noise [(kcal/mol/Å)² a bead].

    Arguments:
        name: one of `force_maps.MAPS`.
        W: (beads, solute atoms).
        noise: mean square force on all frames.
        held_out: the same of frames that the map was not made of: a map of the kind, made of the first four fifths, on
            the last fifth; None where there is one frame.
    """

    name: str
    W: np.ndarray
    noise: float
    held_out: float | None


class Optimal(NamedTuple):
    """The optimal map, and the ridge that was chosen for it."""

    map: ForceMap
    ridge: float


def fixed_maps(found: Moments, beads: Beads, group: np.ndarray, wanted: str) -> list[ForceMap]:
    """The maps that do not depend on the frames.

    Arguments:
        found: moments of the frames.
        beads: of the topology.
        group: (solute atoms,), see `rigid.groups`.
        wanted: the map that has to be there.

    Raises:
        InputError: constraints forbid the map that is wanted, or every one.
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
    """The optimal map of all frames; its ridge is the one with the least noise on frames held out.

    On the frames it is made of it is never noisier than the other maps: a ridge that would make it so is not taken.
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
