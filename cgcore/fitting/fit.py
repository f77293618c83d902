"""The fit: factor, directions, solver, certificate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cgcore.data import Dataset
from cgcore.errors import InputError
from cgcore.factor.compress import compress, splines_of
from cgcore.factor.factor import Factor
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.triangle import Coefficients, design
from cgcore.fitting.admissible import Admissible
from cgcore.fitting.callbacks import Callbacks as Callbacks
from cgcore.fitting.certificate import OPTIMAL, certify
from cgcore.fitting.constraints import constraints
from cgcore.fitting.door import Door, door, fitted_to
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.identifiability import identify
from cgcore.fitting.inputs import Source, opened, require_prior, require_task
from cgcore.fitting.options import Options
from cgcore.fitting.plan import determined, plan_of
from cgcore.fitting.problem import problem
from cgcore.fitting.result import FitResult
from cgcore.fitting.roughness import roughness_of
from cgcore.fitting.spectrum import spectrum
from cgcore.fitting.unphysical import unphysical
from cgcore.judging.precision import PROMISE, ROOM_TEMPERATURE, float32_error
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.prior import Prior
from cgcore.physics.space import Displacement, free
from cgcore.physics.space import displacement_name as named
from cgcore.solver.lbfgs import Limits, minimise
from cgcore.solver.status import Status
from cgcore.threads import one_blas_thread
from cgcore.timing import timed
from cgcore.x64 import solving


def fit(
    data: Source | Any,
    prior: Prior | Any,
    options: Options = Options(),
    *,
    validation: Source | Any = None,
    displacement: Displacement = free,
    displacement_name: str | None = None,
    progress: Callbacks = Callbacks(),
    judged: Door | None = None,
) -> FitResult:
    """Fit the parameters of a prior to reference forces.

    Arguments:
        data: training frames, their factor, or the path of a file or folder with either.
        prior: weights of the terms and initial parameters.
        options: settings; by default the compressed objective in whitened coordinates, with cross-validated smoothness.
        validation: held-out frames or their factor, given in the same way; they are never used for fitting.
        displacement: `cgcore.periodic(box)`, or any displacement function in jax-md's convention; free space by
            default.
        displacement_name: name of the displacement in the factor's fingerprint; required for one that is not cgcore's
            own.
        progress: functions that are called during the fit.
        judged: findings of `cgcore.fitting.door.door` about these frames; None to check them now.

    Returns:
        Fitted parameters, losses [(kcal/mol/Å)²], the certificate, and what the data determine.

    Raises:
        InputError: the data are certainly wrong (see `cgcore.judging`) or give forces that are not finite; there is
            nothing to fit; the direct objective was requested for a factor; the factor was made for another prior; a
            constraint cannot be satisfied; the displacement has no name; or JAX is tracing.

    Examples:
        >>> import cgcore
        >>> result = cgcore.fit(cgcore.datasets.chignolin(), cgcore.default_prior())
        >>> print(result.status.name, f"{result.train_loss:.2f}")
        CONSTRAINED 1420.35
    """
    require_prior(prior)
    freedom = Freedom.of(prior)
    data = opened(data, "data")
    validation = None if validation is None else opened(validation, "validation")
    fingerprint = Fingerprint.of(prior, named(displacement, displacement_name))

    def factor_of(part: Dataset | Factor) -> Factor:
        if isinstance(part, Factor):
            part.fingerprint.require(fingerprint, "the factor and the prior")
            return part
        return compress(
            part,
            fingerprint,
            displacement=displacement,
            blocks=options.blocks,
            fixed=splines_of(prior),
            progress=progress.frames,
        )

    if options.objective == "direct" and isinstance(data, Factor):
        raise InputError("the direct objective needs frames, and a factor was given; use objective compressed")
    with timed() as seconds, solving("fit"), one_blas_thread():
        judged = judged or door(data, validation, options.temperature, displacement)
        whole = factor_of(data)
        factor = freedom.factor(whole)
        held_out = None if validation is None else freedom.factor(factor_of(validation))
        faults = judged.said(whole)
        require_task(factor)
        origin = _finite_start(freedom.free, factor)
        known = spectrum(factor.S, factor.beads, factor.fingerprint.layout.parabolas)
        temperature, notes = _temperature(options, factor)
        bounds = constraints(options.level, factor, temperature, freedom.fixed, pooled=options.pooled)
        plan = plan_of(factor, known, origin, options, bounds)
        admissible = Admissible.of(bounds, plan.spectrum, origin, plan.kept)
        task = problem(
            options,
            freedom,
            plan.objective,
            plan.spectrum,
            plan.kept,
            data if options.objective == "direct" and isinstance(data, Dataset) else None,
            displacement,
        )
        solution = minimise(
            task.loss,
            task.start,
            *task.args,
            limits=Limits(options.max_steps, options.least_steps, options.tol_grad),
            confirm=False,  # the certificate below proves more than a Hessian would, at lower cost
            precision=options.precision,
            progress=progress.steps,
            quickly=options.objective == "compressed",
        )
        fitted, admitted = task.coefficients(solution.params), None
        if admissible.constraints:
            best = plan.spectrum.U[:, plan.kept].T @ plan.spectrum.shortfall(plan.objective, origin)
            admitted = admissible.admit(np.asarray(solution.params, np.float64)[plan.kept], best)
            fitted = _with_bonds(admitted.coefficients, factor.fingerprint.layout)
        params = freedom.params(fitted)
        canonical = freedom.coefficients(params)
        certificate = certify(
            factor,
            plan.objective,
            plan.spectrum,
            origin,
            canonical,
            plan.kept,
            resolved=factor.loss(known.optimum(factor.S, origin, known.kept())),
            admissible=admissible if admissible.constraints else None,
            admitted=admitted,
        )
        fitted_prior = replace(prior, params=params)
        error = float32_error(fitted_prior, _rms_force(whole, fitted_prior))
        result = FitResult(
            status=solution.status,
            steps=solution.steps,
            evaluations=solution.evaluations,
            train_loss=certificate.loss,
            val_loss=None if held_out is None else held_out.loss(canonical),
            initial_val_loss=None if held_out is None else held_out.loss(origin),
            grad_norm=solution.grad_norm if admitted is None else admitted.gradient,
            loss_history=solution.loss_history,
            initial_params=prior.params,
            fitted_params=params,
            prior=prior,
            data=data,
            validation=validation,
            displacement=displacement,
            factor=whole,
            held_out=held_out,
            options=options,
            plan=plan,
            smoothness=None if plan.smoothing is None else plan.smoothing.strength,
            smoothest=None if plan.smoothing is None else plan.smoothing.smoothest,
            cutoff=plan.cutoff,
            curve=plan.curve,
            pooling=plan.pooling,
            roughness=roughness_of(factor)(canonical),
            temperature=temperature,
            float32_error=error,
            admissible=admissible,
            certificate=certificate,
            identifiability=identify(factor, known, determined(plan, known, factor)),
            warnings=(
                *unphysical(params, whole),
                *_unsafe(options, prior),
                *_imprecise(error),
                *fitted_to(factor, held_out),
                *faults,
            ),
            notes=notes,
            seconds=seconds,
        )
    return _judged(result)


def _finite_start(prior: Prior, factor: Factor) -> Coefficients:
    with np.errstate(over="ignore", invalid="ignore"):
        origin = to_coefficients(prior.params, terms=prior.terms)
        if not np.isfinite(factor.loss(origin)):
            raise InputError("the initial parameters give forces too large for float64; check epsilon and sigma")
    return origin


def _temperature(options: Options, factor: Factor) -> tuple[float, tuple[str, ...]]:
    """The temperature used for the constraints [K], and notes about assumptions."""
    said = [kelvin for kelvin in factor.temperatures if np.isfinite(kelvin) and kelvin > 0]
    if options.temperature is not None:
        if said and options.temperature not in said:
            named = ", ".join(f"{kelvin:g}" for kelvin in said)
            return options.temperature, (f"temperature {options.temperature:g} K as given; the data say {named} K",)
        return options.temperature, ()
    if not said:
        return ROOM_TEMPERATURE, (f"temperature {ROOM_TEMPERATURE:g} K assumed, as the data name none (--temperature)",)
    if len(said) > 1:
        return said[-1], (f"temperature {said[-1]:g} K, the highest of {len(said)} that the data name (--temperature)",)
    return said[0], ()


def _rms_force(factor: Factor, prior: Prior) -> float:
    """Root mean square force of the prior's fitted and frozen terms per bead, over the data [kcal/mol/Å]."""
    c = to_coefficients(prior.params, terms=prior.linear)
    return float(np.linalg.norm(design(factor.S) @ c) / np.sqrt(max(factor.beads, 1)))


