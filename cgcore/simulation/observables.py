"""Observables that are compared between data and simulation: one or several values of each frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.simulation.verdict import pairs

CONTACT = 8.0
"""Distance below which beads are in contact [Å], as usual for CA atoms."""

Frames = Float[np.ndarray, "frames beads 3"]
Values = Float[np.ndarray, "frames values"]


class Kind(NamedTuple):
    """An observable: its title, unit, smallest number of beads, and function that returns its values."""

    title: str
    unit: str
    beads: int
    values: Callable[[Frames], Values]


def of_frames(name: str, R: Frames) -> Values:
    """The values of an observable in frames without padding, in its unit."""
    return KINDS[name].values(R.astype(np.float64))


def _internal(name: str) -> Callable[[Frames], Values]:
    def values(R: Frames) -> Values:
        b = np.diff(R, axis=1)
        r = np.linalg.norm(b, axis=2)
        if name == "bond":
            return r
        u, v = b[:, :-1], b[:, 1:]
        normal = np.cross(u, v)
        if name == "angle":
            return np.degrees(np.arctan2(np.linalg.norm(normal, axis=2), -np.sum(u * v, axis=2)))
        n1, n2 = normal[:, :-1], normal[:, 1:]
        # With the sign of `physics.geometry.dihedral`.
        y = -r[:, 1:-1] * np.sum(b[:, :-2] * n2, axis=2)
        return np.degrees(np.arctan2(y, np.sum(n1 * n2, axis=2)))

    return values


def _distances(R: Frames) -> Values:
    i, j = pairs(R.shape[1])
    return np.linalg.norm(R[:, i] - R[:, j], axis=2)


def _contacts(R: Frames) -> Values:
    return np.sum(_distances(R) < CONTACT, axis=1, keepdims=True).astype(np.float64)


def _radius_of_gyration(R: Frames) -> Values:
    centred = R - R.mean(axis=1, keepdims=True)
    return np.sqrt(np.mean(np.sum(centred**2, axis=2), axis=1, keepdims=True))


def _end_to_end(R: Frames) -> Values:
    return np.linalg.norm(R[:, -1:] - R[:, :1], axis=2)


KINDS = {
    "bond": Kind("Bond", "Å", 2, _internal("bond")),
    "angle": Kind("Angle", "degrees", 3, _internal("angle")),
    "dihedral": Kind("Dihedral", "degrees", 4, _internal("dihedral")),
    "distance": Kind("Distance, |i−j| ≥ 3", "Å", 4, _distances),
    "contacts": Kind(f"Contacts within {CONTACT:g} Å, |i−j| ≥ 3", "", 4, _contacts),
    "radius_of_gyration": Kind("Radius of gyration", "Å", 3, _radius_of_gyration),
    "end_to_end": Kind("End to end", "Å", 3, _end_to_end),
}
"""The observables, in the order of tables and pictures."""
