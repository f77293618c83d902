"""What a run writes down: where it was, after how many seconds and evaluations."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class OutOfTime(Exception):
    """The run has used its seconds. Raised through the peer's own code, which knows nothing of it."""


class Point(NamedTuple):
    """Coefficients that were reached, and at what cost."""

    seconds: float
    evaluations: int
    coefficients: np.ndarray


@dataclass
class Recorder:
    """Takes down points; its own time is not counted.

    Arguments:
        limit: seconds that the run may take.
        points: what was taken down.
        ended: how the run ended, in the peer's words.
        best: the loss that the gap is taken to, where it is not that of the job.
        steps: iterations, where the peer counts them.
    """

    limit: float
    points: list[Point] = field(default_factory=list)
    ended: str = ""
    best: float | None = None
    steps: int | None = None
    _started: float = 0.0
    _own: float = 0.0

    def run(self, peer: Callable[[Recorder], str]) -> None:
        """Let a peer run until it ends or is out of time."""
        self._started, self._own = time.perf_counter(), 0.0
        try:
            self.ended = peer(self)
        except OutOfTime:
            self.ended = f"out of time ({self.limit:g} s)"

    def see(self, coefficients: Callable[[], np.ndarray], evaluations: int = 1) -> None:
        """Take down the point that has just been reached, `evaluations` after the one before.

        Call it when the values are there: what JAX still computes behind the scenes would go uncounted.
        """
        now = time.perf_counter()
        seconds = now - self._started - self._own
        total = evaluations + (self.points[-1].evaluations if self.points else 0)
        self.points.append(Point(seconds, total, coefficients()))
        self._own += time.perf_counter() - now
        if seconds > self.limit:
            raise OutOfTime
