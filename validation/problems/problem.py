"""A loss, where to start, and the minimum that the literature gives for it."""

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
        name: as in its source.
        loss: sum of squares; the same object for all starts, so that it is compiled once.
        starts: standard starting points.
        optimum: the published minimum.
        solution: published or exact minimiser; None where the source gives none.
        others: values of further stationary points that the source lists as minima, those at infinity included.
    """

    name: str
    loss: Loss
    starts: tuple[np.ndarray, ...]
    optimum: float
    solution: np.ndarray | None = None
    others: tuple[float, ...] = field(default=())
