"""An inverse power of the distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.numbers import are_finite
from cgcore.physics.bases.basis import Basis

LARGEST = 24


@dataclass(frozen=True)
class Power(Basis):
    """r^-n, one function.

    Arguments:
        n: exponent above 0, at most `LARGEST`.

    Raises:
        InputError: the exponent is out of this range.
    """

    n: float

    kind: ClassVar[str] = "power"

    def __post_init__(self) -> None:
        if not are_finite((self.n,)) or not 0 < self.n <= LARGEST:
            raise InputError(f"the power is {self.n!r:.40}; give an exponent n of r^-n above 0 and at most {LARGEST}")
        self._keep_plain("n")

    @property
    def names(self) -> tuple[str, ...]:
        return (f"r^-{self.n:g}",)

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return (x**-self.n)[None]

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return (-self.n * x ** (-self.n - 1))[None]

    def strengths(self, squared: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        half = self.n / 2 + 1
        # Integer powers are products, which vectorise; fractional ones are exponentials of logarithms.
        return (self.n / squared ** (int(half) if half == int(half) else half))[None]

    def distance(self, strength: Float[Any, " ..."]) -> Float[Any, " ..."]:
        """The distance [Å] that corresponds to a strength; infinite for a strength of 0."""
        return (self.n / strength) ** (1 / (self.n + 2))
