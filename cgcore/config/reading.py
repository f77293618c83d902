"""A configuration file while it is read: what it says, what is left alone, and all that is wrong, for one message."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

from cgcore.errors import InputError

MOST_SHOWN = 20
"""Mistakes that one message spells out."""


Dialect = Literal["chemtrain", "cgcore"]
"""Whose defaults and whose ways of doing things hold where a file does not say."""

DIALECT: Dialect = "chemtrain"
"""Dialect of files that do not name one; such files were written for the code that users come from."""


class Block(NamedTuple):
    """A block that was read: its class, and what was made of what the file says and of the dialect's defaults."""

    cls: type[Any]
    made: Any


class Reading:
    """One file while it is read.

    Arguments:
        file: what messages call the file; "" where values come from a program.
        dialect: of the file; "cgcore" where values come from a program.

    Attributes:
        left: dotted names of keys that are left alone, in the order in which they were met.
        blocks: those that were read, by their dotted names.
    """

    def __init__(self, file: str, dialect: Dialect = "cgcore") -> None:
        self.file = file
        self.dialect: Dialect = dialect
        self.left: list[str] = []
        self.blocks: dict[str, Block] = {}
        self._found: dict[tuple[str, str], None] = {}

    @classmethod
    def of(cls, document: Any, file: str) -> Reading:
        """The reading of a document, in the dialect that it names."""
        named = document.get("dialect") if isinstance(document, dict) else None
        if named is None or named in get_args(Dialect):
            return cls(file, DIALECT if named is None else named)
        reading = cls(file, DIALECT)
        reading.add("dialect", f"is {kind(named)}; give one of: {', '.join(get_args(Dialect))}")
        return reading

    def leave(self, key: str) -> None:
        """Note a key that is left alone; the same one twice counts once."""
        if key not in self.left:
            self.left.append(key)

    def add(self, key: str, complaint: str) -> None:
        """Note a mistake; the same one twice counts once."""
        self._found[key, complaint] = None

    def __len__(self) -> int:
        return len(self._found)

    def check(self) -> None:
        """Raise what was found.

        Raises:
            InputError: one line that names the file and, for each mistake, the key and what to do.
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
    """How a value looks to the person who wrote it."""
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
