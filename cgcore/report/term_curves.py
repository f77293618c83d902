"""The potentials of a fit that a picture shows, and their ranges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cgcore.export.potentials import Curve, Potential, Sum, TermCurve, potentials
from cgcore.factor.histogram import EDGES, Histograms
from cgcore.fitting.result import FitResult
from cgcore.physics.bases import BSpline, Harmonic
from cgcore.physics.parametrisations import StrengthAndLength
from cgcore.report.boltzmann import Sampled, sampled_group

MOST_GROUPS = 12
"""Largest number of groups of a term that are drawn separately: those with the most values."""

PAIRS = 3.5, 15.0
"""Range of distances for pair potentials whose basis has no range [Å]."""

AROUND = 3.0
"""Range shown on both sides of the rest length of listed bonds [Å]."""


class Shown(NamedTuple):
    """A potential in a picture.

    Arguments:
        title: title of its panel.
        coordinate: bond, angle, dihedral or pair.
        fitted, initial: the potential, including all terms that act on the same rows.
        values: histogram of the sampled values; None if unknown.
        ends: ends of the range to show if `values` is None [Å or rad].
    """

    title: str
    coordinate: str
    fitted: Curve
    initial: Curve
    values: Sampled | None
    ends: tuple[float, float]


class Both(NamedTuple):
    """The fitted and initial potentials of a term."""

    fitted: Potential
    initial: Potential


def both(result: FitResult) -> list[Both]:
    """The potentials of all terms of a fit."""
    params = result.fitted_params, result.initial_params
    return [Both(*pair) for pair in zip(*(potentials(result.prior, p) for p in params), strict=True)]


def of_coordinate(every: list[Both], coordinate: str) -> tuple[list[Both], list[Both]]:
    """Terms of all bonds, angles or dihedrals: those without groups, and those with."""
    own = [one for one in every if one.fitted.term.coordinate == coordinate and not one.fitted.term.on_beads]
    return [one for one in own if not _grouped(one)], [one for one in own if _grouped(one)]


def totals(every: list[Both], coordinate: str) -> list[tuple[Curve, Curve]]:
    """Fitted and initial potential of all rows or, for terms with groups, of each group: the sum of the group's own
    potential and all shared ones."""
    shared, grouped = of_coordinate(every, coordinate)
    groups = [(one.fitted.curves[k], one.initial.curves[k]) for one in grouped for k in range(len(one.fitted.curves))]
    if not shared and not groups:
        return []
    return [
        (
            Sum([*(one.fitted.curves[0] for one in shared), *fitted]),
            Sum([*(one.initial.curves[0] for one in shared), *initial]),
        )
        for fitted, initial in ([((f,), (i,)) for f, i in groups] or [((), ())])
    ]


def of_groups(every: list[Both], histograms: Histograms) -> list[Shown]:
    """The individual potentials of terms with groups, of terms on listed rows, and of pairs except the repulsion."""
    found: list[Shown] = []
    for one in every:
        term = one.fitted.term
        if not term.on_beads and _grouped(one):
            shared, _ = of_coordinate(every, term.coordinate)
            found += _with_values(one, shared, histograms)
        elif term.on_beads and not isinstance(term.parametrisation, StrengthAndLength):
            groups = list(range(len(one.fitted.curves)))
            found += [_alone(one, group, len(groups)) for group in groups[:MOST_GROUPS]]
    return found


def _grouped(one: Both) -> bool:
    return len(one.fitted.curves) > 1 or one.fitted.term.groups is not None


def _with_values(one: Both, shared: list[Both], histograms: Histograms) -> list[Shown]:
    term, labels = one.fitted.term, one.fitted.labels
    values = {k: own for k in range(len(labels)) if (own := sampled_group(histograms, term, k)) is not None}
    most = sorted(values, key=lambda k: -values[k].counts.sum())[:MOST_GROUPS]
    return [
        Shown(
            f"{term.name}, {labels[k]}",
            term.coordinate,
            Sum([*(other.fitted.curves[0] for other in shared), one.fitted.curves[k]]),
            Sum([*(other.initial.curves[0] for other in shared), one.initial.curves[k]]),
            values[k],
            (float(EDGES[term.coordinate][0]), float(EDGES[term.coordinate][-1])),
        )
        for k in most
    ]


def _alone(one: Both, group: int, groups: int) -> Shown:
    term, label = one.fitted.term, one.fitted.labels[group]
    title = f"{term.name}, {label}" if label else term.name
    title += f" (first {MOST_GROUPS} of {groups})" if group == 0 and groups > MOST_GROUPS else ""
    title += " (listed)" if term.rows.listed is not None else ""
    fitted = one.fitted.curves[group]
    return Shown(title, term.coordinate, fitted, one.initial.curves[group], None, _ends(one.fitted, fitted))


def _ends(potential: Potential, curve: Curve) -> tuple[float, float]:
    term = potential.term
    if isinstance(term.basis, BSpline):
        return term.basis.knots[0], term.basis.knots[-1]
    if term.coordinate in ("angle", "dihedral"):
        return float(EDGES[term.coordinate][0]), float(EDGES[term.coordinate][-1])
    if isinstance(term.basis, Harmonic) and isinstance(curve, TermCurve) and curve.c[0] > 0:
        rest = float(np.clip(curve.c[1] / curve.c[0], AROUND, 100.0))
        return rest - AROUND, rest + AROUND
    return PAIRS
