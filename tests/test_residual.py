"""The residual forces of a prior, in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import assert_refused, run
from factor_helpers import Chains, random_chains

import cgcore
from cgcore import Options, Prior

FREE = Options(constraints="none", truncation=1e-6)


@pytest.fixture(scope="module")
def chains() -> Chains:
    return random_chains(60, [9, 12], 12, seed=3)


@pytest.fixture
def data(tmp_path: Path, chains: Chains) -> Path:
    path = tmp_path / "d.npz"
    species = np.tile(np.arange(12) % 3, (len(chains.R), 1))
    weights = np.linspace(0.5, 2.0, len(chains.R))
    np.savez(path, R=chains.R, F=chains.F, mask=chains.mask, species=species, frame_weights=weights)
    return path


@pytest.mark.slow
def test_a_fit_to_the_file_is_the_fit_with_these_terms_frozen(tmp_path: Path, data: Path) -> None:
    salt = cgcore.Term("salt", cgcore.Rows("pairs", 3), cgcore.bases.DebyeHueckel(8.0), 1.0, cgcore.Groups("terminal"))
    whole = cgcore.default_prior().with_terms([salt], {"salt": np.array([[30.0], [-20.0]])})
    frozen = {"bond", "salt"}
    whole.part(frozen).write(tmp_path / "held.yaml")
    out = tmp_path / "left.npz"
    ran = run("residual", tmp_path / "held.yaml", data, "-o", out, "--accept-faults")
    assert ran.code == 0, ran.err
    rest = cgcore.read(out, accept_faults=True)
    wanted = cgcore.fit(cgcore.read(data, accept_faults=True), replace(whole, frozen=frozenset(frozen)), FREE)
    found = cgcore.fit(rest, whole.part(term.name for term in whole.terms if term.name not in frozen), FREE)
    assert found.train_loss == pytest.approx(wanted.train_loss, rel=1e-11)


def test_refusals(tmp_path: Path, data: Path) -> None:
    cgcore.default_prior().write(tmp_path / "p.yaml")
    assert_refused(run("residual", tmp_path / "none.yaml", data, "-o", tmp_path / "x.npz"), "none.yaml")
    assert_refused(run("residual", tmp_path / "p.yaml", tmp_path / "none.npz", "-o", tmp_path / "x.npz"), "none.npz")
    assert not (tmp_path / "x.npz").exists()


def test_a_prior_without_most_of_the_five_is_written_and_read(tmp_path: Path) -> None:
    part = cgcore.default_prior().part(["angle"])
    part.write(tmp_path / "p.yaml")
    again = Prior.read(tmp_path / "p.yaml")
    np.testing.assert_array_equal(again.params["a"], part.params["a"])
    assert sum(term.weight > 0 for term in again.terms) == 1
