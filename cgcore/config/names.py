"""Sorting the names in a block: its own keys, keys of other programs, and misspelt keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, TypeVar, get_args

from cgcore.config.foreign import is_named
from cgcore.config.keys import keys_of, take
from cgcore.config.reading import Reading, kind

T = TypeVar("T")


class Vocabulary(NamedTuple):
    """Names that a command knows in a block shared with other programs; a final `*` matches anything.

    Arguments:
        used: keys that the command reads.
        left: keys that it leaves to other commands and programs.
        homes: dotted names of all keys that it reads, by their last part.
    """

    used: tuple[str, ...]
    left: tuple[str, ...] = ()
    homes: Mapping[str, str] = {}


def mapping(value: Any, at: str, reading: Reading) -> dict[Any, Any]:
    """The value as a block; anything else is noted as a mistake and gives an empty block."""
    if isinstance(value, dict):
        return value
    reading.add(at, f"is {kind(value)}; write a block of `key: value` lines")
    return {}


def shared_block(block: Mapping[Any, Any], at: str, words: Vocabulary, reading: Reading) -> dict[str, Any]:
    """The keys that are read in a block shared with other programs; all others are ignored.

    A name that looks like a misspelt or misplaced key is noted as a mistake.
    """
    taken: dict[str, Any] = {}
    before = f"{at}." if at else ""
    for name, value in block.items():
        dotted = f"{before}{name}"
        if _among(name, words.used):
            taken[name] = value
        elif _among(name, words.left):
            reading.leave(dotted)
        elif name in words.homes:
            reading.add(dotted, f"is in the wrong place; write it as {words.homes[name]}")
        elif meant := _meant(str(name), words.used, inside=bool(at)):
            reading.add(dotted, f"is unknown; did you mean {before}{meant}?")
        else:
            reading.leave(dotted)
    return taken


def own_block(cls: type[T], value: Any, at: str, reading: Reading, others: bool = False) -> T | None:
    """Read a block that has only keys of its own; None if there are mistakes.

    Any other name is a mistake. With `others`, and in the dialect `chemtrain`, only a name that looks misspelt is one;
    other names are ignored.
    """
    count, names = len(reading), canonical(cls)
    given: dict[str, Any] = {}
    for name, inside in mapping(value, at, reading).items():
        if name not in names:
            known = is_named(f"{at}.{name}") or not _meant(str(name), tuple(names), inside=False)
            if others and known and reading.dialect == "chemtrain":
                reading.leave(f"{at}.{name}")
                continue
            reading.add(f"{at}.{name}", unknown(name, names))
        elif names[name] in given:
            first = next(other for other in value if names.get(other) == names[name])
            reading.add(f"{at}.{name}", f"is given as {first}, too; keep one")
        else:
            given[names[name]] = inside
    made = checked(cls, given, at, reading)
    return made if len(reading) == count else None


def checked(cls: type[T], values: Mapping[str, Any], at: str, reading: Reading) -> T | None:
    """Create the block with these keys, inner blocks first; None if there are mistakes."""
    count, made = len(reading), dict(values)
    for name, inner in _inner_blocks(cls).items():
        if name in made and (inside := own_block(inner, made.pop(name), f"{at}.{name}", reading)) is not None:
            made[name] = inside
    outer = take(cls, made, at, reading)
    return outer if len(reading) == count else None


def unknown(name: Any, names: Iterable[str]) -> str:
    """The message about a name that is none of `names`."""
    nearest = difflib.get_close_matches(str(name), names, 1, 0.0)[0]
    return f"is unknown; did you mean {nearest}? Known: {', '.join(names)}"


def canonical(cls: type[Any]) -> dict[str, str]:
    """All names of a block's keys, aliases included, with the key that each means."""
    keys = keys_of(cls)
    others = {other: name for name, schema in keys.items() for other in schema.get("x-also", ())}
    return {name: name for name in keys} | others


def _among(name: Any, names: tuple[str, ...]) -> bool:
    return isinstance(name, str) and any(fnmatchcase(name, pattern) for pattern in names)


def _meant(name: str, keys: tuple[str, ...], inside: bool) -> str | None:
    close = difflib.get_close_matches(name.lower(), keys, 1, 0.8)
    if not close and inside and name.lower().startswith(("prior", "pretrain_prior")):
        # Only cgcore has names that begin like this.
        close = difflib.get_close_matches(name.lower(), keys, 1, 0.0)
    return close[0] if close else None


def _inner_blocks(cls: type[Any]) -> dict[str, type[Any]]:
    """The keys of a block that are blocks themselves."""
    return {
        name: member
        for name, field in cls.__pydantic_fields__.items()
        for member in (field.annotation, *get_args(field.annotation))
        if hasattr(member, "__pydantic_fields__")
    }
