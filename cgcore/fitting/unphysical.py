"""Fitted values that physics does not allow."""

from __future__ import annotations

from cgcore.factor.factor import Factor
from cgcore.physics.prior import Params


def unphysical(params: Params, factor: Factor) -> tuple[str, ...]:
    """A sentence for each fitted value that makes no sense as a force field."""
    found = []
    if params["kr"] <= 0:
        found.append(f"kr = {params['kr']:.6g} is not positive: bonds are not bound (see --constraints)")
    for name in ("epsilon", "epsilon_ex"):
        if name in params and params[name] < 0:
            found.append(f"{name} = {params[name]:.6g} is negative: the repulsion attracts (see --constraints)")
    sampled = factor.histograms.sampled_range("bond")
    if sampled and not sampled[0] <= params["r0"] <= sampled[1]:
        found.append(
            f"r0 = {params['r0']:.6g} Å is outside the sampled bond lengths {sampled[0]:.2f}..{sampled[1]:.2f} Å"
        )
    return tuple(found)
