"""Factors of terms of any kind: histograms by group, files, and malicious files."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factor_helpers import Chains, random_chains

import cgcore
from cgcore import Factor, Fingerprint, InputError, Options, load_factor, save_factor
from cgcore.factor.compress import MOST_NUMBERS, affordable_blocks
from cgcore.factor.histogram import EDGES
from cgcore.factor.triangle import MANY_COLUMNS
from cgcore.factor_file import NAMES
from cgcore.files.arrays import checksum
from cgcore.physics.bases import BSpline, Fourier, Function, Harmonic, Power
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from validation import explicit_terms
from validation.explicit import value
from validation.term_problems import damped_sine, few_terms, many_terms, prior_of

SPECIES = np.array([0, 1, 1, 2, 0, 1, 3, 0, 1])
GROUPED = (
    Term("bond", Rows("bonds"), Harmonic(), 0.5, Groups("terminal")),
    Term("angle", Rows("angles"), Fourier(1), 0.5, Groups.of_species("central", (0, 1, 2, 9))),
    Term("dihedral", Rows("dihedrals"), Fourier(1), 0.5),
    Term("repulsive", Rows("pairs", 4), Power(4), 0.5, Groups.of_species("types", (0, 1))),
    Term("own", Rows("pairs", 5), Function("damped sine", 2, damped_sine), 0.5),
)


@pytest.fixture(scope="module")
def chains() -> Chains:
    return random_chains(12, [9, 7], 9, seed=5)


@pytest.fixture(scope="module")
def factor(chains: Chains) -> Factor:
    species = np.tile(SPECIES, (12, 1)) * chains.mask.astype(int)
    data = cgcore.from_arrays(chains.R, chains.F, chains.mask, species, accept_faults=True)
    return cgcore.compress(data, Fingerprint.of(prior_of(GROUPED)), blocks=2)


def test_terms_by_residue_type_need_species(chains: Chains) -> None:
    data = cgcore.from_arrays(chains.R, chains.F, chains.mask, accept_faults=True, name="nameless")
    with pytest.raises(InputError, match=r"nameless: holds no species, .*'angle'"):
        cgcore.compress(data, Fingerprint.of(prior_of(GROUPED)))
    alike = [replace(term, groups=None) if term.name != "bond" else term for term in GROUPED]
    cgcore.compress(data, Fingerprint.of(prior_of(tuple(alike))))


@pytest.fixture
def path(tmp_path: Path, factor: Factor) -> Path:
    save_factor(tmp_path / "a.factor.npz", factor)
    return tmp_path / "a.factor.npz"


def term_of(factor: Factor, name: str) -> Term:
    """The term of this name."""
    return next(term for term in factor.fingerprint.terms if term.name == name)


def test_histograms_by_group(chains: Chains, factor: Factor) -> None:
    """Histograms counted again frame by frame and row by row."""
    bonds, angles = np.zeros((2, len(EDGES["bond"]) - 1), int), np.zeros((4, len(EDGES["angle"]) - 1), int)
    for R, n in zip(chains.R, chains.lengths, strict=True):
        for i in range(n - 1):
            x = np.clip(value("bond", R[i : i + 2]), EDGES["bond"][0], EDGES["bond"][-1] - 1e-9)
            bonds[int(i in (0, n - 2))] += np.histogram(x, EDGES["bond"])[0]
        for i in range(n - 2):
            if SPECIES[i + 1] < 3:
                angles[SPECIES[i + 1]] += np.histogram(value("angle", R[i : i + 3]), EDGES["angle"])[0]
    # Also for pairs, which test_factor_closest counts.
    assert set(factor.histograms.groups) == {term.name for term in GROUPED if term.groups is not None or term.on_beads}
    np.testing.assert_array_equal(factor.histograms.groups["bond"], bonds)
    np.testing.assert_array_equal(factor.histograms.groups["angle"], angles)
    assert not angles[3].any()  # a group that occurs in no frame
    np.testing.assert_array_equal(factor.histograms.of_group(term_of(factor, "angle"), 1), angles[1])
    whole = factor.histograms.of_group(term_of(factor, "dihedral"), 0)
    np.testing.assert_array_equal(whole, factor.histograms.counts["dihedral"])


def test_histograms_by_group_add_up(factor: Factor) -> None:
    twice = factor.histograms + factor.histograms
    for name, counts in factor.histograms.groups.items():
        np.testing.assert_array_equal(twice.groups[name], 2 * counts)


def test_a_file_brings_all_of_it_back(path: Path, factor: Factor) -> None:
    found = load_factor(path)
    found.fingerprint.require(factor.fingerprint)
    assert [term.name for term in found.fingerprint.terms] == [term.name for term in GROUPED]
    np.testing.assert_array_equal(found.S, factor.S)
    for name, counts in factor.histograms.groups.items():
        np.testing.assert_array_equal(found.histograms.groups[name], counts, strict=True)


def hundreds_of_functions() -> tuple[Term, ...]:
    """More functions than a series may have harmonics, the second term with the name of a series."""
    spline = BSpline(tuple(np.linspace(0, np.pi, 150).tolist()))
    return tuple(Term(name, Rows("angles"), spline) for name in ("wave", "angle"))


@pytest.mark.parametrize("make", [few_terms, many_terms, hundreds_of_functions])
def test_fingerprints_of_every_basis_come_back(make: Any) -> None:
    fingerprint = Fingerprint(make())
    found = Fingerprint.from_dict(json.loads(json.dumps(fingerprint.as_dict())))
    found.require(fingerprint)
    assert found.layout.names == fingerprint.layout.names


@pytest.mark.parametrize(
    "change",
    [
        {"weight": 0.6},
        {"groups": Groups.of_species("central", (0, 1, 2))},
        {"groups": None},
        {"rows": Rows("angles", listed=((0, 1, 2),))},
        {"basis": BSpline((0.0, 1.0, 3.0))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_factors_of_other_terms_are_told_apart(factor: Factor, change: dict[str, Any]) -> None:
    other = tuple(replace(term, **change) if term.name == "angle" else term for term in GROUPED)
    with pytest.raises(InputError, match="different settings"):
        factor.fingerprint.require(Fingerprint.of(prior_of(other)))


def test_functions_of_one_title_are_the_same_to_a_file(path: Path) -> None:
    found = load_factor(path).fingerprint
    other = tuple(replace(t, basis=Function("other", 2, damped_sine)) if t.name == "own" else t for t in GROUPED)
    with pytest.raises(InputError, match="with different settings"):
        found.require(Fingerprint.of(prior_of(other)))


# Malicious files: the checksum is right, since anybody can compute it.

Edit = Callable[[dict[str, Any]], Any]


def put(term: int, *keys: Any, value: Any) -> Edit:
    def edit(plain: dict[str, Any]) -> None:
        at = plain["terms"][term]
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return edit


def gone(term: int, key: str) -> Edit:
    return lambda plain: plain["terms"][term].pop(key)


HUGE = 10**9
BASIS: dict[str, dict[str, Any]] = {
    "a billion harmonics": {"basis": "fourier", "harmonics": HUGE},
    "true harmonics": {"basis": "fourier", "harmonics": True},
    "harmonics of text": {"basis": "fourier", "harmonics": "2"},
    "a billion functions": {"basis": "function", "title": "x", "count": HUGE},
    "functions beyond any machine": {"basis": "function", "title": "x", "count": 10**400},
    "a hundred thousand knots": {"basis": "bspline", "knots": list(range(100_000)), "degree": 3, "ends": "open"},
    "knots of text": {"basis": "bspline", "knots": ["a", "b"], "degree": 3, "ends": "open"},
    "knots that are a text": {"basis": "bspline", "knots": "abc", "degree": 3, "ends": "open"},
    "knots of lists": {"basis": "bspline", "knots": [[1], [2]], "degree": 3, "ends": "open"},
    "knots too long for floats": {"basis": "bspline", "knots": [1, 10**400], "degree": 3, "ends": "open"},
    "degree of a billion": {"basis": "bspline", "knots": [1, 2], "degree": HUGE, "ends": "open"},
    "half a degree": {"basis": "bspline", "knots": [1, 2], "degree": 2.5, "ends": "open"},
    "other ends": {"basis": "bspline", "knots": [1, 2], "degree": 3, "ends": "loose"},
    "a basis that is a list": {"basis": ["fourier"], "harmonics": 1},
    "an unknown basis": {"basis": "wavelet"},
    "two thousand bells": {"basis": "gaussian", "centres": list(range(2000)), "width": 1.0},
}
HOSTILE: dict[str, Edit] = {
    "terms that are a text": lambda plain: plain.update(terms="abc"),
    "terms that are numbers": lambda plain: plain.update(terms=[1, 2]),
    "terms that are texts": lambda plain: plain.update(terms=["bond"]),
    "a term twice": lambda plain: plain["terms"].append(plain["terms"][0]),
    "five thousand terms": lambda plain: plain.update(
        terms=[plain["terms"][2] | {"name": str(k)} for k in range(5000)]
    ),
    "no name": gone(0, "name"),
    "no groups": gone(0, "groups"),
    "no rows": gone(0, "rows"),
    "an unknown key": put(0, "colour", value="red"),
    "a name of numbers": put(0, "name", value=3),
    "weight of text": put(0, "weight", value="1"),
    "weight too long for a float": put(0, "weight", value=10**400),
    "negative weight": put(0, "weight", value=-1.0),
    "rows that are a list": put(0, "rows", value=[1]),
    "rows of another kind": put(0, "rows", "kind", value="impropers"),
    "rows of a kind that is a list": put(0, "rows", "kind", value=[]),
    "a far separation": put(3, "rows", "nearest", value=10**30),
    "other chains": put(3, "rows", "chains", value="some"),
    "listed rows that are a number": put(3, "rows", "listed", value=3),
    "listed numbers": put(3, "rows", "listed", value=[1, 2]),
    "listed halves": put(3, "rows", "listed", value=[[0.5, 2]]),
    "a listed bead beyond all": put(3, "rows", "listed", value=[[0, 10**30]]),
    "groups that are a list": put(1, "groups", value=[1]),
    "groups by another name": put(1, "groups", "by", value="colour"),
    "no labels": put(1, "groups", "labels", value=[]),
    "labels that are numbers": put(1, "groups", "labels", value=[1, 2, 3, 4]),
    "a table of text": put(1, "groups", "table", value=["a"]),
    "a table of halves": put(1, "groups", "table", value=[0.5]),
    "a class beyond the labels": put(1, "groups", "table", value=[HUGE]),
    "rest of text": put(1, "groups", "rest", value="0"),
    "fifty thousand labels": put(1, "groups", "labels", value=[str(k) for k in range(50_000)]),
    "a thousand labels of pairs": put(3, "groups", "labels", value=[str(k) for k in range(1000)]),
    "a thousand kinds of ends": put(0, "groups", "labels", value=[str(k) for k in range(1000)]),
}


def with_basis(given: dict[str, Any]) -> Edit:
    def edit(plain: dict[str, Any]) -> None:
        term = plain["terms"][2]
        plain["terms"][2] = {key: term[key] for key in ("name", "weight", "rows", "groups")} | given

    return edit


EDITS = HOSTILE | {name: with_basis(given) for name, given in BASIS.items()}


@pytest.mark.parametrize("case", EDITS)
def test_a_hostile_file_is_refused_before_anything_large_is_made(path: Path, case: str) -> None:
    with np.load(path, allow_pickle=False) as archive:
        arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
    plain = json.loads(str(arrays["fingerprint"]))
    EDITS[case](plain)
    arrays["fingerprint"] = np.array(json.dumps(plain))
    arrays["checksum"] = np.array(checksum(arrays, NAMES))
    np.savez(path, **arrays)
    size = path.stat().st_size
    tracemalloc.start()
    with pytest.raises(InputError) as caught:
        load_factor(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * size + 2**24
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


# Number of blocks


def test_blocks_fit_in_memory_whatever_the_number_of_coefficients(chains: Chains) -> None:
    data = chains.dataset()
    for coefficients in (1, 27, 256, 400, 2000, 4096):
        runs, blocks = len(data.segments(1)), affordable_blocks(data, coefficients)
        assert blocks >= 1
        assert blocks == 1 or blocks * runs * (coefficients + 1) ** 2 <= MOST_NUMBERS
    assert affordable_blocks(data, 27) > 20
    assert affordable_blocks(data, 400) == 2  # two folds, although each has fewer rows than coefficients


# Hundreds of coefficients


@pytest.mark.slow
def test_hundreds_of_coefficients() -> None:
    """Splines for each pair of six residue types, more than the frames determine: inner products, losses and the
    lowest loss agree with LAPACK."""
    kinds = tuple(range(6))
    knots = tuple(np.linspace(3.0, 20.0, 14).tolist())
    prior = prior_of(
        (
            Term("bond", Rows("bonds"), Harmonic(), 0.5),
            Term("angle", Rows("angles"), Fourier(2), 0.25, Groups.of_species("central", kinds)),
            Term("dihedral", Rows("dihedrals"), Fourier(1), 0.15),
            Term("repulsive", Rows("pairs", 3), BSpline(knots, 3, "cutoff"), 0.9, Groups.of_species("types", kinds)),
        )
    )
    assert Fingerprint.of(prior).layout.size > MANY_COLUMNS
    chains = random_chains(30, [24], 24, seed=2)
    species = np.tile(np.random.default_rng(0).integers(0, 6, 24), (30, 1))
    data = cgcore.from_arrays(chains.R, chains.F, chains.mask, species, accept_faults=True)
    truth = explicit_terms.system(data.join(), prior.terms, data.sites(), None, {})
    result = cgcore.fit(data, prior, Options(constraints="none"))
    S = result.factor.S
    norms = np.append(np.linalg.norm(truth.X, axis=0), np.linalg.norm(truth.F))
    norms = np.where(norms > 0, norms, 1.0)
    Y = np.column_stack([truth.X, truth.F]) / norms
    # A pivoted Cholesky factor drops entries below columns * eps of its largest entry.
    np.testing.assert_allclose(S.T @ S / np.outer(norms, norms), Y.T @ Y, atol=1e-12)
    best = np.linalg.lstsq(Y[:, :-1], truth.F, rcond=1e-6)[0] / norms[:-1]
    assert result.certificate.optimal_loss_resolved == pytest.approx(truth.loss(best), rel=1e-9)
    c = np.concatenate([np.ravel(result.fitted_params[term.name]) for term in prior.terms])
    assert result.train_loss == pytest.approx(truth.loss(c), rel=1e-10)
    assert result.converged


@pytest.mark.slow
def test_hundreds_of_coefficients_that_a_sample_would_not_show() -> None:
    """Functions that are nonzero in few of many frames: inner products keep their digits."""
    data = cgcore.read(Path(__file__).parents[1] / "validation" / "reference" / "two_proteins.npz")
    kinds = np.unique(data.join().species).tolist()
    angle = Term("angle", Rows("angles"), BSpline(tuple(np.linspace(0.0, np.pi, 20).tolist())), 0.5)
    others = (
        Term("bond", Rows("bonds"), Harmonic(), 0.5),
        Term("dihedral", Rows("dihedrals"), Fourier(1), 0.5),
        Term("repulsive", Rows("pairs", 3), Power(4), 0.5),
    )
    prior = prior_of((*others, replace(angle, groups=Groups.of_species("central", kinds))))
    assert Fingerprint.of(prior).layout.size > MANY_COLUMNS
    truth = explicit_terms.system(data.join(), prior.terms, data.sites(), None, {})
    S = cgcore.compress(data, Fingerprint.of(prior)).S
    Y = np.column_stack([truth.X, truth.F])
    norms = np.linalg.norm(Y, axis=0)
    norms = np.where(norms > 0, norms, 1.0)
    np.testing.assert_allclose(S.T @ S / np.outer(norms, norms), (Y / norms).T @ (Y / norms), atol=1e-11)
