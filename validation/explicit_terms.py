"""The design matrix of terms of any kind in NumPy and SciPy, row by row from their declarations. No cgcore code.

    F_pred = X(R) c,   column (g, k) of a term: -w * sum over the rows of group g of phi_k'(x) * grad x

Only the fields of a term's declaration are read, and none of its methods are called: the rows, the group of each row
and the basis functions are implemented again here. Gradients of coordinates are those of `validation.explicit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from scipy.interpolate import BSpline

from validation.explicit import Array, System, value, value_and_gradient

BEADS = {"bonds": 2, "angles": 3, "dihedrals": 4, "pairs": 2}
MEASURED = {"bonds": "bond", "angles": "angle", "dihedrals": "dihedral", "pairs": "bond"}

NEXT_CHAIN = 1000
"""Smallest jump of the sites at the beginning of a new chain."""

Derivatives = Mapping[str, Callable[[Array], Array]]
"""Derivatives of a user's own functions by name: each takes x and returns (count, *shape of x)."""


def system(
    batch: Any,
    terms: Sequence[Any],
    sites: Array | None = None,
    box: Array | None = None,
    own: Derivatives | None = None,
) -> System:
    """The explicit system of padded frames (`R, F, mask, species`).

    Arguments:
        batch: the frames.
        terms: declarations, in the order of their columns.
        sites: number of each bead along its chain (frames, beads); None if each frame is one chain.
        box: three edges [Å], for distances to the nearest image; None for free space.
        own: derivatives of users' functions.
    """
    X, F = [], []
    lengths = np.asarray(batch.mask).astype(bool).sum(axis=1)
    for f, n in enumerate(lengths):
        along = np.arange(n) if sites is None else np.asarray(sites)[f, :n]
        R = np.asarray(batch.R)[f, :n].astype(float)
        X.append(matrix(R, terms, np.asarray(batch.species)[f, :n], along, box, own).reshape(3 * n, -1))
        F.append(np.asarray(batch.F)[f, :n].astype(float).reshape(-1))
    return System(np.concatenate(X), np.concatenate(F), int(lengths.sum()))


def matrix(
    R: Array,
    terms: Sequence[Any],
    species: Array,
    sites: Array,
    box: Array | None = None,
    own: Derivatives | None = None,
) -> Array:
    """X of one frame without padding, (beads, 3, n); arguments as in `system`."""
    columns = []
    for term in terms:
        found = rows_of(term.rows, sites)
        which = np.array([group_of(term.groups, term.rows.kind, row, species, sites) for row in found], int)
        beads = np.array(found, int).reshape(-1, BEADS[term.rows.kind])[which >= 0]
        x, gradient = value_and_gradient(MEASURED[term.rows.kind], _whole(R[beads], box))
        slope = derivatives(term.basis, x, own or {})
        out = np.zeros((*R.shape, len(group_labels(term.groups, term.rows.kind)), len(slope)))
        for row, group, dE, dx in zip(beads, which[which >= 0], slope.T, gradient, strict=True):
            for bead, g in zip(row, dx, strict=True):
                out[bead, :, group, :] -= term.weight * g[:, None] * dE
        columns.append(out.reshape(*R.shape, -1))
    return np.concatenate(columns, axis=-1)


def rows_of(rows: Any, sites: Array) -> list[tuple[int, ...]]:
    """The rows of beads in one or more chains whose beads have these sites."""
    n, chain = len(sites), np.cumsum(np.diff(sites, prepend=sites[:1]) >= NEXT_CHAIN)
    if rows.listed is not None:
        return [row for row in rows.listed if max(row) < n]
    if rows.kind != "pairs":
        width = BEADS[rows.kind]
        every = [tuple(range(i, i + width)) for i in range(n - width + 1)]
        return [row for row in every if all(sites[b] - sites[a] == 1 for a, b in pairwise(row))]
    found = []
    for i in range(n):
        for j in range(i + 1, n):
            apart, one_chain = sites[j] - sites[i], chain[i] == chain[j]
            if apart < rows.nearest or (rows.farthest is not None and apart > rows.farthest):
                continue
            if rows.chains == "any" or (rows.chains == "within") == one_chain:
                found.append((i, j))
    return found


def group_of(groups: Any, kind: str, row: Sequence[int], species: Array, sites: Array) -> int:
    """The number of a row's group; -1 if the row takes no part."""
    if groups is None:
        return 0
    if groups.by == "terminal":
        first = np.diff(sites, prepend=sites[0] - NEXT_CHAIN) >= NEXT_CHAIN
        last = np.diff(sites, append=sites[-1] + NEXT_CHAIN) >= NEXT_CHAIN
        return int(any(first[bead] or last[bead] for bead in row))
    beads = row[1:-1] if groups.by == "central" else row
    names = []
    for bead in beads:
        kind_of_bead = int(species[bead])
        number = groups.table[kind_of_bead] if 0 <= kind_of_bead < len(groups.table) else groups.rest
        if number < 0:
            return -1
        names.append(number)
    return group_numbers(groups, kind).index(tuple(sorted(names)) if kind == "pairs" else tuple(names))


