"""The error of a prior's forces in float32, which is large where large coefficients cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.constants import BOLTZMANN
from cgcore.errors import InputError
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.prior import Prior
from cgcore.physics.stiffness import bond_stiffness
from cgcore.physics.topology import BEAD

PROMISE = 1e-4
"""Largest error of a force in float32, relative to the root mean square force. Rounding alone is about 1e-6."""

POINTS = 361

ROOM_TEMPERATURE = 300.0

USUAL_LENGTH = 3.8
"""Distance of neighbouring C-alpha atoms across a trans peptide bond [Å]."""


def float32_error(prior: Prior, scale: float | None = None) -> float:
    """Largest difference between forces in float32 and in float64 over the whole range of each coordinate.

    Every angle and dihedral counts, sampled or not; bonds up to six thermal fluctuations from r0, pairs from 3 Å on. A
    slope along an angle [kcal/mol/rad] acts on a bead as a force of that slope over the bond length.

    Arguments:
        prior: weights and parameters.
        scale: root mean square force [kcal/mol/Å] to which the error is relative; None for that of the prior's bonds
            at 300 K, sqrt(w kr kT), which every prior has.

    Returns:
        The error, relative to `scale`.
    """
    kT, stiffness, length = BOLTZMANN * ROOM_TEMPERATURE, bond_stiffness(prior, prior.params), bond_length(prior)
    rms = float(np.sqrt(stiffness * kT)) if scale is None else scale
    spread = 6 * np.sqrt(kT / stiffness) if stiffness > 0 else 1.0
    lengths, turns = np.linspace(length - spread, length + spread, POINTS), np.linspace(-np.pi, np.pi, POINTS)
    places = {
        "bond": (lengths, 1.0),
        "angle": (turns[POINTS // 2 :], length),
        "dihedral": (turns, length),
        "pair": (np.linspace(BEAD, 20.0, POINTS), 1.0),
    }
    # Splines of a file are not among these: their coordinate counts from the knot below, and nothing cancels.
    layout = Layout.of(prior)
    c = to_coefficients(prior.params, terms=layout.terms)

    def forces(real: Any) -> list[Float[np.ndarray, " points"]]:
        """The slope of each group of each term along its coordinate, in the precision `real`."""
        found = []
        for term, own in zip(layout.terms, layout.slices.values(), strict=True):
            x, lever = places[term.coordinate]
            for each in c[own].reshape(len(term.group_labels), term.basis.size):
                slope = term.basis.slope(x.astype(real), each.astype(real))
                found.append(real(term.weight) * slope / real(lever))
        return found

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        differences = [
            np.max(np.abs(single.astype(np.float64) - double))
            for single, double in zip(forces(np.float32), forces(np.float64), strict=True)
        ]
        largest = float(np.max(differences, initial=0.0))
        error = largest / rms if rms > 0 else largest
    return error if np.isfinite(error) else float("inf")


def bond_length(prior: Prior) -> float:
    """Rest length of the prior's bonds [Å]: r0 if the prior has it, otherwise `USUAL_LENGTH`."""
    return float(prior.params.get("r0", USUAL_LENGTH)) or USUAL_LENGTH


def require_float32(name: str, prior: Prior) -> None:
    """Refuse to compute a prior in float32 that loses its digits there.

    Raises:
        InputError: its forces in float32 differ from those in float64 by more than `PROMISE`.
    """
    error = float32_error(prior)
    if error > PROMISE:
        raise InputError(
            f"{name}: forces in float32 are wrong by {error:.1e} of the root mean square force, since large "
            "coefficients cancel; fit again with the default smoothness, or use float64"
        )
