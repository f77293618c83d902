"""The promise of each constraint, checked on the potentials themselves: formulas in NumPy, weighted, in kT."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from factor_helpers import WEIGHTS, Chains, chignolin_chains, helix, prior_of, random_chains, two_proteins
from hypothesis import given, settings
from hypothesis import strategies as st
from potential_helpers import KB, Sampled, angle_slope, dihedral_energy, factor_without_a_pass, pair_energy

import cgcore
from cgcore import Factor, InputError, Options, Prior, Weights, fit
from cgcore.factor.histogram import EDGES
from cgcore.factor.triangle import design
from cgcore.fitting.admissible import Admissible
from cgcore.fitting.constraints import Constraint, constraints
from cgcore.fitting.ground import percentile
from cgcore.fitting.smoothing import smoothing
from cgcore.fitting.spectrum import spectrum
from cgcore.physics.coefficients import to_coefficients, to_params

DISTINCT = Weights(bond=0.5, angle=0.3, dihedral=0.2, repulsive=1.1, excluded_volume=0.7)
"""All different, so that a constraint with another term's weight is noticed."""

EVERY = ["kr", "r0", "angle wall, low", "angle wall, high", "dihedral barrier", "repulsion", "excluded volume"]

WALL, WIDTH = 4.0, np.radians(10)
ANGLE_BIN, BOND_BIN, PAIR_BIN = np.radians(1.0), 0.01, 0.05
"""Resolution of the histograms: percentiles of the raw values are within one bin of those known to a factor."""


def percentiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, 0.1, method="lower"), np.percentile(values, 99.9, method="higher")
    return float(low), float(high)


def assert_admissible(w: Weights, p: dict[str, Any], chains: Chains, kelvin: float) -> None:
    """Everything that `constraints` promises about potentials fitted to these chains, from raw coordinates."""
    kT, found = KB * kelvin, Sampled.of(chains)
    # One part in 1e7, since physical constants are given with ten digits and constraints hold up to rounding.
    enough = 1 - 1e-7
    low, high = percentiles(found.bonds)
    assert w.bond * p["kr"] * (high - low + 2 * BOND_BIN) ** 2 >= kT * enough
    assert low - BOND_BIN <= p["r0"] <= high + BOND_BIN
    if len(found.angles) and len(p["a"]):
        low, high = percentiles(found.angles)
        assert_wall(w, p, low - ANGLE_BIN, 0.0, kT)
        assert_wall(w, p, high + ANGLE_BIN, np.pi, kT)
    if len(found.dihedrals) and len(p["k_dih"]):
        energy = dihedral_energy(w, p, np.linspace(-np.pi, np.pi, 2000))
        # Between the 60 angles of the constraint, a cosine of order up to 3 rises by h²/8 n² of its amplitude.
        assert np.ptp(energy) <= 20 * kT * (1 + 9 * (np.pi / 30) ** 2 / 8)
    for term, closest in found.closest.items():
        if np.isfinite(closest).any() and getattr(w, term):
            contact = min(float(np.percentile(closest[np.isfinite(closest)], 1.0, method="lower")), 6.0) - PAIR_BIN
            assert pair_energy(w, p, term, contact) >= kT * enough
            assert pair_energy(w, p, term, min(3.0, 0.8 * contact)) >= 13 * kT * enough


def assert_wall(w: Weights, p: dict[str, Any], foot: float, end: float, kT: float) -> None:
    """The slope away from the sampled range is at least that of a harmonic wall that reaches 4 kT after 10 degrees."""
    sign = 1.0 if end > foot else -1.0
    if (end - foot) * (1 if end > 0 else -1) <= 0:
        return  # sampled up to 180 degrees (or 0) within one bin, so nothing is outside
    theta = np.linspace(foot, end, 2000)
    steepest = 2 * WALL * kT / WIDTH
    wall = steepest * np.minimum(np.abs(theta - foot) / WIDTH, 1.0)
    # The constraint holds at angles a degree apart or closer. Between them a curve lies below its chord by at most h²/8
    # times its curvature, and the wall's corner lies above its chord by at most h/4 times the change of slope.
    h = np.pi / 180
    roughest = np.abs(angle_slope(w, p, np.linspace(0, np.pi, 2000), 3)).max()
    between = h**2 / 8 * roughest + h / 4 * steepest / WIDTH
    assert (sign * angle_slope(w, p, theta) >= wall - between - 1e-7 * steepest).all()


