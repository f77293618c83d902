"""A training that is interrupted and continued from its checkpoints, against one that is not interrupted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgcore
from cgcore.pipeline.watch import Watch
from validation.check import Row, at_least, check, equal, refusal, refuses
from validation.context import Context
from validation.networks.two_beads import NETWORK
from validation.resuming import bits, numbers_in, prior_of_bonds, reports_of, without_last

LENGTHS, HELD_OUT = (6, 5, 6, 4, 6, 6, 5), (5, 6, 6)
"""Number of beads of each frame; seven frames do not fill minibatches of three."""

SIZE, EPOCHS, EVERY, MORE = 3, 3, 2, 4
"""Frames of a minibatch, epochs of a stage and between checkpoints, and epochs of a stage that is made longer."""

STIFF = np.array([[100.0, 380.0], [110.0, 420.0], [110.0, 420.0], [120.0, 470.0]])
"""Coefficients of bonds between species 0-0, 0-1, 1-0 and 1-1."""

GRID = 0.25
"""The projection of the prior after each epoch rounds coefficients to multiples of this, which float32 represents."""

CLEAR = 0.001
"""Relative difference of two held-out losses above which it is clear which is lower."""

ADAM = {"lr": 0.05, "peak_lr": 2.0, "end_lr": 1.5, "schedule": "doubled", "warmup_steps": 3, "decay_steps": 8}
ADAM |= {"weight_decay": 0.02, "weight_decay_rule": "coupled", "grad_clip": 500.0}
"""The learning rate changes with each step, but not with the number of epochs, so that a stage that was made longer on
resuming is the same as one that was planned so."""

SLOWLY = {"lr": 1e-4, "peak_lr": 4e-3, "end_lr": 3e-3}
"""Learning rates of a network."""

STAGES = ("stage1", "stage2")
PLACES = {
    "at the beginning": (("stage1", 1), (0, [1])),
    "within a stage": (("stage1", 3), (2, [1, 2])),
    "between stages": (("stage2", 1), (3, [2, 3])),
    "within the last stage": (("stage2", 3), (5, [3, 4])),
}
"""Epoch in which a training is interrupted, before its checkpoint; the number of epochs that are saved by then, and the
checkpoints that are left: the newest two of those at the start, after each second epoch, and at the end of a stage."""


class _Interrupted(Exception):
    pass


@check("resume", quick=True, needs=("orbax.checkpoint",))
def resume(context: Context) -> Iterator[Row]:
    """Trainings interrupted at the beginning, within stages and between them; what may continue them, and what not."""
    workshop = _Workshop(_settings("float64"))
    with tempfile.TemporaryDirectory() as folder:
        yield from _continued("float64", workshop, Path(folder), [*PLACES])
        yield from _damaged(workshop, Path(folder))
        yield from _longer(workshop, Path(folder))
        yield from _refused(workshop, Path(folder))
    if context.quick:
        return
    network = {"train_priors": False, "ml_model": "allegro", "cutoff": 8.0, "allegro": NETWORK}
    for name, model in (("float32", {}), ("beside a network", network)):
        with tempfile.TemporaryDirectory() as folder:
            settings = _settings("float32", model)
            if model:
                settings["optimizer"] = {"adam": ADAM | SLOWLY}
            yield from _continued(name, _Workshop(settings), Path(folder), [*PLACES])


@dataclass
class _Workshop:
    """Trainers of the same settings, which share what they compile."""

    config: dict[str, Any]
    frames: Any = field(default_factory=lambda: _frames())
    _made: dict[Any, Any] = field(default_factory=dict)

    def alike(self, **training: Any) -> Any:
        """A trainer of the settings, except for those that change nothing compiled."""
        config = self.config | {"training": self.config["training"] | training}
        trainer = _trainer(config, self.frames)
        trainer.loss = self._made.setdefault("loss", trainer.loss)
        make = trainer.stage

        def stage(name: str, epochs: int) -> Any:
            if (name, epochs) not in self._made:
                self._made[name, epochs] = make(name, epochs)
            return self._made[name, epochs]

        trainer.stage = stage
        return trainer


def _trainer(config: dict[str, Any], frames: Any, stiff: np.ndarray = STIFF) -> Any:
    from cgcore.config import load_settings
    from cgcore.pipeline import Trainer, model_for

    said = load_settings(config)
    said = replace(said, model=replace(said.model, prior=prior_of_bonds(stiff)))
    model = model_for(said, frames[0])
    return Trainer(model, said, *frames, devices=jax.devices()[:1], project=_rounded)


def _rounded(prior: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """The prior on a grid, and the distance to it."""
    near = {name: GRID * np.round(value / GRID) for name, value in prior.items()}
    return near, max(float(np.abs(near[name] - value).max()) for name, value in prior.items())


def _settings(precision: str, model: Mapping[str, Any] = {}) -> dict[str, Any]:
    training = {"precision": precision, "pretrain_prior": False, "seed": 5, "batch_per_device": SIZE}
    training |= {"checkpoint_freq": EVERY, "stages": [{"optimizer": "adam", "epochs": EPOCHS}] * 2}
    return {
        "dialect": "cgcore",
        "model": {"train_priors": True, "ml_model": "none", **model},
        "training": training,
        "optimizer": {"adam": ADAM},
    }


def _frames(moved: float = 0.0, held_out: int = len(HELD_OUT)) -> tuple[Any, Any]:
    """Loaders of training frames, the last one of which may be moved apart, and of held-out frames."""
    from cgcore.pipeline import DatasetLoader

    lengths = LENGTHS + HELD_OUT
    batch = cgcore.datasets.chignolin().subset(len(lengths)).join()
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    R, F = (np.where(mask[..., None], np.asarray(x, float)[:, : max(lengths)], np.nan) for x in (batch.R, batch.F))
    R[len(LENGTHS) - 1, 0] += moved
    species = np.random.default_rng(0).integers(2, size=mask.shape)
    parts = slice(len(LENGTHS)), slice(len(LENGTHS), len(LENGTHS) + held_out)
    train, validation = (DatasetLoader(cgcore.from_arrays(R[own], F[own], mask[own], species[own])) for own in parts)
    return train, validation


def _continued(name: str, workshop: _Workshop, folder: Path, places: list[str]) -> Iterator[Row]:
    """Trainings that are interrupted at these places, beside one that is not."""
    whole = workshop.alike()
    expected, losses = whole.train_full_pipeline(), []
    for stage in STAGES:
        of = expected[stage]
        losses = [of["initial_val_loss"], *of["val_loss_history"]]
        counts = [of["epochs"], len(of["loss_history"]), len(of["val_loss_history"])]
        yield equal(f"{name}, {stage}, epochs", str(counts), str([EPOCHS] * 3))
        yield equal(f"{name}, {stage}, epoch that is kept", of["best_epoch"], int(np.argmin(losses)))
    if whole.model.names == ["prior"]:
        least = np.partition(losses, 1)
        yield at_least(f"{name}, least held-out loss below the next", least[1] / least[0] - 1, CLEAR)
        yield equal(f"{name}, the best epoch is before the last checkpoint", int(np.argmin(losses)), 1)
    for place in places:
        at, (done, left) = PLACES[place]
        here, label = folder / f"{name} {place}".replace(" ", "-"), f"{name}, interrupted {place}"
        _interrupt(workshop.alike(checkpoint_path=str(here)), at)
        yield equal(f"{label}, checkpoints", str(numbers_in(here)), str(left))
        seen: list[tuple[str, int]] = []
        resumed = workshop.alike(checkpoint_path=str(here), resume="auto")
        resumed.watch = Watch(epoch=lambda report, seen=seen: seen.append((report.stage, report.epoch)))
        results = resumed.train_full_pipeline()
        every = [(stage, epoch) for stage in STAGES for epoch in range(1, EPOCHS + 1)]
        yield equal(f"{label}, epochs that are left", str(seen), str(every[done:]))
        yield equal(f"{label}, what the stages report", reports_of(results), reports_of(expected))
        yield from _same(label, resumed, whole)
        yield equal(f"{label}, checkpoints at the end", str(numbers_in(here)), "[4, 5]")


def _interrupt(trainer: Any, at: tuple[str, int]) -> None:
    """Run a training until the end of this epoch, before its checkpoint."""

    def stop(report: Any) -> None:
        if (report.stage, report.epoch) == at:
            raise _Interrupted

    trainer.watch = Watch(epoch=stop)
    with suppress(_Interrupted):
        trainer.train_full_pipeline()


def _same(label: str, trainer: Any, whole: Any) -> Iterator[Row]:
    """Rows that compare parameters bit by bit, also as they are written."""
    parts: dict[str, Callable[[Any], Any]] = {
        "parameters that are kept": lambda one: one.params,
        "last parameters": lambda one: one.last_params,
        "state of the optimizer": lambda one: one.state.optimizer_state,
        "prior": lambda one: one.prior.params,
        "parameters that are saved": _saved,
    }
    for what, of in parts.items():
        yield equal(f"{label}, {what}", bits(of(trainer)), bits(of(whole)))


def _saved(trainer: Any) -> Any:
    from cgcore.pipeline.trained import load_trained

    with tempfile.TemporaryDirectory() as folder:
        trainer.save_params(f"{folder}/params.npz")
        return load_trained(f"{folder}/params.npz", precision=trainer.model.dtype)[1]


def _damaged(workshop: _Workshop, folder: Path) -> Iterator[Row]:
    """A finished training whose newest checkpoint cannot be read, and is then removed."""
    source = folder / "float64-at-the-beginning"
    whole, here = workshop.alike(checkpoint_path=str(source), resume="auto"), folder / "damaged"
    expected = whole.train_full_pipeline()
    shutil.copytree(source, here)
    for file in (here / "5" / "record").iterdir():
        file.write_bytes(b"\0")
    said = refusal(lambda: workshop.alike().train_full_pipeline(resume_from=here))
    yield equal(
        "a damaged checkpoint is named, and the one before it", _mentions(said, "5 is damaged", "checkpoint 4"), True
    )
    shutil.rmtree(here / "5")
    resumed = workshop.alike()
    yield equal(
        "without it, what the stages report", reports_of(resumed.train_full_pipeline(here)), reports_of(expected)
    )
    yield from _same("without it", resumed, whole)
    yield equal("without it, checkpoints", str(numbers_in(here)), "[4, 5]")
    again = workshop.alike(checkpoint_path=str(source))
    yield equal("checkpoints are not overwritten", refuses(again.train_full_pipeline), True)
    for name, where in (("no folder", folder / "none"), ("an empty folder", folder / "empty")):
        (folder / "empty").mkdir(exist_ok=True)
        yield equal(f"{name} to resume from", refuses(lambda at=where: workshop.alike().train_full_pipeline(at)), True)


def _longer(workshop: _Workshop, folder: Path) -> Iterator[Row]:
    """A last stage that is made longer while it is interrupted, and after it; the first one is finished."""
    stages = [{"optimizer": "adam", "epochs": epochs} for epochs in (EPOCHS, MORE)]
    whole = workshop.alike(stages=stages)
    expected = whole.train_full_pipeline()
    for name, done in (("within it", 2), ("after it", 3)):
        here = folder / f"longer-{done}"
        shutil.copytree(folder / "float64-at-the-beginning", here)
        if done == 2:
            shutil.rmtree(here / "5")
        resumed = workshop.alike(stages=stages)
        results = resumed.train_full_pipeline(here)
        note = {"key": "training.stages[1].epochs", "before": EPOCHS, "now": MORE, "after_epoch": done}
        yield equal(
            f"a stage made longer {name}, its note", str(results["stage2"].pop("changed_on_resume", None)), str([note])
        )
        yield equal(f"a stage made longer {name}, what the stages report", reports_of(results), reports_of(expected))
        yield from _same(f"a stage made longer {name}", resumed, whole)


def _refused(workshop: _Workshop, folder: Path) -> Iterator[Row]:
    """Other data, models and settings beside the same checkpoint, within the last stage."""
    here = folder / "refused"
    shutil.copytree(folder / "float64-at-the-beginning", here)
    shutil.rmtree(here / "5")
    config, adam, data = workshop.config, {"optimizer": "adam", "epochs": EPOCHS}, workshop.frames
    training: dict[str, dict[str, Any]] = {
        "training.seed": {"seed": 6},
        "training.keep": {"keep": "last"},
        "training.gammas.F": {"gammas": {"F": 2.0}},
        "training.batch_per_device": {"batch_per_device": 2},
        "training.partial_batches": {"partial_batches": "dropped"},
        "training.force_loss_normalization": {"force_loss_normalization": "valid_components"},
        "training.temperature": {"temperature": 310.0},
        "training.pretrain_prior ": {"pretrain_prior": True},
        "precision": {"precision": "float32"},
        "training.stages[0].epochs": {"stages": [adam | {"epochs": MORE}, adam]},
        "training.stages[1].epochs is 1": {"stages": [adam, adam | {"epochs": 1}]},
        "training.stages[1].optimizer": {"stages": [adam, {"optimizer": "lion", "epochs": EPOCHS}]},
        "training.stages[2]": {"stages": [adam, adam, adam]},
    }
    others = {key: (config | {"training": config["training"] | said}, data, STIFF) for key, said in training.items()}
    for key, value in (("lr", 0.9), ("weight_decay", 0.01), ("grad_clip", 400.0), ("b2", 0.9), ("decay_steps", 9)):
        others[f"optimizer.adam.{key}"] = config | {"optimizer": {"adam": ADAM | {key: value}}}, data, STIFF
    others |= {
        "train.sha256": (config, _frames(moved=0.01), STIFF),
        "train.frames": (config, (without_last(data[0]), data[1]), STIFF),
        "validation.frames": (config, (data[0], without_last(data[1])), STIFF),
        "validation": (config, _frames(held_out=len(HELD_OUT) - 1), STIFF),
        "model.train_priors": (config | {"model": config["model"] | {"train_priors": False}}, data, STIFF),
        "model.priors.bond": (config, data, STIFF + np.diag([1.0, 0.0, 0.0, 0.0])[:, :2]),
        "training": (config | {"dialect": "chemtrain"}, data, STIFF),
    }
    for key, (settings, frames, stiff) in others.items():
        trainer = _trainer(settings, frames, stiff)
        said = refusal(partial(trainer.train_full_pipeline, here))
        yield equal(f"other {key.strip()}", _mentions(said, key), True)
    yield equal("what is refused changes no checkpoints", str(numbers_in(here)), "[4]")


def _mentions(said: str | None, *parts: str) -> bool:
    return said is not None and all(part in said for part in parts)
