"""Settings of a fit: values out of range are refused by name."""

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
    "constraints": ["", "Safe", "all", True, False, 0, 1],
    "pooling": ["Auto", "0.1", -0.1, 1.1e6, NAN, INF, -INF, True, False, [0.1]],
    "smoothness": ["Auto", "0.1", 0, 0.0, -0.1, 1.1e6, NAN, INF, -INF, True, False, [0.1]],
    "truncation": ["Auto", "0.1", -0.1, -1e-300, 1.0, 2, NAN, INF, -INF, True, False, [0.1]],
    "temperature": [0, 0.0, -300.0, NAN, INF, "300", True, [300.0]],
    "max_steps": [0, -1, 10**6 + 1, 1.5, 200.0, "200", None, True, INF],
    "min_steps": [-1, 201, 1.0, "1", True, NAN],
    "tol_grad": [-1e-6, 10**400, NAN, INF, -INF, "1e-6", None, True],
    "blocks": [0, -3, 2.0, None, "20", True],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name} is {re.escape(repr(value))}; give "):
        Options(**{name: value})


GOOD: dict[str, list[Any]] = {
    "objective": ["compressed", "direct"],
    "coordinates": ["whitened", "physical"],
    "precision": ["float64", "float32"],
    "constraints": [None, "safe", "nonnegative", "none"],
    "pooling": [None, "auto", 0, 0.0, 1e-3, 1, 1e6],
    "smoothness": [None, "auto", 1e-300, 1e-3, 1, 1e6],
    "truncation": [None, "auto", 0, 0.0, 1e-300, 0.5, 0.999999],
    "temperature": [None, 1e-3, 300, 320.0],
    "max_steps": [1, 200, 10**6],
    "min_steps": [None, 0, 10, 200],
    "tol_grad": [0, 0.0, 1e-300, 1.0, 1e30],
    "blocks": [1, 20, 10**6],
}


def test_all_settings_are_tried() -> None:
    names = {field.name for field in fields(Options)}
    assert set(GOOD) == names
    assert set(BAD) == names


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_a_good_value_is_kept(name: str, value: Any) -> None:
    assert getattr(Options(**{name: value}), name) == value


def test_defaults() -> None:
    assert Options() == Options(
        objective="compressed",
        coordinates="whitened",
        constraints=None,
        smoothness=None,
        truncation=None,
        temperature=None,
        max_steps=200,
        min_steps=None,
        tol_grad=1e-6,
        precision="float64",
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


ELSEWHERE = [{"objective": "direct"}, {"coordinates": "physical"}, {"objective": "direct", "coordinates": "physical"}]


@pytest.mark.parametrize("other", ELSEWHERE)
@pytest.mark.parametrize(
    "given", [{"constraints": "safe"}, {"constraints": "nonnegative"}, {"smoothness": "auto"}, {"smoothness": 1e-3}]
)
def test_constraints_and_smoothness_need_the_factor_in_whitened_coordinates(
    given: dict[str, Any], other: dict[str, Any]
) -> None:
    (name,) = given
    with pytest.raises(InputError, match=f"^{name} needs the factor in whitened coordinates"):
        Options(**given, **other)


@pytest.mark.parametrize(
    ("given", "level", "smoothed"),
    [
        ({}, "safe", True),
        ({"constraints": "none"}, "none", True),
        ({"constraints": "nonnegative"}, "nonnegative", True),
        ({"truncation": 0}, "safe", False),
        ({"truncation": "auto"}, "safe", False),
        ({"smoothness": 1e-3}, "safe", True),
        *((other, "none", False) for other in ELSEWHERE),
        ({"objective": "direct", "constraints": "none"}, "none", False),
    ],
)
def test_what_is_constrained_and_smoothed_unless_said_otherwise(
    given: dict[str, Any], level: str, smoothed: bool
) -> None:
    assert (Options(**given).level, Options(**given).smoothed) == (level, smoothed)


@pytest.mark.parametrize("smoothness", ["auto", 1e-3])
@pytest.mark.parametrize("truncation", ["auto", 0, 0.1])
def test_smoothness_and_truncation_exclude_each_other(smoothness: Any, truncation: Any) -> None:
    with pytest.raises(InputError, match="smoothness and truncation exclude each other"):
        Options(smoothness=smoothness, truncation=truncation)


def test_options_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        Options().max_steps = 3  # type: ignore[misc]