def names(found: tuple[Constraint, ...]) -> list[str]:
    return [one.name for one in found]


def named(name: str, found: tuple[Constraint, ...]) -> Constraint:
    return next(one for one in found if one.name == name)


@cache
def case(which: str) -> tuple[Chains, Prior, Factor]:
    chains, n = {
        "bundled": (chignolin_chains(300), 10),
        "two proteins": (two_proteins(), 4),
        "one harmonic": (chignolin_chains(300), 1),
        "two harmonics": (chignolin_chains(300), 2),
        "helix": (helix(60, 9, 0.1, seed=2), 3),
        "straight": (straight(), 3),
    }[which]
    prior = prior_of(n, DISTINCT)
    return chains, prior, factor_without_a_pass(chains, prior)


def straight() -> Chains:
    """Nearly straight chains, with angles up to 180 degrees."""
    rng = np.random.default_rng(4)
    R = np.zeros((60, 8, 3))
    R[..., 0] = 3.8 * np.arange(8)
    R += rng.normal(size=R.shape) * 0.1
    return Chains(R, rng.normal(size=R.shape) * 10, np.ones((60, 8)))


CASES = ["bundled", "two proteins", "one harmonic", "two harmonics", "helix", "straight"]


@pytest.mark.slow
@pytest.mark.parametrize("which", CASES)
def test_every_fit_is_admissible(which: str) -> None:
    chains, prior, factor = case(which)
    found = fit(factor, prior, Options(smoothness=1e-3, temperature=320.0))
    assert names(found.admissible.constraints) == EVERY
    assert_admissible(prior.weights, found.fitted_params, chains, 320.0)
    assert found.converged
    assert found.certificate.optimality_gap < 1e-8


@pytest.mark.parametrize("which", ["bundled", "two proteins"])
def test_a_free_fit_is_not(which: str) -> None:
    """Shows that the tests above can fail."""
    chains, prior, factor = case(which)
    free = fit(factor, prior, Options(smoothness=1e-3, constraints="none"))
    with pytest.raises(AssertionError):
        assert_admissible(prior.weights, free.fitted_params, chains, 300.0)


@pytest.mark.parametrize("term", ["bond", "angle", "dihedral", "repulsive", "excluded_volume"])
def test_a_potential_that_breaks_one_constraint_is_seen(term: str) -> None:
    """Every assertion of `assert_admissible` can fail: one potential of the fit is changed."""
    chains, prior, factor = case("two proteins")
    p = fit(factor, prior, Options(smoothness=1e-3)).fitted_params
    assert_admissible(prior.weights, p, chains, 300.0)
    for change in {
        "bond": [{"kr": p["kr"] * 1e-4}, {"r0": p["r0"] + 1.0}, {"r0": p["r0"] - 1.0}],
        "angle": [{"b": -p["b"], "a": -p["a"]}],
        "dihedral": [{"k_dih": p["k_dih"] + 80.0}],
        "repulsive": [{"epsilon": -p["epsilon"]}, {"epsilon": 0.0}],
        "excluded_volume": [{"epsilon_ex": -p["epsilon_ex"]}, {"epsilon_ex": 0.0}],
    }[term]:
        with pytest.raises(AssertionError):
            assert_admissible(prior.weights, p | change, chains, 300.0)


