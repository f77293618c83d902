"""The knots, which are the same for both programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from benchmarks.votca.coordinates import distances, measured

INTERVALS = {"bond": 8, "angle": 16, "dihedral": 24, "pair": 30}
"""Number of intervals in each coordinate's range, by the name of the term."""


class Grid(NamedTuple):
    """Evenly spaced knots [Å or rad]."""

    low: float
    high: float
    intervals: int

    @property
    def step(self) -> float:
        """Distance between knots."""
        return (self.high - self.low) / self.intervals

    @property
    def knots(self) -> Float[np.ndarray, " knots"]:
        """All knots."""
        return np.linspace(self.low, self.high, self.intervals + 1)

    @property
    def further(self) -> Float[np.ndarray, " knots"]:
        """The knots, and one more a step beyond the last."""
        return np.append(self.knots, self.high + self.step)


def grids(batches: Iterable[Float[np.ndarray, "frames beads 3"]]) -> Mapping[str, Grid]:
    """Grids from the smallest to the largest bond, angle and distance in all frames, and 360° for dihedrals [Å, rad].

    csg_fmatch refuses knots without data around them.
    """
    low: dict[str, float] = dict.fromkeys(("bond", "angle", "pair"), np.inf)
    high: dict[str, float] = dict.fromkeys(low, -np.inf)
    for R in batches:
        sampled = {name: measured(name, R)[0] for name in ("bond", "angle")} | {"pair": distances(R)[0]}
        for name, x in sampled.items():
            low[name], high[name] = min(low[name], float(x.min())), max(high[name], float(x.max()))
    ends = {name: (low[name], high[name]) for name in low} | {"dihedral": (-np.pi, np.pi)}
    return {name: Grid(*ends[name], intervals) for name, intervals in INTERVALS.items()}
