"""What is wrong in a configuration file, collected, so that one message names all of it."""

from __future__ import annotations

from typing import Any

from cgcore.errors import InputError

MOST_SHOWN = 20
"""Mistakes that one message spells out."""


class Problems:
    """Mistakes in one file, each of them a dotted key and a complaint that ends with the mend.

    Arguments:
        file: what messages call the file; "" where values come from a program.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[tuple[str, str], None] = {}

    def add(self, key: str, complaint: str) -> None:
        """Note a mistake; the same one twice counts once."""
        self._found[key, complaint] = None

    def __len__(self) -> int:
        return len(self._found)

    def check(self) -> None:
        """Raise what was found.

        Raises:
            InputError: one line that names the file and, for each mistake, the key and the mend.
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
