"""The fingerprint of a factor: everything besides the data on which its numbers depend."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from cgcore.errors import InputError
from cgcore.physics.bases import Fourier
from cgcore.physics.coefficients import Layout
from cgcore.physics.prior import FITTED_EVER, MOST_COEFFICIENTS, Prior, Weights, standard_terms
from cgcore.physics.term import Term
from cgcore.physics.topology import RULE
from cgcore.plain import from_plain


@dataclass(frozen=True)
class Fingerprint:
    """What a factor depends on besides the data: terms, topology rule, units and displacement.

    Arguments:
        terms: terms of the prior, with their weights.
        displacement: "free", or the caller's name for another displacement.
        fixed: name of the forces that were subtracted from the reference forces beforehand; empty if there are none.
        topology: the rule that determines the rows of beads.
        units: units of the stored numbers.
    """

    terms: tuple[Term, ...]
    displacement: str = "free"
    fixed: str = ""
    topology: str = RULE
    units: str = "Å, kcal/mol, rad"

    @classmethod
    def of(cls, prior: Prior, displacement: str = "free") -> Fingerprint:
        """The fingerprint of factors made for this prior."""
        fixed = "" if prior.splines is None else f"splines {prior.splines.sha256}"
        return cls(prior.linear, displacement, fixed)

    @cached_property
    def layout(self) -> Layout:
        """The coefficients to which the columns of the factor belong."""
        return Layout(self.terms)

    def require(self, other: Fingerprint, what: str = "these factors") -> None:
        """Refuse a different fingerprint.

        Raises:
            InputError: the fingerprints differ; the message shows both values of each difference.
        """
        mine, theirs = self._flat(), other._flat()
        # A property that only one of them has belongs to a term or a basis that the other does not have.
        differing = [key for key in mine if key in theirs and mine[key] != theirs[key]]
        if differing:
            pairs = ((key, *(str(one[key]) or "nothing" for one in (mine, theirs))) for key in differing)
            shown = "; ".join(f"{key}: {one} against {other}" for key, one, other in pairs)
            raise InputError(f"{what} were made with different settings and can't be used together: {shown}")

    def _flat(self) -> dict[str, Any]:
        """Values that may differ, by name."""
        flat = json.loads(json.dumps(self.as_dict()))
        for term in flat["terms"]:
            flat |= {f"{key} of {term['name']}": value for key, value in term.items() if key != "name"}
        return flat | {"terms": ", ".join(term.name for term in self.terms)}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for files and messages."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {
            "terms": [term.as_dict() for term in self.terms]
        }

    @classmethod
    def from_dict(cls, plain: Any) -> Fingerprint:
        """The inverse of `as_dict`.

        Raises:
            TypeError: a key is missing or unknown, a value has the wrong type, or `plain` is not a dictionary.
            ValueError: a value is not allowed in a fingerprint.
        """
        if not isinstance(plain, dict) or not isinstance(plain.get("terms"), list):
            raise TypeError("the fingerprint has no terms")
        try:
            terms = tuple(Term.from_dict(term) for term in plain["terms"])
            if (size := Layout(terms).size) > MOST_COEFFICIENTS:  # before any array of this size is made
                raise ValueError(f"it has {size} coefficients")
            made = from_plain(cls, plain | {"terms": tuple(map(_known, terms))})
        except (InputError, KeyError, AttributeError) as error:
            raise ValueError(f"a term is damaged: {error}") from error
        if len({term.name for term in made.terms}) < len(made.terms):
            raise ValueError("two terms have one name")
        return made


def _known(term: Term) -> Term:
    """The term as the prior defines it, with the names of its coefficients, if it is one of the prior's five."""
    harmonics = term.basis.harmonics if isinstance(term.basis, Fourier) else 1
    params = {name: [0.0] * harmonics for name in FITTED_EVER}
    own = standard_terms(Weights(*(term.weight,) * 5), params)
    return next((one for one in own if one.as_dict() == term.as_dict()), term)
