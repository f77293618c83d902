"""Panels of a fit that was stopped early and has terms of every kind, whose numbers are invented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import cgcore
from cgcore.factor.histogram import Histograms
from cgcore.fitting.identifiability import Direction, Identifiability
from cgcore.physics.bases import BSpline, Harmonic
from validation import explicit_terms
from validation.check import Row, at_most, equal
from validation.reports.fits import EXACT, Chains, energy, every_term, potential
from validation.reports.reading import bare, line, points, said, texts
from validation.tolerances import relative

TEMPERATURE = 330.0

HISTORY = [1600.0, 1555.5, np.inf, 1521.25, 1507.75, 1500.5]
"""The objective before each step, one of which is not finite."""

WALL = cgcore.Term(
    "wall", cgcore.Rows("pairs", 3), BSpline((4.0, 5.0, 6.5, 9.0, 14.0), 3, "cutoff"), 0.9,
    cgcore.Groups.of_species("types", range(2)),
)  # fmt: skip
SPRING = cgcore.Term("spring", cgcore.Rows("pairs", listed=((0, 4), (2, 7))), Harmonic(), 0.7)
REST = 7.5
"""Rest length of the listed bonds [Å]."""


def parts(fit: Any, chains: Chains) -> Iterator[Row]:
    """Every panel that the picture of `fit` does not show, or shows without these cases."""
    prior = every_term().with_terms([WALL, SPRING])
    rng = np.random.default_rng(3)
    params = {name: value * 1.25 + 0.125 for name, value in prior.params.items()}
    params |= {"wall": rng.normal(size=WALL.shape), "spring": np.array([20.0, 20.0 * REST])}
    c = replace(fit.certificate, objective=1498.25, lower_bound=1490.5, kkt_residual=None, violation=None)
    early = replace(
        fit, status=cgcore.Status.MAX_STEPS, prior=prior, initial_params=prior.params, fitted_params=params,
        loss_history=HISTORY, certificate=c, smoothness=None, cutoff=3e-3, identifiability=_identifiability(),
    )  # fmt: skip
    yield from _potentials(early, chains, fit.factor.histograms)
    yield from _single(early)
    yield from _loss(early)
    yield from _directions(early)
    yield from _cross_validation(fit.curve)


def _identifiability() -> Identifiability:
    values = [1.0, 0.25, 0.04, 2e-3, 1e-15, 0.0]
    left = [Direction(2e-3, True, {"a_1": 0.75, "b_1": -0.5}), Direction(1e-15, False, {"b_2": 0.875})]
    return Identifiability(values, [True, True, True, False, False, False], 4, left, {"wall": "no pairs"}, [])


def _potentials(early: Any, chains: Chains, histograms: Histograms) -> Iterator[Row]:
    """Bonds, two of which are longer than the histogram, and dihedrals."""
    from cgcore.report.potential_panels import draw_potential

    bonds = np.array(histograms.counts["bond"])
    bonds[-1] += 2
    histograms = replace(histograms, counts={**histograms.counts, "bond": bonds})
    for name in ("bond", "dihedral"):
        ax, values = bare(), chains.values(name)[0]
        draw_potential(ax, name, early, histograms, TEMPERATURE)
        fitted, initial = ([energy(name, early.prior, p)] for p in (early.fitted_params, early.initial_params))
        yield from potential(f"early, {name}", ax, name, values, TEMPERATURE, [fitted], initial)


def _single(early: Any) -> Iterator[Row]:
    """Potentials of pairs and of listed rows, and both repulsions without frames."""
    from cgcore.report.potential_panels import draw_group, draw_repulsion
    from cgcore.report.term_curves import both, of_groups

    every = {one.title: one for one in of_groups(both(early), Histograms.empty())}
    labels = explicit_terms.group_labels(WALL.groups, "pairs")
    known = {f"wall, {label}": (WALL, k, (4.0, 14.0)) for k, label in enumerate(labels)}
    known["spring (listed)"] = (SPRING, 0, (REST - 3, REST + 3))
    yield equal("single potentials", ", ".join(every), ", ".join(known))
    for title, (term, group, ends) in known.items():
        ax = bare()
        draw_group(ax, early, every[title], TEMPERATURE)
        x = np.linspace(*ends, 400)
        functions = explicit_terms.functions(term.basis, x, {})
        for name, params in (("fitted", early.fitted_params), ("initial", early.initial_params)):
            at, shown = line(ax, name)
            expected = term.weight * params[term.name].reshape(-1, len(functions))[group] @ functions
            yield at_most(f"{title}, {name}, at", relative(at, x), EXACT, "relative")
            yield at_most(f"{title}, {name}", relative(shown, expected), EXACT, "relative")
    ax = bare()
    draw_repulsion(ax, early, None)
    for name, pairs in (("repulsive", "j−i ≥ 6"), ("excluded_volume", "j−i 2..5")):
        for which, params in (("fitted", early.fitted_params), ("initial", early.initial_params)):
            at, shown = line(ax, f"{which}, {pairs}")
            expected = energy(name, early.prior, params)(at)
            yield at_most(f"early, {name}, {which}", relative(shown, expected), EXACT, "relative")


def _loss(early: Any) -> Iterator[Row]:
    """The objective by step, and what it is above the bound."""
    from cgcore.report.loss_panel import draw_loss

    top, bottom, c = bare(), bare(), early.certificate
    draw_loss(top, bottom, early)
    values = np.array([*HISTORY, c.objective])
    finite = np.isfinite(values)
    known = np.flatnonzero(finite), values[finite]
    yield equal("loss, numbers of steps", str(line(top, "loss")[0].tolist()), str(known[0].astype(float).tolist()))
    yield at_most("loss, by step", relative(line(top, "loss")[1], known[1]), 0.0)
    yield at_most("loss, lower bound", float(np.ptp([*line(top, "lower bound")[1], c.lower_bound])), 0.0)
    yield from said("loss, lower bound in words", texts(top), "lower bound #", c.lower_bound)
    x, above = points(bottom.lines[0])
    yield at_most("loss, above the bound, at", relative(x, known[0]), 0.0)
    yield at_most("loss, above the bound", relative(above, known[1] - c.lower_bound), EXACT, "relative")
    largest = max(c.optimal_loss, c.zero_prior_loss)
    floor = next(one.get_ydata()[0] for one in bottom.lines if one.get_linestyle() == ":")
    yield at_most("loss, rounding", abs(floor / (np.finfo(float).eps * largest) - 1), EXACT, "relative")


def _directions(early: Any) -> Iterator[Row]:
    """Singular values of what was fitted, of what was left, and of a term without data."""
    from cgcore.report.singular_values_panel import draw_singular_values

    ax, known = bare(), early.identifiability.singular_values
    draw_singular_values(ax, early)
    groups = {"fitted (3)": [0, 1, 2], "left at the start (2)": [3, 4], "without data (1)": [5]}
    for label, rows in groups.items():
        drawn = [one for one in ax.lines if one.get_label() == label]
        yield equal(f"directions, {label}", len(drawn), 1)
        if drawn:
            x, y = points(drawn[0])
            yield equal(f"directions, {label}, numbers", str(x.tolist()), str([row + 1.0 for row in rows]))
            expected = [max(known[row], ax.get_ylim()[0]) for row in rows]
            yield at_most(f"directions, {label}, values", relative(y, expected), EXACT, "relative")
    for label, value in (("cut-off", early.cutoff), ("resolution", np.finfo(float).eps * 3 * early.factor.beads)):
        yield at_most(f"directions, {label}", relative(line(ax, label)[1], [value, value]), EXACT, "relative")
    yield from said("directions, cut-off in words", texts(ax), "cut-off #", early.cutoff)


def _cross_validation(known: Any) -> Iterator[Row]:
    """Losses on held-out frames and proteins, and the chosen fit."""
    from cgcore.report.cross_validation_panel import draw_curve

    top, bottom = bare(), bare()
    draw_curve(top, bottom, known, "")
    x = np.arange(len(known.values))
    for name, shown, expected in (
        ("training", line(top, "training"), known.train_loss),
        ("held out", points(top.containers[0].lines[0]), known.held_out_loss),
        ("held-out protein", line(bottom, "held-out protein"), known.held_out_protein_loss),
    ):
        yield at_most(f"cross-validation, {name}", relative(shown, [x, expected]), 0.0)
    ends = np.array([segment[:, 1] for segment in top.containers[0].lines[2][0].get_segments()])
    loss, error = np.array(known.held_out_loss), np.array(known.standard_error)
    off = relative(ends, np.stack([loss - error, loss + error], axis=1))
    yield at_most("cross-validation, standard errors", off, EXACT, "relative")
    yield from said("cross-validation, folds in words", texts(top), "held out, # folds", known.folds)
    for label, k in (("chosen", known.chosen), ("best", known.best)):
        at = np.ravel(line(top, f"{label}: "))
        yield at_most(f"cross-validation, {label}", relative(at, [k, known.held_out_loss[k]]), 0.0)
        yield from said(f"cross-validation, {label} in words", texts(top), f"{label}: #", known.values[k])
    ticks = [one.get_text() for one in bottom.get_xticklabels()]
    yield at_most("cross-validation, values", relative([float(one) for one in ticks], known.values), 0.0)
    counts = [float(one.get_text()) for one in top.child_axes[0].get_xticklabels()]
    yield at_most("cross-validation, directions", float(np.max(np.abs(counts - np.array(known.directions)))), 0.5)
