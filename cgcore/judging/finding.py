"""What is wrong with data, or may be, in one sentence each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SHOWN = 5
"""Frames that a sentence names; the record has them all up to `RECORDED`."""

RECORDED = 1000


class Severity(StrEnum):
    """Whether a fit to such data is refused, or goes on with a warning."""

    WRONG = "wrong"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that physics does not allow, or that is seldom meant.

    Arguments:
        code: a short name of the kind, the same for all data: "bond", "unit", and so on.
        severity: of it.
        text: what was found and what to do, without the file's name and the full stop.
        source: name of the file; empty where it is about several.
        frames: frames that it is about, numbered as in the file, at most `RECORDED`.
        beads: beads that it is about, in the first of these frames.
    """

    code: str
    severity: Severity
    text: str
    source: str = ""
    frames: tuple[int, ...] = field(default=(), repr=False)
    beads: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.source}: {self.text}" if self.source else self.text

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a record."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "text": self.text,
            "source": self.source,
            "frames": list(self.frames),
            "beads": list(self.beads),
        }


def named(frames: list[int] | tuple[int, ...]) -> str:
    """ "frame 7", "frames 7, 8 and 9", or the first few and how many more."""
    if len(frames) == 1:
        return f"frame {frames[0]}"
    if len(frames) <= SHOWN:
        return f"frames {', '.join(map(str, frames[:-1]))} and {frames[-1]}"
    return f"frames {', '.join(map(str, frames[:SHOWN]))} and {len(frames) - SHOWN:,} more"
