"""A place where input enters, and what happens to good and bad input there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from validation.check import Row, equal, refuses

Work = Callable[[], object]
Values = tuple[Sequence[object], Sequence[object]]
"""Values of a setting that are accepted, and values that are refused."""

NAN, INF = float("nan"), float("inf")


@dataclass(frozen=True)
class Place:
    """A place where input enters.

    Arguments:
        name: name of the place.
        good: what is accepted, by name; at least one, because a place that refuses everything is as wrong as one that
            accepts everything.
        bad: what is refused, by name.
    """

    name: str
    good: Mapping[str, Work]
    bad: Mapping[str, Work]

    def rows(self) -> Iterator[Row]:
        """A row for all good input, and one for all bad input, which name what ended otherwise."""
        for side, works, known in (("good", self.good, "accepted"), ("bad", self.bad, "refused")):
            ended = {case: outcome(work) for case, work in works.items()}
            differing = [f"{case}: {how}" for case, how in ended.items() if how != known]
            yield equal(f"{self.name}: of {len(works)} {side}, not {known}", "; ".join(differing), "")


def ending_with(value: float, array: Any) -> np.ndarray:
    """The array with another last number. A single bad number is refused like many."""
    changed = np.array(array, float)
    changed.flat[-1] = value
    return changed


def outcome(work: Work) -> str:
    """Whether the input is accepted or refused; the name of the exception if it ends with another one, which tells a
    user nothing."""
    try:
        return "refused" if refuses(work) else "accepted"
    except Exception as error:
        return type(error).__name__


def by_value(name: str, make: Callable[..., object], table: Mapping[str, Values]) -> Place:
    """A place that takes keywords.

    Arguments:
        name: name of the place.
        make: what takes the keywords.
        table: for each keyword the values that are accepted, both ends of a range included, and those that are refused.
    """
    good, bad = ([(key, value) for key, both in table.items() for value in both[side]] for side in (0, 1))
    return Place(name, _works(make, good), _works(make, bad))


def _works(make: Callable[..., object], given: Sequence[tuple[str, Any]]) -> dict[str, Work]:
    works = {f"{key} {' '.join(repr(value).split()):.60}": lambda own={key: value}: make(**own) for key, value in given}
    assert len(works) == len(given), "two values have the same name"
    return works
