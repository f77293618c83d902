"""Functions that are called during a fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Callbacks(NamedTuple):
    """Called as the work goes on: `frames(done, of)` in the pass, `steps(done, loss)` in the solver."""

    frames: Callable[[int, int], object] | None = None
    steps: Callable[[int, float], object] | None = None
