"""A loss, its starting points, and the minimum stated in the literature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Loss = Callable[[Any], Any]
"""A scalar function of a JAX vector."""


@dataclass(frozen=True, eq=False)
class Problem:
    """An unconstrained minimisation problem.

    Arguments:
        name: name in the source.
        loss: sum of squares; the same object for all starts, so that it is compiled once.
        starts: standard starting points.
        optimum: the published minimum.
        solution: published or exact minimiser; None if the source states none.
        others: values of further stationary points that the source lists as minima, including those at infinity.
    """

    name: str
    loss: Loss
    starts: tuple[np.ndarray, ...]
    optimum: float
    solution: np.ndarray | None = None
    others: tuple[float, ...] = field(default=())