WEIGHING = st.floats(0.05, 3.0)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, database=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    length=st.integers(4, 11),
    harmonics=st.tuples(st.integers(1, 6), st.integers(1, 3)),
    weights=st.builds(Weights, WEIGHING, WEIGHING, WEIGHING, WEIGHING, WEIGHING),
    kelvin=st.floats(100, 600),
    size=st.sampled_from([0.0, 1.0, 100.0]),
)
def test_what_is_projected_is_admissible(
    seed: int, length: int, harmonics: tuple[int, int], weights: Weights, kelvin: float, size: float
) -> None:
    """Random data, weights and coefficients, however unphysical."""
    chains, prior = random_chains(12, [length], length, seed), prior_of(harmonics[0], weights, harmonics[1])
    factor = factor_without_a_pass(chains, prior)
    start = to_coefficients(prior.params)
    directions = spectrum(smoothing(factor, 1e-3, np.zeros_like(start)).S, factor.beads)
    allowed = Admissible.of(constraints("safe", factor, kelvin), directions, start, directions.kept())
    c, _ = allowed.nearest(start + size * np.random.default_rng(seed).normal(size=len(start)))
    assert_admissible(weights, to_params(c, prior.params), chains, kelvin)


# The rows of each constraint


def parts(which: str = "two proteins", kelvin: float = 300.0) -> tuple[Prior, Factor, tuple[Constraint, ...]]:
    _, prior, factor = case(which)
    return prior, factor, constraints("safe", factor, kelvin)


def random_params(prior: Prior, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: value * rng.uniform(0.5, 2, size=value.shape) for name, value in prior.params.items()}


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_slopes_and_energies(seed: int) -> None:
    """The rows multiplied by the coefficients of any parameters, checked for every number up to rounding."""
    prior, factor, found = parts("bundled")
    w, p = prior.weights, random_params(prior, seed)
    c = to_coefficients(p)
    said = {one.name: one.normals @ c for one in found}
    low, high = (float(percentile(factor.histograms.counts["angle"], EDGES["angle"], x) or 0) for x in (0.1, 99.9))
    for name, foot, end in (("angle wall, low", low, 0.0), ("angle wall, high", high, np.pi)):
        theta = np.linspace(foot, end, len(said[name]))
        assert abs(theta[1] - theta[0]) <= np.pi / 180 * (1 + 1e-12)
        np.testing.assert_allclose(said[name], np.sign(end - foot) * angle_slope(w, p, theta), atol=1e-12)
    phi = np.linspace(-np.pi, np.pi, 60, endpoint=False)
    energy = dihedral_energy(w, p, phi)
    energy -= energy.mean()
    np.testing.assert_allclose(np.sort(said["dihedral barrier"]), np.sort(np.append(energy, -energy)), atol=1e-12)
    for name, term in (("repulsion", "repulsive"), ("excluded volume", "excluded_volume")):
        distances = np.array(re.findall(r"at ([\d.]+) Å", named(name, found).text), float)
        # The distances in the text have two decimals, and their fourth power is used.
        rounded = (1 - 0.0051 / distances.min()) ** -4 - 1
        np.testing.assert_allclose(said[name], [pair_energy(w, p, term, r) for r in distances], rtol=rounded)
    assert said["kr"] == pytest.approx(p["kr"])


def test_bounds_are_those_that_the_text_says() -> None:
    kT = KB * 300
    _, factor, found = parts("bundled")
    assert named("repulsion", found).bounds == pytest.approx([kT, 13 * kT])
    assert named("excluded volume", found).bounds == pytest.approx([kT, 13 * kT])
    # Within 10 kT of the mean, hence at most 20 kT apart.
    np.testing.assert_allclose(named("dihedral barrier", found).bounds, -10 * kT)
    np.testing.assert_array_equal(named("r0", found).bounds, [0, 0])
    low, high = (float(percentile(factor.histograms.counts["angle"], EDGES["angle"], x) or 0) for x in (0.1, 99.9))
    for name, foot, end in (("angle wall, low", low, 0.0), ("angle wall, high", high, np.pi)):
        slopes = named(name, found).bounds
        away = np.linspace(0, abs(end - foot), len(slopes))
        assert slopes[0] == 0
        # Fine steps of the same slopes: the wall's height after 10 degrees, except for its corner between two angles.
        fine = np.linspace(0, WIDTH, 1000)
        height = np.trapezoid(np.interp(fine, away, slopes), fine)
        assert height == pytest.approx(4 * kT, rel=0.01)
        assert f"{np.degrees(foot):.1f}°" in named(name, found).text
        np.testing.assert_allclose(slopes[away > WIDTH], 8 * kT / WIDTH)
        assert (np.diff(slopes) > -1e-9).all()


