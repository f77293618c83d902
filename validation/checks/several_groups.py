"""Terms, groups, units, files and frames of which none is special, in what is computed from a factor, in the precision
of a prior, in the direct objective, and in the judgement of forces; results in NumPy, or as literals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import numpy as np
from scipy.linalg import null_space

import cgcore
from cgcore import bases
from cgcore.factor.block import Block
from cgcore.factor.histogram import Histograms
from cgcore.fitting import direct as direct_objective
from cgcore.fitting.identifiability import identify
from cgcore.fitting.pooling import pooling_rows
from cgcore.fitting.roughness import data_bending, roughness_of
from cgcore.fitting.smoothing import smoothing
from cgcore.fitting.spectrum import Spectrum, centring
from cgcore.fitting.unphysical import unphysical_values
from cgcore.judging.precision import float32_error
from cgcore.judging.units import factor_between
from cgcore.physics.space import free
from validation.check import Row, at_most, check, equal
from validation.checks.fit_sentences import factor_of
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import Wanted, changed, equilibrium, findings, of
from validation.tolerances import relative

EXACT, SMALLEST = 1e-12, 1e-9
"""Tolerances of the same small sums in another order, and of eigenvalues computed in another way (observed: 1e-13)."""

LABELS = ("x", "y", "z")
THREE = cgcore.Groups("central", LABELS, (0, 1, 2))
"""Three groups of rows."""


@check("several-groups", quick=True)
def several_groups(context: Context) -> Iterator[Row]:
    """Several terms, groups, units, files and frames, of which none is special."""
    yield from _roughness()
    yield from _smoothing()
    yield from _centring()
    yield from _pooling()
    yield from _identified()
    yield from _unphysical()
    yield from _precision()
    yield from _units()
    yield from _repeated()
    yield from _loaded()


def _invented(terms: tuple[cgcore.Term, ...], silent: tuple[int, ...] = ()) -> cgcore.Factor:
    """A factor with any numbers, on which the coefficients `silent` have no effect."""
    factor = factor_of(terms, silent)
    rng = np.random.default_rng(len(terms))
    block = replace(factor.blocks[0], S=np.triu(rng.normal(size=factor.S.shape)) * (factor.S != 0))
    return cgcore.Factor((block,), factor.fingerprint, factor.histograms)


SERIES = (
    cgcore.Term("one", cgcore.Rows("angles"), bases.Fourier(2), 0.5, THREE),
    cgcore.Term("two", cgcore.Rows("dihedrals"), bases.Fourier(3), 0.25),
    cgcore.Term("three", cgcore.Rows("angles"), bases.Fourier(1), 2.0),
)
CURVATURES = np.concatenate([np.tile([1.0, 4], 6) * 0.5, np.tile([1.0, 4, 9], 2) * 0.25, [2.0, 2.0]]) / np.sqrt(2)
"""w n² / sqrt(2) of each coefficient of `SERIES`."""


def _roughness() -> Iterator[Row]:
    """Roughness of Fourier series, and the rows of those of which only some coefficients, or none, have data."""
    c = np.random.default_rng(0).normal(size=len(CURVATURES))
    found = roughness_of(_invented(SERIES))(c)
    yield at_most("roughness of three terms", relative(found, np.linalg.norm(CURVATURES * c)), EXACT, "relative")
    D = data_bending(_invented(SERIES, (1, *range(4, 8), 12, 13)))
    some = np.where(np.isin(np.arange(len(c)), range(4, 8)), 0, CURVATURES)
    yield at_most("squared roughness with data", relative(D.T @ D, np.diag(some**2)), EXACT, "relative")


def _smoothing() -> Iterator[Row]:
    """The unit of the penalty of each kind: the largest ratio of the curvature of the loss to that of the roughness,
    beyond what straight potentials of all terms explain."""
    knots = tuple(np.linspace(0, np.pi, 5).tolist())
    terms = (
        cgcore.Term("one", cgcore.Rows("angles"), bases.BSpline(knots), 0.5),
        cgcore.Term("bonds", cgcore.Rows("bonds"), bases.BSpline((3.0, 3.5, 4.0)), 1.0),
        cgcore.Term("two", cgcore.Rows("angles"), bases.BSpline(knots), 0.7, cgcore.Groups("terminal")),
    )
    factor = _invented(terms)
    A, spans = factor.S[:, :-1] / np.sqrt(factor.beads), {"angles": [], "bonds": []}
    straight, at = [], 0
    for term in terms:
        for _ in term.group_labels:
            rows, own = term.weight * term.basis.bending(), A[:, at : at + term.basis.size]
            straight.append(own @ null_space(rows, rcond=1e-9))
            spans[term.rows.kind].append(own @ np.linalg.pinv(rows, rcond=1e-9))
            at += term.basis.size
    N = np.hstack(straight)
    units = smoothing(factor, 1.0, np.zeros(at)).units
    for kind, parts in spans.items():
        Z = np.hstack(parts)
        Z = Z - N @ np.linalg.lstsq(N, Z, rcond=None)[0]
        yield at_most(f"unit of {kind}", relative(units[kind], np.linalg.norm(Z, 2) ** 2), SMALLEST, "relative")


def _centring() -> Iterator[Row]:
    """Columns of three stiffnesses, each orthogonal to the next column; those of equal bond lengths become 0."""
    A = np.random.default_rng(0).normal(size=(9, 7))
    found, centred = centring(A, 3.0, (0, 2, 5))
    wanted = A.copy()
    for k in (0, 2, 5):
        wanted[:, k] -= A[:, k + 1] * (A[:, k] @ A[:, k + 1]) / (A[:, k + 1] @ A[:, k + 1])
    yield at_most("centred columns", relative(found, wanted), EXACT, "relative")
    c = np.random.default_rng(1).normal(size=(7, 2))
    yield at_most("forces in centred columns", relative(A @ centred.coefficients(c), wanted @ c), EXACT, "relative")
    for k, length in ((0, 3.71), (2, 3.83), (5, 3.97)):
        A[:, k] = length * A[:, k + 1]
    zero = [k for k, column in enumerate(centring(A, 3.0, (0, 2, 5))[0].T) if not column.any()]
    yield equal("columns of bonds of equal length", str(zero), "[0, 2, 5]")


def _pooling() -> Iterator[Row]:
    """The pooling penalty of two terms with groups, between one without groups and one without data."""
    terms = (
        cgcore.Term("free", cgcore.Rows("angles"), bases.Fourier(1)),
        cgcore.Term("silent", cgcore.Rows("angles"), bases.Fourier(1), 1.0, cgcore.Groups("terminal")),
        cgcore.Term("one", cgcore.Rows("angles"), bases.Fourier(1), 1.0, THREE),
        cgcore.Term("two", cgcore.Rows("dihedrals"), bases.Fourier(1), 1.0, cgcore.Groups("terminal")),
    )
    factor = _invented(terms, tuple(range(2, 6)))
    A, expected = factor.S[:, :-1] / np.sqrt(factor.beads), 0.0
    c = np.random.default_rng(0).normal(size=A.shape[1])
    for start, groups in ((6, 3), (12, 2)):
        own = [slice(start + 2 * g, start + 2 * g + 2) for g in range(groups)]
        M = sum(A[:, one].T @ A[:, one] for one in own)
        forces = np.array([np.sum(A[:, one] ** 2) for one in own])
        shared = sum(share * c[one] for share, one in zip(forces / forces.sum(), own, strict=True))
        expected += sum((c[one] - shared) @ M @ (c[one] - shared) for one in own) / groups
    found = np.sum((pooling_rows(factor) @ c) ** 2)
    yield at_most("pooling of two terms", relative(found, expected), EXACT, "relative")


def _identified() -> Iterator[Row]:
    """Dihedrals without forces in chains of which only the second has one; directions that are nearly dependent."""
    term = cgcore.Term("turn", cgcore.Rows("dihedrals"), bases.Gaussian((0.5,), 1.0))
    blocks = tuple(
        Block(np.zeros((2, 2)), beads * frames, frames, "a.npz", "p", k, "", np.array([[0, frames]]), 1.0)
        for k, (beads, frames) in enumerate(((3, 2), (4, 5), (3, 9)))
    )
    factor = cgcore.Factor(blocks, cgcore.Fingerprint((term,)), Histograms.empty())
    free_of = Spectrum(np.ones(1), np.zeros((2, 1)), np.eye(1), np.eye(1), 1.0)
    found = identify(factor, free_of, np.ones(1, bool)).without_data
    straight = "its forces are 0 in every frame, as in chains that are exactly straight"
    yield equal("dihedrals of the longest chain", str(found), str({"turn": straight}))

    angles = cgcore.Term("bend", cgcore.Rows("angles"), bases.Gaussian((1.0, 1.5, 2.0, 2.5), 0.3))
    values = np.array([1.0, 1e-3, 1e-4, 1e-5])
    known = Spectrum(values, np.zeros((5, 4)), np.eye(4), np.eye(4), 1.0)
    factor = factor_of((angles,), sampled={"angle": range(60, 90)})
    notes = identify(factor, known, values > 1e-3).notes
    names = ", ".join(angles.coefficient_names[1:])
    yield equal("weak directions", "; ".join(notes), f"{names} nearly dependent over the sampled angles 60..90 degrees")


def _unphysical() -> Iterator[Row]:
    """Stiffnesses of several groups, and repulsions that attract, one of which another potential may outweigh."""
    near, far = (term for term in cgcore.default_prior().terms if term.rows.pairs)
    springs = cgcore.Term(
        "springs", cgcore.Rows("bonds"), bases.Harmonic(), 1.0, cgcore.Groups("types", ("x", "y"), (0, 1))
    )
    one, two = replace(near, rows=cgcore.Rows("pairs", 4, 5)), replace(far, rows=cgcore.Rows("pairs", 6, 7))
    params = {"epsilon": np.array(-1.0), "epsilon_ex": np.array(-2.0)}
    stiff = np.array([[1.0, 3.8], [-1, 3.8], [0, 3.8], [2, 3.8]])[: len(springs.group_labels)]
    found = unphysical_values(params | {"springs": stiff}, (one, two, springs))
    attracts = [f"{name} is negative: the repulsion attracts" for name in ("epsilon = -1", "epsilon_ex = -2")]
    labels = springs.group_labels
    loose = [f"springs[{labels[k]}].kr = {stiff[k, 0]:g} is not positive: these bonds are not bound" for k in (1, 2)]
    yield equal("unphysical values", "; ".join(found), "; ".join(attracts + loose))
    wide = cgcore.Term("wide", cgcore.Rows("pairs", 3, 5), bases.Gaussian((5.0,), 1.0))
    found = unphysical_values(params | {"wide": np.ones(1)}, (two, one, wide))
    yield equal("one of two repulsions alone", "; ".join(found), attracts[1])


def _precision() -> Iterator[Row]:
    """The largest error in float32 among the groups of three potentials, each of which may have the largest forces."""
    x = np.linspace(3, 20, 361)
    terms = tuple(
        cgcore.Term(name, cgcore.Rows("pairs", 3), bases.Power(n), 1.0, cgcore.Groups("types", ("x", "y"), (0, 1)))
        for name, n in (("one", 5), ("two", 6), ("three", 7))
    )
    for k, term in enumerate(terms):
        c = {one.name: np.full((3, 1), 1e3) for one in terms}
        c[term.name][k] = 1.1e9
        prior = cgcore.default_prior().part([]).with_terms(terms, c)
        n = 5 + k
        single = -np.float32(n) * x.astype(np.float32) ** np.float32(-n - 1) * np.float32(1.1e9)
        expected = np.max(np.abs(single.astype(float) + n * x ** (-n - 1) * 1.1e9))
        off = abs(np.log10(float32_error(prior, 1.0) / expected))
        yield at_most(f"error in float32 of group {k} of term {term.name}", off, 0.3, "decades")


def _units() -> Iterator[Row]:
    """The unit between two sizes of forces, in either direction; none below, between and above those of the list."""
    ratios = {
        "kJ/mol/Å": 4.184,
        "kJ/mol/nm": 41.84,
        "kcal/mol/nm": 10.0,
        "eV/Å": 23.0605,
        "eV/nm": 2.30605,
        "hartree/bohr": 1185.82,
    }
    found = {ratio: factor_between(ratio) for one in ratios.values() for ratio in (1.1 * one, 1 / (1.1 * one))}
    said = [unit.name if unit is not None else "none" for unit in found.values()]
    yield equal("units between two sizes", str(said), str([name for name in ratios for _ in range(2)]))
    none = [factor_between(ratio) for ratio in (1.7, 3.1, 15.5, 400.0, 1600.0)]
    yield equal("no unit between two sizes", str(none), str([None] * 5))


def _repeated() -> Iterator[Row]:
    """Five frames with another frame's forces, the first of which, and its double, are named."""
    good = equilibrium()
    pairs = ((60, 80), (3, 24), (5, 12), (48, 66), (30, 50))
    first, again = (np.array(each) for each in zip(*pairs, strict=True))
    words = ("frame 12 has the same forces as frame 5 at other positions", "5 of 90 frames have another frame's forces")
    wanted = Wanted("wrong repeated forces", tuple(sorted(again.tolist())), (), words)
    yield from findings("forces that occur twice", of(changed(good, "F", again, good["F"][first])), wanted)


