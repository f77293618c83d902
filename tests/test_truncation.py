"""How far to converge: cross-validation on block factors, against fits of the raw frames."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from factor_helpers import (
    Rows,
    Truncated,
    chignolin_factor,
    chignolin_rows,
    directions,
    factor_of,
    prior_of,
    random_chains,
    rows_of,
    two_proteins,
    unconstrained,
)

import cgcore
from cgcore import Prior, fit
from cgcore.fitting.cross_validation import Curve
from cgcore.fitting.folds import FOLDS
from cgcore.fitting.spectrum import spectrum
from cgcore.fitting.truncation import FALLBACK, GRID, truncation_curve

pytestmark = pytest.mark.numerical

PRIOR = prior_of(4)
START = cgcore.to_coefficients(PRIOR.params)


def part(rows: Rows, frames: np.ndarray, beads: int = 10) -> Rows:
    """The rows of these frames, which all have the same length."""
    chosen = np.zeros((rows.beads // beads, 3 * beads), bool)
    chosen[frames] = True
    return Rows(rows.X[chosen.ravel()], rows.F[chosen.ravel()], int(np.count_nonzero(chosen)) // 3)


def joined(*parts: Rows) -> Rows:
    X, F, beads = zip(*parts, strict=True)
    return Rows(np.vstack(X), np.concatenate(F), sum(beads))


def by_hand(folds: list[Rows]) -> np.ndarray:
    """Held-out losses (folds, cut-offs), from singular vectors of the raw rows of all other folds."""
    losses = []
    for k, fold in enumerate(folds):
        others = joined(*folds[:k], *folds[k + 1 :])
        found: Truncated = directions(others)
        losses.append([fold.loss(found.best(others, START, cutoff)) for cutoff in GRID])
    return np.array(losses)


@cache
def curve_of_chignolin(n_angle: int = 4) -> Curve:
    found = truncation_curve(chignolin_factor(n_angle), cgcore.to_coefficients(prior_of(n_angle).params))
    assert found is not None
    return found


@cache
def folds_of_chignolin() -> list[Rows]:
    return [part(chignolin_rows(4), np.arange(100 * k, 100 * (k + 1))) for k in range(10)]


@pytest.mark.slow
def test_held_out_losses_are_those_of_raw_frames_in_folds_contiguous_in_time() -> None:
    found, losses = curve_of_chignolin(), by_hand(folds_of_chignolin())
    assert found.folds == FOLDS == 10
    np.testing.assert_allclose(found.held_out_loss, losses.mean(axis=0), rtol=1e-9)
    paired = losses - losses[:, [found.best]]
    error = paired.std(axis=0, ddof=1) / np.sqrt(10)
    np.testing.assert_allclose(found.standard_error, error, rtol=1e-5, atol=1e-7)


def test_other_folds_would_be_seen() -> None:
    """Dealing frames to the folds in turn gives another curve, which shows that the test above can fail."""
    dealt = [part(chignolin_rows(4), np.arange(k, 1000, 10)) for k in range(10)]
    assert not np.allclose(curve_of_chignolin().held_out_loss, by_hand(dealt).mean(axis=0), rtol=1e-5)


def test_training_loss_and_directions() -> None:
    found, rows = curve_of_chignolin(), chignolin_rows(4)
    explicit = directions(rows)
    assert found.values == list(GRID)
    assert found.directions == [int(np.sum(explicit.values > cutoff)) for cutoff in GRID]
    expected = [rows.loss(explicit.best(rows, START, cutoff)) for cutoff in GRID]
    np.testing.assert_allclose(found.train_loss, expected, rtol=1e-10)
    assert (np.diff(found.train_loss) <= 1e-9).all()
    assert (np.diff(found.directions) >= 0).all()


@pytest.mark.parametrize("n_angle", [4, 10])
def test_the_choice_is_the_fewest_directions_within_one_standard_error_of_the_best(n_angle: int) -> None:
    found = curve_of_chignolin(n_angle)
    held, error = np.array(found.held_out_loss), np.array(found.standard_error)
    assert found.best == int(np.argmin(held))
    assert error[found.best] == 0
    allowed = [k for k in range(len(GRID)) if held[k] <= held[found.best] + error[k]]
    assert found.chosen in allowed
    assert found.directions[found.chosen] == min(found.directions[k] for k in allowed)
    assert GRID[found.chosen] == max(GRID[k] for k in allowed)


def test_the_best_is_the_best_over_all_directions_that_were_tried() -> None:
    """Ten harmonics overfit: the held-out loss increases again where the training loss still decreases."""
    found = curve_of_chignolin(10)
    assert 0 < found.best < len(GRID) - 1
    assert found.held_out_loss[-1] > found.held_out_loss[found.best]
    assert found.train_loss[-1] < found.train_loss[found.best]


@pytest.mark.slow
def test_lengths_of_folds_weigh(tmp_path: Path) -> None:
    """7 blocks of 3 proteins with different numbers of frames: a fold has one block of each, weighted by its beads."""
    chains = random_chains(47, [8, 9, 12], 12, seed=3)
    factor = factor_of(chains, PRIOR, 7)
    lengths, folds = chains.lengths, []
    for k in range(7):
        frames = np.concatenate([np.array_split(np.flatnonzero(lengths == n), 7)[k] for n in (8, 9, 12)])
        folds.append(rows_of(chains.take(frames), PRIOR))
    found = truncation_curve(factor, START)
    assert found is not None
    assert found.folds == 7
    losses = by_hand(folds)
    mean = np.average(losses, axis=0, weights=[fold.beads for fold in folds])
    np.testing.assert_allclose(found.held_out_loss, mean, rtol=1e-8)


@pytest.mark.slow
def test_more_blocks_than_folds_are_joined_in_time() -> None:
    chains = random_chains(66, [8], 8, seed=4)
    found = truncation_curve(factor_of(chains, PRIOR, 33), START)
    assert found is not None
    assert found.folds == 10
    blocks = np.array_split(np.arange(66), 33)
    folds = [
        rows_of(chains.take(np.concatenate([b for i, b in enumerate(blocks) if i * 10 // 33 == k])), PRIOR)
        for k in range(10)
    ]
    mean = np.average(by_hand(folds), axis=0, weights=[fold.beads for fold in folds])
    np.testing.assert_allclose(found.held_out_loss, mean, rtol=1e-7)


def test_leave_one_protein_out() -> None:
    chains = two_proteins()
    found = truncation_curve(factor_of(chains, PRIOR), START)
    assert found is not None
    folds = [rows_of(chains.take(chains.lengths == n), PRIOR) for n in (9, 12)]
    assert found.held_out_protein_loss is not None
    np.testing.assert_allclose(found.held_out_protein_loss, by_hand(folds).mean(axis=0), rtol=1e-8)
    assert curve_of_chignolin().held_out_protein_loss is None


@pytest.mark.slow
def test_too_few_blocks() -> None:
    assert truncation_curve(chignolin_factor(4, 1), START) is None
    assert truncation_curve(factor_of(two_proteins(), PRIOR, 1), START) is None
    found = fit(chignolin_factor(4, 1), PRIOR, unconstrained())
    assert found.curve is None
    assert found.cutoff == FALLBACK


@pytest.mark.slow
def test_two_blocks_are_enough() -> None:
    found = truncation_curve(factor_of(random_chains(30, [9], 9, seed=1), PRIOR, 2), START)
    assert found is not None
    assert found.folds == 2


def test_auto_fits_with_the_chosen_cutoff() -> None:
    auto = fit(chignolin_factor(4), PRIOR, unconstrained())
    assert auto.curve is not None
    assert auto.cutoff is not None
    assert auto.curve == curve_of_chignolin()
    assert auto.cutoff == auto.curve.choice == auto.curve.values[auto.curve.chosen]
    assert auto.curve.kind == "truncation"
    fixed = fit(chignolin_factor(4), PRIOR, unconstrained(truncation=auto.cutoff))
    assert fixed.certificate == auto.certificate
    assert fixed.curve is None
    assert auto.train_loss == pytest.approx(auto.curve.train_loss[auto.curve.chosen], rel=1e-10)


# The bond term: (kr, kr*r0) are nearly collinear, but the data determine both.


FAR = Prior(PRIOR.weights, prior_of(10).params | {"kr": 300.0, "r0": 4.5})
"""A start from which the bond parameters must change much."""


def test_no_cutoff_of_the_grid_throws_the_bond_term_away() -> None:
    """kr and r0 are well determined and hardly differ between cut-offs. Starting at kr = 154 the fit must find 360
    at each."""
    factor = chignolin_factor(10)
    found = spectrum(factor.S, factor.beads)
    for prior, grid in ((prior_of(10), GRID), (FAR, GRID[1:])):
        start = cgcore.to_coefficients(prior.params)
        for cutoff in grid:
            c = found.optimum(factor.S, start, found.kept(cutoff))
            assert c[0] == pytest.approx(360.5, rel=0.005), cutoff
            assert c[1] / c[0] == pytest.approx(3.872, rel=0.005), cutoff


def test_auto_finds_the_bond_term_from_afar() -> None:
    """At the largest cut-off r0 stays half way, at 4.19 Å for this start; the held-out loss excludes that cut-off."""
    found = fit(chignolin_factor(10), FAR, unconstrained())
    assert found.fitted_params["kr"] == pytest.approx(360.5, rel=0.005)
    assert found.fitted_params["r0"] == pytest.approx(3.872, rel=0.005)


def test_without_centring_the_bond_term_is_lost() -> None:
    """kr then stays near its start, which shows that the tests above can fail."""
    rows, start = chignolin_rows(10), cgcore.to_coefficients(prior_of(10).params)
    plain = directions(rows, centred=False)
    for cutoff in (0.3, 0.1, 0.01, 5e-3):
        lost = plain.best(rows, start, cutoff)
        assert lost[0] == pytest.approx(start[0], rel=0.01)
        assert rows.loss(lost) > 1485
    assert plain.best(rows, start, 1e-3)[0] == pytest.approx(360.5, rel=0.005)


@pytest.mark.slow
def test_held_out_loss_along_the_grid_has_no_cliff() -> None:
    """On these frames a plain cut-off raises it from 1421 to 1488 between 1e-3 and 1e-2."""
    found = curve_of_chignolin(10)
    assert max(found.held_out_loss) < 1430
    assert min(found.held_out_loss) == pytest.approx(1421, abs=1)
    rows, start = chignolin_rows(10), cgcore.to_coefficients(prior_of(10).params)
    worst = 0.0
    folds = [part(rows, np.arange(100 * k, 100 * (k + 1))) for k in range(10)]
    for cutoff in (3e-3, 5e-3):
        losses = []
        for k, fold in enumerate(folds):
            others = joined(*folds[:k], *folds[k + 1 :])
            losses.append(fold.loss(directions(others, centred=False).best(others, start, cutoff)))
        worst = max(worst, float(np.mean(losses)))
    assert worst == pytest.approx(1488, abs=2)
