"""The best fit with kr >= 0, epsilon >= 0 and epsilon_ex >= 0, exactly."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.physics.coefficients import Layout

INFEASIBLE = 1e-6
"""A KKT residual above this is no rounding: there is no feasible point."""


def constrained_names(layout: Layout) -> tuple[str, ...]:
    """The coefficients that must not be negative."""
    return ("kr", "epsilon*sigma^4", *(("epsilon_ex*sigma_ex^4",) if layout.excluded_volume else ()))


def nearest_feasible(
    y: Float[np.ndarray, " k"], normals: Float[np.ndarray, "m k"], offsets: Float[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " k"], float]:
    """The point nearest to y with normals @ x + offsets >= 0, and its KKT residual.

    In whitened coordinates the loss is the squared distance to its minimum y, so this is the constrained optimum.
    With two or three constraints all active sets are tried: no iteration, no tolerance to converge to. The
    residual is the largest of infeasibility, negative multiplier and complementarity, relative to the offsets and
    the multipliers.

    Source: Nocedal and Wright, Numerical Optimization (2nd ed.), theorem 16.4.

    Raises:
        InputError: no point is feasible: a constrained coefficient is negative at the start, and the data, or the
            truncation, do not let it move.
    """
    scale = np.linalg.norm(normals, axis=1)
    movable = scale > 0
    if (offsets[~movable] < 0).any():
        raise InputError("a negative start of kr or epsilon can't be moved by these data; start from >= 0")
    normals, offsets = normals[movable] / scale[movable, None], offsets[movable] / scale[movable]
    best = None
    for size in range(len(offsets) + 1):
        for active in map(list, combinations(range(len(offsets)), size)):
            G = normals[active]
            multipliers = np.linalg.lstsq(G @ G.T, -(G @ y + offsets[active]), rcond=None)[0]
            x = y + G.T @ multipliers
            slack = normals @ x + offsets
            infeasible = max(0.0, -slack.min(initial=0.0)) / (1 + np.abs(offsets).max(initial=0.0))
            negative = max(0.0, -multipliers.min(initial=0.0)) / (1 + np.abs(multipliers).max(initial=0.0))
            loose = np.abs(multipliers * slack[active]).max(initial=0.0) / (1 + np.abs(multipliers).max(initial=0.0))
            residual = max(infeasible, negative, loose)
            if best is None or residual < best[1]:
                best = x, float(residual)
    assert best is not None
    if best[1] > INFEASIBLE:
        raise InputError("kr >= 0 and epsilon >= 0 can't be met together along these directions; lower the truncation")
    return best
