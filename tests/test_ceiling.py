"""The noise ceiling: known noise is determined from pairs of frames, and nothing is claimed that cannot be
determined."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import run
from factor_helpers import chignolin_chains, design_rows, prior_of

import cgcore
from cgcore import Ceiling, InputError, Prior
from cgcore.evaluation.ceiling import _turns

NOISE = 20.0
PULL = 4.0
"""Force constant that pulls each bead towards the centre [kcal/mol/Å²], a smooth force that no term of the prior
has."""
KNOWN = prior_of(3)


def ceiling(seed: int, pull: float = PULL) -> Ceiling:
    """Ceiling for forces that consist of the prior, the pull, and noise."""
    chains = chignolin_chains()
    rows = design_rows(KNOWN, chains.R, chains.F)
    F = (rows.X @ cgcore.to_coefficients(KNOWN.params)).reshape(chains.F.shape)
    F = F - pull * (chains.R - chains.R.mean(axis=1, keepdims=True))
    F = F + NOISE * np.random.default_rng(seed).normal(size=F.shape)
    return cgcore.noise_ceiling(cgcore.from_arrays(chains.R, F, chains.mask), KNOWN)


def pulled() -> float:
    """Mean square pull per bead."""
    R = chignolin_chains().R
    return float(np.mean(np.sum((PULL * (R - R.mean(axis=1, keepdims=True))) ** 2, axis=-1)))


@pytest.mark.slow
def test_a_known_force_that_the_prior_misses_is_found_within_its_error() -> None:
    found = [ceiling(seed) for seed in range(4)]
    deviations = [(one.missed - pulled()) / one.missed_error for one in found]
    assert np.abs(deviations).max() < 3
    assert np.abs(np.mean(deviations)) < 1.7
    for one in found:
        assert one.missed > 5 * one.missed_error
        assert one.left == pytest.approx(pulled() + 3 * NOISE**2, rel=0.02)
        assert one.ceiling == pytest.approx(1 - 3 * NOISE**2 / one.reference, abs=0.02 + 3 * one.ceiling_error)
        assert one.distances == sorted(one.distances)


@pytest.mark.slow
def test_where_noise_alone_is_left_nothing_is_missed() -> None:
    found = ceiling(0, pull=0.0)
    assert abs(found.missed) < 3 * found.missed_error
    assert found.ceiling_error < 0.05


def test_a_frame_is_turned_onto_its_copy_and_never_mirrored() -> None:
    rng = np.random.default_rng(0)
    R = rng.normal(size=(5, 8, 3))
    Q = np.linalg.qr(rng.normal(size=(5, 3, 3)))[0]
    Q *= np.linalg.det(Q)[:, None, None]
    np.testing.assert_allclose(R @ _turns(R, R @ Q), R @ Q, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(_turns(R, -R)), 1.0)


def test_verdicts() -> None:
    usual = Ceiling(1600.0, 1400.0, 50.0, 16.0, 1000, 20_000, [1.0], [45.0], [45.0])
    assert usual.explained == 0.125
    assert "12.5 % of the mean square force, of 15.6 ± 1.0 %" in usual.verdict()
    assert usual.verdict().endswith("at most 18 %.")
    assert "of 12.5 ± 1.0 %" in replace(usual, missed=-10.0).verdict()  # no less than is explained
    assert "not alike enough" in replace(usual, missed_error=200.0).verdict()


def test_too_few_frames_are_refused() -> None:
    chains = chignolin_chains(20)
    with pytest.raises(InputError, match="too few"):
        cgcore.noise_ceiling(cgcore.from_arrays(*chains), KNOWN)


@pytest.mark.slow
def test_the_command_says_what_the_record_holds(tmp_path: Path) -> None:
    prior = cgcore.default_prior()
    Prior.write(
        replace(prior, params=cgcore.fit(cgcore.datasets.chignolin(), prior).fitted_params), tmp_path / "p.yaml"
    )
    ran = run("ceiling", tmp_path / "p.yaml", "--json", tmp_path / "c.json")
    assert ran.code == 0
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["verdict"] in ran.out
    assert found["explained"] == pytest.approx(0.129, abs=0.001)
