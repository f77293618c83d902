"""Priors are checked when they are created."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcore.config import default_prior
from cgcore.errors import InputError
from cgcore.physics.prior import FITTED, MOST_HARMONICS, Prior, Weights

FOUR = Weights(0.5, 0.25, 0.25, 1.0)
FIVE = FOUR._replace(excluded_volume=0.5)
GIVEN: dict[str, Any] = {
    "r0": 3.8, "kr": 150, "a": [1.0, 2], "b": [0, 0], "epsilon": 1, "sigma": 3, "k_dih": [0.5], "gamma_dih": [0]
}  # fmt: skip


def test_values_become_float64_and_keep_their_shape() -> None:
    prior = Prior(FOUR, GIVEN)
    assert prior.names == FITTED == tuple(prior.params)
    assert all(v.dtype == np.float64 for v in prior.params.values())
    assert {n: v.shape for n, v in prior.params.items() if v.ndim} == {
        "a": (2,), "b": (2,), "k_dih": (1,), "gamma_dih": (1,)
    }  # fmt: skip
    assert prior.params["kr"].shape == ()
    assert GIVEN["kr"] == 150  # the given values are not changed


def test_excluded_volume_has_two_more() -> None:
    prior = Prior(FIVE, GIVEN | {"epsilon_ex": 1, "sigma_ex": 3})
    assert prior.names == tuple(prior.params) == (*FITTED, "epsilon_ex", "sigma_ex")
    assert prior.params["sigma_ex"] == 3


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("k_dih", "gamma_dih")])
def test_harmonics_beyond_what_compiles(first: str, second: str) -> None:
    prior = default_prior()
    most = {first: [0.1] * MOST_HARMONICS, second: [0.1] * MOST_HARMONICS}
    assert len(Prior(prior.weights, prior.params | most).params[first]) == MOST_HARMONICS
    with pytest.raises(InputError, match=f"'{second}' has 65 harmonics; give at most 64"):
        Prior(prior.weights, prior.params | most | {second: [0.1] * 65})
    with pytest.raises(InputError, match=f"'{first}' has 300 harmonics; give at most 64"):
        Prior(prior.weights, prior.params | {first: np.zeros(300), second: np.zeros(300)})


def test_no_harmonics_at_all() -> None:
    empty: dict[str, Any] = {"a": [], "b": [], "k_dih": [], "gamma_dih": []}
    assert Prior(FOUR, GIVEN | empty).params["a"].shape == (0,)


@pytest.mark.parametrize(
    ("weights", "change", "message"),
    [
        (FOUR._replace(angle=-0.1), {}, r"weights\.angle is -0\.1"),
        (FOUR._replace(bond=np.nan), {}, r"weights\.bond is nan"),
        (FOUR._replace(excluded_volume=np.inf), {}, r"weights\.excluded_volume is inf"),
        (FIVE, {}, "'epsilon_ex' is missing"),
        (FOUR, {"epsilon_ex": 1, "sigma_ex": 3}, "'epsilon_ex' is unknown"),
        (FOUR, {"theta0": 1.6}, "'theta0' is unknown"),
        (FOUR, {"kr": [1.0]}, "'kr' has shape .* give one number"),
        (FOUR, {"a": 1.0, "b": 1.0}, "'a' has shape .* give a list"),
        (FOUR, {"a": [[1.0]], "b": [[1.0]]}, "'a' has shape"),
        (FOUR, {"r0": np.nan}, "'r0' is not finite"),
        (FOUR, {"k_dih": [np.inf]}, "'k_dih' is not finite"),
        (FOUR, {"b": [0.0]}, "a has 2 values and b 1"),
        (FOUR, {"gamma_dih": []}, "k_dih has 1 values and gamma_dih 0"),
    ],
)
def test_refusals(weights: Weights, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Prior(weights, GIVEN | change)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(InputError, match="'sigma' is missing"):
        Prior(FOUR, {name: value for name, value in GIVEN.items() if name != "sigma"})


def test_the_default_is_the_recorded_start_and_excluded_volume() -> None:
    recorded = json.loads((Path(__file__).parent / "data" / "chignolin_reference.json").read_text())
    prior = default_prior()
    assert prior.weights == Weights(**recorded["weights"], excluded_volume=1.0)
    added = {"epsilon_ex": 1.0, "sigma_ex": 3.5}
    assert {n: v.tolist() for n, v in prior.params.items()} == recorded["initial_params"] | added
