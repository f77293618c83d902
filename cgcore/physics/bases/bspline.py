"""B-splines: piecewise polynomials, each of which differs from 0 over a few intervals only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.numbers import are_finite, is_whole
from cgcore.physics.bases.basis import Basis, mean_square_rows, namespace, quadrature

MOST_FUNCTIONS = 1000

Ends = Literal["open", "cutoff", "periodic"]


@dataclass(frozen=True)
class BSpline(Basis):
    """B-splines on knots.

    All of them together are 1 everywhere, and forces do not feel a constant, so that one is left out. The others begin
    at 0 at the first knot (`ends` "open"), end at 0 with a slope of 0 at the last one, beyond which there is no force
    ("cutoff", for pairs), or go on periodically with the period from the first to the last knot ("periodic").

    Outside the knots an open spline, and one with a cut-off below its first knot, goes on along its tangent.

    Source: C. de Boor, A Practical Guide to Splines, rev. ed. (2001), chapter IX.

    Arguments:
        knots: ends of the intervals [Å or rad], ascending.
        degree: of the polynomials, 2 to 5; 3 are cubic splines.
        ends: what becomes of it there.

    Raises:
        InputError: knots do not ascend or are too few or too many, or the degree is another one.
    """

    knots: tuple[float, ...]
    degree: int = 3
    ends: Ends = "open"

    kind: ClassVar[str] = "bspline"

    def __post_init__(self) -> None:
        if not is_whole(self.degree) or not 2 <= self.degree <= 5:
            raise InputError(f"the degree of a spline is {self.degree!r:.40}; give 2 to 5, 3 for cubic splines")
        if self.ends not in get_args(Ends):
            raise InputError(f"the ends of a spline are {self.ends!r:.40}; give one of {', '.join(get_args(Ends))}")
        if not are_finite(self.knots) or len(self.knots) < 2 or not (np.diff(self.knots) > 0).all():
            raise InputError("the knots of a spline do not ascend; give at least two, each once")
        if self.ends == "periodic" and len(self.knots) < self.degree + 2:
            raise InputError(f"a periodic spline of degree {self.degree} has {len(self.knots)} knots; give more")
        if len(self.knots) > MOST_FUNCTIONS:
            raise InputError(f"a spline has {len(self.knots)} knots; give at most {MOST_FUNCTIONS}")

    @property
    def size(self) -> int:
        every = len(self.knots) - 1 if self.ends == "periodic" else len(self.knots) - 1 + self.degree
        return every - (2 if self.ends == "cutoff" else 1)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"spline_{k}" for k in range(1, self.size + 1))

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        inside, beyond = self._inside(x)
        values = self._chosen(self._splines(inside, self.degree))
        return values if self.ends == "periodic" else values + self._derivatives(inside) * beyond[None]

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return self._derivatives(self._inside(x)[0])

    def bending(self) -> Float[np.ndarray, "rows size"]:
        x, weights = quadrature(np.array(self.knots), self.degree)
        first = self._differentiated(self._splines(x, self.degree - 2), self.degree - 1)
        return mean_square_rows(self._chosen(self._differentiated(first, self.degree)), weights)

    @cached_property
    def _extended(self) -> np.ndarray:
        """The knots with `degree` more at both ends: those of the neighbouring periods, or the end itself repeated."""
        knots, p = np.array(self.knots), self.degree
        if self.ends == "periodic":
            period = knots[-1] - knots[0]
            return np.concatenate([knots[-p - 1 : -1] - period, knots, knots[1 : p + 1] + period])
        return np.concatenate([np.repeat(knots[0], p), knots, np.repeat(knots[-1], p)])

    def _inside(self, x: Any) -> tuple[Any, Any]:
        """x brought into the range of the knots, and how far it was outside."""
        xp, first, last = namespace(x), self.knots[0], self.knots[-1]
        if self.ends == "periodic":
            return first + xp.mod(x - first, last - first), xp.zeros_like(x)
        inside = xp.clip(x, first, last)
        return inside, x - inside

    def _splines(self, x: Any, degree: int) -> Any:
        """All B-splines of a degree at x inside the knots, by the recursion of Cox and de Boor."""
        t, xp, x = self._extended, namespace(x), x[None]
        # The last interval is closed at its end, but for a period, which goes on there: rounding can lead to it.
        last = len(t) if self.ends == "periodic" else np.flatnonzero(np.diff(t) > 0)[-1]

        def along(values: Any) -> Any:
            return xp.asarray(values, x.dtype).reshape(-1, *(1,) * (x.ndim - 1))

        below = (x < along(t[1:])) | (along(np.arange(len(t) - 1) == last) > 0) & (x <= along(t[1:]))
        found = xp.where((x >= along(t[:-1])) & below & (along(np.diff(t)) > 0), xp.ones((), x.dtype), 0)
        for d in range(1, degree + 1):
            share = _inverse(t[d:-1] - t[: -1 - d]), _inverse(t[d + 1 :] - t[1:-d])
            rising = (x - along(t[: -1 - d])) * along(share[0]) * found[:-1]
            found = rising + (along(t[d + 1 :]) - x) * along(share[1]) * found[1:]
        return found

    def _differentiated(self, lower: Any, degree: int) -> Any:
        """Derivatives of B-splines of `degree` from those one degree lower, or the next derivative from the last."""
        t, xp = self._extended, namespace(lower)

        def along(values: Any) -> Any:
            return xp.asarray(degree * values, lower.dtype).reshape(-1, *(1,) * (lower.ndim - 1))

        share = _inverse(t[degree:-1] - t[: -1 - degree]), _inverse(t[degree + 1 :] - t[1:-degree])
        return along(share[0]) * lower[:-1] - along(share[1]) * lower[1:]

    def _derivatives(self, inside: Any) -> Any:
        return self._chosen(self._differentiated(self._splines(inside, self.degree - 1), self.degree))

    def _chosen(self, every: Any) -> Any:
        """Those that are kept, the neighbouring periods' added."""
        if self.ends == "periodic":
            period, xp = len(self.knots) - 1, namespace(every)
            return xp.concatenate([every[: self.degree] + every[period:], every[self.degree : period]])[1:]
        return every[:-2] if self.ends == "cutoff" else every[1:]


def _inverse(widths: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """1 / width, 0 for intervals without one: the end knots are repeated."""
    return np.divide(1.0, widths, out=np.zeros_like(widths), where=widths > 0)
