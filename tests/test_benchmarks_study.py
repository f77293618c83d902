"""The study: Boltzmann inversion of known distributions, and the whole study on small chains."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from study_helpers import protein

import cgcore
from benchmarks.study import __main__ as study
from benchmarks.study import boltzmann, losses, tables
from benchmarks.study.losses import Losses, measured, parts_of
from benchmarks.study.methods import (
    EXACT,
    INVERSION,
    METHODS,
    PLAIN,
    SAFE,
    SAME_TERMS,
    SPLINES,
    TYPED,
    Training,
    loss,
)
from benchmarks.study.results import Study
from benchmarks.study.simulated import simulated

KT = 0.6

Methods = Mapping[str, Callable[[Training], cgcore.Prior]]


def test_a_parabola_is_found_again_without_its_jacobian() -> None:
    x = np.linspace(2.0, 5.6, 4001)
    density = x**2 * np.exp(-(100 / 2) * (x - 3.8) ** 2 / KT)
    counts = np.round(1e4 * density / density.max()).astype(int)
    values = np.repeat(x, counts)
    found = boltzmann.parabola(values, values**2, KT)
    assert found.stiffness == pytest.approx(100, rel=1e-2)
    assert found.rest == pytest.approx(3.8, abs=1e-3)


def test_two_harmonics_are_found_again() -> None:
    c = np.array([0.5, -0.2, 0.3, 0.1])
    edges = np.linspace(-np.pi, np.pi, boltzmann.DIHEDRAL_BINS + 1)
    phi = (edges[1:] + edges[:-1]) / 2
    energy = c @ [np.cos(phi), np.cos(2 * phi), np.sin(phi), np.sin(2 * phi)]
    values = np.repeat(phi, np.round(1e5 * np.exp(-energy / KT)).astype(int))
    assert boltzmann.fourier(values, KT) == pytest.approx(c, abs=1e-3)


@pytest.mark.slow
def test_a_repulsion_is_found_again() -> None:
    edges = np.linspace(*boltzmann.PAIR_RANGE, boltzmann.PAIR_BINS + 1)
    r = (edges[1:] + edges[:-1]) / 2
    counts = np.round(1e6 * np.diff(edges**3) * np.exp(-2000 / r**6 / KT)).astype(int)
    assert boltzmann.repulsion(np.repeat(r, counts), KT) == pytest.approx(2000, rel=1e-2)


@pytest.mark.parametrize("values", [[7.0, 8.0, 9.0], [3.1, 3.1, 3.1, 3.5, 3.5, 4.0]])
def test_a_repulsion_that_the_data_do_not_show_is_one_kcal_at_the_first_percentile(values: list[float]) -> None:
    r = np.array(values)
    assert boltzmann.repulsion(r, KT) == pytest.approx(np.percentile(r, 1) ** 6)


@pytest.mark.slow
def test_forces_of_the_same_terms_are_nearer_by_force_matching() -> None:
    parts = parts_of([protein("a", 10)], "optimal")
    training = Training(parts["a"])
    inverted, fitted = METHODS[INVERSION](training), METHODS[SAME_TERMS](training)
    factor = training.factor(inverted)
    assert factor.fingerprint == cgcore.Fingerprint.of(fitted)
    found = [factor.loss(cgcore.to_coefficients(prior.params, terms=prior.terms)) for prior in (inverted, fitted)]
    assert found[1] < found[0]


@pytest.fixture
def few_methods(monkeypatch: pytest.MonkeyPatch) -> Methods:
    """Those that compile and run fastest, with two folds."""
    few = {one: METHODS[one] for one in ("initial", EXACT, PLAIN, SAFE)}
    monkeypatch.setattr(losses, "METHODS", few)
    monkeypatch.setattr(losses, "FOLDS", 2)
    return few


@pytest.mark.slow
def test_folds_and_proteins_are_held_out(few_methods: Methods) -> None:
    proteins = [protein("a", 10), protein("b", 8)]
    told: list[str] = []
    rows, priors = measured(parts_of(proteins, "optimal"), told.append)
    assert len(told) == len(few_methods)
    assert set(priors) == {(method, name) for method in few_methods for name in (None, "a", "b")}
    by = {(row.method, row.protein): row for row in rows}
    for name in ("a", "b"):
        train = {method: by[method, name].train for method in few_methods}
        assert len(by[SAFE, name].held_out) == losses.FOLDS
        total = {m: sum(by[m, one.name].train * one.R.shape[1] for one in proteins) for m in few_methods}
        assert total[EXACT] == min(total[m] for m in (EXACT, PLAIN, SAFE))
        initial = by["initial", name]
        assert max(total[m] for m in (EXACT, PLAIN, SAFE)) < total["initial"]
        # A prior that does not depend on data is equally good on other data.
        assert np.mean(initial.held_out) == pytest.approx(train["initial"])
        assert initial.left_out == train["initial"]


@pytest.mark.slow
@pytest.mark.parametrize("method", [SPLINES, TYPED])
def test_further_terms_explain_more_than_the_initial_prior(method: str) -> None:
    own = parts_of([protein("a", 8)], "optimal")["a"]
    found, initial = (loss(METHODS[one](Training(own)), own) for one in (method, "initial"))
    assert found < initial


@pytest.mark.slow
def test_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(study, "made", lambda folder: [protein("a", 8), protein("b", 7)])
    monkeypatch.setattr(losses, "METHODS", {one: METHODS[one] for one in (INVERSION, SAFE)})
    monkeypatch.setattr(losses, "FOLDS", 2)
    study.main(["--output", str(tmp_path), "--time", "1ps", "--replicas", "2", "--also-seen"])
    written = {name: (tmp_path / name).read_bytes() for name in ("study.json", "study.md", "study/scores.svg")}
    assert (tmp_path / "study" / "distributions.svg").read_text().startswith("<?xml")
    found = Study.read(tmp_path / "study.json")
    assert len(found.runs) == 2 * 2 * 2
    optimal = next(row for row in found.maps if row.force_map == "optimal")
    assert optimal.apart == 0
    assert optimal.noise == min(row.noise for row in found.maps)
    assert "| safe (default) " in capsys.readouterr().out
    study.main(["--output", str(tmp_path), "--redraw"])
    assert {name: (tmp_path / name).read_bytes() for name in written} == written


def test_bonds_too_stiff_for_the_time_step_lose_all_replicas() -> None:
    stiff = cgcore.default_prior()
    stiff = cgcore.Prior(stiff.weights, dict(stiff.params) | {"kr": 1e8})
    run = simulated("stiff", stiff, protein("a", 8), left_out=True, time="1ps", replicas=2)
    assert (run.lost, run.divergence) == (2, None)
    assert "unstable" in run.error
    assert tables.divergence([run], "bond") == "-"


def test_the_standard_error_is_over_all_held_out_runs(tmp_path: Path) -> None:
    rows = [Losses(method, "a", 1.0, [2.0 + k, 4.0 + k], 3.0 + k) for k, method in enumerate((SAFE, INVERSION))]
    rows += [Losses(method, "b", 1.0, [2.0, 4.0 + k], 3.0 + k) for k, method in enumerate((SAFE, INVERSION))]
    found = Study({}, [], rows, [])
    found.write(tmp_path / "study.json")
    assert Study.read(tmp_path / "study.json") == found
    assert json.loads((tmp_path / "study.json").read_text())["losses"][0]["protein"] == "a"
    assert "+0.75 ± 0.25" in tables.differences(found)
    assert "| 3.75" in tables.main_table(found)
