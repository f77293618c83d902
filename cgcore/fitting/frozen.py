"""Frozen terms: their forces are subtracted from the reference forces, exactly and in the factor.

With separate columns for frozen and free terms, X c - F = X_free c_free - (F - X_frozen c_frozen). The same holds for a
factor: the frozen columns times their coefficients are subtracted from its last column, followed by QR.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle, design, target, triangle
from cgcore.fitting.ground import Held
from cgcore.physics.coefficients import Layout, to_coefficients, to_params
from cgcore.physics.prior import Params, Prior


@dataclass(frozen=True)
class Freedom:
    """The fitted and the frozen part of a prior.

    Arguments:
        prior: the whole prior.
        free: the prior of the fitted terms.
        fixed: the frozen terms, each with its coefficients.
    """

    prior: Prior
    free: Prior
    fixed: tuple[Held, ...]

    @classmethod
    def of(cls, prior: Prior) -> Freedom:
        """Split a prior into fitted and frozen terms.

        Raises:
            InputError: all terms are frozen.
        """
        names = [term.name for term in prior.linear if term.name not in prior.frozen]
        if not names:
            raise InputError("there is nothing to fit because all terms are frozen; unfreeze at least one")
        if len(names) == len(prior.terms):
            return cls(prior, prior, ())
        layout = Layout.of(prior)
        c = to_coefficients(prior.params, terms=layout.terms)
        fixed = tuple((term, c[layout.slices[term.name]]) for term in layout.terms if term.name not in names)
        return cls(prior, prior.part(names), fixed)

    def factor(self, factor: Factor) -> Factor:
        """The factor of the free terms, for the reference forces minus the forces of the frozen terms."""
        if not self.fixed:
            return factor
        layout = factor.fingerprint.layout
        c, free = np.zeros(layout.size), np.ones(layout.size, bool)
        for term, own in self.fixed:
            c[layout.slices[term.name]] = own
            free[layout.slices[term.name]] = False

        def reduced(S: Triangle) -> Float[np.ndarray, "k k"]:
            return triangle(np.column_stack([design(S)[:, free], target(S) - design(S) @ c]))

        blocks = tuple(replace(block, S=reduced(block.S)) for block in factor.blocks)
        fingerprint = replace(factor.fingerprint, terms=self.free.terms)
        return replace(factor, blocks=blocks, fingerprint=fingerprint)

    def params(self, c: Coefficients) -> Params:
        """All parameters of the prior, with those of the free terms from the coefficients c."""
        own = {name: self.prior.params[name] for name in self.free.params}
        return dict(self.prior.params) | to_params(c, own, self.free.terms)

    def coefficients(self, params: Params) -> Coefficients:
        """The coefficients of the free terms."""
        return to_coefficients(params, terms=self.free.terms)

    def held(self) -> Prior | None:
        """The prior of the frozen terms, splines included; None if all terms are fitted."""
        if self.free is self.prior:
            return None
        return self.prior.part((term.name for term, _ in self.fixed), splines=True)
