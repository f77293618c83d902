"""Warnings about fitted values that are physically impossible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factor_helpers import chignolin_factor, factor_of, prior_of, two_proteins, unconstrained

from cgcore import Factor, Rows, Term, bases, default_prior, fit, merge
from cgcore.errors import InputWarning
from cgcore.factor.histogram import Histograms
from cgcore.fitting.unphysical import unphysical, unphysical_values


def warned(**change: Any) -> tuple[str, ...]:
    return unphysical(prior_of(4).params | {k: np.float64(v) for k, v in change.items()}, chignolin_factor(4))


def test_nothing_to_say() -> None:
    assert warned() == ()
    assert warned(epsilon=0, epsilon_ex=0) == ()


@pytest.mark.parametrize("kr", [0.0, -1e-9, -150.0])
def test_kr(kr: float) -> None:
    (warning,) = warned(kr=kr)
    assert "kr = " in warning
    assert f"{kr:.6g}" in warning
    assert "--constraints" in warning


@pytest.mark.parametrize("name", ["epsilon", "epsilon_ex"])
def test_repulsion_that_attracts(name: str) -> None:
    prior = default_prior()
    (warning,) = unphysical_values(prior.params | {name: np.float64(-0.25)}, prior.terms)
    assert warning.startswith(f"{name} = -0.25 ")


@pytest.mark.parametrize(
    ("separation", "speaks"), [((3, None), False), ((6, None), False), ((6, 9), True), ((7, None), True)]
)
def test_beside_another_term_only_the_sum_must_repel(separation: tuple[int, int | None], speaks: bool) -> None:
    contact = Term("contact", Rows("pairs", *separation), bases.Power(8))
    prior = prior_of(4).with_terms([contact], {"contact": [1e6]})
    found = unphysical_values(prior.params | {"epsilon": np.float64(-0.25)}, prior.terms)
    assert any("epsilon = -0.25" in sentence for sentence in found) == speaks


def test_terms_that_a_fit_leaves_alone_count_too() -> None:
    prior = prior_of(4)
    attracts = replace(prior, params=prior.params | {"epsilon": -1.0}, frozen=frozenset({"repulsive"}))
    found = fit(factor_of(two_proteins(), prior), attracts, unconstrained(truncation=0.0))
    assert any(sentence.startswith("epsilon = -1 ") for sentence in found.warnings)
    contact = Term("contact", Rows("pairs", 3), bases.Power(8))
    beside = attracts.with_terms([contact], {"contact": [1e6]}, frozen=["contact"])
    found = fit(factor_of(two_proteins(), beside), beside, unconstrained(truncation=0.0))
    assert not any(sentence.startswith("epsilon = ") for sentence in found.warnings)


def sampled() -> tuple[float, float]:
    found = chignolin_factor(4).histograms.sampled_range("bond")
    assert found is not None
    return found


@pytest.mark.parametrize("outside", [-1.0, 0.0, 3.0, 5.0, 1e9])
def test_r0_outside_the_sampled_range(outside: float) -> None:
    low, high = sampled()
    assert 3.5 < low < 3.8 < high < 4.1
    (warning,) = warned(r0=outside)
    assert "r0 = " in warning
    assert f"{low:.2f}..{high:.2f}" in warning


def test_r0_inside_the_sampled_range() -> None:
    for inside in np.linspace(*sampled(), 5):
        assert warned(r0=inside) == ()


def test_all_at_once() -> None:
    found = warned(kr=-1, epsilon=-1, r0=9)
    assert [w.split(" = ")[0] for w in found] == ["kr", "epsilon", "r0"]


def test_without_bonds_r0_is_not_judged() -> None:
    factor = factor_of(two_proteins(), prior_of())
    nothing = Factor(factor.blocks, factor.fingerprint, Histograms.empty())
    assert unphysical(prior_of().params | {"r0": np.float64(99)}, nothing) == ()
    with pytest.warns(InputWarning, match="counted twice"):
        both = merge(nothing, factor)
    assert any("r0 = 99" in sentence for sentence in unphysical(prior_of().params | {"r0": np.float64(99)}, both))
