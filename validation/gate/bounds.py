"""Limits of a measured value, given the recorded one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from validation.check import Row, at_least, at_most, equal
from validation.gate.modes import STATUS, Measured
from validation.statuses import as_good

Kind = Literal["margin", "factor", "within", "at_most", "at_least"]


@dataclass(frozen=True)
class Bound:
    """Allowed deviation of a quantity from its recorded value.

    Arguments:
        kind: "margin" and "factor" set an upper limit, by an amount added to the recorded value or a factor of it;
            "within" limits the relative difference in both directions, for quantities that only mathematics determines;
            "at_most" and "at_least" are limits that do not depend on the recorded value.
        size: the margin, the factor, the difference or the limit.
        why: one line that says why the limit is not tighter.
    """

    kind: Kind
    size: float
    why: str

    def row(self, name: str, value: float, recorded: float) -> Row:
        """The comparison as a row."""
        unit = f"recorded {recorded:.6g}" + (f", now {value / recorded:.3g} times" if recorded else "")
        match self.kind:
            case "margin":
                return at_most(name, value, recorded + self.size, unit)
            case "factor":
                return at_most(name, value, recorded * self.size, unit)
            case "within":
                return at_most(f"{name}, off the recorded value", abs(value / recorded - 1), self.size, "relative")
            case "at_most":
                return at_most(name, value, self.size, unit)
            case "at_least":
                return at_least(name, value, self.size, unit)


KINDS = get_args(Kind)


def rows(name: str, now: Measured, recorded: Measured, bounds: Mapping[str, Bound]) -> Iterator[Row]:
    """One row for the status, and one for each bound."""
    was, status = str(recorded[STATUS]), str(now[STATUS])
    yield equal(f"{name}, status", status, status if as_good(status, was) else was, f"recorded {was}")
    for quantity, bound in bounds.items():
        yield bound.row(f"{name}, {quantity}", float(now[quantity]), float(recorded[quantity]))
