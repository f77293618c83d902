"""The record of reading a configuration file: what was read, what was ignored, and all mistakes for one message."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

from cgcore.errors import InputError

MOST_SHOWN = 20
"""Largest number of mistakes that one message lists."""


Dialect = Literal["chemtrain", "cgcore"]
"""The code whose defaults and conventions apply where a file does not say otherwise."""

DIALECT: Dialect = "chemtrain"
"""Dialect of files that do not name one, since these were written for the code that users come from."""


class Block(NamedTuple):
    """A block that was read: its class, and the instance made from the file's values and the dialect's defaults."""

    cls: type[Any]
    made: Any


class Reading:
    """The record of reading one file.

    Arguments:
        file: name of the file for messages; "" if values come from a program.
        dialect: dialect of the file; "cgcore" if values come from a program.

    Attributes:
        left: dotted names of ignored keys, in order.
        blocks: blocks that were read, by dotted name.
    """

    def __init__(self, file: str, dialect: Dialect = "cgcore") -> None:
        self.file = file
        self.dialect: Dialect = dialect
        self.left: list[str] = []
        self.blocks: dict[str, Block] = {}
        self._found: dict[tuple[str, str], None] = {}

    @classmethod
    def of(cls, document: Any, file: str) -> Reading:
        """Begin to read a document, in the dialect that it names."""
        named = document.get("dialect") if isinstance(document, dict) else None
        if named is None or named in get_args(Dialect):
            return cls(file, DIALECT if named is None else named)
        reading = cls(file, DIALECT)
        reading.add("dialect", f"is {kind(named)}; give one of: {', '.join(get_args(Dialect))}")
        return reading

    def leave(self, key: str) -> None:
        """Note an ignored key; duplicates are dropped."""
        if key not in self.left:
            self.left.append(key)

    def add(self, key: str, complaint: str) -> None:
        """Note a mistake; duplicates are dropped."""
        self._found[key, complaint] = None

    def __len__(self) -> int:
        return len(self._found)

    def check(self) -> None:
        """Raise an error if there are mistakes.

        Raises:
            InputError: there are mistakes; one line names the file and, for each mistake, the key and what to do.
        """
        sentences = [f"{key} {complaint}" for key, complaint in self._found]
        if not sentences:
            return
        file = f"{self.file}: " if self.file else ""
        if len(sentences) == 1:
            raise InputError(f"{file}{sentences[0]}")
        numbered = [f"({number}) {sentence}" for number, sentence in enumerate(sentences[:MOST_SHOWN], start=1)]
        if len(sentences) > MOST_SHOWN:
            numbered.append(f"and {len(sentences) - MOST_SHOWN} more")
        raise InputError(f"{file}{len(sentences)} mistakes: {'; '.join(numbered)}")


def kind(value: Any) -> str:
    """A value, or only its type, in words that YAML users know."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"the number {value}"
    names = {int: "a whole number", list: "a list", tuple: "a list", dict: "a block"}
    return names.get(type(value), f"a {type(value).__name__}")
