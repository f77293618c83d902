"""What a fit says about directions, terms without data, unphysical values and constraints; factors made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import cgcore
from cgcore import bases
from cgcore.constants import BOLTZMANN
from cgcore.factor.block import Block
from cgcore.factor.histogram import Histograms
from cgcore.fitting.constraints import constraints
from cgcore.fitting.identifiability import Direction, compact, identify
from cgcore.fitting.spectrum import Spectrum
from cgcore.fitting.unphysical import unphysical
from validation.check import Row, check, equal
from validation.context import Context, four_terms, with_harmonics

BEADS, FRAMES = 5, 4
TEMPERATURE = 310.0
EDGES = {
    "bond": np.linspace(2, 6, 401),
    "angle": np.linspace(0, np.pi, 181),
    "dihedral": np.linspace(-np.pi, np.pi, 181),
}
"""Bins of the histograms of a factor [Å, rad, rad]."""

PAIRS = np.linspace(0, 20, 401)
"""Bins of the distance of closest pairs [Å]."""


def factor_of(
    terms: Sequence[cgcore.Term],
    silent: Sequence[int] = (),
    sampled: Mapping[str, Sequence[int]] = {},
    groups: Mapping[str, np.ndarray] = {},
    beads: int = BEADS,
) -> cgcore.Factor:
    """A factor of one block.

    Arguments:
        terms: terms of the prior.
        silent: coefficients on which no force depends.
        sampled: bins of a coordinate that hold one value each.
        groups: counts of each group of a term.
        beads: number of beads in a chain.
    """
    fingerprint = cgcore.Fingerprint(tuple(terms))
    S = np.triu(np.ones((fingerprint.layout.size + 1,) * 2))
    S[:, list(silent)] = 0.0
    counts = {name: np.bincount(sampled.get(name, []), minlength=len(edges) - 1) for name, edges in EDGES.items()}
    block = Block(S, beads * FRAMES, FRAMES, "a.npz", "p", 0, "", np.array([[0, FRAMES]]), float(beads * FRAMES))
    return cgcore.Factor((block,), fingerprint, Histograms(counts, dict(groups)))


@check("fit-sentences", quick=True)
def fit_sentences(context: Context) -> Iterator[Row]:
    """Directions that are not fitted, terms without data, unphysical values, and constraints in words."""
    yield from _compact()
    yield from _named()
    yield from _identified()
    yield from _without_data()
    yield from _unphysical()
    yield from _constraints()


def _compact() -> Iterator[Row]:
    """Runs of harmonics, which are joined; other names stay as they are, after them."""
    cases = {
        "": "",
        "a_1 a_2 a_3": "a_1..a_3",
        "a_3 a_1": "a_1, a_3",
        "a_10 a_9 a_2": "a_2, a_9..a_10",
        "b_2 a_2 b_1 a_1": "a_1..a_2, b_1..b_2",
        "kr a_8 a_7 a_10": "a_7..a_8, a_10, kr",
        "turn.cos_1 x.a_1 kr*r0": "turn.cos_1, x.a_1, kr*r0",
    }
    for names, known in cases.items():
        yield equal(f"names '{names}' joined", compact(names.split()), known)


def _named() -> Iterator[Row]:
    """Coefficients with a tenth of the squared loading are named, or the first three of many small ones."""
    small = dict.fromkeys(["kr", "a_1", "a_2", "b_1", "b_2"], 0.3)
    cases: list[tuple[dict[str, float], bool, str]] = [
        ({"kr": -0.9, "a_1": 0.32, "a_2": 0.31}, True, "a_1, kr: weakly determined (relative singular value 2.5e-03)"),
        ({"a_1": -0.8, "a_2": 0.6}, False, "a_1..a_2: not determined (relative singular value 2.5e-03)"),
        (small, False, "a_1..a_2, kr, and others: not determined (relative singular value 2.5e-03)"),
    ]
    for loadings, resolved, known in cases:
        yield equal(f"direction of {', '.join(loadings)}", str(Direction(2.5e-3, resolved, loadings)), known)


def _identified() -> Iterator[Row]:
    """Directions of a spectrum made by hand: values, resolution, loadings, and the notes that follow from them."""
    prior = with_harmonics(cgcore.default_prior(), 2, 1)
    names = cgcore.Fingerprint(prior.terms).layout.names
    n = len(names)  # two of bonds, four of angles, two of dihedrals, and one of each kind of pairs
    V = np.eye(n)
    V[2] = np.eye(n)[5]
    V[4, [2, 4]] = 0.6, -0.8
    V[5, [2, 4, 5]] = -0.8, 0.57, 0.19
    V[6, 0] = 0.02
    values = np.array([1.0, 0.9, 0.011, 0.5, 0.3, 0.009, 1e-4, 1e-15, 0.0, 0.2])
    kept = np.array([True, True, False, True, True, False, False, False, False, True])
    known = Spectrum(values, np.zeros((n + 1, n)), V, np.zeros((n, n)), BEADS * FRAMES)
    bins = [100, 101, 119]
    for sampled in (bins, []):
        found = identify(factor_of(prior.terms, [8], {"angle": sampled}), known, kept)
        case = "angles" if sampled else "no angles"
        shown = [(one.singular_value, one.resolved, list(one.loadings)) for one in found.left]
        wanted = [
            (0.011, True, ["b_2"]),
            (0.009, True, ["a_1", "b_1", "b_2"]),
            (1e-4, True, [names[6]]),
            (1e-15, False, [names[7]]),
        ]
        yield equal(f"{case}, directions that are not fitted", str(shown), str(wanted))
        yield equal(f"{case}, directions that float64 resolves", found.resolved, 8)
        yield equal(f"{case}, directions that are kept", str(found.kept), str(kept.tolist()))
        yield equal(f"{case}, values", str(found.singular_values), str(values.tolist()))
        notes = ["epsilon_ex and sigma_ex enter only as epsilon_ex*sigma_ex^4: sigma_ex is as given"]
        if sampled:
            notes.append("a_1, b_1 nearly dependent over the sampled angles 100..120 degrees")
        yield equal(f"{case}, notes", "; ".join(found.notes), "; ".join(notes))
    found = identify(factor_of(prior.terms, [9]), known, kept)
    scale = "epsilon and sigma enter only as epsilon*sigma^4: sigma is as given, epsilon carries the scale"
    yield equal("repulsion alone, notes", "; ".join(found.notes), scale)


def _without_data() -> Iterator[Row]:
    """Terms on which no force depends, and why."""
    rows, groups = cgcore.Rows, cgcore.Groups.of_species("central", (0, 1))
    turn = cgcore.Term("turn", rows("dihedrals"), bases.Gaussian((0.5,), 1.0))
    kinds = cgcore.Term("kinds", rows("angles"), bases.Gaussian((1.5, 2.0), 0.3), 1.0, groups)
    off = cgcore.Term("off", rows("dihedrals"), bases.Gaussian((0.5,), 1.0), 0.0)
    far = cgcore.Term("far", rows("pairs", 5), bases.Power(4))
    listed = cgcore.Term("listed", rows("pairs", listed=((0, 4),)), bases.Power(4))
    straight = "its forces are 0 in every frame, as in chains that are exactly straight"
    none = "no frame has such rows of beads"
    cases: list[tuple[str, cgcore.Term, list[int], int, dict[str, str]]] = [
        ("dihedrals, with forces", turn, [], 4, {}),
        ("dihedrals of four beads", turn, [0], 4, {"turn": straight}),
        ("dihedrals of three beads", turn, [0], 3, {"turn": "no chain has the 4 beads that it needs"}),
        ("dihedrals of weight 0", off, [0], 3, {"off": "its weight is 0"}),
        ("pairs of six beads", far, [0], 6, {"far": straight}),
        ("pairs of five beads", far, [0], 5, {"far": "no chain has the 6 beads that it needs"}),
        ("a listed pair", listed, [0], 5, {"listed": none}),
        ("a listed pair of longer chains", listed, [0], 4, {"listed": "no chain has the 5 beads that it needs"}),
        ("both groups", kinds, [0, 1, 2, 3], 5, {"kinds": none}),
        ("the second group", kinds, [2, 3], 5, {"kinds[species 1]": none}),
        ("the first group", kinds, [0, 1], 5, {"kinds[species 0]": none}),
        ("half of a group", kinds, [1], 5, {}),
    ]
    for case, term, silent, beads, wanted in cases:
        n = term.size
        free = Spectrum(np.ones(n), np.zeros((n + 1, n)), np.eye(n), np.eye(n), 1.0)
        found = identify(factor_of([term], silent, beads=beads), free, np.ones(n, bool))
        yield equal(f"{case}, without data", str(found.without_data), str(wanted))


def _unphysical() -> Iterator[Row]:
    """Values that no force field can have, at either side of their limits; bins of bond lengths from 3.5 to 4.5 Å."""
    base = with_harmonics(four_terms(cgcore.default_prior()), 1, 1)
    remedy = "(see --constraints)"
    inside, sampled = [150, 249], "is outside the sampled bond lengths"
    cases: list[tuple[str, dict[str, float], list[int], str]] = [
        ("ordinary values", {}, inside, ""),
        ("kr 0", {"kr": 0.0}, inside, f"kr = 0 is not positive: bonds are not bound {remedy}"),
        ("kr tiny", {"kr": 1e-9}, inside, ""),
        ("epsilon 0", {"epsilon": 0.0}, inside, ""),
        ("epsilon -1", {"epsilon": -1.0}, inside, f"epsilon = -1 is negative: the repulsion attracts {remedy}"),
        ("r0 3.4", {"r0": 3.4}, inside, f"r0 = 3.4 Å {sampled} 3.50..4.50 Å"),
        ("r0 4.6", {"r0": 4.6}, inside, f"r0 = 4.6 Å {sampled} 3.50..4.50 Å"),
        ("r0 4.6, bonds beyond the bins", {"r0": 4.6}, [150, 399], ""),
        ("r0 1, bonds below the bins", {"r0": 1.0}, [0, 249], ""),
        ("r0 5, bonds below the bins", {"r0": 5.0}, [0, 249], f"r0 = 5 Å {sampled} -inf..4.50 Å"),
        ("no bonds", {"r0": 99.0}, [], ""),
    ]  # fmt: skip
    for case, values, bins, wanted in cases:
        params: dict[str, Any] = dict(base.params) | {name: np.array(value) for name, value in values.items()}
        found = unphysical(params, factor_of(base.terms, (), {"bond": bins}))
        yield equal(f"{case}, warnings", "; ".join(found), wanted)


def _constraints() -> Iterator[Row]:
    """Names and conditions, with numbers in which a user would find a wrong range, weight or temperature."""
    rows, kT = cgcore.Rows, BOLTZMANN * TEMPERATURE
    prior = with_harmonics(four_terms(cgcore.default_prior()), 1, 1)
    ends = cgcore.Groups("terminal")
    springs = cgcore.Term("springs", rows("bonds"), bases.Harmonic(), 0.5, ends)
    close = cgcore.Term("close", rows("pairs", 4), bases.Gaussian((5.0,), 1.0), 0.9)
    (low, high), (first, last), apart = (3.7, 3.9), (100.0, 140.0), 5.1
    stiff = kT / _width(low, high) ** 2
    counts = {"bond": range(170, 190), "angle": range(100, 140), "dihedral": range(180)}
    closest = np.bincount([102], minlength=len(PAIRS) - 1)[None]
    groups = {"springs": np.array([_filled(170, 190), _filled(160, 200)]), "repulsive": closest, "close": closest}
    at = apart + 0.01 * 0.05  # the first percentile of a bin of 0.05 Å
    wide = kT / _width(3.6, 4.0) ** 2 / 0.5
    bound = "kcal/mol/Å²: bonds fluctuate by less than the sampled range"
    from_, to = first + 0.04, last - 0.04  # a tenth of a percent of 40 degrees
    wall = f"by 4 kT ({4 * kT:.3g} kcal/mol) in the first 10°"
    near = f"of at least 1 kT ({kT:.3g} kcal/mol) at {at:.2f} Å, the closest sampled approach"
    rising = ", rising by 4 kT in the first 0.5 Å below it"
    wanted = {
        "kr": f"kr at least {stiff / prior.weights.bond:.3g} {bound}",
        "r0": "r0 within the sampled bond lengths, 3.70 to 3.90 Å",
        "angle wall, low": f"angle potential rises below {from_:.1f}°, {wall}",
        "angle wall, high": f"angle potential rises above {to:.1f}°, {wall}",
        "dihedral barrier": f"dihedral potential within 10 kT ({10 * kT:.3g} kcal/mol) of its mean",
        "kr of springs[inner]": f"kr at least {stiff / 0.5:.3g} {bound}",
        "r0 of springs[inner]": "r0 within the sampled bond lengths, 3.70 to 3.90 Å",
        "kr of springs[terminal]": f"kr at least {wide:.3g} {bound}",
        "r0 of springs[terminal]": "r0 within the sampled bond lengths, 3.60 to 4.00 Å",
        "repulsion + contact of close": f"together repulsion + contact of close {near}{rising}",
        "contact of close": f"contact of close {near}{rising}",
    }  # fmt: skip
    every = prior.with_terms([springs, close]).terms
    found = {one.name: one.text for one in constraints("safe", factor_of(every, (), counts, groups), TEMPERATURE)}
    yield equal("constraints, names", ", ".join(sorted(found)), ", ".join(sorted(wanted)))
    for name, text in wanted.items():
        yield equal(f"constraint {name}", found.get(name, "missing"), text)
    alone = constraints("safe", factor_of(prior.terms, (), counts, groups), TEMPERATURE)
    overlap = f"{near}, and of at least 13 kT at 3.00 Å, where beads overlap"
    yield equal("repulsion alone", alone[-1].text, f"repulsion {overlap}")
    far = {**groups, "repulsive": np.bincount([190], minlength=len(PAIRS) - 1)[None]}
    text = constraints("safe", factor_of(prior.terms, (), counts, far), TEMPERATURE)[-1].text
    yield equal("repulsion in long chains", "at 6.00 Å, contact, which the data do not sample" in text, True)
    beyond = constraints("safe", factor_of(prior.terms, (), {**counts, "bond": [180, 399]}, groups), TEMPERATURE)
    texts = [one.text for one in beyond if one.name in ("kr", "r0")]
    unknown = "kr not negative; how far bonds fluctuate is not known, as some are beyond 2 to 6 Å"
    yield equal("bonds beyond the bins", texts[0], unknown)
    yield equal("bonds beyond the bins, r0", texts[1].split(", ")[1], "3.80 to inf Å")
    signs = constraints("nonnegative", factor_of(every, (), counts, groups), TEMPERATURE)
    known = ["epsilon", "kr", "springs[inner]", "springs[terminal]"]
    yield equal("signs, names", ", ".join(sorted(one.name for one in signs)), ", ".join(known))
    texts = [f"{name} not negative" for name in known]
    yield equal("signs, conditions", ", ".join(sorted(one.text for one in signs)), ", ".join(texts))


def _filled(start: int, stop: int) -> np.ndarray:
    """Bond lengths with one value in each of these bins."""
    return np.bincount(range(start, stop), minlength=len(EDGES["bond"]) - 1)


def _width(low: float, high: float) -> float:
    """The central 99.8 % of values spread evenly from `low` to `high`."""
    return 0.998 * (high - low)
