"""Error bars: each resample is the fit to resampled frames, and the intervals have the stated coverage."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factor_helpers import Chains, chignolin_chains, design_rows, prior_of, random_chains, unconstrained
from scipy.optimize import nnls

import cgcore
from cgcore import Factor, Fingerprint, FitResult, InputError, Options, Prior
from cgcore.fitting import quadratics as quadratics_module
from cgcore.fitting.error_bars import resample
from cgcore.fitting.estimate import Estimate, widening
from cgcore.fitting.quadratics import Quadratics, quadratics

SIMPLE = prior_of(2)


def factor_of(chains: Chains, prior: Prior, blocks: int = 20, protein: str | None = None) -> Factor:
    made = cgcore.compress(cgcore.from_arrays(*chains), Fingerprint.of(prior), blocks=blocks)
    return made if protein is None else replace(made, blocks=tuple(replace(b, protein=protein) for b in made.blocks))


@pytest.fixture(scope="module")
def factor() -> Factor:
    return factor_of(chignolin_chains(400), SIMPLE)


@pytest.fixture(scope="module")
def free_fit(factor: Factor) -> FitResult:
    return cgcore.fit(factor, SIMPLE, unconstrained(truncation=0.0))


@pytest.fixture(scope="module")
def safe_fit() -> FitResult:
    prior = cgcore.default_prior()
    return cgcore.fit(factor_of(chignolin_chains(), prior), prior)


@pytest.mark.slow
def test_a_resample_is_the_fit_to_frames_drawn_again(free_fit: FitResult) -> None:
    """Brute force: the frames of the drawn blocks, repeated in an array, are compressed and fitted again."""
    chains = chignolin_chains(400)
    around = quadratics(free_fit)
    chosen, refits = resample(around, False, 3, 0)
    drawn = chosen.weights(3, np.random.default_rng(0)) * 19 / 20
    weights = np.round(drawn).astype(int)
    np.testing.assert_allclose(weights, drawn, atol=1e-12)
    for counts, y in zip(weights, refits, strict=True):
        frames = np.concatenate(
            [np.tile(np.arange(*block.ranges[0]), count) for block, count in zip(around.blocks, counts, strict=True)]
        )
        again = cgcore.from_arrays(*(x[frames] for x in chains))
        refit = cgcore.fit(again, SIMPLE, unconstrained(truncation=0.0))
        fitted = cgcore.to_coefficients(refit.fitted_params)
        moved = free_fit.factor.loss(fitted) - free_fit.train_loss
        assert moved > 0.1
        assert abs(free_fit.factor.loss(around.coefficients(y)) - free_fit.train_loss - moved) < 1e-6 * moved


def test_a_resample_satisfies_the_optimality_conditions_of_its_own_problem(safe_fit: FitResult) -> None:
    """The gradient of its objective, in coefficients and from S, against the normals of the active constraints."""
    around = quadratics(safe_fit)
    chosen, refits = resample(around, False, 40, 1)
    smoothing = safe_fit.plan.smoothing
    assert smoothing is not None
    normals, bounds = (
        np.concatenate(x) for x in zip(*[(c.normals, c.bounds) for c in _constraints(safe_fit)], strict=True)
    )
    P, t = smoothing.penalty[:, :-1], smoothing.penalty[:, -1]
    for counts, y in zip(chosen.weights(40, np.random.default_rng(1)), refits, strict=True):
        c = around.coefficients(y)
        beads = sum(count * block.beads for count, block in zip(counts, around.blocks, strict=True))
        gradient = P.T @ (P @ c - t)
        for count, block in zip(counts, around.blocks, strict=True):
            A, z = block.S[:, :-1], block.S[:, -1]
            gradient = gradient + count / beads * A.T @ (A @ c - z)
        slack = (normals @ c - bounds) / np.linalg.norm(normals @ around.basis, axis=1)
        assert slack.min() > -1e-7
        active = normals[slack < 1e-6] @ around.basis
        wanted = around.basis.T @ gradient
        _, missing = nnls(active.T, wanted) if len(active) else (None, np.linalg.norm(wanted))
        assert missing < 1e-6


def _constraints(result: FitResult) -> tuple[Any, ...]:
    return result.admissible.constraints


def test_errors_are_those_of_the_sandwich(factor: Factor, free_fit: FitResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """An independent formula, A^-1 B A^-1 from the explicit matrix with B from sums over blocks, of which resamples
    of one step each are a Monte Carlo estimate."""
    rows = design_rows(SIMPLE, *chignolin_chains(400)[:2])
    c = cgcore.to_coefficients(free_fit.fitted_params)
    scale = np.linalg.norm(rows.X, axis=0)
    X, r = rows.X / scale, rows.F - rows.X @ c
    scores = np.array([x.T @ e for x, e in zip(np.split(X, 20), np.split(r, 20), strict=True)])
    inverse = np.linalg.inv(X.T @ X)
    usual = cgcore.error_bars(free_fit, resamples=2000)
    assert usual.blocking.level.pooled == 1
    middle = usual.blocking.inflation * 20 / 19 * scores.T @ scores
    sandwich = np.sqrt(np.diag(inverse @ middle @ inverse)) / scale
    monkeypatch.setattr(quadratics_module, "MOST_REFITTED", 0)
    one_step = cgcore.error_bars(free_fit, resamples=20_000)
    every = np.eye(len(c))
    np.testing.assert_allclose(one_step.linear(every).standard_error, sandwich, rtol=0.03)
    np.testing.assert_allclose(usual.linear(every).standard_error, sandwich, rtol=0.3)
    kr = one_step.parameters["kr"]
    assert kr.standard_error == pytest.approx(sandwich[0], rel=0.03)
    r0 = one_step.parameters["r0"]
    gradient = np.zeros(len(c))
    gradient[:2] = -c[1] / c[0] ** 2, 1 / c[0]
    covariance = inverse @ middle @ inverse / np.outer(scale, scale)
    assert r0.standard_error == pytest.approx(np.sqrt(gradient @ covariance @ gradient), rel=0.05)


def synthetic(phi: float, sets: int, parameters: int = 4) -> list[Quadratics]:
    """Least squares of 20 blocks of 20 frames, with noise that is correlated between frames, around the optimum; the
    truth is at minus `centre`."""
    rng = np.random.default_rng(0)
    blocks, frames = 20, 20
    X = rng.normal(size=(blocks * frames, 3, parameters)) + rng.normal(size=(1, 1, parameters))
    flat = X.reshape(-1, parameters)
    R = np.linalg.qr(flat, mode="r")
    A = flat @ np.linalg.inv(R)
    made = factor_of(random_chains(20, [4], 4, 0), SIMPLE).blocks
    found = []
    for _ in range(sets):
        e = rng.normal(size=(blocks * frames, 3))
        for k in range(1, len(e)):
            e[k] = phi * e[k - 1] + np.sqrt(1 - phi**2) * e[k]
        y = A.T @ e.ravel()
        found.append(
            Quadratics(
                blocks=made,
                shares=np.full(blocks, 1 / blocks),
                designs=A.reshape(blocks, -1, parameters),
                residuals=(e.ravel() - A @ y).reshape(blocks, -1),
                penalty=np.zeros((0, parameters)),
                penalised=np.zeros(0),
                normals=np.zeros((0, parameters)),
                bounds=np.zeros(0),
                basis=np.linalg.inv(R),
                left=np.zeros((parameters, 0)),
                centre=np.linalg.solve(R, y),
            )
        )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_intervals_cover_the_truth(phi: float) -> None:
    """Nominal 95 % are 93 to 97 % for any correlation; if correlation were ignored, they would be 80 % at 0.8."""
    hits = []
    for around in synthetic(phi, 600):
        chosen, refits = resample(around, False, 200, 0)
        spread = np.sqrt(chosen.inflation) * np.std(around.coefficients(refits), axis=0, ddof=1)
        one = Estimate.of(around.centre, spread, _t(chosen.degrees_of_freedom), np.ones(len(spread), bool))
        hits.append((one.low <= 0) & (one.high >= 0))
    assert 0.93 < np.mean(hits) < 0.97


@pytest.mark.slow
@pytest.mark.parametrize("distance", [0.5, 1.0, 1.5])
def test_intervals_cover_the_truth_near_a_constraint(distance: float) -> None:
    """A mean that a constraint limits at several standard errors from the truth, so that only some refits touch it.

    Nominal 95 % are 92 to 97 %; 1,500 data sets determine them to 0.6 %. From the standard error alone they would be
    92, 87 and 88 %.
    """
    rng, n, found = np.random.default_rng(0), 20, []
    bound, t = distance / np.sqrt(n), _t(n - 1)
    for _ in range(1500):
        x = rng.normal(size=n)
        value = np.asarray(min(x.mean(), bound))
        refits = np.minimum(rng.multinomial(n - 1, np.full(n, 1 / n), size=200) @ x / (n - 1), bound)
        one = Estimate.of(value, np.asarray(refits.std(ddof=1)), t, np.array(True))
        wider = one.reaching(refits - value, widening(0.95, t, 1.0), 0.95)
        found.append([estimate.low <= 0 <= estimate.high for estimate in (one, wider)])
    symmetric, reaching = np.mean(found, axis=0)
    assert symmetric < 0.93
    assert 0.92 < reaching < 0.97


def _t(degrees: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))


def test_what_the_data_do_not_decide_has_no_error_bar(safe_fit: FitResult) -> None:
    errors = safe_fit.errors
    assert not errors.parameters["a"].decided.any()
    assert not errors.parameters["b"].decided.any()
    assert errors.parameters["r0"].decided
    assert errors.parameters["kr"].decided
    assert "sigma" not in errors.parameters  # kept as given
    inside = errors.potential([("angle", 0)], np.linspace(1.6, 2.5, 9), np.ones(9))
    assert inside.decided.all()
    outside = errors.potential([("angle", 0)], np.array([0.3, 0.4, 2.0]), np.array([0.0, 0.0, 1.0]))
    assert outside.decided.tolist() == [False, False, False]
    assert outside.standard_error[:2].tolist() == pytest.approx([np.nan] * 2, nan_ok=True)


@pytest.mark.slow
def test_directions_that_are_left_at_their_start_have_none(factor: Factor) -> None:
    prior = prior_of(10)
    made = factor_of(chignolin_chains(400), prior)
    errors = cgcore.fit(made, prior, unconstrained(truncation=0.01)).errors
    assert not errors.parameters["a"].decided.any()
    assert errors.parameters["kr"].decided


@pytest.mark.slow
def test_terms_without_data_and_frozen_ones_have_none() -> None:
    prior = replace(SIMPLE, frozen=frozenset({"dihedral"}))
    short = factor_of(random_chains(100, [5], 5, 1), prior)  # no pairs six apart
    errors = cgcore.fit(short, prior).errors
    assert {"k_dih", "gamma_dih", "epsilon", "sigma"}.isdisjoint(
        name for name, one in errors.parameters.items() if one.decided.any()
    )
    assert errors.parameters["kr"].decided
    with pytest.raises(InputError, match="dihedral"):
        errors.potential([("dihedral", 0)], np.zeros(1))


@pytest.mark.slow
def test_a_constraint_holds_a_parameter(safe_fit: FitResult) -> None:
    """At 20,000 K no resample comes near the value that the data alone would give."""
    hot = cgcore.fit(safe_fit.factor, safe_fit.prior, Options(temperature=2e4))
    epsilon = hot.errors.parameters["epsilon"]
    assert epsilon.held
    assert re.search(r"held by a constraint: .*epsilon", hot.report())


def test_phases_are_compared_around_the_circle(safe_fit: FitResult) -> None:
    """Rotated by pi, so that the phase lies at its discontinuity, it has the same error."""
    errors = safe_fit.errors
    gamma = float(safe_fit.fitted_params["gamma_dih"][0])
    c = errors.coefficients.copy()
    own = errors.layout.slices["dihedral"]
    names = errors.layout.names[own]
    cosine, sine = (own.start + names.index(f"k_1 {wave}(gamma_1)") for wave in ("cos", "sin"))
    turn = np.pi - gamma
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    from cgcore.fitting.errors_of_parameters import errors_of_parameters
    from cgcore.fitting.frozen import Freedom

    turned, centre = c.copy(), errors.around.centre.copy()
    turned[:, [cosine, sine]] = c[:, [cosine, sine]] @ rotation.T
    centre[[cosine, sine]] = rotation @ centre[[cosine, sine]]
    around = replace(errors.around, centre=centre)
    found = errors_of_parameters(Freedom.of(safe_fit.prior), around, turned, errors.blocking.inflation, errors.t, 0.95)
    before = errors.parameters["gamma_dih"].standard_error[0]
    assert found["gamma_dih"].standard_error[0] == pytest.approx(before, rel=1e-6)
    assert errors.parameters["k_dih"].low.min() >= 0


def test_losses_have_the_error_of_their_blocks(safe_fit: FitResult) -> None:
    loss, c = safe_fit.errors.losses["train_loss"], cgcore.to_coefficients(safe_fit.fitted_params)
    each = np.array([np.sum((b.S[:, :-1] @ c - b.S[:, -1]) ** 2) / b.beads for b in safe_fit.factor.blocks])
    assert loss.value == pytest.approx(safe_fit.train_loss)
    assert loss.standard_error >= 0.99 * np.std(each, ddof=1) / np.sqrt(20)
    gain = safe_fit.errors.losses["train_gain"]
    assert gain.value == pytest.approx(safe_fit.certificate.initial_loss - safe_fit.train_loss)
    assert gain.standard_error < 0.5 * loss.standard_error


@pytest.mark.slow
def test_held_out_losses_have_errors() -> None:
    train, held_out = cgcore.from_arrays(*chignolin_chains(400)).split(0.25)
    result = cgcore.fit(train, SIMPLE, validation=held_out)
    assert result.errors.losses["val_loss"].value == pytest.approx(result.val_loss)
    assert result.initial_val_loss is not None
    assert result.val_loss is not None
    assert result.errors.losses["val_gain"].value == pytest.approx(result.initial_val_loss - result.val_loss)


def test_the_same_seed_gives_the_same_numbers(free_fit: FitResult) -> None:
    one, two, other = (cgcore.error_bars(free_fit, seed=seed).as_dict() for seed in (5, 5, 6))
    assert one == two
    assert one["parameters"] != other["parameters"]
    assert one["seed"] == 5


def test_levels_widen_intervals(free_fit: FitResult) -> None:
    narrow, wide = (cgcore.error_bars(free_fit, level=level).parameters["kr"] for level in (0.68, 0.99))
    assert narrow.standard_error == wide.standard_error
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)


@pytest.fixture(scope="module")
def proteins() -> Callable[[int], FitResult]:
    def fitted(count: int) -> FitResult:
        parts = [factor_of(random_chains(40, [8], 8, k), SIMPLE, 5, f"protein {k}") for k in range(count)]
        return cgcore.fit(cgcore.merge(*parts), SIMPLE, unconstrained(truncation=0.0))

    return fitted


@pytest.mark.slow
def test_five_proteins_are_resampled_and_two_are_too_few(proteins: Callable[[int], FitResult]) -> None:
    many, few = proteins(5), proteins(2)
    assert many.errors.blocking.by == "proteins"
    assert many.errors.blocking.degrees_of_freedom == 4
    assert cgcore.error_bars(many, by="blocks").blocking.by == "blocks"
    assert few.errors.blocking.by == "blocks"
    assert "2 proteins are too few" in few.report()
    with pytest.raises(InputError, match="5 proteins"):
        cgcore.error_bars(few, by="proteins")


@pytest.mark.slow
def test_there_are_none_of_too_few_blocks_or_of_an_unfinished_fit(factor: Factor, tmp_path: Path) -> None:
    few = cgcore.fit(factor_of(chignolin_chains(40), SIMPLE, 3), SIMPLE)
    with pytest.raises(InputError, match="too few"):
        _ = few.errors
    assert "Error bars: none" in few.report()
    few.save(tmp_path)
    assert "too few" in json.loads((tmp_path / "fit.json").read_text())["error_bars"]["why_not"]
    unfinished = cgcore.fit(factor, SIMPLE, Options(coordinates="physical", max_steps=11))
    with pytest.raises(InputError, match="MAX_STEPS"):
        cgcore.error_bars(unfinished)


def test_many_coefficients_have_none(free_fit: FitResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcore.fitting.error_bars.MOST_COEFFICIENTS", 10)
    with pytest.raises(InputError, match="11 coefficients are too many"):
        cgcore.error_bars(free_fit)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"by": "frames"}, "by is"),
        ({"level": 1.0}, "level is"),
        ({"resamples": 1}, "resamples"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_are_checked(free_fit: FitResult, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cgcore.error_bars(free_fit, **settings)


def test_the_record_has_the_method_and_each_error(safe_fit: FitResult, tmp_path: Path) -> None:
    safe_fit.save(tmp_path)
    found = json.loads((tmp_path / "fit.json").read_text())["error_bars"]
    assert (found["seed"], found["level"], found["blocks"], found["block_frames"]) == (0, 0.95, 20, 50)
    assert found["parameters"]["a"]["standard_error"] == [None] * 10
    r0 = found["parameters"]["r0"]
    assert r0["low"] < safe_fit.fitted_params["r0"] < r0["high"]
    assert len(found["block_lengths"]) > 1
    text = safe_fit.report()
    assert "not decided by the data, so without an error bar: a_1..a_10, b_1..b_10" in text
    assert "bootstrap of 20 blocks of 50 frames, 500 resamples, seed 0" in text
