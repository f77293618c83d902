"""The gated fits, and the quantities measured for each. Nothing here depends on time."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

import cgcore
from validation.context import Context, five_terms, four_terms, with_harmonics

HELD_OUT = 0.2
"""Fraction of the frames that is held out, the last frames of each protein."""

SOLVER = "solver"
"""Name of the data set for problems without data."""

Key = tuple[str, str]
"""Data set and mode."""

STATUS = "status"
Measured = dict[str, float | int | str]
"""`status` and quantities, by name."""


@dataclass(frozen=True)
class Mode:
    """A way to fit: options, largest number of harmonics (None for that of the prior), and whether to use excluded
    volume.

    If `time` is given, the fit is simulated for that time, and the gate judges the simulation.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    harmonics: int | None = None
    excluded_volume: bool = False
    time: str | None = None

    @property
    def direct(self) -> bool:
        """Whether the fit needs the frames."""
        return self.options.get("objective") == "direct"


TRUNCATED = {"constraints": "none", "truncation": "auto"}
MODES = {
    "safe": Mode(excluded_volume=True),
    "free": Mode({"constraints": "none"}, excluded_volume=True),
    "truncated": Mode(TRUNCATED),
    "all directions": Mode({"constraints": "none", "truncation": 0.0}),
    "non-negative": Mode({"constraints": "nonnegative", "truncation": "auto"}),
    "float32": Mode(TRUNCATED | {"precision": "float32"}),
    "physical": Mode({"coordinates": "physical"}),
    "physical, one harmonic": Mode({"coordinates": "physical", "max_steps": 2000}, harmonics=1),
    "direct": Mode({"objective": "direct"}),
    "simulated": Mode(excluded_volume=True, time="20ps"),
}


def rosenbrock(x: Any) -> Any:
    """Chained Rosenbrock function plus 1; minimum 1 at ones."""
    return 1 + jnp.sum((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2)


def quartic(x: Any) -> Any:
    """A convex quartic with condition number 20, plus 1; minimum 1 at ones."""
    return 1 + jnp.sum(jnp.arange(1, 1 + x.size) * (x - 1) ** 2 + (x - 1) ** 4)


PROBLEMS: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "Rosenbrock": (rosenbrock, np.tile([-1.2, 1.0], 5)),
    "quartic": (quartic, np.zeros(20)),
}
"""Problems in which tol_grad, memory and line search affect the number of steps, and rounding does not."""


def measure(context: Context, only: Container[Key] | None = None) -> Iterator[tuple[Key, Measured]]:
    """Yield the measured values of each fit, one after the other; `only` selects fits, None for all."""
    if not context.given:
        for name, (loss, start) in PROBLEMS.items():
            if only is None or (SOLVER, name) in only:
                yield (SOLVER, name), _alone(cgcore.minimise(loss, start))
    for name, data in context.datasets.items():
        train, held_out = data.split(HELD_OUT)
        if held_out is None:
            raise cgcore.InputError(f"{name}: too few frames to hold some out; a gate needs about ten")
        factors: dict[tuple[int | None, bool], tuple[cgcore.Factor, cgcore.Factor]] = {}
        for label, mode in MODES.items():
            if only is not None and (name, label) not in only:
                continue
            n, which = mode.harmonics, (mode.harmonics, mode.excluded_volume)
            prior = five_terms(context.prior) if mode.excluded_volume else four_terms(context.prior)
            prior = prior if n is None else with_harmonics(prior, n, n)
            if which not in factors:
                fingerprint = cgcore.Fingerprint.of(prior)
                factors[which] = cgcore.compress(train, fingerprint), cgcore.compress(held_out, fingerprint)
            known, unseen = factors[which]
            fit = cgcore.fit(train if mode.direct else known, prior, cgcore.Options(**mode.options), validation=unseen)
            if mode.time is None:
                yield (name, label), _of_fit(fit)
            else:
                yield (name, label), _of_run(fit, prior, train, mode.time)


def _of_fit(fit: cgcore.FitResult) -> Measured:
    assert fit.val_loss is not None
    return {
        STATUS: fit.status.name,
        "steps": fit.steps,
        "evaluations": fit.evaluations,
        "grad_norm": fit.grad_norm,
        "optimality_gap": fit.certificate.optimality_gap,
        "held_out_loss": fit.val_loss,
        "price": fit.certificate.price,
        "active_constraints": sum(constraint.active for constraint in fit.certificate.constraints),
    }


def _of_run(fit: cgcore.FitResult, prior: cgcore.Prior, data: cgcore.Dataset, time: str) -> Measured:
    first = data.sources[0].protein_names[0]
    run = cgcore.simulate(replace(prior, params=fit.fitted_params), data, protein=first, time=time)
    return {STATUS: fit.status.name, "lost_replicas": run.lost, "closest_approach": run.closest_approach}


def _alone(solution: cgcore.Solution) -> Measured:
    return {
        STATUS: solution.status.name,
        "steps": solution.steps,
        "evaluations": solution.evaluations,
        "grad_norm": solution.grad_norm,
        "optimality_gap": solution.loss - 1,
    }
