"""The fit: factor, directions, solver, certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np

from cgcore.data import Dataset
from cgcore.errors import InputError
from cgcore.factor.compress import compress
from cgcore.factor.factor import Factor
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.triangle import Coefficients, design, target
from cgcore.fitting.certificate import OPTIMAL, certify
from cgcore.fitting.identifiability import identify
from cgcore.fitting.nonnegative import constrained_names, nearest_feasible
from cgcore.fitting.options import Options
from cgcore.fitting.problem import problem
from cgcore.fitting.result import FitResult
from cgcore.fitting.spectrum import Spectrum, spectrum
from cgcore.fitting.truncation import FALLBACK, Curve, cross_validate
from cgcore.fitting.unphysical import unphysical
from cgcore.physics.coefficients import to_coefficients, to_params
from cgcore.physics.prior import Prior
from cgcore.physics.space import Displacement, free
from cgcore.solver.lbfgs import Limits, minimise
from cgcore.solver.status import Status
from cgcore.threads import one_blas_thread
from cgcore.timing import timed


class Callbacks(NamedTuple):
    """Called as the work goes on: `frames(done, of)` in the pass, `steps(done, loss)` in the solver."""

    frames: Callable[[int, int], object] | None = None
    steps: Callable[[int, float], object] | None = None


class Directions(NamedTuple):
    """Which directions are fitted, and how that was chosen."""

    kept: np.ndarray
    cutoff: float | None
    curve: Curve | None


def fit(
    data: Dataset | Factor,
    prior: Prior,
    options: Options = Options(),
    *,
    validation: Dataset | Factor | None = None,
    displacement: Displacement = free,
    displacement_name: str | None = None,
    progress: Callbacks = Callbacks(),
) -> FitResult:
    """Fit a prior's parameters to reference forces.

    Arguments:
        data: training frames, or their factor.
        prior: weights and starting parameters.
        options: settings; by default the compressed objective in whitened coordinates, cross-validated.
        validation: held-out frames, or their factor; never fitted to.
        displacement: in jax-md's convention (`jax_md.space.periodic(box)[0]`); free space by default.
        displacement_name: what to call it in the factor's fingerprint, "periodic 50 Å", say.
        progress: called as the work goes on.

    Raises:
        InputError: the direct objective was asked for on a factor, a factor was made for another prior, the data
            make no finite forces, or a constraint can't be met.
    """
    if displacement_name is None:
        displacement_name = "free" if displacement is free else "custom"
    fingerprint = Fingerprint.of(prior, displacement_name)

    def factor_of(part: Dataset | Factor) -> Factor:
        if isinstance(part, Factor):
            part.fingerprint.require(fingerprint, "the factor and the prior")
            return part
        return compress(part, fingerprint, displacement=displacement, blocks=options.blocks, progress=progress.frames)

    if options.objective == "direct" and isinstance(data, Factor):
        raise InputError("the direct objective needs frames, and a factor was given; use objective compressed")
    with timed() as seconds, jax.enable_x64(True), one_blas_thread():
        factor = factor_of(data)
        held_out = None if validation is None else factor_of(validation)
        origin = _finite_start(prior, factor)
        directions = spectrum(factor.S, factor.beads)
        chosen = _choose(factor, directions, origin, options)
        task = problem(
            options,
            prior,
            factor,
            directions,
            chosen.kept,
            data.join() if options.objective == "direct" and isinstance(data, Dataset) else None,
            displacement,
        )
        with jax.enable_x64(options.precision == "float64"):
            limits = Limits(options.max_steps, options.least_steps, options.tol_grad)
            # The certificate below confirms more, and for less, than a Hessian would.
            solution = minimise(
                task.loss, task.start, *task.args, limits=limits, confirm=False, progress=progress.steps
            )
        fitted, optimum, kkt = task.coefficients(solution.params), None, None
        if options.nonnegative:
            fitted, kkt = _nonnegative(factor, directions, chosen.kept, origin)
            optimum = fitted
        params = to_params(fitted, prior.params)
        canonical = to_coefficients(params)
        certificate = certify(factor, directions, origin, canonical, chosen.kept, optimum=optimum, kkt_residual=kkt)
        result = FitResult(
            status=solution.status,
            steps=solution.steps,
            evaluations=solution.evaluations,
            train_loss=certificate.loss,
            val_loss=None if held_out is None else held_out.loss(canonical),
            initial_val_loss=None if held_out is None else held_out.loss(origin),
            grad_norm=solution.grad_norm,
            loss_history=solution.loss_history,
            initial_params=prior.params,
            fitted_params=params,
            prior=prior,
            factor=factor,
            options=options,
            cutoff=chosen.cutoff,
            curve=chosen.curve,
            certificate=certificate,
            identifiability=identify(factor, directions, chosen.kept),
            warnings=unphysical(params, factor),
            seconds=seconds,
        )
    return _judged(result)


def _finite_start(prior: Prior, factor: Factor) -> Coefficients:
    with np.errstate(over="ignore", invalid="ignore"):
        origin = to_coefficients(prior.params)
        if not np.isfinite(factor.loss(origin)):
            raise InputError("the initial parameters give forces too large for float64; check epsilon and sigma")
    return origin


def _choose(factor: Factor, directions: Spectrum, origin: Coefficients, options: Options) -> Directions:
    if options.coordinates == "physical":
        return Directions(directions.kept(), None, None)
    if options.truncation == "auto":
        curve = cross_validate(factor, origin)
        cutoff = FALLBACK if curve is None else curve.cutoffs[curve.chosen]
        return Directions(directions.kept(cutoff), cutoff, curve)
    return Directions(directions.kept(options.truncation), float(options.truncation), None)


def _nonnegative(
    factor: Factor, directions: Spectrum, kept: np.ndarray, origin: Coefficients
) -> tuple[Coefficients, float]:
    """The constrained optimum along the kept directions, and its KKT residual."""
    layout = factor.fingerprint.layout
    rows = [layout.names.index(name) for name in constrained_names(layout)]
    basis = directions.basis[:, kept]
    best = directions.U[:, kept].T @ (target(factor.S) - design(factor.S) @ origin) / np.sqrt(factor.beads)
    y, residual = nearest_feasible(best, basis[rows], origin[rows])
    fitted = origin + basis @ y
    fitted[rows] = np.maximum(fitted[rows], 0.0)  # 0 to rounding where a constraint is active
    # No parameters have kr*r0 at kr = 0: the smallest kr that keeps it.
    kr, kr_r0 = layout.names.index("kr"), layout.names.index("kr*r0")
    fitted[kr] = max(fitted[kr], np.finfo(np.float64).eps * abs(fitted[kr_r0]))
    return fitted, residual


def _judged(result: FitResult) -> FitResult:
    """The certificate decides: what it refutes is not called converged, a stall that it shows to be optimal is."""
    worst = max(result.certificate.optimality_gap, result.certificate.kkt_residual or 0.0)
    if result.options.precision == "float64" and result.converged and worst > OPTIMAL:
        return replace(result, status=Status.SUBOPTIMAL)
    if result.status is Status.LINE_SEARCH_FAILED and worst <= OPTIMAL:
        return replace(result, status=Status.PRECISION_FLOOR)
    return result
