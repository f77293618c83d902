"""Constraints of terms of any kind, restated from raw frames: walls, barriers and contacts for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import cgcore
from cgcore.fitting.constraints import constraints
from cgcore.fitting.ground import Constraint
from validation import explicit
from validation.admissible import (
    BARRIER,
    CONTACT,
    FARTHEST,
    KT_PER_KELVIN,
    OVERLAP,
    OVERLAP_PART,
    OVERLAPPING,
    WALL,
    WIDTH,
)
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.explicit_terms import NEXT_CHAIN, functions, rows_of
from validation.explicit_terms import derivatives as derivatives_of
from validation.tolerances import relative

FRAMES, TEMPERATURE, DRAWS = 200, 310.0, 5
SAME, STATED = 1e-9, 1e-2
"""Tolerances relative to the bound: bonds and pairs at the same points (observed: 1e-16), angles and dihedrals on
another grid (observed: 1e-3)."""

EDGES = {"bond": np.linspace(2, 6, 401), "angle": np.linspace(0, np.pi, 181), "closest": np.linspace(0, 20, 401)}
"""Bins of the histograms that a factor keeps [Å or rad]."""

BEYOND, CORE, CORE_WIDTH = 2.0, 4.0, 0.5
STEPS = 20
"""Number of points at which splines are constrained; between them they are free, and random splines violate the
bounds."""
HELD = np.array([400.0])
"""Coefficient of the repulsion that is not fitted [kcal/mol Å⁴]."""

Stated = tuple[float, Callable[[dict[str, Array]], float]]
"""The size of a constraint's bound, and its smallest slack as a function of each term's coefficients (groups,
functions)."""


def _terms() -> tuple[cgcore.Term, ...]:
    bases, rows, types = cgcore.bases, cgcore.Rows, cgcore.Groups.of_species
    even = tuple(np.linspace(3.2, 4.4, 9).tolist())  # wider than the data: the outermost functions are not sampled
    turn = tuple(np.linspace(-np.pi, np.pi, 7).tolist())
    return (
        cgcore.Term("bond", rows("bonds"), bases.BSpline(even), 0.5, cgcore.Groups("terminal")),
        cgcore.Term("angle", rows("angles"), bases.Fourier(2), 0.25, types("central", (0, 1))),
        cgcore.Term("dihedral", rows("dihedrals"), bases.BSpline(turn, 3, "periodic"), 0.15),
        cgcore.Term("near", rows("pairs", 2), bases.Power(6), 0.7),
        cgcore.Term("far", rows("pairs", 4), bases.BSpline((4.0, 5.0, 6.5, 9.0), 3, "cutoff"), 0.9),
        cgcore.Term("held", rows("pairs", 3), bases.Power(4), 1.3),
    )


@check("walls", quick=True, needs=("scipy",))
def walls(context: Context) -> Iterator[Row]:
    """Constraints of splines, groups and several pair terms at once, one of them not fitted, from raw frames."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    terms = _terms()
    kinds = np.arange(R.shape[1]) % 2
    data = cgcore.from_arrays(R, F, species=np.tile(kinds, (len(R), 1)), accept_faults=True)
    prior = cgcore.default_prior().part([]).with_terms(terms[:-1])
    factor = cgcore.compress(data, cgcore.Fingerprint.of(prior))
    for pooled in (False, True):
        found = {one.name: one for one in constraints("safe", factor, TEMPERATURE, [(terms[-1], HELD)], pooled=pooled)}
        yield from _compared("pooled, " if pooled else "", found, _restated(R, terms, kinds, pooled), terms)
    yield from _same_groups(R[1:], F[1:], kinds)
    yield from _two_chains(R[1:], F[1:])  # so that no percentile falls between two bins
    yield from _beyond(R, F)
    yield from _signs(R, F, kinds)


def _signs(R: Array, F: Array, kinds: Array) -> Iterator[Row]:
    """Of the groups that act, the stiffnesses of bonds and the strengths of powers are not negative, and nothing else
    is constrained. No bead is of the third species."""
    types, far = cgcore.Groups.of_species("types", (0, 1, 2)), cgcore.Rows("pairs", 4)
    terms = (
        cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Fourier(1), 0.6),
        cgcore.Term("bond", cgcore.Rows("bonds"), cgcore.bases.Harmonic(), 0.5, cgcore.Groups("terminal")),
        cgcore.Term("contact", far, cgcore.bases.Power(6), 0.9, types),
        cgcore.Term("shape", far, cgcore.bases.Gaussian((6.0,), 1.0), 0.8),
    )
    data = cgcore.from_arrays(R, F, species=np.tile(kinds, (len(R), 1)), accept_faults=True)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(cgcore.default_prior().part([]).with_terms(terms)))
    found = constraints("nonnegative", factor, TEMPERATURE)
    # Coefficients are two of the angle, two for each of two groups of bonds, and one for each of six groups of pairs.
    acting = [2, 4, *(6 + n for n, label in enumerate(terms[2].group_labels) if "2" not in label)]
    normals, bounds = (np.concatenate([getattr(one, name) for one in found]) for name in ("normals", "bounds"))
    signs = [
        (int(np.flatnonzero(row)[0]), float(row.sum()), float(bound))
        for row, bound in zip(normals, bounds, strict=True)
    ]
    yield equal("signs, coefficients that are not negative", str(sorted(signs)), str([(k, 1.0, 0.0) for k in acting]))


