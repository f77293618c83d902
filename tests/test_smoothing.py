"""The smoothest of the fits that data cannot distinguish, against least squares of the explicit rows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from factor_helpers import (
    Rows,
    chignolin_factor,
    chignolin_rows,
    factor_of,
    prior_of,
    random_chains,
    rows_of,
    two_proteins,
)
from potential_helpers import angle_slope, factor_without_a_pass

import cgcore
from cgcore import Options, Prior, fit
from cgcore.fitting.cross_validation import Curve
from cgcore.fitting.folds import FOLDS
from cgcore.fitting.roughness import roughness_of
from cgcore.fitting.smoothing import FALLBACK, STRENGTHS, smoothing, smoothness_curve
from cgcore.judging.precision import PROMISE
from cgcore.physics.coefficients import to_coefficients

PRIOR = prior_of(4)
START = to_coefficients(PRIOR.params)


def rough(prior: Prior) -> np.ndarray:
    """Root mean square curvature over the period for unit coefficients: w n² / sqrt(2)."""
    n, k, w = len(prior.params["a"]), len(prior.params["k_dih"]), prior.weights
    found = np.zeros(len(to_coefficients(prior.params)))
    found[2 : 2 + 2 * n] = w.angle * np.tile(np.arange(1, n + 1) ** 2.0, 2) / np.sqrt(2)
    found[2 + 2 * n : 2 + 2 * n + 2 * k] = w.dihedral * np.tile(np.arange(1, k + 1) ** 2.0, 2) / np.sqrt(2)
    return found


def unit(rows: Rows, diagonal: np.ndarray) -> float:
    series = diagonal > 0
    return float(np.linalg.norm(rows.X[:, series] / diagonal[series], 2) ** 2) / rows.beads


def away(prior: Prior, size: float = 1.0) -> np.ndarray:
    """Reference coefficients of the penalty that differ from 0."""
    return size * np.sin(1.0 + np.arange(len(to_coefficients(prior.params)))) * (rough(prior) > 0)


def penalised(rows: Rows, diagonal: np.ndarray, penalty: float, smoothest: np.ndarray | float = 0.0) -> np.ndarray:
    """The coefficients that minimise |X c - F|² / beads + penalty roughness(c - smoothest)², by LAPACK with scaled
    columns."""
    root = np.sqrt(rows.beads)
    M = np.vstack([rows.X / root, np.sqrt(penalty) * np.diag(diagonal)])
    t = np.append(rows.F / root, np.sqrt(penalty) * diagonal * smoothest)
    scale = np.linalg.norm(M, axis=0)
    return np.linalg.lstsq(M / scale, t, rcond=None)[0] / scale


def part(rows: Rows, frames: np.ndarray, beads: int = 10) -> Rows:
    """The rows of these frames, which all have the same length."""
    chosen = np.zeros((rows.beads // beads, 3 * beads), bool)
    chosen[frames] = True
    return Rows(rows.X[chosen.ravel()], rows.F[chosen.ravel()], int(np.count_nonzero(chosen)) // 3)


def joined(*parts: Rows) -> Rows:
    X, F, beads = zip(*parts, strict=True)
    return Rows(np.vstack(X), np.concatenate(F), sum(beads))


def triangular(rows: Rows) -> Rows:
    """The triangular factor of the rows, with the same loss for any coefficients, by LAPACK's QR."""
    triangle = np.asarray(np.linalg.qr(np.column_stack([rows.X, rows.F]), mode="r"))
    return Rows(triangle[:, :-1], triangle[:, -1], rows.beads)


def by_hand(folds: list[Rows], diagonal: np.ndarray, one: float, smoothest: np.ndarray | float = 0.0) -> np.ndarray:
    """Held-out losses (folds, strengths) of fits to the raw rows of all other folds, with one unit of the penalty
    for all."""
    losses = []
    for k, fold in enumerate(folds):
        others = triangular(joined(*folds[:k], *folds[k + 1 :]))
        losses.append([fold.loss(penalised(others, diagonal, strength * one, smoothest)) for strength in STRENGTHS])
    return np.array(losses)


