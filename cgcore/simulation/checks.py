"""Criteria for a lost chain, checked at every step.

The limits come from the data, with margins so wide that fluctuations of a sound model do not exceed them.
"""

from __future__ import annotations

from enum import IntEnum
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.physics.topology import BEAD, NEAREST

CLOSER = 0.75
"""Fraction of the closest sampled approach that is used instead, if it is smaller."""

BOND_MARGIN = 0.5
"""Margin on both sides of the sampled range of bonds [Å]; the width of the range, if that is larger. A bond with a
stiffness of 150 kcal/mol/Å² has an energy of over 30 kB T there, at room temperature."""

ANGLE_MARGIN = np.pi / 18
"""Margin on both sides of the sampled range of angles [rad]."""

MOST_ANGLES = 1e-3
"""Largest fraction of angles outside the limits."""

UNROLLED = 24
"""Largest number of beads for which each separation is a separate operation: faster for few beads, but slow to compile
for many."""


class Outcome(IntEnum):
    """The outcome of a replica."""

    WHOLE = 0
    NOT_FINITE = 1
    BOND = 2
    OVERLAP = 3
    ANGLE = 4


class Limits(NamedTuple):
    """Limits beyond which a chain is lost; see the constants of this module for the margins."""

    bond: tuple[float, float]  # Å
    closest: float  # Å, for beads `NEAREST` or more apart along the chain; 0 for none
    angle: tuple[float, float]  # rad
    closest_sampled: float  # Å, infinite if there is no such pair


class Seen(NamedTuple):
    """The result of `look`: outcome and closest (replicas,), and outside (angles, replicas)."""

    outcome: Any
    closest: Any  # squared, Å²
    outside: Any


def limits_of(R: Float[np.ndarray, "frames beads 3"]) -> Limits:
    """The limits from sampled frames without padding."""
    b = np.diff(R.astype(np.float64), axis=1)
    r = np.linalg.norm(b, axis=2)
    low, high = float(r.min()), float(r.max())
    margin = max(BOND_MARGIN, high - low)
    angle = (0.0, np.pi)
    if R.shape[1] > 2:
        theta = np.arccos(np.clip(-np.sum(b[:, :-1] * b[:, 1:], axis=2) / (r[:, :-1] * r[:, 1:]), -1, 1))
        angle = (max(float(theta.min()) - ANGLE_MARGIN, 0.0), min(float(theta.max()) + ANGLE_MARGIN, np.pi))
    x = np.transpose(R.astype(np.float64), (2, 1, 0))
    sampled = float(np.sqrt(closest_squared(x, np).min()))
    closest = min(BEAD, CLOSER * sampled) if np.isfinite(sampled) else 0.0
    return Limits((max(low - margin, 0.0), high + margin), closest, angle, sampled)


def look(
    limits: Limits, x: Float[Any, "xyz beads replicas"], v: Float[Any, "xyz beads replicas"], xp: ModuleType
) -> Seen:
    """Check every replica, with NumPy or, inside a compiled step, with xp=jax.numpy.

    If there are several problems at once, the outcome is the first of: not finite, overlap, bond.
    """
    b = x[:, 1:] - x[:, :-1]
    squared = b[0] ** 2 + b[1] ** 2 + b[2] ** 2
    bad_bond = xp.any((squared < limits.bond[0] ** 2) | (squared > limits.bond[1] ** 2), axis=0)
    u, w = b[:, :-1], b[:, 1:]
    cosine = -(u[0] * w[0] + u[1] * w[1] + u[2] * w[2]) / xp.sqrt(squared[:-1] * squared[1:])
    outside = (cosine > np.cos(limits.angle[0])) | (cosine < np.cos(limits.angle[1]))
    closest = closest_squared(x, xp)
    # The sum is not finite if any value is not; it cannot overflow before the bonds are far out of range.
    finite = xp.isfinite(xp.sum(x + v, axis=(0, 1)))
    outcome = xp.where(bad_bond, Outcome.BOND, Outcome.WHOLE)
    outcome = xp.where(closest < limits.closest**2, Outcome.OVERLAP, outcome)
    return Seen(xp.where(finite, outcome, Outcome.NOT_FINITE), closest, outside)


def closest_squared(x: Float[Any, "xyz beads replicas"], xp: ModuleType) -> Float[Any, " replicas"]:
    """Squared distance of each replica's closest pair that is `NEAREST` or more apart along the chain [Å²]."""
    beads = x.shape[1]
    least = xp.full(x.shape[2], np.inf, x.dtype)
    if beads <= UNROLLED or xp is np:
        for k in range(NEAREST, beads):
            d = x[:, k:] - x[:, :-k]
            least = xp.minimum(least, xp.min(d[0] ** 2 + d[1] ** 2 + d[2] ** 2, axis=0))
        return least
    d = [c[None] - c[:, None] for c in x]
    i = np.arange(beads)
    near = np.where(i - i[:, None] >= NEAREST, 0.0, np.inf)[..., None]
    return xp.min(d[0] ** 2 + d[1] ** 2 + d[2] ** 2 + xp.asarray(near, x.dtype), axis=(0, 1))