def _loaded() -> Iterator[Row]:
    """Frames of two files in two precisions, and of different lengths, in memory in batches of four."""
    made, beads = [], 5
    lengths = ([5, 3, 4, 5, 2, 5, 3, 4, 5], [3, 4, 2, 5, 3, 5])
    for k, (own, dtype) in enumerate(zip(lengths, (np.float64, np.float32), strict=True)):
        R, F = np.random.default_rng(k).normal(size=(2, len(own), beads, 3)).astype(dtype)
        real = np.arange(beads) < np.array(own)[:, None]
        R[..., 0] += 4 * np.arange(beads)  # as far apart as beads
        made.append((R, np.where(real[..., None], F, 0).astype(dtype), real.astype(dtype)))
    for case in ("last", "first"):
        parts = [cgcore.from_arrays(*each, name=f"{k}", accept_faults=True).sources[0] for k, each in enumerate(made)]
        data = cgcore.Dataset(tuple(parts), "several", "", (), "angstrom-kcal")
        with mock.patch.object(direct_objective, "ROWS_AT_ONCE", 3 * beads * 4):
            frames = direct_objective.all_frames(data, np.dtype(np.float64), False, None, free)
        real = _joined([each[2] for each in made]) > 0
        yield equal(f"real beads, float32 {case}", bool((np.asarray(frames.mask)[: len(real)] == real).all()), True)
        forces = np.asarray(frames.F)[: len(real)]
        yield equal(f"stored precision, float32 {case}", str(frames.R.dtype), "float64")
        yield equal(f"forces, float32 {case}", bool((forces == _joined([each[1] for each in made])).all()), True)
        made.reverse()


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate([each.astype(float) for each in arrays])
