"""How a key is declared: `name: Annotated[type, key("What it means.", ge=0, unit="Å")] = default`.

pydantic checks values against the declaration. Error messages, the key reference and the JSON schema for editors are
made from the same declaration, so that they always agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, dataclass_transform

from pydantic import AllowInfNan, ConfigDict, Field, Strict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cgcore.config.reading import Block, Dialect, Reading
from cgcore.config.sentences import add_errors, without_null

MOST_STEPS = 2**31 - 1
"""Largest number of steps, and largest seed: both are int32."""

Number = Annotated[float, Strict(), AllowInfNan(False)]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict(), Field(min_length=1)]
"""Strict types: neither a quoted number nor `true` is accepted as a number."""

_WRONG_CALL = {"missing", "multiple_argument_values", "unexpected_keyword_argument", "unexpected_positional_argument"}

UNSAID: Any = object()
"""Marks an absent value, since None may be a value."""

T = TypeVar("T")
JsonSchema = dict[str, Any]


def key(
    meaning: str,
    *,
    unit: str = "",
    also: tuple[str, ...] = (),
    elsewhere: tuple[str, ...] = (),
    fit: bool = False,
    what: str = "",
    default: str = "",
    follows: str = "",
    overruled: bool = False,
    theirs: Any = UNSAID,
    own: bool = False,
    says: Mapping[str, str] | None = None,
    differs: tuple[str, str] | None = None,
    **limits: Any,
) -> Any:
    """Describe a key for its checks, its documentation, its defaults and `cgcore check`.

    Arguments:
        meaning: what it means, in one sentence.
        unit: unit of the value.
        also: other names of the key in the same block.
        elsewhere: dotted names of other places where it may be given.
        fit: whether `cgcore fit` uses it; all others belong to `cgcore train` alone.
        what: what to write, if the type does not tell ("a path").
        default: what happens without the key, if that is more than a value.
        follows: dotted name of the key whose value is used if this one is absent.
        overruled: whether the other code always uses the value of that key.
        theirs: the default in the dialect `chemtrain`, if it differs.
        own: whether only cgcore has the choice; the other code always does what `theirs` says.
        says: the meaning of each value (including "null"), if the key chooses between ways to do something.
        differs: what the other code and cgcore do differently in any dialect while the key is on.
        limits: pydantic's `ge`, `gt`, `le`, `lt`, `min_length`, `max_length` and `examples`.
    """
    said = {"unit": unit, "also": list(also), "elsewhere": list(elsewhere)}
    said |= {"fit": fit, "what": what, "without": default, "own": own, "says": dict(says or {})}
    said |= {"differs": list(differs or ()), "follows": follows, "overruled": overruled}
    extra: dict[str, Any] = {f"x-{name}": value for name, value in said.items() if value}
    if theirs is not UNSAID:
        extra["x-theirs"] = theirs
    return Field(description=meaning, json_schema_extra=extra, **limits)


@dataclass_transform(frozen_default=True)
def block(name: str) -> Callable[[type[T]], type[T]]:
    """Make a class a block of keys: a frozen dataclass that is checked however it is created.

    Arguments:
        name: dotted name of the block, for messages about values given by a program.

    Raises (when an instance is created):
        InputError: a value has the wrong type or is out of range.
        TypeError: an argument is unknown, missing or given twice, as for any dataclass.
    """

    def make(cls: type[T]) -> type[T]:
        made: Any = pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))(cls)
        checked = made.__init__

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            try:
                checked(self, *args, **kwargs)
            except ValidationError as error:
                for found in error.errors(include_url=False):
                    if found["type"] in _WRONG_CALL:
                        raise TypeError(f"{made.__name__}(): {found['msg']}: {found['loc'][-1]}") from error
                reading = Reading("")
                add_errors(reading, name, keys_of(made), error)
                reading.check()

        made.__init__ = __init__
        return made

    return make


@cache
def schema_of(cls: type[Any]) -> JsonSchema:
    """The JSON schema of a block."""
    return TypeAdapter(cls).json_schema()


def keys_of(cls: type[Any]) -> dict[str, JsonSchema]:
    """JSON schema of each key of a block by name, in the order of declaration."""
    return schema_of(cls)["properties"]


def take(cls: type[T], values: Mapping[str, Any], at: str, reading: Reading, part: bool = False) -> T | None:
    """Create a block from values whose names are known to be its own; None if a value is invalid.

    Absent keys get the dialect's defaults. The block is recorded in `reading.blocks`, unless these values are only a
    part of it.
    """
    keys = keys_of(cls)
    given = {name: _whole(value, without_null(keys.get(name, {}))) for name, value in values.items()}
    try:
        made = TypeAdapter(cls).validate_python(defaults(cls, reading.dialect) | given)
    except ValidationError as error:
        add_errors(reading, at, keys, error)
        return None
    if not part:
        reading.blocks[at] = Block(cls, made)
    return made


def defaults(cls: type[Any], dialect: Dialect) -> dict[str, Any]:
    """Defaults of this dialect that differ from the block's own."""
    if dialect != "chemtrain":
        return {}
    return {name: schema["x-theirs"] for name, schema in keys_of(cls).items() if "x-theirs" in schema}


def _whole(value: Any, schema: Mapping[str, Any]) -> Any:
    """Convert an integer that is written with a decimal point or an exponent (`decay_steps: 5.0e3`)."""
    if isinstance(value, list) and schema.get("type") == "array":
        return [_whole(one, schema.get("items", {})) for one in value]
    if schema.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
