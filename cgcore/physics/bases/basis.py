"""The base class of a term's potential: functions of one coordinate, each with a coefficient.

A new basis is a file beside this one, with a test: a frozen dataclass that derives from `Basis`, so that compiled
functions and stored factors can depend on it. It must define `names` and `functions`; other methods may be overridden
by exact or faster ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

Values = tuple[Float[Any, " ..."], ...]
"""A coordinate: a distance [Å], or the cosine and the sine of an angle or a dihedral."""


@dataclass(frozen=True)
class Basis(ABC):
    """Functions phi_k of a coordinate x, a distance [Å] or an angle [rad]: the potential is sum_k c_k phi_k(x)."""

    kind: ClassVar[str]
    """Name of the basis in configurations and in stored factors."""

    def _keep_plain(self, *fields: str) -> None:
        """Convert these fields to Python's own numbers; NumPy's would widen float32 arrays."""
        for field in fields:
            value = getattr(self, field)
            if not isinstance(value, int):
                object.__setattr__(self, field, float(value) if np.ndim(value) == 0 else tuple(map(float, value)))

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Name of each coefficient; in reports the term's name precedes it."""

    @property
    def size(self) -> int:
        """Number of functions."""
        return len(self.names)

    @abstractmethod
    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        """phi_k(x), differentiable; computed with NumPy for a NumPy array if the basis supports this."""

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        """d phi_k / dx, under the same conditions as `functions`."""
        import jax

        place = jax.numpy.asarray(x)
        return jax.jvp(self.functions, (place,), (jax.numpy.ones_like(place),))[1]

    def slope(self, x: Float[np.ndarray, " points"], c: Float[np.ndarray, " size"]) -> Float[np.ndarray, " points"]:
        """U'(x) = sum_k c_k phi_k'(x), in the precision of x and c."""
        return c @ np.asarray(self.derivatives(x))

    def slopes(self, values: Values) -> Float[Any, "size ..."]:
        """`derivatives` at a coordinate that may be given by its cosine and sine."""
        return self.derivatives(values[0] if len(values) == 1 else namespace(values[0]).arctan2(values[1], values[0]))

    def strengths(self, squared: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        """-phi_k'(r) / r at squared distances. Multiplied by the vector from the partner to a bead it is the force on
        the bead.

        It is 0 at an infinite distance and not finite where two beads coincide.
        """
        xp, there = namespace(squared), squared < np.inf
        r = xp.sqrt(xp.where(there, squared, 1.0))
        return xp.where(there[None], -self.derivatives(r) / r[None], 0.0)

    def bending(self) -> Float[np.ndarray, "rows size"]:
        """A matrix D for which |D c|² is the mean of U''(x)² over the range of the basis; without rows if nothing is
        smoothed."""
        return np.zeros((0, self.size))

    def as_dict(self) -> dict[str, Any]:
        """Plain values from which `basis_from_dict` makes the basis again."""
        return {"basis": self.kind} | asdict(self)


def namespace(x: Any) -> ModuleType:
    """NumPy for a NumPy array, jax.numpy for any other array, which JAX may be tracing."""
    if isinstance(x, np.ndarray):
        return np
    import jax.numpy  # imported here because reading and writing priors needs no JAX

    return jax.numpy


def bending_rows(
    second: Callable[[Float[np.ndarray, " points"]], Float[np.ndarray, "size points"]],
    ends: Float[np.ndarray, " edges"],
    points: int,
) -> Float[np.ndarray, "size size"]:
    """The triangular factor D of the mean products of second derivatives over adjoining intervals.

    Gauss-Legendre quadrature with `points` points in each interval, exact for polynomials of degree 2 points - 1.
    """
    nodes, weights = np.polynomial.legendre.leggauss(points)
    width = np.diff(ends)[:, None]
    x, weights = ends[:-1, None] + width * (nodes + 1) / 2, width * weights / 2 / (ends[-1] - ends[0])
    return np.asarray(np.linalg.qr(np.sqrt(weights.ravel())[:, None] * second(x.ravel()).T, mode="r"))
