"""What the solver says of how it ended, on problems where only one answer is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context
from validation.statuses import CONVERGED

HILL, WIDTH = 1e9, 1e7
"""Height and length scale of a hill that no line search of one step comes down from."""


@check("claims", quick=True)
def claims(context: Context) -> Iterator[Row]:
    """Statuses where they are known: not finite, no way down, a saddle, rounding; and a memory that points uphill."""
    for bad in (np.nan, np.inf, -np.inf):
        yield from _ended(f"objective {bad}", "NON_FINITE", _linear, [1.0, 1.0], bad)
    yield from _ended("infinite gradient", "NON_FINITE", _root, [0.0, 0.0])
    yield from _ended("kink", "LINE_SEARCH_FAILED", _kink, [0.3, 0.7])
    yield from _ended("rounding", "PRECISION_FLOOR", _bowl, [1.0, 2.0], tol_grad=0.0)
    yield from _ended("small gradient", "GRADIENT", _bowl, [1.0, 2.0])
    found = _minimised(_bowl, [1.0, 1.0], 1.0, cgcore.Limits(min_steps=7), confirm=False)
    yield equal("at the minimum from the start, steps at least", found.steps, 7)
    # With their Hessian.
    for name, loss in (("saddle", _saddle), ("no lower bound", _falling)):
        found = _minimised(loss, [0.0, 0.5], 1.0, cgcore.Limits(), confirm=True)
        yield equal(f"{name}, called converged", found.converged, False)
    yield from _down_a_hill()


def _ended(name: str, status: str, loss: Any, start: list[float], factor: float = 1.0, **limits: Any) -> Iterator[Row]:
    """Without a confirmation, so that nothing but the loop decides, and a wrong answer of it ends."""
    found = _minimised(loss, start, factor, cgcore.Limits(**limits), confirm=False)
    yield equal(f"{name}, status", found.status.name, status)
    yield equal(f"{name}, called converged", found.converged, status in CONVERGED)
    yield equal(f"{name}, losses in the history", len(found.loss_history), found.steps)


def _minimised(
    loss: Any, start: list[float], factor: float, limits: cgcore.Limits, *, confirm: bool
) -> cgcore.Solution:
    which = LOSSES.index(loss)
    return cgcore.minimise(_switched, np.array(start), which, factor, limits=limits, confirm=confirm)


def _switched(x: Any, which: Any, factor: Any) -> Any:
    """One of the losses: they share one compilation."""
    return factor * jax.lax.switch(which, LOSSES, x)


def _down_a_hill() -> Iterator[Row]:
    """From near the top of a hill, where the curvature points down: each pair of steps that L-BFGS remembers points
    uphill, so the step after it is refused. From an empty memory the next one goes down."""
    start = np.array([0.1 * WIDTH, 0.05 * WIDTH])
    found = _minimised(_hill, start.tolist(), 1.0, cgcore.Limits(), confirm=False)
    losses = np.array([*found.loss_history, found.loss])
    stays = np.flatnonzero(np.diff(losses[losses > 2 * HILL]) == 0)
    yield at_least("hill, steps that are refused", len(stays), 3)
    after = [losses[k + 2] < losses[k + 1] for k in stays if k + 2 < len(losses)]
    yield equal("hill, the step after one that is refused goes down", bool(after) and all(after), True)
    yield at_most("hill, loss above that of the valley", (found.loss - HILL) / HILL, 1e-12, "of the hill")


def _linear(x: Any) -> Any:
    return jnp.sum(x)


def _root(x: Any) -> Any:
    return jnp.sum(jnp.sqrt(x))


def _kink(x: Any) -> Any:
    return jnp.sum(jnp.abs(x))


def _bowl(x: Any) -> Any:
    return 1 + jnp.sum((x - 1) ** 2 * jnp.arange(1, 1 + x.size))


def _falling(x: Any) -> Any:
    return -jnp.sum(jnp.exp(x**2))


def _saddle(x: Any) -> Any:
    return 1 - x[0] ** 2 + x[1] ** 2


def _hill(x: Any) -> Any:
    return HILL * (1 + jnp.sum(1 + jnp.cos(x / WIDTH)))


LOSSES = [_linear, _root, _kink, _bowl, _falling, _saddle, _hill]
