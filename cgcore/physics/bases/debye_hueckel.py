"""A screened Coulomb potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.numbers import are_finite
from cgcore.physics.bases.basis import Basis, namespace


@dataclass(frozen=True)
class DebyeHueckel(Basis):
    """exp(-r / length) / r, one function. Its coefficient is the product of two charges divided by the permittivity.

    Source: P. Debye and E. Hückel, Phys. Z. 24, 185 (1923).

    Arguments:
        length: Debye length [Å], above 0.

    Raises:
        InputError: the length is not a number above 0.
    """

    length: float

    kind: ClassVar[str] = "debye_hueckel"

    def __post_init__(self) -> None:
        if not are_finite((self.length,)) or not self.length > 0:
            raise InputError(f"the Debye length is {self.length!r:.40}; give a length above 0, in Å")
        self._keep_plain("length")

    @property
    def names(self) -> tuple[str, ...]:
        return ("charge",)

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return (namespace(x).exp(-x / self.length) / x)[None]

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return (-namespace(x).exp(-x / self.length) * (1 / self.length + 1 / x) / x)[None]
