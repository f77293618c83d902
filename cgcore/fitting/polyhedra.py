"""Simultaneous solution of many small quadratic programmes with the same constraints.

Resampled data give hundreds of objectives |L (y - free)|², each with its own metric L^T L, under the same inequalities.
Most of them have nearly the same active rows as their mean. All are solved together, each for its own set of active
rows; where the Karush-Kuhn-Tucker conditions do not hold, one row is dropped or added, and this is repeated until they
hold for all. Cases that take too many iterations are solved one by one by the exact projection, so that every returned
point satisfies the conditions.

Source: Nocedal and Wright, Numerical Optimization, 2nd ed. (2006), section 16.5.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from cgcore.fitting.projection import Polyhedron

TURNS = 40
"""Largest number of iterations before the exact projection is used."""

MOST_ACTIVE = 16
"""Largest number of active rows."""

TOLERANCE = 1e-9
"""Largest violation and negative multiplier, relative to the length of a row in the metric and to the multipliers."""


def nearest_points(
    free: Float[np.ndarray, "cases k"],
    inverses: Float[np.ndarray, "metrics k k"],
    normals: Float[np.ndarray, "rows k"],
    bounds: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, "cases k"]:
    """The constrained minima of all objectives.

    Arguments:
        free: the unconstrained minima.
        inverses: inverse of each Hessian, or one for all.
        normals: rows of the constraints normals @ y >= bounds.
        bounds: bounds of the constraints, which some point must satisfy.
    """
    found = free.copy()
    if not len(bounds):
        return found
    scale = np.sqrt(np.einsum("ri,ij,rj->r", normals, inverses.mean(axis=0), normals))
    felt = scale > 0
    unit, needed = normals[felt] / scale[felt, None], bounds[felt] / scale[felt]
    todo = np.flatnonzero((free @ unit.T < needed - TOLERANCE).any(axis=1))
    if not len(todo):
        return found
    active = np.full((len(todo), min(MOST_ACTIVE, len(needed))), -1)
    middle = np.linalg.cholesky(inverses.mean(axis=0))
    usual = Polyhedron(unit @ middle, needed - unit @ free.mean(axis=0)).nearest(np.zeros(len(middle)))
    likely = np.flatnonzero(usual.multipliers)
    active[:, : len(likely)] = likely[: active.shape[1]]
    for _ in range(TURNS):
        if not len(todo):
            return found
        own = inverses[todo] if len(inverses) > 1 else inverses
        points, multipliers, usable = _held(free[todo], own, unit, needed, active)
        missing = needed - points @ unit.T
        reach = TOLERANCE * (1 + np.abs(multipliers).sum(axis=1))
        weakest, worst = multipliers.min(axis=1), missing.max(axis=1)
        done = usable & (weakest >= -reach) & (worst <= reach)
        found[todo[done]] = points[done]
        usable, full = usable[~done], np.all(active[~done] >= 0, axis=1)
        negative = weakest[~done] < -reach[~done]
        active, todo = _changed(active[~done], negative, multipliers[~done], missing[~done]), todo[~done]
        given_up = ~usable | (full & ~negative)
        _one_by_one(found, todo[given_up], free, inverses, unit, needed)
        active, todo = active[~given_up], todo[~given_up]
    _one_by_one(found, todo, free, inverses, unit, needed)
    return found


def _held(
    free: Float[np.ndarray, "cases k"],
    inverses: Float[np.ndarray, "metrics k k"],
    unit: Float[np.ndarray, "rows k"],
    needed: Float[np.ndarray, " rows"],
    active: Int[np.ndarray, "cases most"],
) -> tuple[Float[np.ndarray, "cases k"], Float[np.ndarray, "cases most"], Bool[np.ndarray, " cases"]]:
    """The minima with the active rows as equations, their multipliers, and whether the active rows are independent."""
    width = max(int((active >= 0).sum(axis=1).max(initial=0)), 1)
    order = np.argsort(active < 0, axis=1, kind="stable")
    rows = np.take_along_axis(active, order, axis=1)[:, :width]
    used = rows >= 0
    N = unit[rows] * used[..., None]
    moves = N @ inverses
    gram = moves @ N.transpose(0, 2, 1)
    gram[:, np.arange(width), np.arange(width)] += ~used
    usable = np.linalg.eigvalsh(gram)[:, 0] > TOLERANCE
    gram[~usable] = np.eye(width)
    short = (needed[rows] - np.einsum("raj,rj->ra", N, free)) * used
    multipliers = np.linalg.solve(gram, short[..., None])[..., 0]
    back = np.zeros(active.shape)
    np.put_along_axis(back, order[:, :width], multipliers, axis=1)
    return free + np.einsum("raj,ra->rj", moves, multipliers), back, usable


def _changed(
    active: Int[np.ndarray, "cases most"],
    negative: Bool[np.ndarray, " cases"],
    multipliers: Float[np.ndarray, "cases most"],
    missing: Float[np.ndarray, "cases rows"],
) -> Int[np.ndarray, "cases most"]:
    """The active rows after dropping the one with the most negative multiplier or, if there is none, adding the most
    violated one."""
    active = active.copy()
    drop, add = np.flatnonzero(negative), np.flatnonzero(~negative)
    active[drop, multipliers[drop].argmin(axis=1)] = -1
    active[add, (active[add] < 0).argmax(axis=1)] = missing[add].argmax(axis=1)
    return active


def _one_by_one(
    found: Float[np.ndarray, "cases k"],
    which: Int[np.ndarray, " chosen"],
    free: Float[np.ndarray, "cases k"],
    inverses: Float[np.ndarray, "metrics k k"],
    unit: Float[np.ndarray, "rows k"],
    needed: Float[np.ndarray, " rows"],
) -> None:
    """Solve some cases by projection, in coordinates in which the metric is the Euclidean distance: y = C x, where C is
    the Cholesky factor of the inverse Hessian."""
    for k in which:
        C = np.linalg.cholesky(inverses[k] if len(inverses) > 1 else inverses[0])
        point = Polyhedron(unit @ C, needed - unit @ free[k]).nearest(np.zeros(len(C))).point
        found[k] = free[k] + C @ point
