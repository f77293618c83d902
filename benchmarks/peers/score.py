"""The score of a run: when each gap was reached, and how the run ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.peers.job import Job
from benchmarks.peers.record import Recorder

GAPS = (1e-3, 1e-6, 1e-10)


@dataclass(frozen=True)
class Cost:
    """Seconds and evaluations up to a gap."""

    seconds: float
    evaluations: int


@dataclass(frozen=True)
class Score:
    """The score of a run.

    Arguments:
        reached: cost up to each gap; None for never.
        gap: smallest gap reached; negative if directions that are only rounding were also fitted.
        total: cost of the whole run.
        steps: number of iterations, if the peer counts them.
        ended: how the run ended, in the peer's words.
    """

    reached: dict[float, Cost | None]
    gap: float
    total: Cost
    steps: int | None
    ended: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the benchmark's JSON."""
        return asdict(self) | {"reached": {f"{g:.0e}": c and asdict(c) for g, c in self.reached.items()}}


def score(points: list[tuple[Cost, float]], steps: int | None, ended: str) -> Score:
    """The score of a run with these costs and gaps, in order."""
    reached = {bound: next((cost for cost, gap in points if gap <= bound), None) for bound in GAPS}
    # NaN gaps are never the smallest.
    gap = min((gap for _, gap in points if gap == gap), default=float("inf"))
    total = points[-1][0] if points else Cost(0.0, 0)
    return Score(reached, gap, total, steps, ended)


def judged(job: Job, record: Recorder) -> Score:
    """The score of a recorded run."""
    points = [(Cost(p.seconds, p.evaluations), job.gap(p.coefficients, record.best)) for p in record.points]
    return score(points, record.steps, record.ended)
