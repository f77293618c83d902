"""Gaussian functions of one width at several centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.numbers import are_finite
from cgcore.physics.bases.basis import Basis, bending_rows, namespace

REACH = 3.0
"""Number of widths beyond the outermost centres up to which curvature counts; the functions are nearly 0 there."""


@dataclass(frozen=True)
class Gaussian(Basis):
    """exp(-(x - centre)² / (2 width²)) for each centre.

    Arguments:
        centres: centres [Å or rad], ascending.
        width: standard deviation [Å or rad], above 0.

    Raises:
        InputError: the centres do not ascend, or the width is not a number above 0.
    """

    centres: tuple[float, ...]
    width: float

    kind: ClassVar[str] = "gaussian"

    def __post_init__(self) -> None:
        if not self.centres or not are_finite(self.centres) or not (np.diff(self.centres) > 0).all():
            raise InputError("the centres of the Gaussians do not increase; give at least one, each once")
        if not are_finite((self.width,)) or not self.width > 0:
            raise InputError(f"the width of the Gaussians is {self.width!r:.40}; give a number above 0")
        self._keep_plain("centres", "width")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"at {centre:.4g}" for centre in self.centres)

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return namespace(x).exp(-(self._reduced(x) ** 2) / 2)

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return -self._reduced(x) / self.width * self.functions(x)

    def bending(self) -> Float[np.ndarray, "rows size"]:
        low, high = self.centres[0] - REACH * self.width, self.centres[-1] + REACH * self.width
        edges = np.linspace(low, high, int(np.ceil((high - low) / self.width)) + 1)
        return bending_rows(lambda x: (self._reduced(x) ** 2 - 1) / self.width**2 * self.functions(x), edges, 8)

    def _reduced(self, x: Any) -> Any:
        centres = namespace(x).asarray(self.centres, x.dtype).reshape(-1, *(1,) * x.ndim)
        return (x[None] - centres) / self.width
