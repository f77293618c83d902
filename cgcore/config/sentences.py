"""Messages about invalid values, and descriptions of valid ones, made from the JSON schema of the key."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cgcore.config.reading import Reading, kind

_OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_LENGTH = {"too_short", "too_long"}


def add_errors(reading: Reading, at: str, keys: Mapping[str, Any], error: ValidationError) -> None:
    """Note the mistakes that pydantic found, each once, under its dotted key.

    Arguments:
        reading: record in which to note them.
        at: dotted name of the block.
        keys: JSON schema of each of its keys.
        error: pydantic's error for the block.
    """
    said: dict[str, str] = {}
    for found in error.errors(include_url=False):
        first, *rest = found["loc"] or ("",)
        name = list(keys)[first] if isinstance(first, int) else first  # argument given by position
        dotted, schema = f"{at}.{name}".strip("."), without_null(keys.get(name, {}))
        for index in rest:
            if isinstance(index, int):  # strings are pydantic's names for members of a union
                dotted, schema = f"{dotted}[{index}]", schema.get("items", {})
        # Each member of a union has its own error; that a number is out of range says more than that it is no text.
        if dotted not in said or found["type"] in _OUT_OF_RANGE:
            said[dotted] = complaint(schema, found["type"], found["input"])
    for dotted, words in said.items():
        reading.add(dotted, words)


def complaint(schema: Mapping[str, Any], error: str, value: Any) -> str:
    """What is wrong with a value, and what to do.

    Arguments:
        schema: JSON schema of the key.
        error: pydantic's name of the error.
        value: the invalid value.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if error == "missing":
        return f"is missing; {remedy(schema, '')}"
    if error in _OUT_OF_RANGE:
        # A number may have thousands of digits.
        shown = "is out of range" if whole and abs(value) >= 10**15 else f"is {value}"
        return f"{shown}; give {limits(schema)}"
    if error in _LENGTH and isinstance(value, list | tuple):
        return f"has {len(value)} values; give {lengths(schema)}"
    if error == "finite_number" or (error == "float_type" and (whole or value in (math.inf, -math.inf))):
        return "is not finite; give a finite number"
    return f"is {kind(value)}; {remedy(schema, value)}"


def remedy(schema: Mapping[str, Any], value: Any = None) -> str:
    """What to write as the value of a key."""
    if what := schema.get("x-what"):
        return f"write {what}"
    if words := schema.get("enum"):
        close = difflib.get_close_matches(str(value)[:40].lower(), words, 1, 0.6)
        return (f"did you mean {close[0]}? Known: " if close else "give one of: ") + ", ".join(words)
    if "anyOf" in schema:
        return f"write {describe(schema)}"
    match schema.get("type"):
        case "number":
            return "write one number, without quotes"
        case "integer":
            return "write a whole number"
        case "boolean":
            return "write true or false, without quotes"
        case "array":
            return f"write a list of numbers, such as {schema.get('examples', [[1]])[0]}"
        case "string":
            return "write a text"
    return "write a block of `key: value` lines"


def describe(schema: Mapping[str, Any]) -> str:
    """The valid values of a key, in words."""
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if "anyOf" in schema:
        return ", or ".join(sorted(map(describe, schema["anyOf"]), key=len))
    match schema.get("type"):
        case "number" | "integer" as name:
            ends = limits(schema)
            return f"{'a number' if name == 'number' else 'a whole number'}{f', {ends}' if ends else ''}"
        case "boolean":
            return "true or false"
        case "array":
            return f"a list, {lengths(schema)}, each {describe(schema.get('items', {}))}"
        case "string":
            return schema.get("x-what", "a text")
    return "a block"


def limits(schema: Mapping[str, Any]) -> str:
    """The valid range of a number, in words."""
    for member in schema.get("anyOf", ()):
        if ends := limits(member):
            return ends
    said = {"minimum": "{} or more", "exclusiveMinimum": "above {}", "maximum": "at most {}"}
    said["exclusiveMaximum"] = "below {}"
    return ", ".join(words.format(f"{schema[name]:.15g}") for name, words in said.items() if name in schema)


def lengths(schema: Mapping[str, Any]) -> str:
    """The valid number of values in a list, in words."""
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if most is None:
        return f"{least} or more values"
    return f"{most} values" if least == most else f"{least} to {most} values"


def without_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the values other than null."""
    members = [member for member in schema.get("anyOf", ()) if member.get("type") != "null"]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return rest | {"anyOf": members} if len(members) > 1 else rest | dict(*members)
