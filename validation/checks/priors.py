"""Priors that are made from others: what stays the same, and which of them are equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import jax.numpy as jnp
import numpy as np

import cgcore
from validation.check import Row, check, equal
from validation.context import Context, distinct, five_terms, with_harmonics
from validation.splined import drawn


@check("priors", quick=True)
def priors(context: Context) -> Iterator[Row]:
    """Priors with more terms, without one, or with other values keep the rest, and differ where a field differs."""
    prior = replace(
        with_harmonics(five_terms(distinct(context.prior)), 2, 2),
        frozen=frozenset({"bond", "repulsive"}),
        carried={"theta0": 2.1},
    )
    ends = cgcore.Term("ends", cgcore.Rows("angles"), cgcore.bases.Fourier(2), 0.7, cgcore.Groups("terminal"))
    more = prior.with_terms([ends], {"ends": [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]})
    yield from _kept(replace(more, frozen=prior.frozen))
    yield from _equal(prior)


def _kept(prior: cgcore.Prior) -> Iterator[Row]:
    salt = cgcore.Term("salt", cgcore.Rows("pairs", 3), cgcore.bases.DebyeHueckel(6.0))
    made = {
        "more terms": prior.with_terms([salt], {"salt": [9.0]}, frozen=["angle"]),
        "a term replaced": prior.with_terms([replace(salt, name="excluded_volume")]),
        "all parameters 1": prior.without_values(),
        "no excluded volume": prior.without_excluded_volume(),
        "a part": prior.part(["bond", "ends"]),
    }
    names = [term.name for term in prior.terms]
    terms = {
        "more terms": [*names, "salt"],
        "a term replaced": [*(name for name in names if name != "excluded_volume"), "excluded_volume"],
        "all parameters 1": names,
        "no excluded volume": [name for name in names if name != "excluded_volume"],
        "a part": ["bond", "ends"],
    }
    frozen = {"more terms": prior.frozen | {"angle"}, "a part": frozenset()}
    for case, other in made.items():
        yield equal(f"{case}, terms", str([term.name for term in other.terms]), str(terms[case]))
        yield equal(f"{case}, frozen", str(sorted(other.frozen)), str(sorted(frozen.get(case, prior.frozen))))
        mine, theirs = ({term.name: term for term in one.terms} for one in (prior, other))
        changed = [name for name in mine.keys() & theirs.keys() if mine[name] != theirs[name]]
        expected = ["excluded_volume"] if case == "a term replaced" else []
        yield equal(f"{case}, terms that differ", str(changed), str(expected))
        known = {name: np.ones_like(x) if case == "all parameters 1" else x for name, x in prior.params.items()}
        differing = [name for name, x in other.params.items() if name in known and not np.array_equal(x, known[name])]
        yield equal(f"{case}, parameters that differ", str(sorted(differing)), "[]")
        carried = {} if case in ("all parameters 1", "a part") else dict(prior.carried)
        yield equal(f"{case}, what is only carried", str(dict(other.carried)), str(carried))
    yield equal("more terms, their coefficients", str(made["more terms"].params["salt"].tolist()), "[9.0]")


def _equal(prior: cgcore.Prior) -> Iterator[Row]:
    splines = drawn().given
    softer = splines.bond._replace(coefficients=splines.bond.coefficients + 1e-6)
    splined = replace(prior, splines=splines)
    others = {
        "weights": replace(prior, weights=prior.weights._replace(bond=0.3)),
        "params": replace(prior, params=prior.params | {"kr": prior.params["kr"] + 1e-6}),
        "carried": replace(prior, carried={"theta0": 2.2}),
        "splines": splined,
        "frozen": replace(prior, frozen=frozenset({"bond"})),
    }
    # Programs compiled for one of two equal priors are used for both.
    yield equal("a copy, equal", (replace(prior), hash(replace(prior))) == (prior, hash(prior)), True)
    yield equal("equal although a field differs", ", ".join(name for name, one in others.items() if one == prior), "")
    other = replace(prior, splines=replace(splines, bond=softer))
    yield equal("equal although the splines differ", other == splined, False)
    yield equal("equal with the same splines", replace(prior, splines=drawn().given) == splined, True)
    bases = cgcore.bases
    changed = {
        "harmonics": (bases.Fourier(2), bases.Fourier(3)),
        "power": (bases.Power(4), bases.Power(4.5)),
        "length": (bases.DebyeHueckel(6.0), bases.DebyeHueckel(6.5)),
        "centre": (bases.Gaussian((3.0, 4.0), 1.0), bases.Gaussian((3.0, 4.5), 1.0)),
        "width": (bases.Gaussian((3.0, 4.0), 1.0), bases.Gaussian((3.0, 4.0), 1.5)),
        "knot": (bases.BSpline((3.0, 4.0, 5.0)), bases.BSpline((3.0, 4.5, 5.0))),
        "degree": (bases.BSpline((3.0, 4.0, 5.0), 2), bases.BSpline((3.0, 4.0, 5.0), 3)),
        "end": (bases.BSpline((3.0, 4.0, 5.0), 3, "cutoff"), bases.BSpline((3.0, 4.0, 5.0), 3, "open")),
        "function": tuple(bases.Function("own", 1, lambda x, k=k: jnp.cos(k * x)[None]) for k in (1, 2)),
        "title": tuple(bases.Function(title, 1, jnp.atleast_1d) for title in ("own", "another")),
    }
    yield equal(
        "bases that are equal although one number differs", ", ".join(n for n, (a, b) in changed.items() if a == b), ""
    )
    yield equal("the same bases, made again", bases.Gaussian((3.0,), 1.0) == bases.Gaussian((3.0,), 1.0), True)
