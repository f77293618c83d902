"""Settings of a fit: what is out of range is refused by name."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from cgcore import InputError, Options
from cgcore.factor.compress import BLOCKS

NAN, INF = float("nan"), float("inf")
BAD: dict[str, list[Any]] = {
    "objective": ["", "Direct", "both", None, 1],
    "coordinates": ["", "white", None, 0],
    "precision": ["float16", "double", None, 64],
    "truncation": ["Auto", "0.1", None, -0.1, -1e-300, 1.0, 2, NAN, INF, -INF, True, False, [0.1]],
    "max_steps": [0, -1, 10**6 + 1, 1.5, 200.0, "200", None, True, INF],
    "min_steps": [-1, 201, 1.0, "1", True, NAN],
    "tol_grad": [-1e-6, NAN, INF, -INF, "1e-6", None, True],
    "blocks": [0, -3, 2.0, None, "20", True],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name} is {re.escape(repr(value))}; give "):
        Options(**{name: value})


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_nonnegative_is_true_or_false(value: Any) -> None:
    with pytest.raises(InputError, match="nonnegative"):
        Options(nonnegative=value)


GOOD: dict[str, list[Any]] = {
    "objective": ["compressed", "direct"],
    "coordinates": ["whitened", "physical"],
    "precision": ["float64", "float32"],
    "truncation": ["auto", 0, 0.0, 1e-300, 0.5, 0.999999],
    "max_steps": [1, 200, 10**6],
    "min_steps": [None, 0, 10, 200],
    "tol_grad": [0, 0.0, 1e-300, 1.0, 1e30],
    "nonnegative": [True, False],
    "blocks": [1, 20, 10**6],
}


def test_all_settings_are_tried() -> None:
    names = {field.name for field in fields(Options)}
    assert set(GOOD) == names
    assert set(BAD) == names - {"nonnegative"}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_a_good_value_is_kept(name: str, value: Any) -> None:
    assert getattr(Options(**{name: value}), name) == value


def test_defaults() -> None:
    assert Options() == Options(
        objective="compressed",
        coordinates="whitened",
        truncation="auto",
        max_steps=200,
        min_steps=None,
        tol_grad=1e-6,
        precision="float64",
        nonnegative=False,
        blocks=BLOCKS,
    )


@pytest.mark.parametrize(
    ("given", "least"),
    [
        ({}, 0),
        ({"coordinates": "physical"}, 10),
        ({"coordinates": "physical", "max_steps": 4}, 4),
        ({"min_steps": 7}, 7),
        ({"min_steps": 0, "coordinates": "physical"}, 0),
        ({"objective": "direct"}, 0),
    ],
)
def test_least_steps(given: dict[str, Any], least: int) -> None:
    assert Options(**given).least_steps == least


def test_min_steps_above_max_steps_names_both() -> None:
    with pytest.raises(InputError, match=r"min_steps is 11; .*max_steps \(10\)"):
        Options(min_steps=11, max_steps=10)


@pytest.mark.parametrize("other", [{"objective": "direct"}, {"coordinates": "physical"}])
def test_nonnegative_excludes_the_others(other: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="nonnegative works on the factor alone"):
        Options(nonnegative=True, **other)


def test_options_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        Options().max_steps = 3  # type: ignore[misc]