def _same_groups(R: Array, F: Array, kinds: Array) -> Iterator[Row]:
    """Two terms with the same groups of pairs, and one for all pairs: which of their groups act on the same pairs."""
    types = cgcore.Groups.of_species("types", (0, 1))
    far, near = cgcore.Rows("pairs", 4), cgcore.Rows("pairs", 3)
    terms = (
        cgcore.Term("all", near, cgcore.bases.Power(6), 0.7),
        cgcore.Term("near", near, cgcore.bases.Power(4), 0.9, types),
        cgcore.Term("far", far, cgcore.bases.Power(8), 1.2, types),
    )
    data = cgcore.from_arrays(R, F, species=np.tile(kinds, (len(R), 1)), accept_faults=True)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(cgcore.default_prior().part([]).with_terms(terms)))
    found = [one.name for one in constraints("safe", factor, TEMPERATURE)]
    labels = ["-".join(f"species {kind}" for kind in pair) for pair in ((0, 0), (0, 1), (1, 1))]
    known: list[str] = []
    for own in (terms[1:2], terms[1:]):
        known += [" + ".join(["contact of all", *(f"contact of {t.name}[{one}]" for t in own)]) for one in labels]
    yield equal("same groups, constraints", "; ".join(sorted(found)), "; ".join(sorted(known)))


def _two_chains(R: Array, F: Array) -> Iterator[Row]:
    """Pairs within one chain, between two, near along a chain, and listed: which terms act on which of them."""
    half = R.shape[1] // 2
    sites = np.arange(R.shape[1]) + NEXT_CHAIN * (np.arange(R.shape[1]) >= half)
    rows = {
        "any": cgcore.Rows("pairs", 3),
        "within": cgcore.Rows("pairs", 3, chains="within"),
        "between": cgcore.Rows("pairs", 3, chains="between"),
        "next": cgcore.Rows("pairs", 2, 3),
        "third": cgcore.Rows("pairs", 3, 3, chains="within"),
        "one": cgcore.Rows("pairs", listed=((0, 4),)),
    }
    powers = range(3, 3 + len(rows))
    terms = tuple(
        cgcore.Term(name, own, cgcore.bases.Power(power), 1.0 + power / 10)
        for power, (name, own) in zip(powers, rows.items(), strict=True)
    )
    data = cgcore.from_arrays(R, F, chain=(sites >= NEXT_CHAIN).astype(int), accept_faults=True)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(cgcore.default_prior().part([]).with_terms(terms)))
    found = {one.name: one for one in constraints("safe", factor, TEMPERATURE)}
    pairs = {term: set(rows_of(term.rows, sites)) for term in terms}
    known: dict[str, Stated] = {}
    for own in terms:
        acting = [term for term in terms if pairs[term] >= pairs[own]]
        name, stated = _contact(R, sites, KT_PER_KELVIN * TEMPERATURE, own, acting, core=len(acting) > 1)
        known[name] = stated
    yield from _compared("two chains, ", found, known, terms)


def _compared(
    case: str, found: dict[str, Constraint], known: dict[str, Stated], terms: tuple[cgcore.Term, ...]
) -> Iterator[Row]:
    """Smallest slacks of random coefficients of all terms but the one that is not fitted."""
    fitted = [term for term in terms if term.name != "held"]
    yield equal(f"{case}constraints", "; ".join(sorted(found)), "; ".join(sorted(known)))
    rng, worst = np.random.default_rng(0), dict.fromkeys(known, 0.0)
    for _ in range(DRAWS):
        c = {t.name: rng.normal(size=(len(t.group_labels), t.basis.size)) * SCALE.get(t.name, 5.0) for t in fitted}
        flat = np.concatenate([np.ravel(c[term.name]) for term in fitted])
        for name, (unit, slack) in known.items():
            if name not in found:
                continue
            one = found[name]
            theirs = slack(c) / unit
            ours = float(np.min(one.normals @ flat - one.bounds)) / unit
            worst[name] = max(worst[name], abs(ours - theirs) / (1 + abs(theirs)))
    for name, off in worst.items():
        tolerance = SAME if name.startswith(("bond", "contact")) else STATED
        yield at_most(f"{case}{name}, as it is stated", off, tolerance, "of its bound")


