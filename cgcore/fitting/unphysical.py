"""Warnings about a fit: unphysical values, and frames that count twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cgcore.factor.block import counted_twice
from cgcore.fitting.contacts import covers
from cgcore.physics.bases import Harmonic
from cgcore.physics.parametrisations import StrengthAndLength
from cgcore.physics.prior import Params
from cgcore.physics.term import Term

if TYPE_CHECKING:
    from cgcore.factor.factor import Factor


def unphysical_values(params: Params, terms: Sequence[Term]) -> tuple[str, ...]:
    """A sentence for each value that no force field can have, whatever the data.

    Arguments:
        params: parameters by name.
        terms: terms of the prior.
    """
    found = []
    if params.get("kr", 1.0) <= 0:
        found.append(f"kr = {params['kr']:.6g} is not positive: bonds are not bound")
    pairs = [term for term in terms if term.rows.pairs]
    for term in pairs:
        # If another term acts between the same beads, only the sum has to repel.
        alone = not any(covers(other.rows, term.rows) for other in pairs if other is not term)
        if alone and isinstance(term.parametrisation, StrengthAndLength):
            name = term.parametrisation.names[0]
            if params[name] < 0:
                found.append(f"{name} = {params[name]:.6g} is negative: the repulsion attracts")
    for term in terms:
        own = term.parametrisation is None and term.name in params
        if own and term.coordinate == "bond" and isinstance(term.basis, Harmonic):
            stiffness = np.reshape(params[term.name], (-1, term.basis.size))[:, 0]
            for label, kr in zip(term.group_labels, stiffness.tolist(), strict=True):
                if kr <= 0:
                    name = f"{term.name}[{label}].kr" if label else f"{term.name}.kr"
                    found.append(f"{name} = {kr:.6g} is not positive: these bonds are not bound")
    return tuple(found)


def unphysical(params: Params, factor: Factor) -> tuple[str, ...]:
    """A sentence for each unphysical fitted value, and for each source that was given twice."""
    found = [f"{sentence} (see --constraints)" for sentence in unphysical_values(params, factor.fingerprint.terms)]
    sampled = factor.histograms.known("bond", factor.histograms.sampled_range("bond"))
    if sampled and "r0" in params and not sampled[0] <= params["r0"] <= sampled[1]:
        found.append(
            f"r0 = {params['r0']:.6g} Å is outside the sampled bond lengths {sampled[0]:.2f}..{sampled[1]:.2f} Å"
        )
    return (*found, *counted_twice(factor.blocks))
