"""The block `model.terms`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

import cgcore
from cgcore import InputError, Prior
from cgcore.config.terms import as_keys

TERMS = """
dialect: cgcore
model:
  priors:
    frozen: [repulsive]
  terms:
    angle: {rows: angles, basis: bspline, knots: 12, by: central, classes: {gly: [7], pro: [14], other: rest}}
    close: {rows: pairs, basis: bspline, separation: [3, null], range: [3.5, 14], knots: 10}
    salt: {rows: pairs, basis: debye_hueckel, separation: [6, null], length: 8, by: types, classes: 3}
    ends: {rows: dihedrals, basis: fourier, harmonics: 2, by: terminal}
    bell: {rows: bonds, basis: gaussian, range: [3.5, 4.1], centres: 4}
    bridge: {rows: pairs, basis: harmonic, list: [[0, 5], [2, 9]], coefficients: [2, 12], frozen: true}
"""


@pytest.fixture
def prior(tmp_path: Path) -> Prior:
    path = tmp_path / "terms.yaml"
    path.write_text(TERMS)
    return cgcore.load_config(path).prior


def test_what_is_declared(prior: Prior) -> None:
    terms = {term.name: term for term in prior.terms}
    assert list(terms) == [
        *("bond", "dihedral", "repulsive", "excluded_volume"),
        *("angle", "close", "salt", "ends", "bell", "bridge"),
    ]
    assert terms["angle"].group_labels == ("gly", "pro", "other")
    assert terms["angle"].basis.size == 12 + 2 - 1
    assert (terms["close"].rows.nearest, terms["close"].rows.farthest) == (3, None)
    assert len(terms["salt"].group_labels) == 6
    assert terms["ends"].group_labels == ("inner", "terminal")
    assert terms["bridge"].rows.listed == ((0, 5), (2, 9))
    assert prior.params["bridge"].tolist() == [2.0, 12.0]
    assert prior.frozen == {"repulsive", "bridge"}
    assert "a" not in prior.params


def test_what_is_written_is_read(tmp_path: Path, prior: Prior) -> None:
    path = tmp_path / "priors.yaml"
    prior.write(path)
    assert Prior.read(path) == prior


@pytest.mark.parametrize("centres", [(5.0,), (5.0, 6.0, 8.5)])
def test_bells_anywhere_are_written_as_they_are(tmp_path: Path, centres: tuple[float, ...]) -> None:
    bells = cgcore.Term("bells", cgcore.Rows("pairs", 3), cgcore.bases.Gaussian(centres, 1.5), 0.6)
    prior = cgcore.default_prior().with_terms([bells])
    prior.write(tmp_path / "priors.yaml")
    assert Prior.read(tmp_path / "priors.yaml") == prior


@pytest.mark.parametrize(("given", "width"), [("range: [3, 6], centres: 1", 3.0), ("centres: [3, 4, 7]", 2.0)])
def test_bells_are_as_wide_as_they_are_apart(tmp_path: Path, given: str, width: float) -> None:
    path = tmp_path / "bells.yaml"
    path.write_text(f"model: {{terms: {{bells: {{rows: pairs, basis: gaussian, {given}}}}}}}\n")
    (term,) = cgcore.load_config(path).prior.further
    assert vars(term.basis)["width"] == width


def test_a_species_left_out_of_the_rest_has_no_file() -> None:
    groups = cgcore.Groups("central", ("small", "others"), (0, -1), 1)
    term = cgcore.Term("angles", cgcore.Rows("angles"), cgcore.bases.Harmonic(), 0.3, groups)
    with pytest.raises(InputError, match="leaves out species 1"):
        as_keys(term, None, False)


def test_functions_of_ones_own_have_no_file(tmp_path: Path) -> None:
    own = cgcore.Term("own", cgcore.Rows("pairs", 3), cgcore.bases.Function("mine", 1, lambda x: 1 / x[None]))
    with pytest.raises(InputError, match="functions of your own"):
        as_keys(own, None, False)
    with pytest.raises(InputError, match="functions of your own"):
        cgcore.default_prior().with_terms([own]).write(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("x: {rows: angles}", "model.terms.x.basis is missing"),
        ("x: {rows: angles, basis: power}", "does not declare a term: term 'x': the basis power needs distances"),
        ("x: {rows: bonds, basis: fourier}", "a Fourier basis needs angles"),
        ("x: {rows: pairs, basis: bspline, range: [9, 3]}", "give the smaller number first"),
        ("x: {rows: pairs, basis: bspline, knots: [3, 3, 4]}", "the knots of a spline do not increase"),
        ("x: {rows: angles, basis: fourier, separation: [2, 3]}", "separation and chains apply to pairs only"),
        ("x: {rows: pairs, basis: power, list: [[0, 5]], separation: [3, null]}", "do not apply to listed rows"),
        ("x: {rows: pairs, basis: power, list: [[0, 5]], chains: within}", "do not apply to listed rows"),
        ("x: {rows: pairs, basis: power, by: types}", "by: types needs classes"),
        ("x: {rows: pairs, basis: power, by: central, classes: 2}", "only angles and dihedrals have a central bead"),
        ("x: {rows: pairs, basis: power, by: types, classes: {a: [1], b: [1]}}", "species 1 is in two classes"),
        ("x: {rows: pairs, basis: power, by: types, classes: {a: rest, b: rest}}", "two classes are 'rest'"),
        ("x: {rows: pairs, basis: power, by: types, classes: 2000}", "2000 classes of beads make too"),
        ("x: {rows: pairs, basis: power, coefficients: [1, 2]}", "coefficients have shape (2,); give (1,)"),
        ("x: {rows: pairs, basis: power, weigth: 1}", "did you mean weight?"),
        ("kr: {rows: pairs, basis: power}", "a term can't be named 'kr'"),
        ("'a b': {rows: pairs, basis: power}", "is not a valid name for a term"),
        ("x: {rows: pairs, basis: harmonic, list: [[0, 0]]}", "[0, 0] is not a row of pairs"),
        ("x: 3", "write a block of"),
    ],
)
def test_refusals(tmp_path: Path, term: str, words: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({"model": {"terms": yaml.safe_load(term)}}))
    with pytest.raises(InputError) as error:
        cgcore.load_config(path)
    assert words in str(error.value)
    assert "model.terms" in str(error.value)


def test_unknown_terms_are_not_frozen(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("model: {priors: {frozen: [angel]}}")
    with pytest.raises(InputError, match="frozen"):
        cgcore.load_config(path)


def test_a_prior_with_terms_is_one_part_of_another(prior: Prior) -> None:
    part = prior.part(["close", "bond"])
    assert [term.name for term in part.terms] == ["bond", "close"]
    assert set(part.params) == {"r0", "kr", "close"}
    np.testing.assert_array_equal(part.params["close"], prior.params["close"])