def group_numbers(groups: Any, kind: str) -> list[tuple[int, ...]]:
    """The classes of the beads in the rows of each group, in the order of the groups."""
    beads = BEADS[kind] - 2 if groups.by == "central" else BEADS[kind]
    every = product(range(len(groups.labels)), repeat=beads)
    return [names for names in every if kind != "pairs" or tuple(sorted(names)) == names]


def group_labels(groups: Any, kind: str) -> list[str]:
    """Name of each group."""
    if groups is None:
        return [""]
    if groups.by == "terminal":
        return ["inner", "terminal"]
    return ["-".join(groups.labels[number] for number in names) for names in group_numbers(groups, kind)]


def derivatives(basis: Any, x: Array, own: Derivatives) -> Array:
    """phi_k'(x) at points x (points,), shape (functions, points)."""
    match basis.kind:
        case "harmonic":
            return np.stack([x, -np.ones_like(x)])
        case "fourier":
            n = np.arange(1, basis.harmonics + 1)[:, None]
            return np.concatenate([-n * np.sin(n * x), n * np.cos(n * x)])
        case "power":
            return (-basis.n / x ** (basis.n + 1))[None]
        case "debye_hueckel":
            return (-(np.exp(-x / basis.length) / x) * (1 / x + 1 / basis.length))[None]
        case "gaussian":
            away = x - np.array(basis.centres)[:, None]
            return -away / basis.width**2 * np.exp(-0.5 * (away / basis.width) ** 2)
        case "bspline":
            return splines(basis.knots, basis.degree, basis.ends, x, 1)
        case "function":
            return own[basis.title](x)
    raise ValueError(f"no derivative is known of {basis.kind}")


def functions(basis: Any, x: Array, own: Derivatives) -> Array:
    """phi_k(x) at points x (points,), shape (functions, points); `own` contains a user's own functions by name."""
    match basis.kind:
        case "harmonic":
            return np.stack([x**2 / 2, -x])
        case "fourier":
            n = np.arange(1, basis.harmonics + 1)[:, None]
            return np.concatenate([np.cos(n * x), np.sin(n * x)])
        case "power":
            return (1 / x**basis.n)[None]
        case "debye_hueckel":
            return (np.exp(-x / basis.length) / x)[None]
        case "gaussian":
            return np.exp(-0.5 * ((x - np.array(basis.centres)[:, None]) / basis.width) ** 2)
        case "bspline":
            return splines(basis.knots, basis.degree, basis.ends, x, 0)
        case "function":
            return own[basis.title](x)
    raise ValueError(f"{basis.kind} is not known")


def energies(
    R: Array,
    terms: Sequence[Any],
    c: Sequence[Array],
    species: Array,
    sites: Array,
    own: Derivatives,
    box: Array | None = None,
) -> Array:
    """The energy [kcal/mol] of each term for one frame without padding; c holds its coefficients (groups,
    functions)."""
    found = []
    for term, coefficients in zip(terms, c, strict=True):
        every = rows_of(term.rows, sites)
        which = np.array([group_of(term.groups, term.rows.kind, row, species, sites) for row in every], int)
        beads = np.array(every, int).reshape(-1, BEADS[term.rows.kind])[which >= 0]
        phi = functions(term.basis, value(MEASURED[term.rows.kind], _whole(R[beads], box)), own)
        found.append(term.weight * np.sum(coefficients.reshape(-1, len(phi))[which[which >= 0]] * phi.T))
    return np.array(found)


def splines(knots: Sequence[float], degree: int, ends: str, x: Array, order: int) -> Array:
    """Derivatives of order `order` of SciPy's B-splines at x (points,), for the functions that a basis with these
    ends keeps."""
    inner, intervals = np.array(knots, float), len(knots) - 1
    first, last = inner[0], inner[-1]
    if ends == "periodic":
        # The coefficients of one period, repeated on the knots of both neighbouring periods.
        before, after = inner[-degree - 1 : -1] - (last - first), inner[1 : degree + 1] + (last - first)
        repeated = np.tile(np.eye(intervals), (2, 1))[: intervals + degree]
        spline = BSpline(np.concatenate([before, inner, after]), repeated, degree)
        return spline(first + (x - first) % (last - first), order).T[1:]
    spline = BSpline(np.concatenate([[first] * degree, inner, [last] * degree]), np.eye(intervals + degree), degree)
    inside = np.clip(x, first, last)
    found = spline(inside, order).T
    if order == 0:
        found = found + spline(inside, 1).T * (x - inside)
    elif order > 1:
        found = np.where(x == inside, found, 0.0)
    return found[:-2] * (x < last) if ends == "cutoff" else found[1:]


def _whole(local: Array, box: Array | None) -> Array:
    """Rows of beads (..., beads, 3) in which each bead is at the image nearest to the previous bead."""
    if box is None:
        return local
    steps = np.diff(local, axis=-2)
    steps = steps - box * np.round(steps / box)
    return np.concatenate([local[..., :1, :], local[..., :1, :] + np.cumsum(steps, axis=-2)], axis=-2)
