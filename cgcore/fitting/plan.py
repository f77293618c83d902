"""The objective of a fit and its directions: smoothness, pooling and truncation, chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle, design
from cgcore.fitting.admissible import smoothest
from cgcore.fitting.cross_validation import Curve
from cgcore.fitting.ground import Constraint
from cgcore.fitting.options import Options
from cgcore.fitting.pooling import FALLBACK as POOLING
from cgcore.fitting.pooling import Pooling, pooling_curve, pooling_rows
from cgcore.fitting.roughness import data_bending
from cgcore.fitting.smoothing import FALLBACK as SMOOTHNESS
from cgcore.fitting.smoothing import Smoothing, smoothing, smoothness_curve
from cgcore.fitting.spectrum import Spectrum, spectrum
from cgcore.fitting.truncation import FALLBACK as TRUNCATION
from cgcore.fitting.truncation import truncation_curve


class Plan(NamedTuple):
    """The objective, the directions along which it is minimised, and how these were chosen.

    `objective` is the triangular factor of the loss, including the smoothness penalty if there is one; `spectrum` is
    the spectrum of the objective.
    """

    objective: Triangle
    spectrum: Spectrum
    kept: np.ndarray
    cutoff: float | None = None
    smoothing: Smoothing | None = None
    curve: Curve | None = None
    pooling: Pooling | None = None


def plan_of(
    factor: Factor, known: Spectrum, origin: Coefficients, options: Options, bounds: Sequence[Constraint]
) -> Plan:
    """The plan for these options.

    Arguments:
        factor: factor of the fitted terms.
        known: spectrum of the factor.
        origin: values of coefficients that neither data nor penalty determine.
        options: settings of the fit.
        bounds: the constraints, which the smoothest potential must satisfy.
    """
    if options.coordinates == "physical":
        return Plan(factor.S, known, known.kept())
    if options.smoothed:
        flattest = smoothest(bounds, data_bending(factor))
        pooling, pooled = _pooling(factor, origin, options, flattest)
        automatic = options.smoothness in (None, "auto")
        curve = smoothness_curve(factor, origin, flattest, pooling=pooling) if automatic else None
        chosen = smoothing(factor, _strength(options.smoothness, curve, SMOOTHNESS), flattest, pooling)
        penalised = spectrum(chosen.S, factor.beads, factor.fingerprint.layout.parabolas)
        return Plan(chosen.S, penalised, penalised.kept(), smoothing=chosen, curve=curve, pooling=pooled)
    if isinstance(options.truncation, int | float):
        return Plan(factor.S, known, known.kept(options.truncation), float(options.truncation))
    curve = truncation_curve(factor, origin)
    cutoff = TRUNCATION if curve is None else curve.choice
    return Plan(factor.S, known, known.kept(cutoff), cutoff, curve=curve)


def _pooling(
    factor: Factor, origin: Coefficients, options: Options, flattest: Coefficients
) -> tuple[np.ndarray | None, Pooling | None]:
    """Rows of the pooling penalty, and how its strength was chosen; None without groups."""
    rows = pooling_rows(factor)
    if not len(rows):
        return None, None
    curve = None
    if options.pooling in (None, "auto"):
        smoothness = _strength(options.smoothness, None, SMOOTHNESS)
        curve = pooling_curve(factor, smoothing(factor, smoothness, flattest), origin)
    strength = _strength(options.pooling, curve, POOLING)
    return np.sqrt(strength) * rows, Pooling(strength, curve)


def _strength(given: float | str | None, curve: Curve | None, fallback: float) -> float:
    """The given number, or the choice of a curve, or the fallback."""
    if isinstance(given, int | float):
        return float(given)
    return fallback if curve is None else curve.choice


def determined(plan: Plan, known: Spectrum, factor: Factor) -> np.ndarray:
    """The directions of the data that are determined by the fit. If it is smoothed, these are the directions in which
    fitted forces follow the reference forces by more than a half (the diagonal of the hat matrix)."""
    if plan.smoothing is None:
        return plan.kept
    fitted = design(factor.S) @ plan.spectrum.basis[:, plan.kept] / np.sqrt(max(factor.beads, 1))
    return known.kept() & (np.sum((known.U.T @ fitted) ** 2, axis=1) > 0.5)