@pytest.mark.parametrize("kelvin", [150.0, 600.0])
def test_temperature_scales_them(kelvin: float) -> None:
    _, factor, found = parts()
    for one, other in zip(found, constraints("safe", factor, kelvin), strict=True):
        assert other.name == one.name
        np.testing.assert_array_equal(other.normals, one.normals)
        np.testing.assert_allclose(other.bounds, one.bounds * kelvin / 300.0, rtol=1e-14)
        assert (other.text == one.text) == (one.name == "r0")


def test_weights_are_those_of_each_term() -> None:
    """If the weight of a term is doubled, its rows double or its bound is halved, and other terms are unaffected."""
    chains, prior, factor = case("two proteins")
    owner = {
        "kr": "bond",
        "repulsion": "repulsive",
        "excluded volume": "excluded_volume",
        "dihedral barrier": "dihedral",
    }
    for term in DISTINCT._fields:
        heavier = Prior(DISTINCT._replace(**{term: 2 * getattr(DISTINCT, term)}), prior.params)
        other = constraints("safe", factor_without_a_pass(chains, heavier), 300.0)
        for one, two in zip(constraints("safe", factor, 300.0), other, strict=True):
            mine = owner.get(one.name, "angle" if one.name.startswith("angle") else "") == term
            np.testing.assert_allclose(two.normals, one.normals * (2 if mine and term != "bond" else 1), rtol=1e-12)
            np.testing.assert_allclose(two.bounds, one.bounds / (2 if mine and term == "bond" else 1), rtol=1e-12)


def test_extended_chains_are_held_apart_at_a_contact() -> None:
    """Extended chains have no contacts; a repulsion of 1 kT at 20 Å would take missing data for a fact."""
    chains, _, _ = case("straight")
    assert Sampled.of(chains).closest["repulsive"].min() > 20
    _, _, found = parts("straight")
    text = named("repulsion", found).text
    assert "at 6.00 Å, contact, which the data do not sample, and" in text
    rows = named("repulsion", found)
    assert rows.normals[0].max() == pytest.approx(DISTINCT.repulsive / 6.0**4, rel=1e-12)
    near = named("repulsion", parts("bundled")[2])
    assert "the closest sampled approach, and" in near.text
    sampled = np.percentile(Sampled.of(chignolin_chains(300)).closest["repulsive"], 1.0, method="lower")
    assert (DISTINCT.repulsive / near.normals[0].max()) ** 0.25 == pytest.approx(sampled, abs=PAIR_BIN)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(2, EVERY[:2]), (3, [*EVERY[:4], EVERY[6]]), (4, [*EVERY[:5], EVERY[6]]), (6, [*EVERY[:5], EVERY[6]]), (7, EVERY)],
)
def test_terms_that_no_chain_is_long_enough_for(length: int, expected: list[str]) -> None:
    chains, prior = random_chains(40, [length], length, seed=length), prior_of(2, DISTINCT, 1)
    factor = factor_without_a_pass(chains, prior)
    assert names(constraints("safe", factor, 300.0)) == expected
    found = fit(factor, prior, Options(smoothness=1e-3))
    assert_admissible(prior.weights, found.fitted_params, chains, 300.0)
    assert found.converged
    for term, where in factor.fingerprint.layout.slices.items():
        if not design(factor.S)[:, where].any():  # kept as it was
            ends = (to_coefficients(params)[where] for params in (found.fitted_params, prior.params))
            np.testing.assert_allclose(*ends, rtol=1e-12, err_msg=term)


