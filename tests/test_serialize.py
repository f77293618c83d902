"""Written files are strict YAML and give back the same numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.config import default_prior, load_config
from cgcore.errors import InputError
from cgcore.physics.prior import CARRIED, FITTED, FITTED_EXCLUDED_VOLUME, SERIES, Prior, Weights
from cgcore.serialize import plain, priors_yaml, to_json, write_json, write_priors


class Colour(IntEnum):
    RED = 1


@dataclass(frozen=True)
class Point:
    x: float
    tag: Colour


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (float("nan"), None),
        (np.float32("-inf"), None),
        (np.array([1.0, np.nan, np.inf]), [1.0, None, None]),
        (np.float64(0.1), 0.1),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (jnp.asarray([1, 2]), [1, 2]),
        (jnp.asarray(2.0), 2.0),
        (Colour.RED, "RED"),
        ({Colour.RED: Colour.RED, 2: 3, None: 4}, {"RED": "RED", "2": 3, "None": 4}),
        (Weights(0.5, 0.25, 0.25, 1.0), dict(Weights(0.5, 0.25, 0.25, 1.0)._asdict())),
        (Point(float("inf"), Colour.RED), {"x": None, "tag": "RED"}),
        ((1, (2.5, None)), [1, [2.5, None]]),
        (frozenset({"a"}), ["a"]),
        (Path("a/b"), "a/b"),
        (10**30, 10**30),
        ("å\n", "å\n"),
    ],
    ids=repr,
)
def test_json_of(value: Any, written: Any) -> None:
    assert json.loads(to_json({"key": value}))["key"] == written


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), 1j, np.array([1j]), Point])
def test_what_has_no_json_form(value: Any) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        to_json({"key": value})


def test_write_json(tmp_path: Path) -> None:
    write_json(tmp_path / "fit.json", {"loss": [1.0, float("nan")]})
    text = (tmp_path / "fit.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"loss": [1.0, None]}
    assert text.endswith("}\n")


def same(first: Prior, second: Prior) -> bool:
    return (
        first.weights == second.weights
        and dict(first.carried) == dict(second.carried)
        and list(first.params) == list(second.params)
        and all(np.asarray(first.params[n]).tobytes() == np.asarray(second.params[n]).tobytes() for n in first.params)
    )


def test_the_default_prior_comes_back(tmp_path: Path) -> None:
    prior = default_prior()
    write_priors(tmp_path / "priors.yaml", prior, prior.params)
    assert same(load_config(tmp_path / "priors.yaml").prior, prior)


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [1e-7, 1e300, 5e-324, -0.0, 1e16, 123456789.0]
)
factors = st.floats(0.0, 1e300) | st.sampled_from([1e-7, 0.0, 1e22])


@st.composite
def priors(draw: st.DrawFn) -> tuple[Weights, dict[str, Any], dict[str, float]]:
    """Weights, parameters and carried values. The test makes the prior, because the type checks in tests draw random
    numbers, which strategies may not do."""
    weights = Weights(*(draw(factors) for _ in range(4)), excluded_volume=draw(st.none() | factors.filter(bool)))
    lengths = {"a": draw(st.integers(0, 12)), "k_dih": draw(st.integers(0, 4))}
    lengths |= {"b": lengths["a"], "gamma_dih": lengths["k_dih"]}
    params = {
        name: draw(st.lists(numbers, min_size=lengths[name], max_size=lengths[name]))
        if name in SERIES
        else draw(numbers.filter(bool) if name.startswith("sigma") else numbers)
        for name in (FITTED if weights.excluded_volume is None else FITTED + FITTED_EXCLUDED_VOLUME)
    }
    return weights, params, {name: draw(numbers) for name in CARRIED if draw(st.booleans())}


@pytest.mark.slow
@settings(derandomize=True, deadline=None, database=None, max_examples=150)
@given(drawn=priors())
def test_every_number_comes_back(tmp_path_factory: pytest.TempPathFactory, drawn: Any) -> None:
    prior = Prior(*drawn)
    path = tmp_path_factory.getbasetemp() / "round-trip.yaml"
    text = priors_yaml(prior, prior.params)
    path.write_text(text, encoding="utf-8")
    assert same(load_config(path).prior, prior)
    # Users' own readers support only plain YAML 1.1.
    block = yaml.safe_load(text)["model"]["priors"]
    assert all(isinstance(v, float) for name in prior.names for v in np.ravel(block[name]).tolist())


def test_fitted_values_replace_those_of_the_start() -> None:
    prior = default_prior()
    fitted = prior.params | {"r0": jnp.float32(3.5), "k_dih": jnp.asarray([1.0, 2.0])}
    block = yaml.safe_load(priors_yaml(prior, fitted))["model"]
    assert block["use_priors"] is True
    assert (block["priors"]["r0"], block["priors"]["k_dih"]) == (3.5, [1.0, 2.0])
    assert block["priors"]["weights"] == {
        "bond": 0.5,
        "angle": 0.25,
        "dihedral": 0.25,
        "repulsive": 1.0,
        "excluded_volume": 1.0,
    }


def test_parameters_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    prior = default_prior()
    with pytest.raises(InputError, match="'r0' is not finite"):
        write_priors(tmp_path / "priors.yaml", prior, prior.params | {"r0": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_set_is_sorted() -> None:
    assert plain(frozenset({"b", "a", "c"})) == ["a", "b", "c"]
