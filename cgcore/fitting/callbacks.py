"""Progress callbacks of a fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Callbacks(NamedTuple):
    """Functions called during a fit: `frames(done, of)` in the factor pass, `steps(done, loss)` in the solver."""

    frames: Callable[[int, int], object] | None = None
    steps: Callable[[int, float], object] | None = None
