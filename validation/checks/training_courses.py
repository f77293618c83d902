"""The course of a stage without what it computes: epochs, reports, checkpoints, seeds, and minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from validation.check import Row, check, equal
from validation.context import Context, with_harmonics
from validation.settings.prior_configurations import prior_alone

FRAMES, SIZE = 7, 3
"""Number of training frames, which do not fill minibatches of three."""


@check("training-courses", quick=True)
def training_courses(context: Context) -> Iterator[Row]:
    """What stages report, save and keep, what an epoch is given, and how minibatches are cut and measured."""
    prior, parts = problem(context)
    yield from _finished(prior, parts)
    yield from _stepped(prior, parts)
    yield from _measured(prior, parts)


def problem(context: Context) -> tuple[cgcore.Prior, list[cgcore.Dataset]]:
    """A prior, training frames and two held-out frames."""
    batch = context.some(FRAMES + 2).join()
    R, F = (np.asarray(x, float)[:, :5] for x in (batch.R, batch.F))
    parts = [cgcore.from_arrays(R[own], F[own], accept_faults=True) for own in (slice(FRAMES), slice(FRAMES, None))]
    return with_harmonics(context.prior, 1, 1), parts


def trainer_of(prior: cgcore.Prior, parts: list[cgcore.Dataset], *, held_out: bool = True, **said: Any) -> Any:
    """A trainer of a prior alone on these frames and held-out frames, with settings of its training."""
    from cgcore.pipeline import DatasetLoader, Trainer, model_for
    from cgcore.pipeline.watch import Watch

    watch, more = (
        said.pop("watch", Watch()),
        {name: said.pop(name) for name in ("fit_loader", "project") if name in said},
    )
    model = prior_alone(prior) | {"train_priors": said.pop("train_priors", True)}
    training = {
        "precision": "float64",
        "pretrain_prior": False,
        "pretrain_prior_constraints": "none",
        "batch_per_device": SIZE,
        "seed": 4,
    } | said
    config = {"dialect": "cgcore", "model": model, "training": training}
    loaders = [DatasetLoader(part) for part in parts]
    made = model_for(config, loaders[0])
    return Trainer(made, config, loaders[0], loaders[1] if held_out else None, watch=watch, devices=_one(), **more)


def _one() -> Any:
    import jax

    return jax.devices()[:1]


def _scripted(trainer: Any, epochs: int, losses: list[tuple[float, float | None]]) -> Any:
    """A stage whose epochs have these losses, and whose parameters are numbers of epochs."""
    stage = trainer.stage("adam", epochs)

    def step(state: Any) -> tuple[Any, float]:
        loss, held_out = losses[state.epoch]
        keep = trainer.settings.training.keep
        moved = 0.25 if state.epoch == 1 else None
        params = {"prior": {"x": np.array(state.epoch + 1.0)}}
        return state.after_epoch(params, None, loss, held_out, keep, moved), 2.0 ** (state.epoch + 1)

    stage.step = step
    stage.loss = SimpleNamespace(
        loss=lambda params, chosen: float(params["prior"]["x"]) + 100.0 * (chosen == "train"),
        place_params=lambda params: params,
        train="train",
        validation=None if losses[0][1] is None else "held out",
        n_train=FRAMES,
        in_mean=lambda part, loss: None if loss is None else loss / (2 if part == "train" else 4),
    )
    return stage


def begun(held_out: float | None) -> Any:
    """The state before the first epoch of a second stage."""
    from cgcore.pipeline.state import TrainingState

    start = {"prior": {"x": np.array(0.0)}}
    return TrainingState(start, start, stage="stage2", optimizer="adam", kept_loss=held_out, initial_loss=held_out)


FALLING: list[tuple[float, float | None]] = [(9.0, 5.0), (8.0, 3.0), (7.0, 4.0), (6.0, 3.5), (5.0, 6.0)]
ALONE: list[tuple[float, float | None]] = [(loss, None) for loss, _ in FALLING]
FAILED: list[tuple[float, float | None]] = [*FALLING[:2], (np.nan, 1.0), *FALLING[3:]]
COURSES: dict[str, tuple[list[tuple[float, float | None]], int, list[int], int, int]] = {
    "falling, checkpoints after two epochs": (FALLING, 2, [2, 4, 5], 2, 5),
    "falling, checkpoints at the end": (FALLING, 0, [5], 2, 5),
    "falling, checkpoints after each epoch": (FALLING, 1, [1, 2, 3, 4, 5], 2, 5),
    "no held-out frames": (ALONE, 3, [3, 5], 5, 5),
    "failed": (FAILED, 2, [2, 3], 2, 3),
}
"""Losses of five epochs, epochs between checkpoints, epochs that are saved, the one that is kept, and the last one."""


def _finished(prior: cgcore.Prior, parts: list[cgcore.Dataset]) -> Iterator[Row]:
    """The report of a stage and of its epochs, and the checkpoints that are due."""
    for name, (losses, frequency, saves, best, last) in COURSES.items():
        trainer = trainer_of(prior, parts, checkpoint_freq=frequency)
        stage = _scripted(trainer, len(losses), losses)
        start = None if losses[0][1] is None else 10.0
        told: list[Any] = []
        saved: list[int] = []
        state, result = stage.finish(begun(start), told.append, lambda state, saved=saved: saved.append(state.epoch))
        yield equal(f"{name}, epochs that are saved", str(saved), str(saves))
        own = [loss for loss, _ in losses[:last]]
        theirs = [held_out for _, held_out in losses[:last] if held_out is not None]
        val = None if start is None else float(best)
        rates = FRAMES / np.median([2.0**k for k in range(2, last + 1)])
        known: dict[str, Any] = {
            "optimizer": "adam", "epochs": last, "steps": 3 * last, "finite": name != "failed",
            "train_loss": 100.0 + best, "val_loss": val, "train_loss_in_mean": (100.0 + best) / 2,
            "val_loss_in_mean": None if val is None else val / 4, "best_epoch": best, "initial_val_loss": start,
            "last_val_loss": theirs[-1] if theirs else None, "loss_history": own, "val_loss_history": theirs,
            "frames_per_second": float(rates), "prior_projection": 0.25,
        }  # fmt: skip
        found = {key: value for key, value in result.items() if key != "seconds"}
        yield equal(f"{name}, report", str({key: found.get(key) for key in known}), str(known))
        yield equal(f"{name}, parameters that are kept", float(state.kept["prior"]["x"]), float(best))
        each = [
            ("stage2", "adam", k, len(losses), losses[k - 1][0], losses[k - 1][1], FRAMES / 2.0**k)
            for k in range(1, last + 1)
        ]
        yield equal(f"{name}, reports of epochs", str([tuple(one) for one in told]), str(each))
    stage = _scripted(trainer_of(prior, parts), 0, FALLING)
    _, result = stage.finish(begun(7.0), None, None)
    found = result["last_val_loss"], result["frames_per_second"], result["epochs"]
    yield equal("no epochs, held-out loss, speed and epochs", str(found), str((7.0, None, 0)))


def _stepped(prior: cgcore.Prior, parts: list[cgcore.Dataset]) -> Iterator[Row]:
    """Seeds, projections and parts of an epoch that is not computed."""
    for trained, projected in ((True, True), (True, False), (False, True)):
        asked: list[Any] = []

        def project(own: Any, asked: list[Any] = asked) -> Any:
            asked.append(("projected", own["r0"].dtype.name, float(own["r0"])))
            return {name: value + 1.0 for name, value in own.items()}, 0.5

        def epoch(trained: Any, state: Any, fixed: Any, seed: Any, asked: list[Any] = asked) -> Any:
            asked.append((sorted(trained), sorted(fixed), seed))
            return {part: {name: 2.0 * x for name, x in own.items()} for part, own in trained.items()}, "new", 3.0

        trainer = trainer_of(prior, parts, train_priors=trained, project=project if projected else None)
        trainer.prior_fit = SimpleNamespace(keeps_admissible=lambda *_: None)
        if not trained:  # a network, which is not made here, would be trained
            trainer.model.network = "network"
        stage = trainer.stage("adam", 3)
        stage.run_epoch = epoch
        params = {"prior": {"r0": np.array(3.0)}, "allegro": {"w": np.array(5.0)}}
        stage._val_loss = lambda params: float(params.get("prior", {"r0": 0.0})["r0"])
        start = begun(1.0)
        start = start.after_epoch(params, "old", 1.0, 2.0, "last")
        state, _ = stage.step(replace(start, seed=4))
        at = f"an epoch, the prior {'trained' if trained else 'fixed'}, {'projected' if projected else 'as it is'}"
        first = (["allegro", "prior"], []) if trained else (["allegro"], ["prior"])
        known: list[Any] = [(*first, (4, 2, 1))]
        if trained and projected:
            known.append(("projected", "float64", 6.0))
        yield equal(f"{at}, calls", str(asked), str(known))
        r0 = 3.0 if not trained else 7.0 if projected else 6.0
        found = float(state.params["prior"]["r0"]), float(state.params["allegro"]["w"]), state.optimizer_state
        yield equal(f"{at}, parameters", str(found), str((r0, 10.0, "new")))
        told = state.epoch, state.losses[-1], state.val_losses[-1], state.prior_projection
        yield equal(f"{at}, numbers", str(told), str((2, 3.0, r0, 0.5 if trained and projected else None)))


def _measured(prior: cgcore.Prior, parts: list[cgcore.Dataset]) -> Iterator[Row]:
    """Minibatches of frames, and the loss of all of them from several calls."""
    from cgcore.pipeline.compiled_epoch import updates_of
    from cgcore.pipeline.minibatch_loss import Sums

    for size, rows, held_out, updates in (
        (3, [[0, 1, 2], [3, 4, 5], [6, -1, -1]], [[7, 8, -1]], (3, 2)),
        (7, [[0, 1, 2, 3, 4, 5, 6]], [[7, 8, -1, -1, -1, -1, -1]], (1, 1)),
        (50, [[0, 1, 2, 3, 4, 5, 6]], [[7, 8, -1, -1, -1, -1, -1]], (1, 1)),
        (4, [[0, 1, 2, 3], [4, 5, 6, -1]], [[7, 8, -1, -1]], (2, 1)),
    ):
        loss = trainer_of(prior, parts, batch_per_device=size).loss
        found = loss.train.tolist(), loss.validation.tolist(), (updates_of(loss, False), updates_of(loss, True))
        yield equal(f"minibatches of {size} frames", str(found), str((rows, held_out, updates)))
    loss = trainer_of(prior, parts, batch_per_device=1).loss
    loss.size = FRAMES + 1  # as on more devices than there are frames
    yield equal("complete minibatches of fewer frames", updates_of(loss, True), 1)
    loss.size = 1
    weights, beads, calls = np.arange(10.0) ** 2, np.arange(10.0) + 2, list[Any]()

    def measure(params: Any, frames: Any, chosen: Any) -> Any:
        chosen = np.asarray(chosen)
        calls.append(chosen.shape)
        real = (chosen >= 0).sum(axis=1)
        force, count = (np.where(chosen >= 0, of[chosen], 0).sum(axis=1) for of in (weights, beads))
        return Sums(force, count, force, force, real)

    loss._measure = measure
    for at_once in (1, 2, 3, 7, 9):
        loss._at_once = at_once
        calls.clear()
        found = loss.loss({}, loss.train), loss.loss({}, loss.validation)
        known = weights[:7].sum() / beads[:7].sum(), weights[7:9].sum() / beads[7:9].sum()
        yield equal(f"losses of {at_once} minibatches at once", str(np.round(found, 12)), str(np.round(known, 12)))
        times = -(-7 // at_once) + -(-2 // at_once)
        yield equal(f"calls of {at_once} minibatches at once", str(calls), str([(at_once, 1)] * times))
