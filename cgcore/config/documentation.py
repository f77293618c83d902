"""The schema for people and for editors: the key reference in Markdown, and a JSON schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any

from cgcore.config.keys import MOST_STEPS, JsonSchema, Whole, block, key, keys_of, schema_of
from cgcore.config.model import ALLEGRO, ModelKeys
from cgcore.config.networks import AllegroSettings, NequipSettings
from cgcore.config.optimizers import OPTIMIZERS, OptimizerSettings, OptimizersKeys
from cgcore.config.priors import PriorKeys, WeightKeys
from cgcore.config.sentences import describe, without_null
from cgcore.config.training import DataSettings, Gammas, TrainingSettings

_INTRODUCTION = """\
# Configuration

Every key of the YAML file that `cgcore fit --config` and `cgcore train` read. Written by `cgcore config --reference`;
`cgcore config --schema` writes the JSON schema [cgcore.schema.json](cgcore.schema.json), with which editors complete
and check such a file (`# yaml-language-server: $schema=cgcore.schema.json` in its first line).

- `cgcore fit` uses the keys marked *fit*; `cgcore train` uses all of them.
- Keys of other programs in `model`, `training`, `data` and at the top level are named once and left alone, unless they
  look like a slip of the pen. In all other blocks an unknown key is a mistake.
- An empty value (`key:` or `null`) counts as left out, where nothing else is said.
"""


@block("")
class Document:
    """A configuration of cgcore."""

    model: Annotated[ModelKeys, key("What the energy consists of.", fit=True)] = field(default_factory=ModelKeys)
    training: Annotated[TrainingSettings, key("How the prior is fitted and what the two stages do.", fit=True)] = field(
        default_factory=TrainingSettings
    )
    optimizer: Annotated[OptimizersKeys, key("The optimizers that stages may use.")] = field(
        default_factory=OptimizersKeys
    )
    data: Annotated[DataSettings, key("What the command line reads where it does not say.")] = field(
        default_factory=DataSettings
    )
    seed: Annotated[
        Whole | None, key("`training.seed`, where that is left out.", ge=0, le=MOST_STEPS, default="not set")
    ] = None


_BLOCKS: Mapping[str, type[Any]] = {
    "model": ModelKeys,
    "model.priors": PriorKeys,
    "model.priors.weights": WeightKeys,
    "model.allegro": AllegroSettings,
    "model.nequip": NequipSettings,
    "training": TrainingSettings,
    "training.gammas": Gammas,
    "optimizer": OptimizersKeys,
    "optimizer.<name>": OptimizerSettings,
    **{f"optimizer.{name}": cls for name, cls in OPTIMIZERS.items()},
    "data": DataSettings,
}
_OPEN = ("Document", "ModelKeys", "TrainingSettings", "DataSettings")
"""Blocks that other programs share."""


def key_reference() -> str:
    """The key reference, in Markdown."""
    return "\n".join([_INTRODUCTION, *(line for name, cls in _BLOCKS.items() for line in _section(name, cls))])


def json_schema() -> str:
    """A JSON schema of the file, for editors."""
    document = copy.deepcopy(schema_of(Document))
    blocks: dict[str, JsonSchema] = document.pop("$defs")
    blocks["ModelKeys"]["patternProperties"] = {f"^{ALLEGRO}_(?!size$)": {"$ref": "#/$defs/AllegroSettings"}}
    blocks["TrainingSettings"]["properties"]["train_priors"] = blocks["ModelKeys"]["properties"]["train_priors"]
    for name, schema in {"Document": document, **blocks}.items():
        if name in _OPEN:
            schema["additionalProperties"] = True
        for known in list(schema["properties"].values()):
            for other in known.get("x-also", ()):
                schema["properties"][other] = known
        schema["properties"] = {name: _for_editors(known) for name, known in schema["properties"].items()}
        schema.pop("title", None)
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "cgcore configuration"}
    return json.dumps(top | document | {"$defs": blocks}, indent=2, ensure_ascii=False) + "\n"


def _for_editors(schema: JsonSchema) -> JsonSchema:
    """A key without what is cgcore's own, and without defaults that only repeat those of a block."""
    inside = "$ref" in schema or any("$ref" in member for member in schema.get("anyOf", ()))
    drop = {"title", *(name for name in schema if name.startswith("x-"))} | ({"default"} if inside else set())
    kept = {name: value for name, value in schema.items() if name not in drop}
    if unit := schema.get("x-unit"):
        kept["description"] = f"{kept['description']} Unit: {unit}."
    return kept


def _section(name: str, cls: Any) -> Iterator[str]:
    """Heading and table of a block."""
    yield f"## `{name}`\n"
    yield f"{(cls.__doc__ or '').splitlines()[0]}\n"
    yield "| Key | Value | Default | Meaning |"
    yield "|---|---|---|---|"
    # What all optimizers share is told once.
    shared = keys_of(OptimizerSettings) if cls in OPTIMIZERS.values() else {}
    for known, schema in keys_of(cls).items():
        if shared.get(known) == schema:
            continue
        said = cls.__pydantic_fields__[known].description  # pydantic leaves one out that is that of the block
        cells = (f"`{known}`", _value(schema), _default(schema), _meaning(said, schema))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _value(schema: JsonSchema) -> str:
    unit = schema.get("x-unit")
    return describe(without_null(schema)) + (f" [{unit}]" if unit else "")


def _default(schema: JsonSchema) -> str:
    if words := schema.get("x-without"):
        return words
    if "$ref" in schema:
        return ""
    default = schema.get("default")
    return "" if default is None else f"`{json.dumps(default)}`".replace('"', "")


def _meaning(said: str, schema: JsonSchema) -> str:
    others = [*schema.get("x-also", ()), *schema.get("x-elsewhere", ())]
    more = f" Also accepted as {', '.join(f'`{name}`' for name in others)}." if others else ""
    return f"{said}{more}{' *fit*' if 'x-fit' in schema else ''}"
