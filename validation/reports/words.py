"""Words that a text holds, or must not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from validation.check import Row, equal


def holds(name: str, text: str, known: Mapping[str, bool]) -> Iterator[Row]:
    """Which of these words a text holds, in one line or in several, and between any numbers of spaces."""
    joined = " ".join(text.split())
    wrong = [words for words, wanted in known.items() if (words in text or words in joined) is not wanted]
    yield equal(f"{name}, words that are missing or too many", "; ".join(wrong), "")
