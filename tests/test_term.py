"""Terms: sizes, names, plain values, refused combinations, and positions among a prior's coefficients."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import cgcore
from cgcore import InputError, Prior
from cgcore.physics.bases import BSpline, DebyeHueckel, Fourier, Gaussian, Harmonic, Power
from cgcore.physics.coefficients import Layout, to_params
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from validation.term_problems import few_terms, many_terms, prior_of

TERMS = (*few_terms(), *many_terms())


@pytest.mark.parametrize("term", TERMS, ids=lambda term: f"{term.name} {term.basis.kind}")
def test_plain_values_come_back(term: Term) -> None:
    found = Term.from_dict(json.loads(json.dumps(term.as_dict())))
    assert json.dumps(found.as_dict()) == json.dumps(term.as_dict())
    assert (found == term) == (term.basis.kind != "function")
    assert found.coefficient_names == term.coefficient_names


@pytest.mark.parametrize("term", TERMS, ids=lambda term: f"{term.name} {term.basis.kind}")
def test_sizes_names_and_shapes_agree(term: Term) -> None:
    assert term.size == len(term.coefficient_names) == len(set(term.coefficient_names)) == int(np.prod(term.shape))
    assert term.params == (term.name,)


def test_a_priors_coefficients_stand_term_by_term_and_group_by_group() -> None:
    prior = prior_of(few_terms())
    layout, c = Layout.of(prior), cgcore.to_coefficients(prior.params, terms=prior.terms)
    assert layout.size == prior.size == len(c) == len(layout.names)
    for term in prior.terms:
        np.testing.assert_array_equal(c[layout.slices[term.name]].reshape(term.shape), prior.params[term.name])
    back = to_params(c, prior.params, prior.terms)
    assert all(np.array_equal(back[name], value) for name, value in prior.params.items())
    assert layout.parabolas == (0, 2)  # the groups of the bonds
    assert layout.names[:4] == ("bond[inner].kr", "bond[inner].kr*r0", "bond[terminal].kr", "bond[terminal].kr*r0")


def with_terms(*terms: Term) -> Prior:
    return replace(cgcore.default_prior(), further=terms)


DISTANCES, ANGLES = Rows("pairs", 3), Rows("angles")
REFUSED: dict[str, tuple[Any, str]] = {
    "a name with a space": (lambda: Term("my term", Rows("pairs"), Power(4.0)), "'my term' is not a valid name"),
    "negative weight": (lambda: Term("t", DISTANCES, Power(4), -1.0), "weight"),
    "a weight that is NaN": (lambda: Term("t", DISTANCES, Power(4), float("nan")), "weight"),
    "cosines of distances": (lambda: Term("t", DISTANCES, Fourier(2)), "angles"),
    "a power of angles": (lambda: Term("t", ANGLES, Power(4)), "distances"),
    "a screened angle": (lambda: Term("t", ANGLES, DebyeHueckel(7.0)), "distances"),
    "an open spline of pairs": (lambda: Term("t", DISTANCES, BSpline((2.0, 5.0, 9.0))), "cutoff"),
    "an open spline of dihedrals": (lambda: Term("t", Rows("dihedrals"), BSpline((2.0, 5.0, 9.0))), "periodic"),
    "a spline of angles with a cut-off": (lambda: Term("t", ANGLES, BSpline((0.0, 1.0, 2.0), 3, "cutoff")), "open"),
    "two terms of one name": (
        lambda: with_terms(Term("t", ANGLES, Harmonic()), Term("t", DISTANCES, Power(4))),
        "already taken",
    ),
    "the name of a parameter": (lambda: with_terms(Term("kr", ANGLES, Harmonic())), "already taken"),
    "too many coefficients": (
        lambda: with_terms(
            Term(
                "t",
                DISTANCES,
                Gaussian(tuple(np.arange(100.0)), 1.0),
                1.0,
                Groups.of_species("types", range(10)),
            )
        ),
        "at most 4096",
    ),
    "a term that is not there is frozen": (
        lambda: replace(cgcore.default_prior(), frozen=frozenset({"t"})),
        "no term 't' to freeze",
    ),
    "coefficients of another shape": (
        lambda: replace(with_terms(Term("t", ANGLES, Harmonic())), params=cgcore.default_prior().params | {"t": [1.0]}),
        "shape",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    make, word = REFUSED[case]
    with pytest.raises(InputError, match=word):
        make()
