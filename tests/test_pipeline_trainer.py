"""The trainer: what each step changes and returns, and which parameters it keeps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pipeline_helpers as h
import pytest

import cgcore
from cgcore.config import Settings
from cgcore.data import from_arrays
from cgcore.errors import InputError
from cgcore.physics.space import Periodic
from cgcore.pipeline.loader import DatasetLoader
from cgcore.pipeline.trainer import Trainer
from cgcore.pipeline.watch import Watch

KEYS = {"train_loss", "val_loss", "steps", "converged", "grad_norm", "loss_history", "fitted_params"}
STAGE_KEYS = {
    "prior_projection",
    "train_loss",
    "val_loss",
    "steps",
    "epochs",
    "loss_history",
    "val_loss_history",
    "seconds",
}
NETWORK_ONLY = {"use_priors": False}


def trainer(said: Settings, frames: int = 40, held_out: float = 0.25, **more: Any) -> Trainer:
    train, validation = h.loader(frames).split_train_val(held_out)
    return Trainer(h.model(said, train), said, train, validation, **more)


@pytest.mark.slow
def test_pre_training_touches_the_prior_alone() -> None:
    worker = trainer(h.settings(training={"precision": "float32"}))
    before = jax.tree.map(np.array, worker.params)
    initial = worker.prior
    result = worker.pretrain_prior()
    assert set(result) == KEYS
    assert h.equal(worker.params["allegro"], before["allegro"])
    assert not h.equal(worker.params["prior"], before["prior"])
    assert initial is not None
    direct = cgcore.fit(
        worker.train_loader.dataset, initial, validation=worker.val_loader and worker.val_loader.dataset
    )
    assert result["val_loss"] == direct.val_loss
    assert worker.prior is not None
    for name, value in direct.fitted_params.items():
        np.testing.assert_array_equal(worker.prior.params[name], value)
        np.testing.assert_array_equal(worker.params["prior"][name], value)


@pytest.mark.slow
def test_pre_training_by_its_arguments_and_by_the_settings() -> None:
    told = trainer(h.settings(training={"pretrain_prior_max_steps": 1, "pretrain_prior_tol_grad": 0}))
    assert told.pretrain_prior()["steps"] == 1
    assert told.pretrain_prior(max_steps=50, tol_grad=1e-3)["converged"]
    assert told.fit_result is not None
    assert told.fit_result.options.tol_grad == 1e-3
    least = trainer(h.settings(training={"pretrain_prior_min_steps": 10}))
    assert least.pretrain_prior(max_steps=3)["steps"] <= 3


@pytest.mark.slow
def test_pre_training_in_a_box() -> None:
    said = h.settings()
    frames = h.loader(30)
    worker = Trainer(h.model(said, frames, box=[50.0, 50.0, 50.0]), said, frames)
    assert isinstance(worker.model.displacement, Periodic)
    boxed = worker.pretrain_prior()
    assert worker.fit_result is not None
    assert worker.fit_result.factor.fingerprint.displacement == "periodic 50 x 50 x 50 Å"
    free = Trainer(h.model(said, frames), said, frames).pretrain_prior()
    assert boxed["train_loss"] == pytest.approx(free["train_loss"], rel=1e-6)


@pytest.mark.slow
def test_a_huge_minibatch_holds_all_frames() -> None:
    worker = trainer(h.settings(NETWORK_ONLY, {"batch_per_device": 60_000}), devices=jax.devices()[:1])
    assert worker.loss.size == 30
    assert worker.train_stage("adam", 1)["steps"] == 1


def test_a_network_that_no_memory_holds_is_refused_before_it_is_made() -> None:
    class Huge(h.Tiny):
        def init(self, key: Any, dtype: Any = np.float32) -> Any:
            return {"w": jax.numpy.zeros((10**6, 10**6), dtype)}

    said, frames = h.settings(NETWORK_ONLY), h.loader(4)
    model = h.model(said, frames)
    model.network = Huge()
    with pytest.raises(InputError, match=r"model\.allegro asks for 1,000,000,000,000 parameters; make it smaller"):
        Trainer(model, said, frames)


@pytest.mark.slow
def test_a_prior_that_is_trained_stays_admissible() -> None:
    worker = trainer(h.settings({}, {"keep": "last"}, adam={"lr": 0.2}))
    worker.pretrain_prior()
    assert worker.fit_result is not None
    assert worker.fit_result.admissible.constraints
    result = worker.train_stage("adam", 2)
    assert result["prior_projection"] is not None
    assert result["prior_projection"] > 0
    prior = worker.prior
    assert prior is not None
    # float32 represents the coefficients to 1e-7 of forces of tens of kcal/mol/Å.
    assert worker.fit_result.admissible.violation(cgcore.to_coefficients(prior.params)) < 1e-3


@pytest.mark.slow
def test_a_stage_lowers_the_loss_and_reports_it() -> None:
    reports: list[Any] = []
    free = {"pretrain_prior_constraints": "none"}  # the starting prior of these tests is not admissible
    worker = trainer(h.settings({}, free, adam={"lr": 0.05}), watch=Watch(epoch=reports.append))
    before = jax.tree.map(np.array, worker.params)
    result = worker.train_stage("adam", 6)
    assert set(result) >= STAGE_KEYS
    assert result["prior_projection"] is None
    assert (result["epochs"], result["steps"], result["finite"]) == (6, 6 * 4, True)
    assert result["loss_history"][-1] < result["loss_history"][0]
    assert [report[:4] for report in reports] == [("stage1", "adam", k, 6) for k in range(1, 7)]
    assert [report.val_loss for report in reports] == result["val_loss_history"]
    assert not h.equal(worker.params["prior"], before["prior"])
    assert not h.equal(worker.params["allegro"], before["allegro"])
    assert worker.val_loader is not None
    assert result["val_loss"] == pytest.approx(worker.evaluate(worker.val_loader)["loss"], rel=1e-12)
    assert result["train_loss"] == pytest.approx(worker.evaluate(worker.train_loader)["loss"], rel=1e-12)
    assert worker.prior is not None
    np.testing.assert_array_equal(worker.prior.params["kr"], worker.params["prior"]["kr"])


@pytest.mark.slow
def test_the_prior_stays_where_it_is_not_to_be_trained() -> None:
    worker = trainer(h.settings({"train_priors": False}))
    before = jax.tree.map(np.array, worker.params)
    worker.train_stage("adam", 1)
    assert h.equal(worker.last_params["prior"], before["prior"])
    assert not h.equal(worker.last_params["allegro"], before["allegro"])


@pytest.mark.parametrize("optimizer", ["adabelief", "yogi", "lion", "sgd_nesterov", "polyak_sgd", "fromage"])
def test_every_optimizer_trains(optimizer: str) -> None:
    rates = {"sgd_nesterov": 1e-5, "polyak_sgd": 1e-4, "fromage": 1e-3}
    said = h.settings(NETWORK_ONLY, {"keep": "last"}, **{optimizer: {"lr": rates.get(optimizer, 1e-2)}})
    worker = trainer(said, frames=24)
    result = worker.train_stage(optimizer, 8)
    assert result["finite"]
    assert result["loss_history"][-1] < result["loss_history"][0]


@pytest.mark.slow
def test_the_best_parameters_are_kept_or_the_last() -> None:
    # A learning rate so large that the held-out loss increases.
    runs = {}
    for keep in ("best", "last"):
        worker = trainer(h.settings(NETWORK_ONLY, {"keep": keep}, adam={"lr": 1.0, "warmup_fraction": 0}))
        runs[keep] = worker, worker.train_stage("adam", 4)
    (best, kept), (last, other) = runs["best"], runs["last"]
    assert kept["val_loss_history"] == other["val_loss_history"]
    losses = [kept["initial_val_loss"], *kept["val_loss_history"]]
    assert kept["val_loss"] == min(x for x in losses if x is not None)
    assert kept["best_epoch"] == losses.index(kept["val_loss"]) < 4
    assert (other["best_epoch"], other["val_loss"]) == (4, losses[-1])
    assert h.equal(best.last_params, last.params)
    assert not h.equal(best.params, last.params)


def test_without_held_out_frames_the_last_parameters_are_kept() -> None:
    worker = trainer(h.settings(NETWORK_ONLY), held_out=0.0)
    result = worker.train_stage("adam", 2)
    assert (result["val_loss"], result["val_loss_history"], result["best_epoch"]) == (None, [], 2)
    assert h.equal(worker.params, worker.last_params)


def test_a_stage_that_diverges_ends_and_keeps_what_was_finite() -> None:
    said = h.settings(NETWORK_ONLY, {"keep": "last"}, sgd_nesterov={"lr": 1e200, "warmup_fraction": 0})
    worker = trainer(said)
    result = worker.train_stage("sgd_nesterov", 5)
    assert result["finite"] is False
    assert result["epochs"] < 5
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(worker.params))


@pytest.mark.slow
def test_a_projection_moves_the_prior_back_after_each_epoch() -> None:
    seen: list[float] = []

    def project(prior: Any) -> tuple[Any, float]:
        assert all(np.asarray(value).dtype == np.float64 for value in prior.values())
        seen.append(abs(float(prior["r0"]) - 3.83))
        return prior | {"r0": np.float64(3.83)}, seen[-1]

    worker = trainer(h.settings({"ml_model": "none"}, {"keep": "last"}), project=project)
    result = worker.train_stage("adam", 3)
    assert len(seen) == 3
    assert max(seen) > 0
    assert result["prior_projection"] == max(seen)
    assert worker.prior is not None
    assert worker.prior.params["r0"] == 3.83
    assert worker.prior.params["kr"] != 150.0
    # The held-out loss is that of the parameters after they were moved back.
    assert result["val_loss"] == pytest.approx(result["val_loss_history"][-1], rel=1e-12)

    fixed = trainer(h.settings({"train_priors": False}), project=project)
    assert fixed.train_stage("adam", 1)["prior_projection"] is None
    assert len(seen) == 3


@pytest.mark.slow
def test_runs_are_the_same_for_the_same_seed() -> None:
    one, same, other = (trainer(h.settings(NETWORK_ONLY, {"seed": seed})) for seed in (5, 5, 6))
    for worker in (one, same, other):
        worker.train_stage("adam", 1)
    assert h.equal(one.params, same.params)
    assert not h.equal(one.params, other.params)


@pytest.mark.slow
def test_the_pipeline_does_what_is_configured() -> None:
    worker = trainer(h.settings())
    results = worker.train_full_pipeline()
    assert list(results) == ["prior_pretrain", "stage1", "stage2"]
    assert set(results["prior_pretrain"]) == KEYS
    assert worker.loss.traces == 1
    assert [results[stage]["optimizer"] for stage in ("stage1", "stage2")] == ["adam", "lion"]
    assert results["stage2"]["initial_val_loss"] == results["stage1"]["val_loss"]


@pytest.mark.parametrize(
    ("model", "training", "skipped"),
    [
        (
            NETWORK_ONLY,
            {"epochs_lion": 0},
            {"prior_pretrain": "model.use_priors", "stage2": "training.epochs_lion is 0"},
        ),
        (
            {},
            {"pretrain_prior": False, "epochs_adam": 0, "epochs_lion": 0},
            {"prior_pretrain": "training.pretrain_prior"},
        ),
        (
            {"ml_model": "none", "train_priors": False},
            {},
            {"stage1": "there is no network, and model.train_priors is false"},
        ),
        ({}, {"stage1_optimizer": None, "stage2_optimizer": None}, {"stage1": "training.stage1_optimizer is none"}),
    ],
)
def test_what_is_not_to_be_done_is_skipped(model: Any, training: Any, skipped: dict[str, str]) -> None:
    results = trainer(h.settings(model, training)).train_full_pipeline()
    assert list(results) == ["prior_pretrain", "stage1", "stage2"]
    for name, reason in skipped.items():
        assert reason in results[name]["skipped"]


def test_energies_are_refused_where_there_are_none() -> None:
    with pytest.raises(InputError, match=r"training\.gammas\.U is 0\.5, but .* no energies \(key 'U'\); set it to 0"):
        trainer(h.settings(training={"gammas": {"F": 1.0, "U": 0.5}}))


def test_what_a_stage_refuses() -> None:
    worker = trainer(h.settings())
    for act, words in (
        (partial(worker.train_stage, "adamm", 1), "optimizer 'adamm' is unknown; known: adabelief"),
        (partial(worker.train_stage, "adam", -1), "epochs is -1"),
        (
            partial(trainer(h.settings({"ml_model": "none", "train_priors": False})).train_stage, "adam", 1),
            "nothing to",
        ),
        (trainer(h.settings(NETWORK_ONLY)).pretrain_prior, "no prior to fit: model.use_priors is false"),
    ):
        with pytest.raises(InputError, match=words):
            act()


@pytest.mark.slow
def test_parameters_in_a_file(tmp_path: Path) -> None:
    worker = trainer(h.settings(training={"keep": "last"}))
    worker.train_stage("adam", 1)
    worker.save_params(tmp_path / "params.npz")
    other = trainer(h.settings(training={"seed": 9}))
    other.load_params(tmp_path / "params.npz")
    assert h.equal(other.params, worker.params)
    assert other.prior is not None
    assert worker.prior is not None
    assert h.equal(other.prior.params, worker.prior.params)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"cutoff": 7.0}, "network.cutoff is 8.0 there and 7.0 here"),
        ({"use_priors": False}, "prior is .* there and null here"),
        ({"priors": {**h.PRIORS, "a": [0.1], "b": [0.2]}}, "prior.a is 2 there and 1 here"),
        ({"allegro": {"avg_num_neighbors": 8.0, "max_ell": 3}}, "network.max_ell is 2 there and 3 here"),
    ],
)
def test_parameters_of_another_model(tmp_path: Path, model: dict[str, Any], words: str) -> None:
    trainer(h.settings()).save_params(tmp_path / "params.npz")
    with pytest.raises(InputError, match=rf"params\.npz: belongs to another model: {words}"):
        trainer(h.settings(model)).load_params(tmp_path / "params.npz")


def test_species_of_the_frames_are_checked() -> None:
    frames = h.loader(6)
    odd = from_arrays(
        frames.R, frames.F, frames.mask, np.where(frames.species == frames.species[0, 0], 25, frames.species)
    )
    said = h.settings()
    with pytest.raises(InputError, match="species is 25 at frame 0"):
        Trainer(h.model(said, frames), said, frames, DatasetLoader(odd))


def test_settings_may_be_a_mapping_or_a_file(tmp_path: Path) -> None:
    frames = h.loader(8)
    said = h.settings()
    worker = Trainer(h.model(said, frames), {"model": h.MODEL, "training": {"precision": "float64"}}, frames)
    assert worker.settings.training.plan["stage1"] == ("adabelief", 100)
    assert replace(worker.settings.training, precision="float32") == h.load_settings({"model": h.MODEL}).training
