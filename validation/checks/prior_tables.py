"""Priors, parameters, rows and histograms against tables: gauges, parts, existing rows, sampled ranges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

import cgcore
from cgcore import bases
from cgcore.factor.histogram import Histograms
from cgcore.fitting.fit import _with_bonds
from cgcore.physics.coefficients import Layout
from cgcore.physics.parametrisations import AmplitudesAndPhases, Stiffness, StrengthAndLength
from cgcore.physics.rows import chain_numbers
from validation.check import Row, at_most, check, equal, refusal
from validation.checks.fit_sentences import factor_of
from validation.context import Context, with_harmonics
from validation.splined import drawn
from validation.statuses import CONVERGED

MESSAGES = {
    "RUNNING": "still running",
    "GRADIENT": "gradient norm is below tol_grad",
    "PRECISION_FLOOR": "precision of the arithmetic",
    "LINE_SEARCH_FAILED": "line search failed",
    "MAX_STEPS": "stopped at max_steps",
    "NON_FINITE": "is not finite",
    "SUBOPTIMAL": "the exact optimum is lower",
    "SADDLE": "at no minimum",
    "CONSTRAINED": "converged under constraints",
}


@check("prior-tables", quick=True)
def prior_tables(context: Context) -> Iterator[Row]:
    """Tables of parameters and coefficients, of parts of priors, of rows, and of what a factor sampled."""
    yield from _gauges()
    yield from _parts()
    yield from _differences()
    yield from _statuses()
    yield from _rows()
    yield from _sampled()


def _gauges() -> Iterator[Row]:
    """Parameters of given coefficients, also where a coefficient does not determine them."""
    pi = np.pi
    phases = AmplitudesAndPhases(("k", "g")).params(
        np.array([3.0, 0.0, -2.0, -1.0, 4.0, 0.0, -0.0, 0.0]), {"k": np.ones(4), "g": np.array([0.1, 0.2, 0.3, 0.4])}
    )
    yield at_most("amplitudes", _off(phases["k"], [5.0, 0.0, 2.0, 1.0]), 1e-12)
    yield at_most("phases", _off(phases["g"], [np.arctan2(4.0, 3.0), 0.2, pi, pi]), 1e-12)
    stiff = Stiffness(("r", "k")).params(np.array([[2.0, 8.0], [0.0, 8.0], [-2.0, 8.0]]), {"r": 3.5, "k": 1.0})
    yield at_most("rest lengths", _off(stiff["r"], [4.0, 3.5, -4.0]), 1e-12)
    yield at_most("stiffnesses", _off(stiff["k"], [2.0, 0.0, -2.0]), 1e-12)
    for sigma, known in ((2.0, 3.0), (0.0, 0.5)):
        found = StrengthAndLength(("e", "s")).params(np.array([48.0]), {"e": 0.5, "s": sigma})
        yield at_most(f"strength at the length {sigma:g}", _off([found["e"], found["s"]], [known, sigma]), 1e-12)
    bonds = _with_bonds(np.array([0.0, 8.0, 5.0, 0.0, -4.0]), Layout(_springs()))
    tiny = float(np.finfo(float).eps)
    yield at_most("stiffnesses of 0", _off(bonds[:2] / [8 * tiny, 1.0], [1.0, 8.0]), 1e-12)
    for c in (-3.0, 2.0):
        kept = _with_bonds(np.array([c, 8.0, 5.0, 0.0, -4.0]), Layout(_springs()))
        yield equal(f"stiffnesses of {c:g}", str(kept[:3].tolist()), str([c, 8.0, 5.0]))
    yield at_most("the second stiffness of 0", _off(bonds[3:] / [4 * tiny, 1.0], [1.0, -4.0]), 1e-12)


def _off(found: Any, known: Any) -> float:
    """Largest difference between numbers of the same shape; infinite for others."""
    found, known = np.asarray(found, float).squeeze(), np.asarray(known, float).squeeze()
    return float(np.max(np.abs(found - known))) if found.shape == known.shape else np.inf


def _springs() -> tuple[cgcore.Term, ...]:
    """A parabola of bonds, a bell, and another parabola."""
    rows, bell = cgcore.Rows, bases.Gaussian((5.0,), 1.0)
    return (
        cgcore.Term("one", rows("bonds"), bases.Harmonic()),
        cgcore.Term("bell", rows("pairs", 3), bell),
        cgcore.Term("two", rows("bonds"), bases.Harmonic()),
    )


def _parts() -> Iterator[Row]:
    """Terms that are added, taken out, replaced by splines, and left."""
    prior = with_harmonics(cgcore.default_prior(), 2, 2)
    first, second, third = _springs()
    once = prior.with_terms([first], {"one": [2.0, 3.0]}, ["one"])
    twice = once.with_terms([second, third], {"two": [4.0, 5.0]}, ["bell"])
    yield equal("terms added twice", str([term.name for term in twice.further]), str(["one", "bell", "two"]))
    yield equal("terms frozen twice", str(sorted(twice.frozen)), str(["bell", "one"]))
    own = {name: twice.params[name].tolist() for name in ("one", "bell", "two")}
    yield equal("coefficients of added terms", str(own), str({"one": [2.0, 3.0], "bell": [0.0], "two": [4.0, 5.0]}))
    splined = replace(twice, splines=drawn().given)
    names = ["repulsive", "excluded_volume", "one", "bell", "two"]
    yield equal("linear terms beside splines", str([term.name for term in splined.linear]), str(names))
    for splines, known in ((False, ["dihedral", "bell"]), (True, ["bond", "angle", "dihedral", "bell"])):
        part = splined.part(["bell", "dihedral"], splines=splines)
        yield equal(f"part, splines {splines}", str([term.name for term in part.terms]), str(known))
        yield equal(f"part, splines {splines}, its splines", part.splines is not None, splines)
    other = replace(twice, params={**twice.params, "two": np.array([6.0, 7.0])}, carried={"theta0": 2.5})
    yield equal("without values, equal", other.without_values() == twice.without_values(), True)
    small = twice.without_excluded_volume()
    names = ["bond", "angle", "dihedral", "repulsive", "one", "bell", "two"]
    yield equal("without excluded volume", str([term.name for term in small.terms]), str(names))


def _differences() -> Iterator[Row]:
    """What is said of two factors that do not fit together: each property, with the value of either."""
    prior = with_harmonics(cgcore.default_prior(), 1, 1).part(["bond", "repulsive"])
    prior = replace(prior, weights=prior.weights._replace(bond=0.5))
    heavy = replace(prior, weights=prior.weights._replace(bond=0.75))
    here, boxed = cgcore.Fingerprint.of(prior), cgcore.Fingerprint.of(heavy, cgcore.periodic([20.0, 30.5, 40.0]).name)
    said = refusal(lambda: here.require(boxed, "these two")) or "accepted"
    known = "displacement: free against periodic 20 x 30.5 x 40 Å; weight of bond: 0.5 against 0.75"
    yield equal("factors that differ, who", said.partition(" were made")[0], "these two")
    parts = sorted(said.partition("together: ")[2].split("; "))
    yield equal("factors that differ, in what", "; ".join(parts), known)
    few = refusal(lambda: here.require(cgcore.Fingerprint.of(prior.part(["bond"])))) or "accepted"
    yield equal("factors with other terms", few.partition("together: ")[2], "terms: bond, repulsive against bond")


def _statuses() -> Iterator[Row]:
    """The sentence of each status."""
    for status in cgcore.Status:
        words = MESSAGES[status.name]
        yield equal(f"{status.name}, message", words if words in status.message else status.message, words)
        yield equal(f"{status.name}, converged", status.converged, status.name in CONVERGED)


def _rows() -> Iterator[Row]:
    """Rows of two chains, the second of which has a gap, by their sites; and the least number of beads."""
    sites = np.array([0, 1, 2, 3, 2000, 2001, 2005, 2006])
    chain = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    yield equal("chains", str(chain_numbers(sites, np).tolist()), str(chain.tolist()))
    pairs: list[tuple[str, Any, int]] = [
        ("any", cgcore.Rows("pairs", 2), 3),
        ("from 1 to 3", cgcore.Rows("pairs", 1, 3), 2),
        ("from 3 to 5, within", cgcore.Rows("pairs", 3, 5, "within"), 4),
        ("between", cgcore.Rows("pairs", 1, None, "between"), 2),
        ("within", cgcore.Rows("pairs", 2, None, "within"), 3),
    ]
    for case, rows, needs in pairs:
        i, j = rows.candidates(len(sites), True).T
        found = np.flatnonzero(rows.count(sites[i], sites[j], chain[i] != chain[j]))
        known = [
            (a, b)
            for a, b in combinations(range(len(sites)), 2)
            if rows.nearest <= sites[b] - sites[a] <= (rows.farthest or np.inf)
            and rows.chains in ("any", "within" if chain[a] == chain[b] else "between")
        ]
        yield equal(f"pairs {case}", str([(int(i[k]), int(j[k])) for k in found]), str(known))
        yield equal(f"pairs {case}, beads that they need", rows.needs, needs)
    listed = cgcore.Rows("angles", listed=((4, 2, 6), (0, 1, 2)))
    yield equal("listed rows, beads that they need", listed.needs, 7)
    yield equal("listed rows of six beads", str(listed.candidates(6, False).tolist()), str([[0, 1, 2]]))
    yield equal(
        "dihedrals of five beads",
        str(cgcore.Rows("dihedrals").candidates(5, False).tolist()),
        str([[0, 1, 2, 3], [1, 2, 3, 4]]),
    )


def _sampled() -> Iterator[Row]:
    """Ranges of histograms, ends that are not known, and sums of counts."""
    factor = factor_of(_springs(), (), {"bond": [150, 249, 249], "angle": [60]}, {"bell": np.array([[1, 2]])})
    one = factor.histograms
    wide = factor_of(
        _springs(), (), {"bond": [0, 399]}, {"bell": np.array([[3, 5]]), "two": np.array([[7]])}
    ).histograms
    cases = ((one, "bond", (3.5, 4.5)), (one, "angle", (np.pi / 3, 61 * np.pi / 180)), (wide, "bond", (2.0, 6.0)))
    for histograms, name, known in cases:
        yield at_most(f"{name}s from {known[0]:.2f}, range", _off(histograms.sampled_range(name), known), 1e-12)
    yield equal("no dihedrals, range", one.sampled_range("dihedral") is None, True)
    inf = np.inf
    for ends, known in (((2.0, 4.0), (-inf, 4.0)), ((3.0, 6.0), (3.0, inf)), ((2.01, 5.99), (2.01, 5.99))):
        yield equal(f"bonds from {ends[0]:g} to {ends[1]:g}, what is known", str(one.known("bond", ends)), str(known))
    yield equal("angles from 0, what is known", str(one.known("angle", (0.0, 3.0))), str((0.0, 3.0)))
    both = one + wide
    yield equal("sums, bonds", int(both.counts["bond"][249]) + int(both.counts["bond"].sum()), 2 + 5)
    groups = {name: counts.tolist() for name, counts in both.groups.items()}
    yield equal("sums, groups", str(groups), str({"bell": [[4, 7]], "two": [[7]]}))
    yield equal("no values", sum(int(x.sum()) for x in Histograms.empty().counts.values()), 0)