@cache
def curve_of_chignolin(n_angle: int = 4, size: float = 0.0) -> Curve:
    prior = prior_of(n_angle)
    found = smoothness_curve(chignolin_factor(n_angle), to_coefficients(prior.params), away(prior, size))
    assert found is not None
    return found


@cache
def default(**options: Any) -> cgcore.FitResult:
    """Ten harmonics, without excluded volume, as in the factor that other tests use."""
    return fit(chignolin_factor(10), prior_of(10), Options(**options))


# One strength


@pytest.mark.parametrize("strength", [1.0, 1e-3, 1e-7])
def test_the_penalised_factor_is_the_objective(strength: float) -> None:
    rows, diagonal = chignolin_rows(4), rough(PRIOR)
    penalty, factor = strength * unit(rows, diagonal), chignolin_factor(4)
    found = smoothing(factor, strength, away(PRIOR))
    assert found.strength * found.units["angles"] == pytest.approx(penalty, rel=1e-9)
    for seed in range(3):
        c = START * np.random.default_rng(seed).normal(size=len(START))
        expected = rows.loss(c) + penalty * np.sum((diagonal * (c - away(PRIOR))) ** 2)
        reached = np.sum((found.S[:, :-1] @ c - found.S[:, -1]) ** 2) / factor.beads
        assert reached == pytest.approx(expected, rel=1e-10)


def test_roughness_is_the_mean_square_curvature_over_the_period() -> None:
    """A mean over equal steps is exact for harmonics."""
    prior = prior_of(5, PRIOR.weights._replace(dihedral=0.4))
    x, p = np.linspace(0, 2 * np.pi, 100, endpoint=False), prior.params
    m = np.arange(1, 3)
    dihedral = -prior.weights.dihedral * np.cos(np.outer(x, m) - p["gamma_dih"]) @ (m**2 * p["k_dih"])
    expected = np.sqrt(np.mean(angle_slope(prior.weights, p, x, 2) ** 2) + np.mean(dihedral**2))
    factor = factor_without_a_pass(two_proteins(), prior)
    assert roughness_of(factor)(to_coefficients(p)) == pytest.approx(expected, rel=1e-12)


def test_roughness_of_a_fit_is_that_of_its_potentials() -> None:
    c = to_coefficients(default(smoothness=1e-3).fitted_params)
    assert default(smoothness=1e-3).roughness == pytest.approx(np.linalg.norm(rough(prior_of(10)) * c), rel=1e-12)


@pytest.mark.parametrize("strength", [1.0, 1e-3, 1e-7])
def test_a_fit_without_constraints_is_penalised_least_squares(strength: float) -> None:
    prior, rows = prior_of(10), chignolin_rows(10)
    diagonal = rough(prior)
    found = default(smoothness=strength, constraints="none")
    penalty = strength * unit(rows, diagonal)
    c, expected = to_coefficients(found.fitted_params), penalised(rows, diagonal, penalty)
    assert found.train_loss == pytest.approx(rows.loss(expected), rel=1e-8)
    for one in (c, expected):
        reached = rows.loss(one) + penalty * np.sum((diagonal * one) ** 2)
        assert found.certificate.objective == pytest.approx(reached, rel=1e-9)
    # The curvature of the objective bounds the effect of its rounding on the coefficients.
    np.testing.assert_allclose(
        c * diagonal, expected * diagonal, atol=1e-4 * float(np.linalg.norm(expected * diagonal))
    )
    assert found.smoothness == strength
    assert found.curve is None


# The path of all strengths


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.0, 1.0])
@pytest.mark.parametrize("n_angle", [4, 10])
def test_fits_of_all_strengths_are_those_of_each(n_angle: int, size: float) -> None:
    prior, rows = prior_of(n_angle), chignolin_rows(n_angle)
    diagonal, found = rough(prior), curve_of_chignolin(n_angle, size)
    one = unit(rows, diagonal)
    each = [penalised(rows, diagonal, strength * one, away(prior, size)) for strength in STRENGTHS]
    assert found.kind == "smoothness"
    assert found.values == list(STRENGTHS)
    np.testing.assert_allclose(found.train_loss, [rows.loss(c) for c in each], rtol=1e-8)
    np.testing.assert_allclose(found.roughness, [np.linalg.norm(diagonal * c) for c in each], rtol=1e-5)
    # A weaker penalty gives a lower training loss, rougher potentials and more directions.
    assert (np.diff(found.train_loss) < 0).all()
    assert size or (np.diff(found.roughness) > 0).all()
    assert (np.diff(found.directions) > 0).all()


