"""Taking values out of a YAML document: every complaint names the file, the dotted key and the mend."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from cgcore.errors import InputError

MOST_STEPS = 2**31 - 1
"""Steps and seeds are counted in int32."""


@dataclass(frozen=True)
class Reader:
    """Reads the document of the file `path`; keys are dotted names, whose last part is the name in its block."""

    path: str

    def mapping(self, key: str, value: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            self.refuse(key, f"is {kind(value)}; write a block of `key: value` lines")
        return value

    def known(self, at: str, value: Any, keys: Collection[str]) -> dict[str, Any]:
        """A block that is ours alone: any other key in it is a mistake."""
        block = self.mapping(at, value)
        for key in block:
            if key not in keys:
                nearest = difflib.get_close_matches(str(key), keys, 1, 0.0)[0]
                self.refuse(f"{at}.{key}", f"is unknown; did you mean {nearest}? Known: {', '.join(keys)}")
        return block

    def flag(self, key: str, block: Mapping[Any, Any], default: bool = True) -> bool:
        value = block.get(last(key), default)
        if not isinstance(value, bool):
            self.refuse(key, f"is {kind(value)}; write true or false, without quotes")
        return value

    def steps(self, key: str, block: Mapping[Any, Any], least: int) -> int | None:
        """A whole number; None where the block does not say."""
        return self.whole(key, block[last(key)], least) if last(key) in block else None

    def whole(self, key: str, value: Any, least: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(key, f"is {kind(value)}; write a whole number")
        if not least <= value <= MOST_STEPS:
            self.refuse(key, f"is out of range; give {least} or more, {MOST_STEPS} at most")
        return value

    def number(self, key: str, value: Any, least: float = -math.inf, below: float = math.inf) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(key, f"is {kind(value)}; write one number, without quotes")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse(key, "is not finite; give a finite number")
        if not least <= number < below:
            self.refuse(
                key,
                f"is {number}; give {least:g} or more" + (f", below {below:g}" if below < math.inf else ""),
            )
        return number

    def choice(self, key: str, value: Any, choices: Collection[str]) -> str:
        if not isinstance(value, str) or value not in choices:
            close = difflib.get_close_matches(str(value).lower(), choices, 1, 0.6)
            meant = f"did you mean {close[0]}? Known" if close else "give one of"
            self.refuse(key, f"is {kind(value)}; {meant}: {', '.join(choices)}")
        return value

    def refuse(self, key: str, complaint: str) -> NoReturn:
        raise InputError(f"{self.path}: {key} {complaint}")


def last(key: str) -> str:
    """The name of a dotted key in its block."""
    return key.rpartition(".")[2]


def kind(value: Any) -> str:
    """How a value looks to the person who wrote it."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"the number {value}"
    return {int: "a whole number", list: "a list", dict: "a block"}.get(type(value), f"a {type(value).__name__}")