def _beyond(R: Array, F: Array) -> Iterator[Row]:
    """Bonds beyond the bins of the histogram, of which one end of the range is known at most."""
    prior = cgcore.default_prior().part(["bond"])
    lengths = np.linalg.norm(np.diff(R, axis=1), axis=-1)
    for case, median, sign in (("longer than 6 Å", 6.0, -1.0), ("shorter than 2 Å", 2.0, 1.0)):
        scale = median / np.median(lengths)
        data = cgcore.from_arrays(scale * R, F, accept_faults=True)
        factor = cgcore.compress(data, cgcore.Fingerprint.of(prior))
        found = {one.name: one for one in constraints("safe", factor, TEMPERATURE)}
        known = _percentile(np.clip(scale * lengths, 2, 6), EDGES["bond"], 0.1 if sign < 0 else 99.9)
        yield equal(f"bonds {case}, least kr", str(found["kr"].bounds.tolist()), str([0.0]))
        yield equal(f"bonds {case}, constraints of r0", len(found["r0"].normals), 1)
        off = relative(found["r0"].normals[0], sign * np.array([known, -1.0]))
        yield at_most(f"bonds {case}, the end of the range that is known", off, SAME, "relative")


SCALE = {"near": 2e4, "far": 20.0}
"""Scale of random coefficients, for which pairs have a few kT at contact."""


def _percentile(values: Array, edges: Array, percent: float) -> float:
    """Percentile of values that are known only by their bins."""
    below = np.r_[0, np.cumsum(np.histogram(values, edges)[0])]
    return float(np.interp(percent / 100 * below[-1], below, edges))


def _restated(R: Array, terms: tuple[cgcore.Term, ...], kinds: Array, pooled: bool) -> dict[str, Stated]:
    """All constraints for these frames of whole chains, by name. Pooled groups share the range of all."""
    kT, beads = KT_PER_KELVIN * TEMPERATURE, R.shape[1]
    bond, angle, dihedral, near, far, held = terms
    known: dict[str, Stated] = {}

    def wall(term: cgcore.Term, group: int, values: Array, width: float | None) -> None:
        low, high = (_percentile(values, EDGES[term.coordinate], percent) for percent in (0.1, 99.9))
        w = high - low if width is None else width
        label = term.group_labels[group]
        for end, foot, sign in (("low", low, -1.0), ("high", high, 1.0)):
            last = foot + sign * BEYOND * w if width is None else np.pi if sign > 0 else 0.0
            x = np.linspace(foot, last, STEPS + 1 if width is None else 400)
            least = 2 * WALL * kT / w * np.minimum(np.abs(x - foot) / w, 1.0)
            slopes = sign * term.weight * derivatives_of(term.basis, x, {})

            def slack(c: dict[str, Array], G: Array = slopes, h: Array = least) -> float:
                return float(np.min(c[term.name][group] @ G - h))

            known[f"{term.coordinate} wall, {end} of {term.name}[{label}]"] = float(least.max()), slack

    lengths = np.linalg.norm(np.diff(R, axis=1), axis=-1)
    ends = np.isin(np.arange(beads - 1), (0, beads - 2))
    for group, part in enumerate((lengths[:, ~ends], lengths[:, ends])):
        wall(bond, group, lengths if pooled else part, None)
    local = np.stack([R[:, k : k + beads - 2] for k in range(3)], axis=2)
    angles = explicit.value("angle", local)
    for group in range(2):
        wall(angle, group, angles if pooled else angles[:, kinds[1:-1] == group], WIDTH)

    phi = np.linspace(-np.pi, np.pi, 720, endpoint=False)
    waves = dihedral.weight * functions(dihedral.basis, phi, {})
    waves -= waves.mean(axis=1, keepdims=True)
    most = BARRIER / 2 * kT
    known["dihedral barrier of dihedral"] = (
        most,
        lambda c: most - float(np.max(np.abs(c["dihedral"][0] @ waves))),
    )

    for name, stated in (
        _contact(R, np.arange(beads), kT, near, [near], core=False),
        _contact(R, np.arange(beads), kT, far, [near, far, held], core=True),
    ):
        known[name] = stated
    return known


def _contact(
    R: Array, sites: Array, kT: float, own: cgcore.Term, acting: list[cgcore.Term], core: bool
) -> tuple[str, Stated]:
    """The constraint of the pairs of a term, on all of which `acting` act, for chains whose beads have these sites."""
    pairs = np.array(rows_of(own.rows, sites))
    closest = np.linalg.norm(R[:, pairs[:, 0]] - R[:, pairs[:, 1]], axis=-1).min(axis=1)
    d = min(_percentile(closest, EDGES["closest"], 1.0), FARTHEST)
    x = d - np.linspace(0, 2 * CORE_WIDTH, STEPS + 1)
    rise = 2 * CORE * kT / CORE_WIDTH

    def slack(c: dict[str, Array]) -> float:
        given = {"held": HELD[None]} | c
        ends = np.array([d, min(OVERLAP, OVERLAP_PART * d)])
        at, over = np.sum([t.weight * given[t.name][0] @ functions(t.basis, ends, {}) for t in acting], axis=0)
        found = [float(at - CONTACT * kT)]
        if not core:
            found.append(float(over - OVERLAPPING * kT))
        else:
            slopes = sum(t.weight * given[t.name][0] @ derivatives_of(t.basis, x, {}) for t in acting)
            found.append(float(np.min(-slopes - rise * np.minimum((d - x) / CORE_WIDTH, 1.0))))
        return min(found)

    return " + ".join(f"contact of {t.name}" for t in acting), (rise if core else OVERLAPPING * kT, slack)
