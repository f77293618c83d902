"""The schema for people and for editors: the key reference in Markdown, and a JSON schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any

from cgcore.config.keys import MOST_STEPS, JsonSchema, Whole, block, key, keys_of, schema_of
from cgcore.config.model import ALLEGRO, ModelKeys
from cgcore.config.networks import AllegroKeys, NequipSettings
from cgcore.config.optimizers import OPTIMIZERS, OptimizerSettings, OptimizersKeys
from cgcore.config.priors import PriorKeys, WeightKeys
from cgcore.config.reading import DIALECT, Dialect
from cgcore.config.sentences import describe, without_null
from cgcore.config.terms import TermKeys
from cgcore.config.training import DataSettings, Gammas, StageKeys, TrainingSettings

_INTRODUCTION = """\
# Configuration

Every key of the YAML file that `cgcore fit --config` and `cgcore train` read. Written by `cgcore config --reference`;
`cgcore config --schema` writes the JSON schema [cgcore.schema.json](cgcore.schema.json), with which editors complete
and check such a file (`# yaml-language-server: $schema=cgcore.schema.json` in its first line).

- `cgcore fit` uses the keys marked *fit*; `cgcore train` uses all of them.
- `dialect` says whose defaults hold: `chemtrain`, those of the code that most users come from, where a file does not
  say; `cgcore`, those of this program. Where they differ, the tables have both: "`false`; cgcore: `true`". What a key
  is set to in the file holds in either. [Coming from other code](switching.md) tells more, and `cgcore check FILE`
  compares key by key.
- Keys of other programs in `model`, `training`, `data` and at the top level are named once and left alone, unless they
  look like a slip of the pen; in the dialect `chemtrain` those among an optimizer's numbers and a network's sizes, too.
  In all other blocks an unknown key is a mistake.
- An empty value (`key:` or `null`) counts as left out, where nothing else is said.
"""


@block("")
class Document:
    """A configuration of cgcore."""

    dialect: Annotated[Dialect, key("Whose defaults hold where the file does not say.", fit=True)] = DIALECT
    model: Annotated[ModelKeys, key("What the energy consists of.", fit=True)] = field(default_factory=ModelKeys)
    training: Annotated[TrainingSettings, key("How the prior is fitted and what the two stages do.", fit=True)] = field(
        default_factory=TrainingSettings
    )
    optimizer: Annotated[OptimizersKeys, key("The optimizers that stages may use.")] = field(
        default_factory=OptimizersKeys
    )
    data: Annotated[DataSettings, key("What the command line reads where it does not say.", fit=True)] = field(
        default_factory=DataSettings
    )
    seed: Annotated[
        Whole | None, key("`training.seed`, where that is left out.", fit=True, ge=0, le=MOST_STEPS, default="not set")
    ] = None


_BLOCKS: Mapping[str, type[Any]] = {
    "": Document,
    "model": ModelKeys,
    "model.priors": PriorKeys,
    "model.priors.weights": WeightKeys,
    "model.terms.<name>": TermKeys,
    "model.allegro": AllegroKeys,
    "model.nequip": NequipSettings,
    "training": TrainingSettings,
    "training.stages[]": StageKeys,
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
    blocks["ModelKeys"]["patternProperties"] = {f"^{ALLEGRO}_(?!size$)": {"$ref": "#/$defs/AllegroKeys"}}
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
    two = "x-theirs" in schema  # defaults, of which a schema can name one
    drop = {"title", *(name for name in schema if name.startswith("x-"))} | ({"default"} if inside or two else set())
    kept = {name: value for name, value in schema.items() if name not in drop}
    if two:
        kept["description"] = f"{kept['description']} Default: {_default(schema).replace('`', '')}."
    if unit := schema.get("x-unit"):
        kept["description"] = f"{kept['description']} Unit: {unit}."
    return kept


def _section(name: str, cls: Any) -> Iterator[str]:
    """Heading and table of a block."""
    yield f"## `{name}`\n" if name else "## Top level\n"
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
    if "x-follows" in schema:
        return f"`{schema['x-follows']}`"
    ours = schema.get("x-without") or ("" if "$ref" in schema else _literal(schema.get("default")))
    # Words that tell of both dialects begin with that of files which do not name theirs.
    if "x-theirs" not in schema or "cgcore:" in ours:
        return ours
    theirs = _literal(schema["x-theirs"]) or "null"
    return theirs if theirs == ours else f"{theirs}; cgcore: {ours}"


def _literal(value: Any) -> str:
    return "" if value is None else f"`{json.dumps(value)}`".replace('"', "")


def _meaning(said: str, schema: JsonSchema) -> str:
    others = [*schema.get("x-also", ()), *schema.get("x-elsewhere", ())]
    more = f" Also accepted as {', '.join(f'`{name}`' for name in others)}." if others else ""
    says = "; ".join(f"`{value}`: {words}" for value, words in schema.get("x-says", {}).items())
    return f"{said}{f' {says}.' if says else ''}{more}{' *fit*' if 'x-fit' in schema else ''}"
