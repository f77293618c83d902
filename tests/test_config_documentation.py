"""The documentation of the schema is current and complete, and the schema's defaults are those of the libraries."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import optax
import pytest
import yaml
from cli_helpers import assert_refused, run

from cgcore.config import json_schema, key_reference
from cgcore.config.keys import keys_of
from cgcore.config.optimizers import OPTIMIZERS

ROOT = Path(__file__).resolve().parents[1]
REMEDY = "write it again: python -m cgcore config"


def test_the_key_reference_is_current() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == key_reference(), f"{REMEDY} --reference > docs/configuration.md"


def test_the_json_schema_is_current() -> None:
    written = (ROOT / "docs" / "cgcore.schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == json.loads(json_schema()), f"{REMEDY} --schema > docs/cgcore.schema.json"


def test_the_command_prints_both() -> None:
    assert run("config", "--reference").out == key_reference()
    assert run("config", "--schema").out == json_schema()
    assert_refused(run("config"), "--reference or --schema")


def allowed(schema: Any, value: Any, whole: Any) -> bool:
    """Whether our JSON schema, with the keywords that it uses, admits a value."""
    if "$ref" in schema:
        return allowed(whole["$defs"][schema["$ref"].rpartition("/")[2]], value, whole)
    if "anyOf" in schema:
        return any(allowed(member, value, whole) for member in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match schema["type"]:
        case "number" | "integer" as kind:
            inside = schema.get("minimum", value) <= value <= schema.get("maximum", value) if number else False
            inside = inside and value > schema.get("exclusiveMinimum", float("-inf"))
            inside = inside and value < schema.get("exclusiveMaximum", float("inf"))
            return inside and (kind == "number" or isinstance(value, int))
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "null":
            return value is None
        case "array":
            return isinstance(value, list) and all(allowed(schema["items"], item, whole) for item in value)
    known = schema["properties"]
    if not isinstance(value, dict) or (not schema["additionalProperties"] and set(value) - set(known)):
        return False
    return all(allowed(known[name], inside, whole) for name, inside in value.items() if name in known)


def test_the_json_schema_admits_the_example_and_no_slip_of_the_pen() -> None:
    whole = json.loads(json_schema())
    example = yaml.safe_load((ROOT / "cgcore" / "pipeline" / "example.yaml").read_text(encoding="utf-8"))
    assert allowed(whole, example, whole)
    assert allowed(whole, {"model": {"something": 1}, "optimizer": {"adam": {"beta1": 0.9}}}, whole)
    for wrong in (
        {"optimizer": {"adamm": {}}},
        {"optimizer": {"adam": {"b1": 1.5}}},
        {"training": {"val_fraction": 1}},
        {"training": {"pretrain_prior_smoothness": "much"}},
        {"model": {"priors": {"a": 0.5}}},
        {"model": {"use_priors": "yes"}},
    ):
        assert not allowed(whole, wrong, whole), wrong


def test_every_key_is_documented() -> None:
    whole = json.loads(json_schema())
    text = key_reference()
    for block in whole["$defs"].values():
        for name, schema in block["properties"].items():
            assert f"`{name}`" in text
            assert "$ref" in schema or schema["description"].endswith("."), name


REAL = {"sgd_nesterov": optax.sgd, **{name: getattr(optax, name) for name in OPTIMIZERS if name != "sgd_nesterov"}}
OURS = {"sgd_nesterov": {"momentum"}, "lion": {"decoupled_decay"}, "polyak_sgd": {"rule"}, "fromage": {"rule"}}
"""Defaults that differ from optax's or that optax does not have."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_of_the_optimizers_are_those_of_optax(name: str) -> None:
    theirs = inspect.signature(REAL[name]).parameters
    ours = OPTIMIZERS[name]().hyperparameters
    assert set(ours) <= set(keys_of(OPTIMIZERS[name]))
    for number in set(ours) - OURS.get(name, set()):
        assert ours[number] == theirs[number].default, number
