"""The learning curve: exact refits of parts, a known limit, and the message for too few blocks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import run
from factor_helpers import Chains, chignolin_chains, design_rows, prior_of, unconstrained

import cgcore
from cgcore import Factor, Fingerprint, FitResult, InputError, LearningCurve, Prior
from cgcore.fitting.quadratics import quadratics
from cgcore.report.frames_figure import draw_frames_curve

PRIOR = prior_of(2)
NOISE = 20.0
FRAMES = 800


def factor_of(chains: Chains, prior: Prior = PRIOR, blocks: int = 20) -> Factor:
    return cgcore.compress(cgcore.from_arrays(*chains), Fingerprint.of(prior), blocks=blocks)


@pytest.fixture(scope="module")
def synthetic() -> Chains:
    """Bundled frames with the forces of a prior, plus independent noise of each component."""
    chains = chignolin_chains(FRAMES)
    rows = design_rows(PRIOR, chains.R, chains.F)
    c = cgcore.to_coefficients(PRIOR.params)
    rng = np.random.default_rng(0)
    return chains._replace(F=(rows.X @ c).reshape(chains.F.shape) + NOISE * rng.normal(size=chains.F.shape))


@pytest.fixture(scope="module")
def fitted(synthetic: Chains) -> FitResult:
    return cgcore.fit(factor_of(synthetic), PRIOR, unconstrained(truncation=0.0))


@pytest.fixture(scope="module")
def curve(fitted: FitResult) -> LearningCurve:
    return cgcore.learning_curve(fitted, draws=12)


def test_the_limit_and_the_excess_are_those_that_noise_makes(curve: LearningCurve, fitted: FitResult) -> None:
    """The limit is the noise, and the excess is its variance times the number of coefficients divided by that of
    beads."""
    size = len(cgcore.to_coefficients(PRIOR.params))
    assert curve.limit == pytest.approx(3 * NOISE**2, rel=0.02)
    known = NOISE**2 * size / (10 * FRAMES)
    assert curve.excess == pytest.approx(known, rel=0.5)
    assert curve.expected_excess == pytest.approx(known, rel=0.35)
    assert abs(curve.excess - known) < 4 * curve.excess_error
    assert curve.held_out_loss == sorted(curve.held_out_loss, reverse=True)
    assert curve.train_loss == sorted(curve.train_loss)
    assert curve.explained == pytest.approx(fitted.certificate.zero_prior_loss - fitted.train_loss)


def test_parts_are_fitted_exactly(synthetic: Chains, fitted: FitResult) -> None:
    """Fitting only some blocks from their frames gives the same loss on the others."""
    around = quadratics(fitted)
    weights = np.zeros((1, 20))
    weights[0, [2, 3, 11]] = 1
    losses = around.losses_at(around.refits(weights))[0]
    frames = np.concatenate([np.arange(*around.blocks[k].ranges[0]) for k in (2, 3, 11)])
    alone = cgcore.fit(factor_of(Chains(*(x[frames] for x in synthetic))), PRIOR, unconstrained(truncation=0.0))
    other = fitted.factor.blocks[7]
    c = cgcore.to_coefficients(alone.fitted_params)
    lost = np.sum((other.S[:, :-1] @ c - other.S[:, -1]) ** 2) / fitted.factor.beads
    assert losses[7] == pytest.approx(lost, rel=1e-8)


def test_the_verdict_follows_the_excess(curve: LearningCurve) -> None:
    from dataclasses import replace

    assert "hardly worth it" in replace(curve, excess=0.5, excess_error=0.1, explained=100.0).verdict()
    more = replace(curve, excess=5.0, excess_error=0.1, explained=100.0, all_frames=1000)
    assert more.frames_enough == pytest.approx(5000)
    assert "more are worth it, up to about 5,000" in more.verdict()
    assert "too uncertain" in replace(curve, excess=0.1, excess_error=0.1).verdict()
    for explained in (0.0, -1.0):  # constraints may raise the loss above that of no prior
        nothing = replace(curve, excess=2.0, excess_error=0.1, explained=explained)
        assert nothing.verdict().endswith(
            "but the prior explains nothing of these forces: find out why before adding frames."
        )
        assert np.isnan(nothing.frames_enough)


def test_the_same_seed_gives_the_same_curve(fitted: FitResult) -> None:
    one, two, other = (cgcore.learning_curve(fitted, draws=2, seed=seed).as_dict() for seed in (3, 3, 4))
    assert one == two
    assert one["held_out_loss"] != other["held_out_loss"]


def test_too_few_blocks_and_wrong_settings_are_refused(synthetic: Chains, fitted: FitResult) -> None:
    few = cgcore.fit(factor_of(synthetic, blocks=3), PRIOR, unconstrained(truncation=0.0))
    with pytest.raises(InputError, match="too few"):
        cgcore.learning_curve(few)
    with pytest.raises(InputError, match="draws"):
        cgcore.learning_curve(fitted, draws=0)
    with pytest.raises(InputError, match="seed"):
        cgcore.learning_curve(fitted, seed=-1)


def test_the_picture_shows_the_numbers(curve: LearningCurve) -> None:
    (ax,) = draw_frames_curve(curve).axes
    held_out = ax.containers[0].lines[0]
    np.testing.assert_array_equal(held_out.get_xdata(), curve.frames)
    np.testing.assert_array_equal(held_out.get_ydata(), curve.held_out_loss)


@pytest.mark.slow
def test_the_command_writes_table_record_and_picture(tmp_path: Path) -> None:
    ran = run("learning-curve", "--draws", 2, "--output", tmp_path)
    assert ran.code == 0
    found = json.loads((tmp_path / "learning_curve.json").read_text())
    assert found["verdict"] in ran.out
    assert f"{found['held_out_loss'][-1]:.3f}" in ran.out
    assert found["frames"][-1] == 900
    assert found["data"]["frames"] == 1000
    assert (tmp_path / "learning_curve.png").stat().st_size > 10_000
    assert run("learning-curve", "--draws", 0).code == 2


@pytest.mark.slow
def test_blocks_are_drawn_with_the_seed_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "fit.yaml"
    config.write_text("training: {seed: 3}\ndata: {max_frames: 300}\n")
    ways = {"file": ("--config", config), "option": ("--config", config, "--seed", 3), "other": ("--seed", 4)}
    found, settings = {}, {}
    for name, words in ways.items():
        assert run("learning-curve", "--draws", 1, "--blocks", 10, "--output", tmp_path / name, *words).code == 0
        record = json.loads((tmp_path / name / "learning_curve.json").read_text())
        found[name] = record["held_out_loss"]
        settings[name] = record["config"]["max_frames"], record["config"]["seed"]
    assert found["file"] == found["option"] != found["other"]
    assert settings == {"file": (300, 3), "option": (300, 3), "other": (None, 4)}
