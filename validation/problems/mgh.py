"""The More-Garbow-Hillstrom problems, unconstrained, at their standard starts.

Source: J. J. More, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, ACM Transactions on
Mathematical Software 7 (1981) 17-41, section 3, for numbers, formulas, dimensions, starts and minima.

Problems of fixed dimension are taken from sif2jax if it has them; the others are written from the paper's formulas.
Each minimum was compared with the loss at the exact solution, or with the lowest loss that scipy's trust-exact, SLSQP
and TNC reach from four starts (at least two of them agree; for Meyer, Powell and Watson 12 only trust-exact reaches it,
and NIST also certifies Meyer's, as MGH10). Tests repeat the first comparison and part of the second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import jax.numpy as jnp
import numpy as np
from jax import Array

from validation.problems import sif
from validation.problems.problem import Loss, Problem

Residuals = Callable[[Array], Array]


def mgh(names: tuple[str, ...] | None = None) -> list[Problem]:
    """All problems, or only the named ones."""
    return [each() for name, each in _PROBLEMS.items() if names is None or name in names]


_PROBLEMS: dict[str, Callable[[], Problem]] = {}


def _enter(
    name: str,
    loss: Callable[[], Loss],
    start: Sequence[float] | np.ndarray,
    optimum: float = 0.0,
    solution: Sequence[float] | np.ndarray | None = None,
    others: tuple[float, ...] = (),
) -> None:
    """Register a problem; its loss is created on request."""
    if name in _PROBLEMS:
        raise ValueError(f"two problems are named {name!r}")
    at = None if solution is None else np.asarray(solution, float)
    _PROBLEMS[name] = lambda: Problem(name, loss(), (np.asarray(start, float),), optimum, at, others)


def _squared(residuals: Residuals) -> Callable[[], Loss]:
    return lambda: lambda x: jnp.sum(residuals(x) ** 2)


def _sif(name: str, **options: int) -> Callable[[], Loss]:
    return lambda: sif.objective(name, name.upper(), **options)


def _freudenstein_roth(x: Array) -> Array:
    u, v = x
    return jnp.stack([-13 + u + ((5 - v) * v - 2) * v, -29 + u + ((v + 1) * v - 14) * v])


def _powell_badly_scaled(x: Array) -> Array:
    return jnp.stack([1e4 * x[0] * x[1] - 1, jnp.exp(-x[0]) + jnp.exp(-x[1]) - 1.0001])


def _helical_valley(x: Array) -> Array:
    u, v, w = x
    turn = jnp.arctan(v / u) / (2 * jnp.pi) + jnp.where(u < 0, 0.5, 0.0)
    return jnp.stack([10 * (w - 10 * turn), 10 * (jnp.sqrt(u**2 + v**2) - 1), w])


def _powell_singular(x: Array) -> Array:
    a, b, c, d = x.reshape(-1, 4).T
    return jnp.concatenate([a + 10 * b, sqrt(5) * (c - d), (b - 2 * c) ** 2, sqrt(10) * (a - d) ** 2])


def _wood(x: Array) -> Array:
    a, b, c, d = x
    r = [10 * (b - a**2), 1 - a, sqrt(90) * (d - c**2), 1 - c, sqrt(10) * (b + d - 2), (b - d) / sqrt(10)]
    return jnp.stack(r)


def _watson(x: Array) -> Array:
    t, j = jnp.arange(1, 30)[:, None] / 29, jnp.arange(len(x))
    derivative = jnp.sum(j[1:] * x[1:] * t ** (j[1:] - 1), axis=1)
    r = derivative - jnp.sum(x * t**j, axis=1) ** 2 - 1
    return jnp.concatenate([r, jnp.stack([x[0], x[1] - x[0] ** 2 - 1])])


def _rosenbrock(x: Array) -> Array:
    a, b = x.reshape(-1, 2).T
    return jnp.concatenate([10 * (b - a**2), 1 - a])


def _penalty_1(x: Array) -> Array:
    return jnp.append(sqrt(1e-5) * (x - 1), jnp.sum(x**2) - 0.25)


def _penalty_2(x: Array) -> Array:
    n = len(x)
    i = jnp.arange(2, n + 1)
    e = jnp.exp(x / 10)
    r = e[1:] + e[:-1] - (jnp.exp(i / 10) + jnp.exp((i - 1) / 10))
    last = jnp.sum((n - jnp.arange(n)) * x**2) - 1
    return jnp.concatenate([x[:1] - 0.2, sqrt(1e-5) * r, sqrt(1e-5) * (e[1:] - jnp.exp(-0.1)), last[None]])


def _variably_dimensioned(x: Array) -> Array:
    total = jnp.sum(jnp.arange(1, len(x) + 1) * (x - 1))
    return jnp.concatenate([x - 1, jnp.stack([total, total**2])])


def _trigonometric(x: Array) -> Array:
    n, cosine = len(x), jnp.cos(x)
    return n - jnp.sum(cosine) + jnp.arange(1, n + 1) * (1 - cosine) - jnp.sin(x)


def _brown_almost_linear(x: Array) -> Array:
    return jnp.append(x[:-1] + jnp.sum(x) - (len(x) + 1), jnp.prod(x) - 1)


def _between(x: Array) -> tuple[Array, Array]:
    """Left and right neighbours of each element, zero beyond the ends."""
    return jnp.pad(x[:-1], (1, 0)), jnp.pad(x[1:], (0, 1))


def _boundary_value(x: Array) -> Array:
    n = len(x)
    h = 1 / (n + 1)
    left, right = _between(x)
    return 2 * x - left - right + h**2 * (x + h * jnp.arange(1, n + 1) + 1) ** 3 / 2


def _integral_equation(x: Array) -> Array:
    n = len(x)
    t = jnp.arange(1, n + 1) / (n + 1)
    cubes = (x + t + 1) ** 3
    lower = jnp.tril(jnp.outer(1 - t, t))
    upper = jnp.triu(jnp.outer(t, 1 - t), 1)
    return x + (lower + upper) @ cubes / (2 * (n + 1))


def _broyden_tridiagonal(x: Array) -> Array:
    left, right = _between(x)
    return (3 - 2 * x) * x - left - 2 * right + 1


def _broyden_banded(x: Array) -> Array:
    n = len(x)
    i, j = np.arange(n)[:, None], np.arange(n)
    band = ((j - i <= 1) & (i - j <= 5) & (i != j)).astype(float)
    return x * (2 + 5 * x**2) + 1 - band @ (x * (1 + x))


def _linear(rows: np.ndarray) -> Residuals:
    return lambda x: jnp.asarray(rows) @ x - 1


def _full_rank(n: int, m: int) -> np.ndarray:
    return np.eye(m, n) - 2 / m


def _rank_one(n: int, m: int) -> np.ndarray:
    return np.outer(np.arange(1, m + 1), np.arange(1, n + 1)).astype(float)


def _rank_one_with_zeros(n: int, m: int) -> np.ndarray:
    left, right = np.arange(m, dtype=float), np.arange(1, n + 1, dtype=float)
    left[-1] = right[0] = right[-1] = 0
    return np.outer(left, right)


def _chebyquad(x: Array) -> Array:
    """Mean of the shifted Chebyshev polynomials minus their integrals."""
    n, u = len(x), 2 * x - 1
    orders = [jnp.ones_like(u), u]
    for _ in range(n - 1):
        orders.append(2 * u * orders[-1] - orders[-2])
    integrals = jnp.array([0.0 if k % 2 else -1 / (k**2 - 1) for k in range(1, n + 1)])
    return jnp.mean(jnp.stack(orders[1:]), axis=1) - integrals


def _grid(n: int) -> np.ndarray:
    t = np.arange(1, n + 1) / (n + 1)
    return t * (t - 1)


# Numbered as in the paper.
_enter("1 Rosenbrock", _sif("rosenbr"), [-1.2, 1], solution=[1, 1])
_enter("2 Freudenstein-Roth", _squared(_freudenstein_roth), [0.5, -2], solution=[5, 4], others=(48.9842,))
_enter("3 Powell badly scaled", _squared(_powell_badly_scaled), [0, 1])
_enter("4 Brown badly scaled", _sif("brownbs"), [1, 1], solution=[1e6, 2e-6])
_enter("5 Beale", _sif("beale"), [1, 1], solution=[3, 0.5])
_enter("6 Jennrich-Sampson", _sif("jensmp"), [0.3, 0.4], 124.362)
_enter("7 helical valley", _squared(_helical_valley), [-1, 0, 0], solution=[1, 0, 0])
_enter("8 Bard", _sif("bard"), [1, 1, 1], 8.21487e-3, others=(17.4286,))
_enter("9 Gaussian", _sif("gaussian"), [0.4, 1, 0], 1.12793e-8)
_enter("10 Meyer", lambda: sif.sum_of_squares("meyer3ne", "MEYER3NE"), [0.02, 4000, 250], 87.9458)
_enter("11 Gulf", _sif("gulf"), [5, 2.5, 0.15], solution=[50, 25, 1.5])
_enter("12 Box", _sif("box3"), [0, 10, 20], solution=[1, 10, 1])
_enter("13 Powell singular", _squared(_powell_singular), [3, -1, 0, 1], solution=np.zeros(4))
_enter("14 Wood", _squared(_wood), [-3, -1, -3, -1], solution=np.ones(4))
# KOWOSB in sif2jax has a wrong number in its data (its minimum is 3.07801e-4); NIST has the same problem without it.
_KOWALIK_OSBORNE = [0.25, 0.39, 0.415, 0.39]
_enter("15 Kowalik-Osborne", _sif("mgh09ls"), _KOWALIK_OSBORNE, 3.07505e-4, others=(1.02734e-3,))
_enter("16 Brown-Dennis", _sif("brownden"), [25, 5, -5, -1], 85822.2)
_enter("17 Osborne 1", _sif("osbornea"), [0.5, 1.5, -1, 0.01, 0.02], 5.46489e-5)
_enter("18 Biggs EXP6", _sif("biggs6"), [1, 2, 1, 1, 1, 1], solution=[1, 10, 1, 5, 4, 3], others=(5.65565e-3,))
_OSBORNE_2 = [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5]
_enter("19 Osborne 2", _sif("osborneb"), _OSBORNE_2, 4.01377e-2)
for _n, _f in ((6, 2.28767e-3), (9, 1.39976e-6), (12, 4.72238e-10)):
    _enter(f"20 Watson {_n}", _squared(_watson), np.zeros(_n), _f)
_enter("21 Rosenbrock 10", _squared(_rosenbrock), [-1.2, 1] * 5, solution=np.ones(10))
_enter("22 Powell singular 12", _squared(_powell_singular), [3, -1, 0, 1] * 3, solution=np.zeros(12))
for _n, _f in ((4, 2.24997e-5), (10, 7.08765e-5)):
    _enter(f"23 penalty I {_n}", _squared(_penalty_1), np.arange(1, _n + 1), _f)
for _n, _f in ((4, 9.37629e-6), (10, 2.93660e-4)):
    _enter(f"24 penalty II {_n}", _squared(_penalty_2), np.full(_n, 0.5), _f)
_enter("25 variably dimensioned", _squared(_variably_dimensioned), 1 - np.arange(1, 11) / 10, solution=np.ones(10))
_enter("26 trigonometric", _squared(_trigonometric), np.full(10, 0.1), solution=np.zeros(10), others=(2.79506e-5,))
_enter("27 Brown almost linear", _squared(_brown_almost_linear), np.full(10, 0.5), solution=np.ones(10), others=(1.0,))
_enter("28 boundary value", _squared(_boundary_value), _grid(10))
_enter("29 integral equation", _squared(_integral_equation), _grid(10))
_enter("30 Broyden tridiagonal", _squared(_broyden_tridiagonal), np.full(10, -1.0))
_enter("31 Broyden banded", _squared(_broyden_banded), np.full(10, -1.0))
_M, _N = 20, 10
_enter("32 linear, full rank", _squared(_linear(_full_rank(_N, _M))), np.ones(_N), _M - _N, -np.ones(_N))
_rank = _M * (_M - 1) / (2 * (2 * _M + 1))
_enter("33 linear, rank 1", _squared(_linear(_rank_one(_N, _M))), np.ones(_N), _rank)
_zeros = (_M**2 + 3 * _M - 6) / (2 * (2 * _M - 3))
_enter("34 linear, rank 1, zeros", _squared(_linear(_rank_one_with_zeros(_N, _M))), np.ones(_N), _zeros)
# At n = 10 the paper's minimum is not the global one; three methods of scipy find the other.
for _n, _f, _more in ((8, 3.51687e-3, ()), (9, 0.0, ()), (10, 6.50395e-3, (4.772713696e-3,))):
    _enter(f"35 Chebyquad {_n}", _squared(_chebyquad), np.arange(1, _n + 1) / (_n + 1), _f, others=_more)
