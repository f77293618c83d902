"""What float32 leaves of a prior's forces: nothing, where large coefficients cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.physics.constants import BOLTZMANN
from cgcore.physics.prior import Params, Prior

PROMISE = 1e-4
"""Largest error of a force in float32, relative to the root mean square force. Rounding alone is about 1e-6."""

POINTS = 361
NEAREST_PAIR = 3.0
"""Å. Closer beads overlap, and whatever repulsion they feel is wrong in more than its digits."""

ROOM_TEMPERATURE = 300.0


def float32_error(prior: Prior, scale: float | None = None) -> float:
    """Largest difference between forces in float32 and in float64 over the whole range of each coordinate.

    Every angle and dihedral counts, sampled or not; bonds up to six thermal fluctuations from r0, pairs from 3 Å on. A
    slope along an angle [kcal/mol/rad] acts on a bead as a force of that slope over the bond length.

    Arguments:
        prior: weights and parameters.
        scale: the root mean square force that the error is relative to [kcal/mol/Å]; None: that of the prior's bonds
            at 300 K, sqrt(w kr kT), which every prior has.

    Returns:
        the error, relative to `scale`.
    """
    p = {name: np.asarray(value, np.float64) for name, value in prior.params.items()}
    w, kT = prior.weights, BOLTZMANN * ROOM_TEMPERATURE
    stiffness = w.bond * abs(float(p["kr"]))
    rms = float(np.sqrt(stiffness * kT)) if scale is None else scale
    spread = 6 * np.sqrt(kT / stiffness) if stiffness > 0 else 1.0
    r0 = float(p["r0"])
    lengths, turns = np.linspace(r0 - spread, r0 + spread, POINTS), np.linspace(-np.pi, np.pi, POINTS)
    apart = np.linspace(NEAREST_PAIR, 20.0, POINTS)

    def forces(p: Params, real: Any) -> list[Float[np.ndarray, " points"]]:
        """The slope of each term along its coordinate, in the precision `real`."""
        p = {name: value.astype(real) for name, value in p.items()}
        half, phi, r, d = (x.astype(real) for x in (turns[POINTS // 2 :], turns, lengths, apart))
        n, m = (np.arange(1, len(p[name]) + 1, dtype=real) for name in ("a", "k_dih"))
        bond = real(w.bond) * p["kr"] * (r - p["r0"])
        angle = real(w.angle) * (n * (p["b"] * np.cos(np.outer(half, n)) - p["a"] * np.sin(np.outer(half, n)))).sum(1)
        dihedral = -real(w.dihedral) * (m * p["k_dih"] * np.sin(np.outer(phi, m) - p["gamma_dih"])).sum(1)
        pairs = [real(w.repulsive) * 4 * p["epsilon"] * (p["sigma"] / d) ** 4 / d]
        if w.excluded_volume is not None:
            pairs.append(real(w.excluded_volume) * 4 * p["epsilon_ex"] * (p["sigma_ex"] / d) ** 4 / d)
        # A spline's coordinate counts from the knot below: its coefficients do not cancel.
        return pairs if prior.splines is not None else [bond, angle / p["r0"], dihedral / p["r0"], *pairs]

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        differences = [
            np.max(np.abs(single.astype(np.float64) - double))
            for single, double in zip(forces(p, np.float32), forces(p, np.float64), strict=True)
        ]
        error = float(np.max(differences)) / rms if rms > 0 else float(np.max(differences))
    return error if np.isfinite(error) else float("inf")


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
