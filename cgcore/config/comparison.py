"""Comparison, key by key, of what a configuration means in the code that it was written for and in cgcore.

The rows are made from the declarations of the keys and from the blocks as read for a run, so that they agree with what
a run does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from cgcore.config.foreign import foreign
from cgcore.config.keys import JsonSchema, keys_of
from cgcore.config.loading import read_settings
from cgcore.config.names import canonical
from cgcore.config.optimizers import OPTIMIZERS, OptimizersKeys
from cgcore.config.reading import Block, Reading
from cgcore.config.settings import Settings

LONGEST = 40
"""Largest number of characters of a value that are shown."""


class Row(NamedTuple):
    """A key, its value ("left out" if absent), what the other code and cgcore do with it, and whether these agree."""

    key: str
    value: str
    theirs: str
    ours: str
    same: bool


class Comparison(NamedTuple):
    """The comparison for a file.

    Arguments:
        rows: one for each key that is given, and for each absent key whose default may differ between the codes.
        settings: settings of `cgcore train`; None if the file has errors.
        reading: record of the reading, with all errors.
    """

    rows: tuple[Row, ...]
    settings: Settings | None
    reading: Reading


def compare(document: Any, name: str, needs_data: bool = False) -> Comparison:
    """Compare the meanings of the content of a file, which messages call `name`.

    With `needs_data`, the data that it names must exist.
    """
    settings, reading = read_settings(document, name, needs_data)
    there = document if isinstance(document, dict) else {}
    used = {stage[0] for stage in settings.training.plan.values() if stage} if settings is not None else set(OPTIMIZERS)
    rows = [
        row
        for at, block in reading.blocks.items()
        if not at.startswith("optimizer.") or at.removeprefix("optimizer.") in used
        for row in _of_block(at, block, there)
    ]
    return Comparison((*rows, *_left_alone(reading, there)), settings, reading)


def _of_block(at: str, block: Block, document: Mapping[str, Any]) -> Iterator[Row]:
    said = _standing_at(document, at)
    names = canonical(block.cls)
    given = {names[name]: value for name, value in said.items() if name in names} if isinstance(said, dict) else {}
    for name, schema in keys_of(block.cls).items():
        if at in ("", "training") and name == "seed" and "seed" not in given and document.get("seed") is not None:
            given["seed"] = document["seed"]
        # Absent keys are shown if the codes may differ; keys that are blocks have rows of their own.
        if name == "ml_model" and block.made.prior_only:
            continue
        differs = "x-differs" in schema and _on(getattr(block.made, name))
        shown = name in given or differs or ("x-theirs" in schema and "x-follows" not in schema)
        if shown and not _is_block(schema, given.get(name)):
            yield _row(f"{at}.{name}".strip("."), schema, given.get(name), getattr(block.made, name), block, document)


def _row(key: str, schema: JsonSchema, value: Any, ours: Any, block: Block, document: Mapping[str, Any]) -> Row:
    words = "left out" if value is None else _shown(value)
    if (differs := schema.get("x-differs")) and _on(ours):
        return Row(key, words, differs[0], differs[1], same=False)
    theirs, says = _theirs(key, schema, value, block, document), schema.get("x-says", {})
    return Row(key, words, _means(theirs, says), _means(ours, says), _same(theirs, ours))


def _theirs(key: str, schema: JsonSchema, value: Any, block: Block, document: Mapping[str, Any]) -> Any:
    """The value that the other code uses for a key: the given one, unless it is absent, unknown to it, or overruled."""
    if "x-overruled" in schema:
        value = _standing_at(document, schema["x-follows"])
        return keys_of(OptimizersKeys)[schema["x-follows"].rpartition(".")[2]]["x-theirs"] if value is None else value
    if value is not None and "x-own" not in schema:
        return value
    default = next(one.default for one in fields(block.cls) if one.name == key.rpartition(".")[2])
    return schema.get("x-theirs", getattr(default, "default", default))


def _on(value: Any) -> bool:
    return value not in (False, None, "none")


def _left_alone(reading: Reading, document: Mapping[str, Any]) -> Iterator[Row]:
    for key in reading.left:
        value, known = _standing_at(document, key), foreign(key)
        if known is None:
            off = value.get("enabled") if isinstance(value, dict) else value
            yield Row(key, _shown(value), "not known", "left alone", same=off is False or off is None)
        else:
            yield Row(key, _shown(value), known.theirs, known.ours, known.same(value))


def _standing_at(document: Any, key: str) -> Any:
    """The value in a document at a dotted key; None if absent."""
    for name in filter(None, re.split(r"\.|\[(\d+)\]", key)):
        if isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict):
            document = document.get(name)
        else:
            return None
    return document


def _is_block(schema: JsonSchema, value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value)) or (
        value is None and "$ref" in schema
    )  # fmt: skip


def _same(theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple):
        return list(theirs) == list(ours)
    return theirs == ours


def _means(value: Any, says: Mapping[str, str]) -> str:
    return says.get("null" if value is None else str(value), _shown(value))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{name}: {_shown(one)}" for name, one in value.items())
        return _cut(f"{{{inside}}}")
    if isinstance(value, list | tuple):
        return _cut(f"[{', '.join(map(_shown, value))}]")
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return _cut(f"{value:g}" if isinstance(value, float) else str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
