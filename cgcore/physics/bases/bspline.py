"""B-splines: piecewise polynomials, each of which is nonzero over a few intervals only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import factorial, perm
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.numbers import are_finite, is_whole
from cgcore.physics.bases.basis import Basis, bending_rows, namespace

MOST_FUNCTIONS = 1000

Ends = Literal["open", "cutoff", "periodic"]
Polynomials = Float[np.ndarray, "functions intervals powers"]


@dataclass(frozen=True)
class BSpline(Basis):
    """B-splines on knots.

    The sum of all B-splines is 1 everywhere. Forces do not depend on a constant, so one function is left out. With
    `ends` "open" the others are 0 at the first knot; with "cutoff", for pairs, they and their slopes are 0 at the last
    knot, beyond which there is no force; with "periodic" they have the period from the first to the last knot. Outside
    the knots an open spline continues along its tangent, and so does a spline with a cut-off below its first knot.

    Source: C. de Boor, A Practical Guide to Splines, rev. ed. (2001), chapter IX.

    Arguments:
        knots: ends of the intervals [Å or rad], ascending.
        degree: degree of the polynomials, 2 to 5; 3 for cubic splines.
        ends: behaviour at the first and last knot.

    Raises:
        InputError: knots do not ascend or are too few or too many, or the degree or the ends are not allowed.
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
            raise InputError("the knots of a spline do not increase; give at least two, each once")
        if self.ends == "periodic" and len(self.knots) < self.degree + 2:
            raise InputError(f"a periodic spline of degree {self.degree} has {len(self.knots)} knots; give more")
        if len(self.knots) > MOST_FUNCTIONS:
            raise InputError(f"a spline has {len(self.knots)} knots; give at most {MOST_FUNCTIONS}")
        self._keep_plain("knots")

    @property
    def size(self) -> int:
        every = len(self.knots) - 1 if self.ends == "periodic" else len(self.knots) - 1 + self.degree
        return every - (2 if self.ends == "cutoff" else 1)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"spline_{k}" for k in range(1, self.size + 1))

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return self._evaluated(x, 0)

    def derivatives(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        return self._evaluated(x, 1)

    def bending(self) -> Float[np.ndarray, "rows size"]:
        return bending_rows(lambda x: self._evaluated(x, 2), np.array(self.knots), self.degree)

    def _evaluated(self, x: Any, order: int) -> Any:
        """The derivative of order `order` of each function, from its few nonzero polynomials."""
        xp, (starts, *pieces) = namespace(x), self._runs

        def along(values: np.ndarray) -> Any:
            return xp.asarray(values, x.dtype).reshape(-1, *(1,) * x.ndim)

        place = x[None]
        if self.ends == "periodic":  # distance beyond the start of each function
            period = self.knots[-1] - self.knots[0]
            place = xp.mod(place - self.knots[0], period) - along(starts)
            place = xp.where(place < 0, place + period, place)
        found = xp.zeros((), x.dtype)
        for polynomial, left, right in zip(*(part[::-1] for part in pieces), strict=True):
            u, value = place - along(left), xp.zeros((), x.dtype)
            for power in range(self.degree, order - 1, -1):
                value = value * u + along(perm(power, order) * polynomial[power])
            found = xp.where(place >= along(right), found, value)  # NaN where x is
        return found if self.ends == "periodic" else xp.where(place < along(starts), 0, found)

    @cached_property
    def pieces(self) -> tuple[Float[np.ndarray, " intervals"], Polynomials]:
        """Left ends of the intervals over which all functions are polynomials, and these polynomials.

        At a distance u from the left end of an interval, a function is the sum of polynomials[..., power] u^power. The
        first interval lies below the first knot, unless the functions are periodic.
        """
        knots, p = np.array(self.knots), self.degree
        if self.ends == "periodic":
            period = knots[-1] - knots[0]
            every = _polynomials(np.concatenate([knots[-p - 1 : -1] - period, knots, knots[1 : p + 1] + period]), p)
            every[:p] += every[len(knots) - 1 :]  # from the neighbouring periods
            return knots[:-1], every[1 : len(knots) - 1]
        every = _polynomials(np.concatenate([np.repeat(knots[0], p), knots, np.repeat(knots[-1], p)]), p)
        every = every[:-2] if self.ends == "cutoff" else every[1:]
        # Linear outside the knots, and 0 beyond a cut-off.
        below, above = np.zeros((2, len(every), 1, p + 1))
        below[:, 0, :2] = every[:, 0, :2]
        if self.ends == "open":
            powers = (knots[-1] - knots[-2]) ** np.arange(p + 1)
            above[:, 0, 0] = every[:, -1] @ powers
            above[:, 0, 1] = every[:, -1, 1:] @ (np.arange(1, p + 1) * powers[:-1])
        return np.concatenate([knots[:1], knots]), np.concatenate([below, every, above], axis=1)

    @cached_property
    def _runs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Intervals in which each function is nonzero, with the same number of intervals for all functions.

        Returns starts (functions,), below which the functions are 0; polynomials (runs, powers, functions); and left
        and right ends (runs, functions). In a periodic basis positions are measured from the start of each function.
        """
        lefts, every = self.pieces
        felt, function = every.any(axis=2), np.arange(len(every))[:, None]
        if self.ends == "periodic":
            held = (function + np.arange(1 - self.degree, 2)) % len(lefts)
            widths = np.diff(self.knots)[held]
            rights = np.cumsum(widths, axis=1)
            starts, begins = lefts[held[:, 0]] - lefts[0], rights - widths
        else:
            first = felt.argmax(axis=1)
            most = np.max(felt * (np.arange(len(lefts)) - first[:, None])) + 1
            held = np.minimum(first[:, None] + np.arange(most), len(lefts) - 1)
            starts, begins = np.where(first == 0, -np.inf, lefts[first]), lefts[held]
            rights = np.append(lefts[1:], np.inf)[held]
        return starts, np.transpose(every[function, held], (1, 2, 0)), begins.T, rights.T


def _polynomials(t: Float[np.ndarray, " knots"], degree: int) -> Polynomials:
    """All B-splines on the knots `t`, over the intervals between the first and last `degree` knots."""
    from scipy.interpolate import BSpline as Splines  # imported here because reading and writing priors needs no SciPy

    every = Splines(t, np.eye(len(t) - degree - 1), degree)
    powers = [every(t[degree : -degree - 1], nu=power) / factorial(power) for power in range(degree + 1)]
    return np.transpose(powers, (2, 1, 0)).copy()
