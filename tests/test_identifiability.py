"""Descriptions of what the data do not determine."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from factor_helpers import (
    WEIGHTS,
    Chains,
    chignolin_chains,
    chignolin_factor,
    factor_of,
    prior_of,
    random_chains,
    two_proteins,
    unconstrained,
)

from cgcore import Factor, Options, Prior, fit
from cgcore.fitting.identifiability import NAMED, Direction, Identifiability, compact, identify
from cgcore.fitting.spectrum import spectrum

pytestmark = pytest.mark.numerical

EXCLUDED = WEIGHTS._replace(excluded_volume=0.3)
EPSILON = "epsilon and sigma enter only as epsilon*sigma^4"


def identified(factor: Factor, cutoff: float = 0.0) -> Identifiability:
    found = spectrum(factor.S, factor.beads)
    return identify(factor, found, found.kept(cutoff))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["a_1"], "a_1"),
        (["a_7", "a_8", "a_9", "a_10"], "a_7..a_10"),
        (["a_10", "a_9", "a_7", "a_8"], "a_7..a_10"),
        (["a_7", "a_8", "b_6", "b_7", "b_8"], "a_7..a_8, b_6..b_8"),
        (["b_1", "a_1"], "a_1, b_1"),
        (["a_1", "a_3", "a_4"], "a_1, a_3..a_4"),
        (["kr", "a_2", "kr*r0", "a_3"], "a_2..a_3, kr, kr*r0"),
        (["k_1 cos(gamma_1)", "k_2 cos(gamma_2)"], "k_1 cos(gamma_1), k_2 cos(gamma_2)"),
        (["epsilon*sigma^4"], "epsilon*sigma^4"),
    ],
)
def test_compact(names: list[str], expected: str) -> None:
    assert compact(names) == expected


@pytest.mark.slow
def test_epsilon_and_sigma() -> None:
    assert any(note.startswith(EPSILON) for note in identified(chignolin_factor(4)).notes)
    excluded = identified(factor_of(two_proteins(), prior_of(weights=EXCLUDED)))
    assert any("epsilon_ex and sigma_ex enter only as epsilon_ex*sigma_ex^4" in note for note in excluded.notes)
    assert any(note.startswith(EPSILON) for note in excluded.notes)
    # Not if there is no such term.
    assert not any("epsilon_ex" in note for note in identified(chignolin_factor(4)).notes)
    assert not any(EPSILON in n for n in identified(factor_of(random_chains(60, [5], 5, seed=5), prior_of())).notes)


def test_that_epsilon_and_sigma_enter_only_together_is_true() -> None:
    params = prior_of(4).params
    other = params | {"sigma": params["sigma"] * 2, "epsilon": params["epsilon"] / 16}
    first, second = (fit(chignolin_factor(4), Prior(WEIGHTS, p), unconstrained()) for p in (params, other))
    assert second.train_loss == pytest.approx(first.train_loss, rel=1e-12)
    assert second.fitted_params["epsilon"] * 16 == pytest.approx(first.fitted_params["epsilon"], rel=1e-8)


def test_harmonics_on_few_angles() -> None:
    found = identified(chignolin_factor(10))
    (note,) = (n for n in found.notes if "nearly dependent" in n)
    assert re.match(r"[ab]_\d", note)
    angles = angles_of(chignolin_chains().R)
    low, high = (int(x) for x in re.findall(r"(\d+)\.\.(\d+) degrees", note)[0])
    # Accurate to a bin of one degree.
    assert np.degrees(angles.min()) - 1.5 < low <= np.degrees(angles.min()) + 0.5
    assert np.degrees(angles.max()) - 0.5 <= high < np.degrees(angles.max()) + 1.5


def angles_of(R: np.ndarray) -> np.ndarray:
    u, v = R[:, :-2] - R[:, 1:-1], R[:, 2:] - R[:, 1:-1]
    return np.arccos(np.sum(u * v, axis=2) / np.linalg.norm(u, axis=2) / np.linalg.norm(v, axis=2))


def test_no_note_where_all_harmonics_are_determined() -> None:
    found = identified(chignolin_factor(4))
    assert not any("nearly dependent" in note for note in found.notes)
    assert found.left == []
    assert found.resolved == 15


@pytest.mark.parametrize("cutoff", [0.0, 1e-6, 0.01, 0.3])
def test_what_is_left(cutoff: float) -> None:
    factor = chignolin_factor(10)
    directions = spectrum(factor.S, factor.beads)
    found = identified(factor, cutoff)
    assert found.singular_values == directions.values.tolist()
    assert found.kept == directions.kept(cutoff).tolist()
    assert found.resolved == 25
    assert len(found.left) == 27 - sum(found.kept)
    assert [d.singular_value for d in found.left] == [
        v for v, k in zip(directions.values, found.kept, strict=True) if not k
    ]
    assert sum(not d.resolved for d in found.left) == 2
    for direction in found.left:
        parts = [part**2 for part in direction.loadings.values()]
        assert parts == sorted(parts, reverse=True)
        assert 0.95 < sum(parts) <= 1 + 1e-12
        assert set(direction.loadings) <= set(factor.fingerprint.layout.names)


def test_a_direction_in_words() -> None:
    direction = Direction(2.5e-7, True, {"a_3": 0.8, "a_4": -0.5, "kr": 0.32, "b_1": 0.1})
    assert str(direction) == "a_3..a_4, kr: weakly determined (relative singular value 2.5e-07)"
    unresolved = Direction(1e-15, False, {"a_3": 1.0})
    assert str(unresolved) == "a_3: not determined (relative singular value 1.0e-15)"


def test_a_direction_of_many_small_parts_names_the_largest() -> None:
    mixed = Direction(0.5, True, {f"x_{k}": 0.3 - k / 1000 for k in range(11)})
    assert str(mixed) == "x_0, x_1, x_2, and others: weakly determined (relative singular value 5.0e-01)"
    assert 0.1**2 < NAMED < 0.32**2


def test_the_named_coefficients_are_those_that_can_move_together() -> None:
    """Moving the named coefficients along an unresolved direction changes no force by more than rounding."""
    factor = chignolin_factor(10)
    found = spectrum(factor.S, factor.beads)
    last = identified(factor).left[-1]
    norms = np.linalg.norm(factor.S[:, :-1], axis=0)
    step = np.array([last.loadings.get(name, 0.0) for name in factor.fingerprint.layout.names]) / norms
    assert step[0] == 0  # kr does not contribute, so centring does not matter
    # Loadings below 3 per cent are left out; the others cancel to that accuracy.
    assert np.linalg.norm(factor.S[:, :-1] @ step) < 0.1
    assert np.linalg.norm(factor.S[:, :-1] @ np.abs(step)) > 0.3
    assert found.values[-1] < found.resolution


@pytest.mark.slow
@pytest.mark.parametrize(
    ("length", "empty"),
    [
        (2, {"angle": 3, "dihedral": 4, "repulsive": 7, "excluded_volume": 3}),
        (3, {"dihedral": 4, "repulsive": 7}),
        (4, {"repulsive": 7}),
        (5, {"repulsive": 7}),
        (6, {"repulsive": 7}),
        (7, {}),
    ],
)
def test_chains_too_short_for_a_term(length: int, empty: dict[str, int]) -> None:
    prior = prior_of(weights=EXCLUDED)
    found = identified(factor_of(random_chains(60, [length], length, seed=length), prior))
    assert found.without_data == {
        term: f"no chain has the {beads} beads that it needs" for term, beads in empty.items()
    }
    # Their directions are not listed again.
    for direction in found.left:
        for name in direction.loadings:
            term = next(t for t, where in layout_of(prior).items() if name in where)
            assert term not in empty


def layout_of(prior: Prior) -> dict[str, set[str]]:
    from cgcore import Layout

    layout = Layout.of(prior)
    return {term: set(layout.names[where]) for term, where in layout.slices.items()}


@pytest.mark.parametrize("term", ["bond", "angle", "dihedral", "repulsive", "excluded_volume"])
def test_weight_zero(term: str) -> None:
    found = identified(factor_of(two_proteins(), prior_of(weights=EXCLUDED._replace(**{term: 0.0}))))
    assert found.without_data == {term: "its weight is 0"}
    assert found.left == []


@pytest.mark.slow
def test_chains_that_are_exactly_straight() -> None:
    """They have enough beads but no forces: the chain must not be called too short."""
    x = np.cumsum(np.random.default_rng(4).normal(3.8, 0.05, size=(30, 7)), axis=1)
    R = np.stack([x, 0 * x, 0 * x], axis=-1)
    found = identified(
        factor_of(Chains(R, np.random.default_rng(5).normal(size=R.shape), np.ones((30, 7))), prior_of())
    )
    assert set(found.without_data) == {"angle", "dihedral"}
    for reason in found.without_data.values():
        assert "straight" in reason
        assert "beads" not in reason


def test_no_harmonics() -> None:
    found = identified(factor_of(two_proteins(), prior_of(0, n_dihedral=0)))
    assert found.without_data == {"angle": "it has no harmonics", "dihedral": "it has no harmonics"}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"coordinates": "physical"}, {"truncation": 0.1}])
def test_every_fit_says_it(options: dict[str, Any]) -> None:
    found = fit(chignolin_factor(4), prior_of(4), Options(**options)).identifiability
    assert len(found.kept) == 15
    assert any(note.startswith(EPSILON) for note in found.notes)