@pytest.mark.parametrize(
    ("term", "gone"),
    [
        ("bond", EVERY[:2]),
        ("angle", EVERY[2:4]),
        ("dihedral", EVERY[4:5]),
        ("repulsive", EVERY[5:6]),
        ("excluded_volume", EVERY[6:]),
    ],
)
def test_a_term_that_weighs_nothing_is_not_constrained(term: str, gone: list[str]) -> None:
    prior = prior_of(2, DISTINCT._replace(**{term: 0.0}), 1)
    found = constraints("safe", factor_without_a_pass(two_proteins(), prior), 300.0)
    assert names(found) == [name for name in EVERY if name not in gone]


@pytest.mark.slow
def test_a_term_that_is_off_is_not_constrained_and_said() -> None:
    prior = prior_of(2, WEIGHTS, 1)
    factor = factor_without_a_pass(two_proteins(), prior)
    found = fit(factor, prior, Options(smoothness=1e-3))
    assert names(found.admissible.constraints) == EVERY[:-1]
    assert [warning for warning in found.warnings if "excluded volume is off" in warning]
    prior = prior_of(0, DISTINCT, 1)
    found = fit(factor_without_a_pass(two_proteins(), prior), prior, Options(smoothness=1e-3))
    assert names(found.admissible.constraints) == [name for name in EVERY if "angle" not in name]
    assert [warning for warning in found.warnings if "the angle has no harmonics" in warning]


def test_levels() -> None:
    _, factor, found = parts()
    assert names(found) == EVERY
    assert constraints("none", factor, 300.0) == ()
    assert names(constraints("nonnegative", factor, 300.0)) == ["kr", "epsilon", "epsilon_ex"]


def test_what_cannot_be_met_is_one_error_that_names_it() -> None:
    """Along the few directions that a large cut-off leaves, no potential has both walls."""
    _, prior, factor = case("two proteins")
    with pytest.raises(InputError, match="constraints can't be met together") as refused:
        fit(factor, prior, Options(truncation=0.9))
    message = str(refused.value)
    assert any(one.text in message for one in constraints("safe", factor, 300.0))
    assert "choose constraints nonnegative or none" in message
    assert cgcore.fit(factor, prior, Options(truncation=0.9, constraints="none")).train_loss > 0


@pytest.mark.parametrize(("middle", "bounded"), [(7.0, 0), (1.7, 0), (5.85, 1), (5.0, 2)])
def test_bonds_beyond_what_is_counted_bind_nothing(middle: float, bounded: int) -> None:
    """Lengths outside 2 to 6 Å are all in the outermost bins, which do not tell how far they extend."""
    chains = random_chains(60, [8], 8, seed=4)
    longer = Chains(chains.R * middle / 3.8, chains.F, chains.mask)
    factor = factor_without_a_pass(longer, prior_of(2, DISTINCT, 1))
    found = {one.name: one for one in constraints("safe", factor, 300.0)}
    bonds = np.linalg.norm(np.diff(longer.R, axis=1), axis=-1)
    assert (found["kr"].bounds == 0).all() == (bounded < 2)
    rows = found["r0"].normals if bounded else np.zeros((0, 2))
    assert ("r0" in found, len(rows)) == (bounded > 0, bounded)
    # kr (r0 - shortest) >= 0, with the shortest bond known up to one bin and part of a percentile.
    for shortest in -rows[:1, 0]:
        assert shortest == pytest.approx(bonds.min(), abs=0.02)
    low, high = factor.histograms.known("bond", factor.histograms.sampled_range("bond")) or (0, 0)
    assert low <= bonds.min() < bonds.max() <= high