def test_directions_are_the_trace_of_the_map_from_forces_to_fitted_forces() -> None:
    rows, diagonal = chignolin_rows(4), rough(PRIOR)
    one = unit(rows, diagonal)
    X = rows.X / np.sqrt(rows.beads)
    gram = X.T @ X
    scale = np.sqrt(np.diag(gram))
    for strength, found in zip(STRENGTHS[::4], curve_of_chignolin(4).directions[::4], strict=True):
        whole = (gram + strength * one * np.diag(diagonal**2)) / scale / scale[:, None]
        # Inverting the Gram matrix costs the square of its condition number, here about 1e4.
        assert found == pytest.approx(np.trace(np.linalg.solve(whole, gram / scale / scale[:, None])), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.0, 1.0])
def test_held_out_losses_are_those_of_raw_frames_in_folds_contiguous_in_time(size: float) -> None:
    rows, diagonal, found = chignolin_rows(4), rough(PRIOR), curve_of_chignolin(size=size)
    folds = [part(rows, np.arange(100 * k, 100 * (k + 1))) for k in range(10)]
    losses = by_hand(folds, diagonal, unit(rows, diagonal), away(PRIOR, size))
    assert found.folds == FOLDS == 10
    np.testing.assert_allclose(found.held_out_loss, losses.mean(axis=0), rtol=1e-9)
    paired = losses - losses[:, [found.best]]
    np.testing.assert_allclose(found.standard_error, paired.std(axis=0, ddof=1) / np.sqrt(10), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.held_out_error, losses.std(axis=0, ddof=1) / np.sqrt(10), rtol=1e-7)
    dealt = [part(rows, np.arange(k, 1000, 10)) for k in range(10)]
    assert not np.allclose(found.held_out_loss, by_hand(dealt, diagonal, 1.0).mean(axis=0), rtol=1e-5)


@pytest.mark.slow
def test_lengths_of_folds_weigh_and_proteins_are_held_out() -> None:
    chains = two_proteins()
    found = smoothness_curve(factor_of(chains, PRIOR, 5), START, away(PRIOR, 0.0))
    assert found is not None
    assert found.folds == 5
    rows, diagonal, lengths = rows_of(chains, PRIOR), rough(PRIOR), chains.lengths
    one = unit(rows, diagonal)
    folds = [
        rows_of(
            chains.take(np.concatenate([np.array_split(np.flatnonzero(lengths == n), 5)[k] for n in (9, 12)])), PRIOR
        )
        for k in range(5)
    ]
    mean = np.average(by_hand(folds, diagonal, one), axis=0, weights=[fold.beads for fold in folds])
    np.testing.assert_allclose(found.held_out_loss, mean, rtol=1e-8)
    proteins = [rows_of(chains.take(lengths == n), PRIOR) for n in (9, 12)]
    assert found.held_out_protein_loss is not None
    np.testing.assert_allclose(found.held_out_protein_loss, by_hand(proteins, diagonal, one).mean(axis=0), rtol=1e-8)
    assert curve_of_chignolin().held_out_protein_loss is None


# The choice


@pytest.mark.parametrize("n_angle", [4, 10])
def test_the_choice_is_the_smoothest_within_one_standard_error_of_the_best(n_angle: int) -> None:
    found = curve_of_chignolin(n_angle)
    held, error = np.array(found.held_out_loss), np.array(found.standard_error)
    assert found.best == int(np.argmin(held))
    assert error[found.best] == 0
    allowed = [k for k in range(len(STRENGTHS)) if held[k] <= held[found.best] + error[k]]
    assert found.chosen == min(allowed)
    assert found.choice == max(STRENGTHS[k] for k in allowed)
    assert found.roughness[found.chosen] == min(found.roughness[k] for k in allowed)


