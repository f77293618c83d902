"""Findings: problems of data, certain or possible, in one sentence each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SHOWN = 5
"""Largest number of frames named in a sentence; the record lists up to `RECORDED`."""

RECORDED = 1000


class Severity(StrEnum):
    """Whether a fit to such data is refused, or continues with a warning."""

    WRONG = "wrong"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One property of the data that is physically impossible, or rarely intended.

    Arguments:
        code: short name of the kind of finding: "bond", "unit", and so on.
        severity: severity of the finding.
        text: what was found and what to do, without the file's name and the full stop.
        source: name of the file; empty if the finding concerns several.
        frames: frames concerned, numbered as in the file, at most `RECORDED`.
        beads: beads concerned, in the first of these frames.
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