def _imprecise(error: float) -> tuple[str, ...]:
    if error <= PROMISE:
        return ()
    return (
        f"forces in float32 are wrong by {error:.1e} of the root mean square force, since large coefficients cancel: "
        "compute with this prior in float64 alone, or fit it with the default smoothness",
    )


def _unsafe(options: Options, prior: Prior) -> tuple[str, ...]:
    """Sentences about constraints that are impossible because the prior lacks the term."""
    found = []
    if options.level == "safe" and not any(term.coordinate == "angle" and term.size for term in prior.terms):
        found.append(
            "the angle has no harmonics: nothing keeps angles in the sampled range (give model.priors.a and b)"
        )
    close = [term.rows for term in prior.terms if term.rows.pairs and term.rows.listed is None]
    if options.level == "safe" and not any(rows.nearest <= 2 for rows in close):
        found.append(
            "excluded volume is off: nothing keeps beads 2 to 5 positions apart from overlapping "
            "(give model.priors.weights.excluded_volume)"
        )
    return tuple(found)


def _with_bonds(c: Coefficients, layout: Layout) -> Coefficients:
    """Replace kr = 0, for which no r0 gives a non-zero kr*r0, by the smallest kr that can represent it. A negative kr
    is one that no data determine, and is kept."""
    c = c.copy()
    for k in layout.parabolas:
        if c[k] >= 0:
            c[k] = max(c[k], np.finfo(np.float64).eps * abs(c[k + 1]))
    return c


def _judged(result: FitResult) -> FitResult:
    """Correct the status by the certificate: a suboptimal fit has not converged, and a stalled but optimal one has."""
    certificate = result.certificate
    # A fit below its lower bound proves only that rounding spoilt one of the two.
    worst = max(abs(certificate.optimality_gap), certificate.kkt_residual or 0.0, certificate.violation or 0.0)
    if result.options.precision == "float64" and result.converged and worst > OPTIMAL:
        return replace(result, status=Status.SUBOPTIMAL)
    if result.admissible.constraints and worst <= OPTIMAL and result.status is not Status.NON_FINITE:
        return replace(result, status=Status.CONSTRAINED)
    if result.status is Status.LINE_SEARCH_FAILED and worst <= OPTIMAL:
        return replace(result, status=Status.PRECISION_FLOOR)
    return result
