"""Directions: whitened coordinates of the loss, against singular vectors of the explicit matrix."""

from __future__ import annotations

import numpy as np
import pytest
from factor_helpers import (
    Chains,
    Rows,
    chignolin_factor,
    chignolin_rows,
    directions,
    factor_of,
    helix,
    lapack,
    prior_of,
    random_chains,
    rows_of,
)

import cgcore
from cgcore import Factor
from cgcore.factor.triangle import design, target
from cgcore.fitting.spectrum import Spectrum, spectrum
from cgcore.fitting.truncation import GRID

pytestmark = pytest.mark.numerical

START = cgcore.to_coefficients(prior_of(4).params)


@pytest.fixture(scope="module")
def factor() -> Factor:
    return chignolin_factor(4)


@pytest.fixture(scope="module")
def found(factor: Factor) -> Spectrum:
    return spectrum(factor.S, factor.beads)


def test_values_are_those_of_the_explicit_matrix(found: Spectrum) -> None:
    expected = directions(chignolin_rows(4))
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-9)
    assert found.values[0] == 1
    assert (np.diff(found.values) <= 0).all()


def test_vectors_are_orthonormal(found: Spectrum) -> None:
    np.testing.assert_allclose(found.U.T @ found.U, np.eye(15), atol=1e-13)
    np.testing.assert_allclose(found.V @ found.V.T, np.eye(15), atol=1e-13)


def test_a_unit_along_any_direction_costs_one(factor: Factor, found: Spectrum) -> None:
    best = found.optimum(factor.S, START, found.kept())
    lowest = factor.loss(best)
    for k in range(15):
        for length in (1.0, -2.0):
            assert factor.loss(best + length * found.basis[:, k]) - lowest == pytest.approx(length**2, rel=1e-8)


def test_the_loss_in_whitened_coordinates(factor: Factor, found: Spectrum) -> None:
    shortfall = (target(factor.S) - design(factor.S) @ START) / np.sqrt(factor.beads)
    for seed in range(5):
        y = np.random.default_rng(seed).normal(size=15) * 3
        whitened = float(np.sum((found.U @ y - shortfall) ** 2))
        assert factor.loss(START + found.basis @ y) == pytest.approx(whitened, rel=1e-12)


def test_resolution_is_the_rule_of_lapack(found: Spectrum) -> None:
    assert found.resolution == np.finfo(float).eps * 30_000
    ten = spectrum(chignolin_factor(10).S, 10_000)
    assert ten.kept().sum() == lapack(chignolin_rows(10)).rank == 25
    np.testing.assert_array_equal(ten.kept(), ten.values > ten.resolution)
    np.testing.assert_array_equal(ten.kept(1e-30), ten.kept())


def test_kept_are_those_above_the_cutoff(found: Spectrum) -> None:
    for cutoff in GRID:
        np.testing.assert_array_equal(found.kept(cutoff), found.values > max(cutoff, found.resolution))
    assert found.kept().all()
    assert not found.kept(1.0).any()


@pytest.mark.parametrize("start", [np.zeros(15), START])
def test_the_optimum_over_all_directions_is_least_squares(factor: Factor, found: Spectrum, start: np.ndarray) -> None:
    best = lapack(chignolin_rows(4))
    optimum = found.optimum(factor.S, start, found.kept())
    assert factor.loss(optimum) == pytest.approx(best.loss, rel=1e-10)
    np.testing.assert_allclose(optimum, best.c, rtol=1e-6)


@pytest.mark.parametrize("cutoff", GRID)
def test_the_optimum_over_some_directions(factor: Factor, found: Spectrum, cutoff: float) -> None:
    rows = chignolin_rows(4)
    expected = directions(rows).best(rows, START, cutoff)
    optimum = found.optimum(factor.S, START, found.kept(cutoff))
    assert factor.loss(optimum) == pytest.approx(rows.loss(expected), rel=1e-10)
    np.testing.assert_allclose(optimum, expected, rtol=1e-6)


def test_no_directions_are_no_change(factor: Factor, found: Spectrum) -> None:
    np.testing.assert_array_equal(found.optimum(factor.S, START, np.zeros(15, bool)), START)


def test_the_pair_of_the_bond_is_well_determined(factor: Factor, found: Spectrum) -> None:
    """Without centring, the pair spans a direction of 1e-3 to 1e-2 and could be cut off."""
    uncentred = directions(chignolin_rows(4), centred=False)
    weak = uncentred.values < 0.01
    assert weak.sum() > (found.values < 0.01).sum()
    kept = found.kept(0.1)
    sure = np.linalg.norm(found.basis[:2, kept], axis=1)
    np.testing.assert_allclose(sure, np.linalg.norm(found.basis[:2], axis=1), rtol=0.1)


def test_units_of_a_coefficient_do_not_matter(factor: Factor, found: Spectrum) -> None:
    """Also for kr and kr*r0, whose centring depends only on their columns."""
    scale = np.ones(16)
    scale[:15] = 10.0 ** np.random.default_rng(0).integers(-6, 6, size=15)
    other = spectrum(factor.S * scale, factor.beads)
    np.testing.assert_allclose(other.values, found.values, rtol=1e-8)
    np.testing.assert_allclose(np.abs(other.basis), np.abs(found.basis / scale[:15, None]), rtol=1e-5, atol=1e-12)


@pytest.mark.slow
def test_terms_without_data_have_no_direction() -> None:
    chains = random_chains(60, [5], 5, seed=5)
    factor = factor_of(chains, prior_of(), 2)
    found = spectrum(factor.S, factor.beads)
    assert found.values[-1] == 0
    assert found.values[-2] > 1e-8
    assert not found.basis[-1, found.kept()].any()
    assert found.kept().sum() == 14
    assert np.isfinite(found.basis).all()
    start = cgcore.to_coefficients(prior_of().params)
    assert found.optimum(factor.S, start, found.kept())[-1] == start[-1]


def test_nothing_at_all() -> None:
    found = spectrum(np.zeros((16, 16)), 100)
    assert not found.values.any()
    assert not found.kept().any()
    assert np.isfinite(found.basis).all()


def constant_bonds() -> tuple[Factor, Rows]:
    """Bonds of one length, for which kr and kr*r0 are one direction."""
    chains: Chains = helix(50, 9, 0.0, seed=9)
    chains.R[:, :, 2] *= np.linspace(0.8, 1.3, 50)[:, None]
    step = np.diff(chains.R, axis=1)
    chains.R[:, 1:] = chains.R[:, :1] + np.cumsum(3.8 * step / np.linalg.norm(step, axis=2, keepdims=True), axis=1)
    prior = prior_of(1, n_dihedral=1)
    return factor_of(chains, prior, 4), rows_of(chains, prior)


@pytest.mark.slow
def test_bonds_of_one_length_leave_one_direction_to_the_bond() -> None:
    """The remainder of kr's column after centring is a rounding error and must not be scaled up to a direction."""
    factor, rows = constant_bonds()
    found = spectrum(factor.S, factor.beads)
    assert lapack(rows).rank == found.kept().sum() == 6
    optimum = found.optimum(factor.S, np.zeros(7), found.kept())
    assert factor.loss(optimum) == pytest.approx(lapack(rows).loss, rel=1e-10)
    assert np.abs(optimum).max() < 1e6
