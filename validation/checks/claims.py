"""The status and the costs that the solver reports, on problems for which only one answer is correct."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from cgcore.fitting import fit as fits
from cgcore.solver.confirm import confirmation
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context
from validation.statuses import CONVERGED, OPTIMAL

HILL, WIDTH = 1e9, 1e7
"""Height and length scale of a hill that a line search of one step cannot descend."""

FALLS = (1e3, 1e6, 1e9, 1e12)
"""Initial losses of problems whose minimum is 1 or 0."""

FAR = 1e9
"""Value of parameters that have run off."""

JUDGED, LEAST, MOST = ("optimality_gap", "kkt_residual", "violation"), OPTIMAL / 2, OPTIMAL * 2
"""Numbers of a certificate that contradict a claim of convergence if they are above `OPTIMAL`, and two values."""

LOOSE = 0.1
"""Fraction of the initial gradient at which these runs stop."""

RESOLVED, VANISHED = 1e-6, float(np.finfo(float).eps) ** 2
"""Largest gain of a Newton step that is allowed at a minimum, relative to the loss, or to the initial loss where the
minimum is 0."""


@check("claims", quick=True)
def claims(context: Context) -> Iterator[Row]:
    """Known statuses: not finite, no descent, a saddle, rounding, far above a minimum; and numbers of evaluations."""
    for bad in (np.nan, np.inf, -np.inf):
        yield from _ended(f"objective {bad}", "NON_FINITE", _linear, [1.0, 1.0], bad)
    yield from _ended("infinite gradient", "NON_FINITE", _root, [0.0, 0.0])
    yield from _ended("kink", "LINE_SEARCH_FAILED", _kink, [0.3, 0.7])
    yield from _ended("rounding", "PRECISION_FLOOR", _bowl, [1.0, 2.0], tol_grad=0.0)
    yield from _ended("small gradient", "GRADIENT", _bowl, [1.0, 2.0])
    found, _ = _minimised(_bowl, [1.0, 1.0], 1.0, cgcore.Limits(min_steps=7), confirm=False)
    yield equal("at the minimum from the start, steps at least", found.steps, 7)
    # These runs are confirmed by the Hessian.
    for name, loss in (("saddle", _saddle), ("no lower bound", _falling), ("kink that curves upwards", _valley)):
        found, _ = _minimised(loss, [0.0, 0.5], 1.0, cgcore.Limits(), confirm=True)
        yield equal(f"{name}, called converged", found.converged, False)
    yield from _confirmed()
    yield from _certified(context)
    yield from _in_any_order()
    yield from _down_a_hill()


def _certified(context: Context) -> Iterator[Row]:
    """The status of a fit that ended in any way with any certificate: no claim of the solver stands against it, and a
    fit within constraints claims convergence by its certificate alone."""
    prior = context.prior.part(["bond"])
    for level, name in (("none", "free"), ("safe", "safe")):
        whole = cgcore.fit(context.some(20), prior, cgcore.Options(constraints=level, truncation=0.0))  # type: ignore[arg-type]
        for precision in ("float64", "float32"):
            fit = replace(whole, options=replace(whole.options, precision=precision))
            for off in ({}, *({one: x} for one in JUDGED for x in (LEAST, MOST)), {"optimality_gap": -MOST}):
                numbers: dict[str, Any] = dict.fromkeys(JUDGED, 0.0) | off
                certificate = replace(fit.certificate, **numbers)
                bad = any(abs(x) > OPTIMAL for x in off.values())
                differing = []
                for ended in cgcore.Status:
                    if bad and ended.name in CONVERGED and precision == "float64":
                        known = "SUBOPTIMAL"
                    elif level == "safe" and not bad and ended.name != "NON_FINITE":
                        known = "CONSTRAINED"
                    elif ended.name == "LINE_SEARCH_FAILED" and not bad:
                        known = "PRECISION_FLOOR"
                    else:
                        known = ended.name
                    found = fits._judged(replace(fit, status=ended, certificate=certificate))
                    if found.status.name != known:
                        differing.append(ended.name)
                case = ", ".join(f"{name} {x:g}" for name, x in off.items()) or "nothing off"
                yield equal(f"{precision}, {name}, {case}, statuses that differ", ", ".join(differing), "")


def _ended(name: str, status: str, loss: Any, start: list[float], factor: float = 1.0, **limits: Any) -> Iterator[Row]:
    """A run without confirmation, so that only the loop decides, and a wrong decision still ends."""
    found, calls = _minimised(loss, start, factor, cgcore.Limits(**limits), confirm=False)
    yield equal(f"{name}, status", found.status.name, status)
    yield equal(f"{name}, evaluations", found.evaluations, calls)
    yield equal(f"{name}, called converged", found.converged, status in CONVERGED)
    yield equal(f"{name}, losses in the history", len(found.loss_history), found.steps)


def _minimised(
    loss: Any, start: list[float], factor: float, limits: cgcore.Limits, *, confirm: bool
) -> tuple[cgcore.Solution, int]:
    """The solution, and the number of times the loss was called."""
    which, before = LOSSES.index(loss), len(CALLS)
    found = cgcore.minimise(_switched, np.array(start), which, factor, limits=limits, confirm=confirm)
    jax.effects_barrier()
    return found, len(CALLS) - before


def _switched(x: Any, which: Any, factor: Any) -> Any:
    """The loss with number `which`, multiplied by `factor`. All losses share one compilation, and each call is
    counted."""
    jax.debug.callback(CALLS.append, None)
    return factor * jax.lax.switch(which, LOSSES, x)


CALLS: list[None] = []
"""One entry for each evaluation of a loss."""


def _confirmed() -> Iterator[Row]:
    """Losses far above their minimum whose gradient is nevertheless small relative to the initial one.

    The confirmation must continue until the gain of a Newton step, two thirds of the remaining loss for x^4, is small
    enough, but not much further: each new tolerance is half the allowed gradient, and a step reduces the gain by less
    than a factor of a thousand.
    """
    for name, loss, least in (("to 1", _flat, 1.0), ("to 0", _flat_to_zero, 0.0)):
        for fall in FALLS:
            start = np.full(2, (fall / 3) ** 0.25)
            loose = LOOSE * float(np.linalg.norm(4 * start**3 * [1, 2]))
            limits = cgcore.Limits(min_steps=0, tol_grad=loose)
            found, calls = _minimised(loss, start.tolist(), 1.0, limits, confirm=True)
            left, allowed = found.loss - least, RESOLVED * least or VANISHED * fall
            yield equal(f"from {fall:.0e} {name}, called converged", found.converged, True)
            yield at_most(f"from {fall:.0e} {name}, left to gain", left / allowed, 1.5, "of what may be")
            yield at_least(f"from {fall:.0e} {name}, no further than that", left / allowed, 1e-4, "of what may be")
            yield equal(f"from {fall:.0e} {name}, evaluations", found.evaluations, calls)


def _in_any_order() -> Iterator[Row]:
    """Points with a flat direction: one of redundant parameters is a minimum, one of parameters that have run off to
    values without effect is none, and the order of the parameters does not matter."""
    t, goal = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0])
    ratio = np.sum(goal / t) / np.sum(1 / t**2)  # the best one far away, where only the ratio matters

    def saturated(x: Any) -> Any:
        return 1 + jnp.sum((goal - x[0] / (1 + x[1] * t)) ** 2) + (x[2] - 2) ** 2

    def redundant(x: Any) -> Any:
        return 1 + (x[0] * x[1] - 1) ** 2 + (x[2] - 2) ** 2

    for name, loss, end, minimum in (
        ("run off", saturated, [ratio * FAR, FAR, 2.0], False),
        ("redundant", redundant, [0.5, 2.0, 2.0], True),
    ):
        found = []
        for turn in range(3):
            one = jax.jit(lambda x, loss=loss, turn=turn: loss(jnp.roll(x, -turn)))
            x = jnp.roll(jnp.asarray(end), turn)
            value, gradient = jax.value_and_grad(one)(x)
            found.append(confirmation(one, x, value, gradient, jnp.ones(3), value).upward)
        yield equal(f"{name}, a minimum in each order", str(found), str([minimum] * len(found)))


def _down_a_hill() -> Iterator[Row]:
    """A start near the top of a hill, where the curvature is negative.

    Each pair of steps that L-BFGS remembers points uphill, so the next step is refused. With an empty memory the step
    after that descends.
    """
    start = np.array([0.1 * WIDTH, 0.05 * WIDTH])
    found, calls = _minimised(_hill, start.tolist(), 1.0, cgcore.Limits(), confirm=False)
    yield equal("hill, evaluations", found.evaluations, calls)
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


def _valley(x: Any) -> Any:
    return _kink(x) + jnp.sum(x**2) / 2


def _falling(x: Any) -> Any:
    return -jnp.sum(jnp.exp(x**2))


def _saddle(x: Any) -> Any:
    return 1 - x[0] ** 2 + x[1] ** 2


def _hill(x: Any) -> Any:
    return HILL * (1 + jnp.sum(1 + jnp.cos(x / WIDTH)))


def _flat(x: Any) -> Any:
    return 1 + _flat_to_zero(x)


def _flat_to_zero(x: Any) -> Any:
    return jnp.sum(x**4 * jnp.arange(1, 1 + x.size))


LOSSES = [_linear, _root, _kink, _valley, _bowl, _falling, _saddle, _hill, _flat, _flat_to_zero]
