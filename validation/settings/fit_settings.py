"""Settings that follow from others, values of a scan, numbers of blocks, and the nearest admissible parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, Literal, get_args

import numpy as np

import cgcore
from cgcore import bases
from cgcore.factor.compress import affordable_blocks
from cgcore.fitting.options import Coordinates, Objective
from cgcore.fitting.scan import Scan, with_value
from validation.check import Row, at_most, equal
from validation.tolerances import relative

STARTS = {"kr": -40.0, "r0": 3.8}
"""Parameters that no constraint admits."""


def options() -> Iterator[Row]:
    """Settings that follow from others, for every combination of objective and coordinates."""
    for objective, coordinates in product(get_args(Objective), get_args(Coordinates)):
        both, whitened = (objective, coordinates) == ("compressed", "whitened"), coordinates == "whitened"
        where = f"{objective}, {coordinates}"
        for most, least in ((200, 10), (4, 4)):
            options = cgcore.Options(objective, coordinates, max_steps=most)
            yield equal(f"{where}, {most} steps, at least", options.least_steps, 0 if whitened else least)
        options = cgcore.Options(objective, coordinates)
        yield equal(f"{where}, constraints", options.level, "safe" if both else "none")
        yield equal(f"{where}, smoothed and pooled", f"{options.smoothed} {options.pooled}", f"{both} {both}")
        given = cgcore.Options(objective, coordinates, min_steps=0, constraints="none", truncation=0.0)
        said = given.least_steps, given.level, given.smoothed, given.pooled
        yield equal(f"{where}, given", str(said), str((0, "none", False, False)))
    pooling: tuple[float | Literal["auto"] | None, ...] = (None, "auto", 0, 0.0, 0.1)
    pooled = [cgcore.Options(pooling=value).pooled for value in pooling]
    yield equal("pooled, by strength", str(pooled), str([True, True, False, False, True]))


def scanned() -> Iterator[Row]:
    """Priors with another value of a basis: other terms and coefficients stay where their number does."""
    far, knots = cgcore.Rows("pairs", 3), (4.0, 6.0, 8.0, 10.0)
    spline = cgcore.Term("spline", far, bases.BSpline(knots, 3, "cutoff"))
    terms = cgcore.Term("salt", far, bases.DebyeHueckel(8.0)), spline, cgcore.Term("power", far, bases.Power(6))
    start: dict[str, Any] = {"salt": [2.0], "spline": [1.0, 2.0, 3.0, 4.0], "power": [3.0]}
    prior = cgcore.default_prior().with_terms(terms, start)
    cases = (
        ("salt.length", 5.0, "5.0", {}),
        ("power.n", 8.0, "8", {}),
        ("power.n", 8.5, "8.5", {}),
        ("spline.degree", 4.0, "4", {"spline": [0.0] * 5}),
        ("spline.degree", 3.0, "3", {}),
    )
    for name, value, shown, changed in cases:
        found, (of, key) = with_value(prior, name, value), name.split(".")
        own = {term.name: term for term in found.further}
        yield equal(f"{name} {value:g}, value", str(getattr(own[of].basis, key)), shown)
        others = [term for term in found.terms if term.name != of] == [term for term in prior.terms if term.name != of]
        yield equal(f"{name} {value:g}, other terms", others, True)
        known = {**start, **changed}
        yield equal(
            f"{name} {value:g}, coefficients", str({one: found.params[one].tolist() for one in start}), str(known)
        )


def blocks() -> Iterator[Row]:
    """Blocks that can be stored: 2^27 numbers together, and with many coefficients as many rows as coefficients."""
    data = cgcore.datasets.chignolin()  # 1000 frames of 10 beads, one protein
    for coefficients, most in ((1, 2**25), (127, 2**13), (400, 75), (2000, 15), (4000, 7), (15000, 1)):
        allowed = min(2**27 // (coefficients + 1) ** 2, max(30000 // coefficients, 2) if coefficients > 300 else 2**30)
        yield equal(f"{coefficients} coefficients, blocks", affordable_blocks(data, coefficients), max(allowed, 1))
        yield equal(f"{coefficients} coefficients, blocks in numbers", max(allowed, 1), most)


def admissible(prior: cgcore.Prior, factor: cgcore.Factor) -> Iterator[Row]:
    """The parameters nearest to some that are not admissible, with frozen ones as given; and records of their fit.

    Arguments:
        prior: bonds and repulsion.
        factor: a factor of these terms.
    """
    prior = replace(prior, frozen=frozenset({"repulsive"}))
    fit = cgcore.fit(factor, prior, cgcore.Options(constraints="nonnegative", truncation=0.0))
    A = factor.S[:, :2] / np.sqrt(factor.beads)
    given = dict(prior.params) | {name: np.array(value) for name, value in STARTS.items()} | {"epsilon": np.array(0.7)}
    found, distance = fit.nearest_admissible(given)
    # The stiffness becomes 0, and a constant force takes its place as far as it can.
    moved = -STARTS["kr"] * A[:, 0]
    left = moved - A[:, 1] * (A[:, 1] @ moved) / (A[:, 1] @ A[:, 1])
    yield at_most("nearest admissible, distance", abs(distance / float(np.linalg.norm(left)) - 1), 1e-6, "relative")
    yield at_most("nearest admissible, stiffness", abs(float(found["kr"])), 1e-9)
    yield equal("nearest admissible, frozen", float(found["epsilon"]), 0.7)
    inside, none = fit.nearest_admissible(fit.fitted_params)
    off = max(relative(inside[name], value) for name, value in fit.fitted_params.items())
    yield at_most("nearest admissible of the fit, moved", max(off, none), 1e-6)
    said = fit.as_dict()
    for key in ("train_loss", "val_loss", "steps", "grad_norm", "loss_history", "converged"):
        yield equal(f"record of a fit, {key}", said[key] == getattr(fit, key), True)
    params = {name: np.asarray(value).tolist() for name, value in fit.fitted_params.items()}
    yield equal("record of a fit, parameters", said["fitted_params"] == params, True)
    table = Scan(("x.n", "y.l"), ((4.0, 0.5), (6.0, 0.25)), (20.5, 10.25), (9.5, 8.125), 1, fit).table().split("\n")
    lines = [" ".join(line.split()) for line in table]
    known = ["x.n y.l held-out loss training loss", "4 0.5 20.5 9.5", "6 0.25 10.25 8.125 best"]
    yield equal("table of a scan", "; ".join(lines), "; ".join(known))
    for precision in ("float64", "float32"):
        other = replace(fit, options=replace(fit.options, precision=precision))
        yield equal(f"result in {precision}", str(other.dtype), precision)
