"""The calls that a training makes, in their order: the fit of the prior, stages, callbacks, and files of parameters."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from validation.check import Row, check, equal, says
from validation.checks.training_courses import FRAMES, begun, problem, trainer_of
from validation.context import Context, with_harmonics


@check("training-calls", quick=True)
def training_calls(context: Context) -> Iterator[Row]:
    """Stages of a plan and their numbers, what becomes of a fit, what is refused, and files of parameters."""
    prior, parts = problem(context)
    yield from _planned(prior, parts)
    yield from _fitted(prior, parts)
    yield from _given(prior, parts)


def _planned(prior: cgcore.Prior, parts: list[cgcore.Dataset]) -> Iterator[Row]:
    """Stages of a plan, the numbers from which each starts, and calls of stages one by one."""
    from cgcore.pipeline.watch import Watch

    calls: list[Any] = []
    plan = [{"optimizer": "adam", "epochs": 2}, {"optimizer": "none"}, {"optimizer": "lion", "epochs": 3}]
    trainer = trainer_of(prior, parts, stages=plan, watch=Watch(begin=lambda *said: calls.append(said)))
    r0 = float(prior.params["r0"])

    def made(optimizer: str, epochs: int) -> Any:
        def finish(state: Any, watch: Any, save: Any) -> tuple[Any, dict[str, Any]]:
            for _ in range(epochs):
                params = {"prior": {name: x + 1.0 for name, x in state.params["prior"].items()}}
                state = state.after_epoch(params, None, 1.0, None, "last")
            calls.append(save is not None)
            return state, {"epochs": epochs}

        def begin(name: str, params: Any) -> Any:
            calls.append((name, round(float(params["prior"]["r0"]) - r0, 6)))
            return replace(begun(None), params=params, kept=params, stage=name, optimizer=optimizer)

        return SimpleNamespace(begin=begin, finish=finish)

    trainer.stage = made
    results = trainer.train_full_pipeline()
    skipped = {"skipped": "training.pretrain_prior is false"}
    known = {"prior_pretrain": skipped, "stage1": {"epochs": 2}}
    known |= {"stage2": {"skipped": "training.stages[1].optimizer is none"}, "stage3": {"epochs": 3}}
    yield equal("a plan, results", str(results), str(known))
    every = [("stage1", "adam", 2), ("stage1", 0.0), True, ("stage3", "lion", 3), ("stage3", 2.0), True]
    yield equal("a plan, calls", str(calls), str(every))
    calls.clear()
    trainer.train_stage("adam", 1)
    trainer.train_stage("adam", 1, save=calls.append)
    every = [("stage4", "adam", 1), ("stage4", 5.0), False, ("stage5", "adam", 1), ("stage5", 6.0), True]
    yield equal("stages one by one, calls", str(calls), str(every))


def _fitted(prior: cgcore.Prior, parts: list[cgcore.Dataset]) -> Iterator[Row]:
    """The fit of the prior in a training: what it is given, what becomes of its result, and who is told."""
    from cgcore.fitting.fit import Callbacks
    from cgcore.pipeline.watch import Watch

    for held_out in (True, False):
        order: list[str] = []
        progress = Callbacks()
        watch = Watch(
            progress,
            fitted=lambda result, order=order: order.append(f"fitted {result.name}"),
            record=lambda result, order=order: order.append("record") or {"of": result.name},
        )
        trainer = trainer_of(prior, parts, held_out=held_out, watch=watch, pretrain_prior_max_steps=40)
        given: list[Any] = []
        params = {name: np.asarray(value, np.float32) * 2 for name, value in prior.params.items()}

        def run(*said: Any, given: list[Any] = given, params: Any = params) -> Any:
            given.extend(said)
            return SimpleNamespace(name="fit", fitted_params=params, as_dict=lambda: {"steps": 1})

        trainer.prior_fit = SimpleNamespace(run=run, keeps_admissible=lambda *said, given=given: given.extend(said))
        at = f"the fit {'with' if held_out else 'without'} held-out frames"
        yield equal(f"{at}, what is returned", str(trainer.pretrain_prior(tol_grad=1e-3)), str({"steps": 1}))
        yield equal(
            f"{at}, options", str(given[1]), str(cgcore.Options(max_steps=40, tol_grad=1e-3, constraints="none"))
        )
        theirs = given[2] is (parts[1] if held_out else None) or given[2] is getattr(trainer.val_loader, "dataset", 0)
        yield equal(f"{at}, held-out frames and callbacks", theirs and given[3:] == [progress], True)
        yield equal(
            f"{at}, who is told", str((order, trainer.fit_record)), str((["record", "fitted fit"], {"of": "fit"}))
        )
        found = trainer.prior.params["r0"], trainer.params["prior"]["r0"], trainer.last_params["prior"]["r0"]
        known = [("float64", 2 * float(np.float32(prior.params["r0"])))] * 3
        yield equal(f"{at}, the prior", str([(x.dtype.name, float(x)) for x in found]), str(known))
        given.clear()
        trainer.stage("adam", 1)
        yield equal(f"{at}, whose constraints stages keep", getattr(given[0], "name", "none"), "fit")


def _given(prior: cgcore.Prior, parts: list[cgcore.Dataset]) -> Iterator[Row]:
    """Numbers of epochs, energies that are missing, frames of the fit, and files of parameters."""
    from cgcore.pipeline import DatasetLoader

    trainer = trainer_of(prior, parts, seed=1)
    few = "give a whole number of at least 0"
    most = (2**31 - 1) // 3
    for epochs, words in ((0, "accepted"), (True, few), (-1, few), (most, "accepted"), (most + 1, "can be counted")):
        yield says(f"{epochs} epochs", partial(trainer.stage, "adam", epochs), words)
    for gamma, words in ((0.0, "accepted"), (0.5, "has no energies (key 'U'); set it to 0")):
        work = partial(trainer_of, prior, parts, gammas={"U": gamma})
        yield says(f"no energies, a factor of {gamma:g}", work, words)
    for name, loader, known in (("others", DatasetLoader(parts[1]), 2), ("those of the stages", None, FRAMES)):
        made = trainer_of(prior, parts, fit_loader=loader)
        yield equal(f"frames of the fit, {name}", made.prior_fit.frames.n_frames, known)
        yield equal(f"frames of the fit, {name}, recorded", "fit" in made._record({})["data"], loader is not None)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "params.npz")
        moved = {"prior": {name: np.asarray(value) + 1.0 for name, value in prior.params.items()}}
        trainer.save_params(path, moved)
        other = trainer_of(prior, parts)
        other.load_params(path)
        found = float(other.params["prior"]["r0"]), float(other.last_params["prior"]["r0"])
        yield equal("parameters of a file", str(found), str((float(moved["prior"]["r0"]),) * 2))
        trainer.save_params(path)
        other.load_params(path)
        yield equal("parameters of a trainer", float(other.params["prior"]["r0"]), float(prior.params["r0"]))
        others = {"weights": cgcore.Prior(prior.weights._replace(angle=0.7), prior.params)}
        others["harmonics"] = with_harmonics(cgcore.default_prior(), 2, 2)
        for name, own in others.items():
            wrong = trainer_of(own, parts)
            yield says(
                f"parameters of a model of other {name}", partial(wrong.load_params, path), "belongs to another model"
            )