def test_auto_fits_with_the_chosen_strength() -> None:
    auto = default(constraints="none")
    known = curve_of_chignolin(10)
    assert auto.curve is not None
    assert (auto.curve.chosen, auto.curve.best) == (known.chosen, known.best)
    # The fit uses one BLAS thread, which sums in another order.
    assert auto.curve.held_out_loss == pytest.approx(known.held_out_loss, rel=1e-10)
    assert auto.curve.roughness == pytest.approx(known.roughness, rel=1e-8)
    assert auto.smoothness == known.choice
    assert auto.cutoff is None
    assert auto.train_loss == pytest.approx(auto.curve.train_loss[auto.curve.chosen], rel=1e-9)
    fixed = default(constraints="none", smoothness=auto.smoothness)
    assert fixed.certificate == auto.certificate


@pytest.mark.slow
def test_too_few_blocks() -> None:
    assert smoothness_curve(chignolin_factor(4, 1), START, away(PRIOR, 0.0)) is None
    found = fit(chignolin_factor(4, 1), PRIOR)
    assert (found.curve, found.smoothness) == (None, FALLBACK)


@pytest.mark.parametrize("length", [2, 9])
def test_where_there_is_no_series_to_smooth(length: int) -> None:
    """Chains of two beads, and a prior without harmonics."""
    prior = prior_of(2, n_dihedral=1) if length == 2 else prior_of(0, n_dihedral=0)
    chains = random_chains(30, [length], length, seed=length)
    factor = factor_without_a_pass(chains, prior, blocks=4)
    assert smoothness_curve(factor, to_coefficients(prior.params), away(prior, 0.0)) is None
    found = fit(factor, prior, Options(constraints="none"))
    rows, felt = rows_of(chains, prior), np.linalg.norm(rows_of(chains, prior).X, axis=0) > 0
    c = np.linalg.lstsq(rows.X[:, felt], rows.F, rcond=None)[0]
    assert found.train_loss == pytest.approx(np.sum((rows.X[:, felt] @ c - rows.F) ** 2) / rows.beads, rel=1e-9)
    assert found.converged


def test_the_strength_does_not_depend_on_the_number_of_frames() -> None:
    """With the same data twice, the unit, the fit and the size of every potential stay the same."""
    once = chignolin_factor(10)
    with pytest.warns(cgcore.InputWarning, match="counted twice"):
        twice = cgcore.merge(once, once)
    flat = away(prior_of(10), 0.0)
    assert smoothing(twice, 1.0, flat).units == pytest.approx(smoothing(once, 1.0, flat).units, rel=1e-12)
    first, second = (fit(factor, prior_of(10), Options(smoothness=1e-3)) for factor in (once, twice))
    assert second.train_loss == pytest.approx(first.train_loss, rel=1e-9)
    assert second.roughness == pytest.approx(first.roughness, rel=1e-6)


# Purpose


def test_potentials_are_of_physical_size() -> None:
    """With ten harmonics on few angles, the default keeps coefficients that float32 can represent; a fit along all
    directions exceeds them by many orders of magnitude."""
    found = default()
    for name in ("a", "b"):
        assert np.abs(found.fitted_params[name]).max() < 1e3
    assert found.float32_error < PROMISE
    assert not any("float32" in warning for warning in found.warnings)
    wild = default(truncation=0, constraints="none")
    assert max(np.abs(wild.fitted_params[name]).max() for name in ("a", "b")) > 1e6
    assert wild.float32_error > PROMISE
    assert any("float32" in warning for warning in wild.warnings)


def test_the_weakest_of_the_grid_is_of_physical_size_too() -> None:
    """Cross-validation chooses no weaker strength, however many frames there are."""
    found = default(smoothness=STRENGTHS[-1], constraints="none")
    assert max(np.abs(found.fitted_params[name]).max() for name in ("a", "b")) < 1e3
    assert found.float32_error < PROMISE
