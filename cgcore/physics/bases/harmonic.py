"""A parabola: U = kr/2 r² - kr r0 r, which equals kr/2 (r - r0)² up to a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from cgcore.physics.bases.basis import Basis, namespace


@dataclass(frozen=True)
class Harmonic(Basis):
    """x²/2 and -x. Their coefficients are the stiffness, and the stiffness times the rest value."""

    kind: ClassVar[str] = "harmonic"

    @property
    def names(self) -> tuple[str, ...]:
        return ("kr", "kr*r0")

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return namespace(x).stack([x**2 / 2, -x])

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        xp = namespace(x)
        return xp.stack([x, xp.full_like(x, -1.0)])

    def slope(self, x: Float[np.ndarray, " points"], c: Float[np.ndarray, " size"]) -> Float[np.ndarray, " points"]:
        """Computed relative to the rest value, near which kr r and kr r0 nearly cancel."""
        return c[0] * (x - c[1] / c[0]) if c[0] != 0 else super().slope(x, c)
