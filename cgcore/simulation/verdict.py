"""The verdict on each replica, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cgcore.simulation.checks import MOST_ANGLES, NEAREST, Limits, Outcome
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import State, Tally


@dataclass(frozen=True)
class Replica:
    """The verdict on one replica.

    Arguments:
        number: number of the replica, from 0.
        status: whole, or why it was lost.
        time: time at which it was lost [ps]; for ANGLE, at which an angle was first outside; None if it is whole.
        beads: beads that failed, numbered from 0.
        value: length of the bond [Å], distance of the beads [Å], or fraction of angles outside the limits.
        closest: smallest distance of beads 3 or more apart along the chain [Å]; infinite if there are none.
        sentence: the verdict in words.
    """

    number: int
    status: Outcome
    time: float | None
    beads: tuple[int, ...]
    value: float | None
    closest: float
    sentence: str


def verdicts(state: State, settings: Settings, limits: Limits) -> tuple[Replica, ...]:
    """The replicas at the end of a run."""
    tally = Tally(*(np.asarray(part) for part in state.tally))
    x = np.asarray(state.x)
    many = angles_outside(tally) > MOST_ANGLES
    return tuple(_verdict(k, x[:, :, k], tally, settings, limits, many) for k in range(x.shape[2]))


def angles_outside(tally: Tally) -> float:
    """Fraction of all angles, over all checks, that were outside their limits."""
    looks = int(np.sum(tally.looks)) * len(tally.outside)
    return float(np.sum(tally.outside)) / looks if looks else 0.0


def closest_approach(tally: Tally) -> float:
    """Smallest distance of beads 3 or more apart along the chain, in any check of any replica [Å]."""
    return float(np.sqrt(np.min(tally.closest)))


def _verdict(
    k: int, x: Float[np.ndarray, "xyz beads"], tally: Tally, settings: Settings, limits: Limits, many: bool
) -> Replica:
    status, closest = Outcome(int(tally.outcome[k])), float(np.sqrt(tally.closest[k]))
    time, beads, value, why = settings.at(int(tally.lost_at[k])), (), None, "whole"
    if status == Outcome.NOT_FINITE:
        beads, why = _not_finite(x), "positions or velocities are not finite"
    elif status == Outcome.BOND:
        beads, value = _worst_bond(x, limits)
        low, high = limits.bond
        why = f"the bond of beads {beads[0]} and {beads[1]} is {value:.2f} Å, beyond {low:.2f} to {high:.2f} Å"
    elif status == Outcome.OVERLAP:
        beads, value = _closest_pair(x)
        why = f"beads {beads[0]} and {beads[1]} are {value:.2f} Å apart, less than {limits.closest:.2f} Å"
    elif many and (value := _outside(tally, k)) > MOST_ANGLES:
        status, time = Outcome.ANGLE, settings.at(int(tally.first_outside[k]))
        middle = int(np.argmax(tally.outside[:, k])) + 1
        beads = (middle - 1, middle, middle + 1)
        low, high = np.degrees(limits.angle)
        why = (
            f"{value:.2%} of the angles are beyond {low:.0f} to {high:.0f} degrees, "
            f"most often that of beads {', '.join(map(str, beads))}"
        )
    if status == Outcome.WHOLE:
        return Replica(k, status, None, (), None, closest, f"replica {k}: whole")
    first = "from" if status == Outcome.ANGLE else "lost at"
    return Replica(k, status, time, beads, value, closest, f"replica {k}: {first} {time:.3f} ps: {why}")


def _outside(tally: Tally, k: int) -> float:
    angles = len(tally.outside)
    return float(tally.outside[:, k].sum()) / (angles * max(int(tally.looks[k]), 1)) if angles else 0.0


def _not_finite(x: Float[np.ndarray, "xyz beads"]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(~np.isfinite(x).all(axis=0)).tolist())


def _worst_bond(x: Float[np.ndarray, "xyz beads"], limits: Limits) -> tuple[tuple[int, int], float]:
    r = np.linalg.norm(np.diff(x, axis=1), axis=0)
    k = int(np.argmax(np.maximum(limits.bond[0] - r, r - limits.bond[1])))
    return (k, k + 1), float(r[k])


def _closest_pair(x: Float[np.ndarray, "xyz beads"]) -> tuple[tuple[int, int], float]:
    i, j = pairs(x.shape[1])
    r = np.linalg.norm(x[:, i] - x[:, j], axis=0)
    k = int(np.argmin(r))
    return (int(i[k]), int(j[k])), float(r[k])


def pairs(beads: int) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """Beads i and j with j - i >= `NEAREST`."""
    return np.triu_indices(beads, NEAREST)
