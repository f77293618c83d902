"""Cosines and sines of multiples of an angle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.numbers import is_whole
from cgcore.physics.bases.basis import Basis, Values, namespace

MOST_HARMONICS = 64
"""The highest harmonic has a period of 6 degrees, finer than data resolve; compile time grows with the number."""


@dataclass(frozen=True)
class Fourier(Basis):
    """cos(n x) for n = 1, 2, ..., then sin(n x).

    Arguments:
        harmonics: the largest n; 0 for no functions.

    Raises:
        InputError: the number is negative or above `MOST_HARMONICS`.
    """

    harmonics: int

    kind: ClassVar[str] = "fourier"

    def __post_init__(self) -> None:
        if not is_whole(self.harmonics) or not 0 <= self.harmonics <= MOST_HARMONICS:
            raise InputError(f"a Fourier basis has {self.harmonics!r:.40} harmonics; give at most {MOST_HARMONICS}")

    @property
    def names(self) -> tuple[str, ...]:
        numbers = range(1, self.harmonics + 1)
        return (*(f"cos_{n}" for n in numbers), *(f"sin_{n}" for n in numbers))

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        xp = namespace(x)
        n = xp.arange(1, self.harmonics + 1, dtype=x.dtype).reshape(-1, *(1,) * x.ndim)
        return xp.concatenate([xp.cos(n * x[None]), xp.sin(n * x[None])])

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        if isinstance(x, np.ndarray):
            n = np.arange(1, self.harmonics + 1, dtype=x.dtype).reshape(-1, *(1,) * x.ndim)
            return np.concatenate([-n * np.sin(n * x), n * np.cos(n * x)])
        xp = namespace(x)
        return self.slopes((xp.cos(x), xp.sin(x)))

    def slopes(self, values: Values) -> Float[Any, "size ..."]:
        """By the angle addition theorems, without trigonometric functions."""
        cosine, sine = values
        xp = namespace(cosine)
        cosines, sines = [xp.ones_like(cosine)], [xp.zeros_like(sine)]
        for _ in range(self.harmonics):
            c, s = cosines[-1], sines[-1]
            cosines.append(c * cosine - s * sine)
            sines.append(s * cosine + c * sine)
        numbers = range(1, self.harmonics + 1)
        slopes = [-n * sines[n] for n in numbers] + [n * cosines[n] for n in numbers]
        return xp.stack(slopes) if slopes else xp.zeros((0, *cosine.shape), cosine.dtype)

    def bending(self) -> Float[np.ndarray, "rows size"]:
        """Over a whole period, where the harmonics are orthogonal.

        Angles cover half a period, over which twenty harmonics are so nearly dependent that coefficients of 1e10 could
        cancel.
        """
        return np.diag(np.tile(np.arange(1, self.harmonics + 1) ** 2.0, 2) / np.sqrt(2))
