"""The record of a run: its points, with the seconds and evaluations that they took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class OutOfTime(Exception):
    """The run has used up its time. It is raised through the peer's own code."""


class Point(NamedTuple):
    """Coefficients that were reached, and their cost."""

    seconds: float
    evaluations: int
    coefficients: np.ndarray


@dataclass
class Recorder:
    """Records points; its own time is not counted.

    Arguments:
        limit: time limit of the run [s].
        points: recorded points.
        ended: how the run ended, in the peer's words.
        best: loss to which the gap is computed, if it is not that of the job.
        steps: number of iterations, if the peer counts them.
    """

    limit: float
    points: list[Point] = field(default_factory=list)
    ended: str = ""
    best: float | None = None
    steps: int | None = None
    _started: float = 0.0
    _own: float = 0.0

    def run(self, peer: Callable[[Recorder], str]) -> None:
        """Run a peer until it ends or is out of time."""
        self._started, self._own = time.perf_counter(), 0.0
        try:
            self.ended = peer(self)
        except OutOfTime:
            self.ended = f"out of time ({self.limit:g} s)"

    def see(self, coefficients: Callable[[], np.ndarray], evaluations: int = 1) -> None:
        """Record the current point, which is `evaluations` after the previous one.

        Call this when values are available, since asynchronous computations of JAX would not be counted.
        """
        now = time.perf_counter()
        seconds = now - self._started - self._own
        total = evaluations + (self.points[-1].evaluations if self.points else 0)
        self.points.append(Point(seconds, total, coefficients()))
        self._own += time.perf_counter() - now
        if seconds > self.limit:
            raise OutOfTime
