"""What a fit is to be read with care for: values that physics does not allow, and frames that count twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcore.factor.block import counted_twice
from cgcore.physics.prior import Params

if TYPE_CHECKING:
    from cgcore.factor.factor import Factor


def unphysical_values(params: Params) -> tuple[str, ...]:
    """A sentence for each value that no force field can have, whatever it was fitted to."""
    found = []
    if params.get("kr", 1.0) <= 0:
        found.append(f"kr = {params['kr']:.6g} is not positive: bonds are not bound")
    for name in ("epsilon", "epsilon_ex"):
        if name in params and params[name] < 0:
            found.append(f"{name} = {params[name]:.6g} is negative: the repulsion attracts")
    return tuple(found)


def unphysical(params: Params, factor: Factor) -> tuple[str, ...]:
    """A sentence for each fitted value that makes no sense as a force field, and for each source given twice."""
    found = [f"{sentence} (see --constraints)" for sentence in unphysical_values(params)]
    sampled = factor.histograms.known("bond", factor.histograms.sampled_range("bond"))
    if sampled and "r0" in params and not sampled[0] <= params["r0"] <= sampled[1]:
        found.append(
            f"r0 = {params['r0']:.6g} Å is outside the sampled bond lengths {sampled[0]:.2f}..{sampled[1]:.2f} Å"
        )
    return (*found, *counted_twice(factor.blocks))
