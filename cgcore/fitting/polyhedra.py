"""Many small quadratic programmes with the same constraints at a time.

Resampled data give hundreds of objectives |L (y - free)|², each with its own metric L^T L, under the same inequalities.
Most of them have the active rows of their mean, or nearly so: all are solved together for a set of rows each, one row
is dropped or added where the conditions of Karush, Kuhn and Tucker do not hold, and so on until they hold for all. What
takes too many turns goes to the exact projection one by one, so that every point returned satisfies the conditions.

Source: Nocedal and Wright, Numerical Optimization, 2nd ed. (2006), section 16.5.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from cgcore.fitting.projection import Polyhedron

TURNS = 40
"""Rows that are dropped or added before the exact projection is called."""

MOST_ACTIVE = 16
"""Rows that are active at a time."""

TOLERANCE = 1e-9
"""Violation, and negative multipliers, relative to the length of a row in the metric and to the distance moved."""


def nearest_points(
    free: Float[np.ndarray, "cases k"],
    inverses: Float[np.ndarray, "metrics k k"],
    normals: Float[np.ndarray, "rows k"],
    bounds: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, "cases k"]:
    """The admissible points of least objective.

    Arguments:
        free: the points of least objective without constraints.
        inverses: of each Hessian, or one for all.
        normals: normals @ y >= bounds.
        bounds: theirs; some point satisfies all.
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
    """The points of least objective with the active rows as equations, their multipliers, and whether these rows are
    independent."""
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
    """The row of the most negative multiplier dropped, or else the most violated one added."""
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
    """In coordinates in which a metric is the plain distance: y = C x, with the Cholesky factor C of its inverse."""
    for k in which:
        C = np.linalg.cholesky(inverses[k] if len(inverses) > 1 else inverses[0])
        point = Polyhedron(unit @ C, needed - unit @ free[k]).nearest(np.zeros(len(C))).point
        found[k] = free[k] + C @ point
