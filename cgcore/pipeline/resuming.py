"""Going on from a checkpoint: what a trainer has to keep, and whether it is its own."""

from __future__ import annotations

import math
import os
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcore.errors import InputError
from cgcore.pipeline.checkpoints import Checkpoint, Checkpoints
from cgcore.pipeline.parameters import from_named, named_arrays, require_same
from cgcore.pipeline.run import Run
from cgcore.timing import Seconds

if TYPE_CHECKING:
    from cgcore.pipeline.trainer import Trainer

_NUMBERS = ("epoch", "best_epoch", "finite", "best_loss", "initial_val_loss")
_HISTORIES = ("loss_history", "val_loss_history")


class Resumable(AbstractContextManager["Resumable"]):
    """The checkpoints of a trainer's pipeline; without a folder there are none.

    Arguments:
        trainer: whose.
        folder: of the checkpoints.
        resume: go on from the newest; else the folder must not hold any.

    Raises:
        InputError: there is nothing to go on from, or something of an earlier run.
    """

    def __init__(self, trainer: Trainer, folder: str | os.PathLike[str] | None, resume: bool) -> None:
        self._trainer, self._open = trainer, ExitStack()
        self._kept: Checkpoints | None = None
        self._found: Checkpoint | None = None
        if folder is None:
            return
        if resume and not os.path.isdir(folder):
            raise InputError(f"{folder}: no such folder; give one that holds checkpoints")
        self._kept = self._open.enter_context(Checkpoints(folder))
        self._found = self._kept.latest()
        if resume and self._found is None:
            raise InputError(f"{folder}: holds no checkpoint; start without --resume")
        if self._found is not None and not resume:
            self._open.close()
            raise InputError(
                f"{folder}: holds checkpoints of an earlier run; go on from them (--resume {folder}) or choose another "
                "training.checkpoint_path"
            )

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def begun(self) -> bool:
        """Whether there is something to go on from."""
        return self._found is not None

    def save(self, results: dict[str, Any], run: Run | None = None) -> None:
        """Keep where the pipeline is: in the run of a stage, or between stages."""
        if self._kept is None:
            return
        trainer, prior = self._trainer, self._trainer.model.prior
        trees: dict[str, Any] = {"params": trainer.params if run is None else run.last}
        record: dict[str, Any] = {
            **self._identity(),
            "results": results,
            "prior": None if prior is None else prior.params,
            "run": None,
        }
        if run is not None:
            trees |= {"best": run.best, "state": run.state}
            record["run"] = {name: getattr(run, name) for name in ("stage", "optimizer", *_NUMBERS, *_HISTORIES)}
        self._kept.save(named_arrays(trees), record)

    def restore(self) -> tuple[dict[str, Any], Run | None]:
        """Bring the trainer to where the checkpoint was taken: results so far, and the run of the stage in progress.

        Raises:
            InputError: it is of another model, of other data, or of a stage that is now another.
        """
        assert self._found is not None
        assert self._kept is not None
        name, trainer = str(self._kept.folder), self._trainer
        arrays, record = self._found
        for part, what in (("model", "another model"), ("data", "other data"), ("precision", "another precision")):
            require_same(self._identity()[part], record.get(part), name, what)
        if trainer.model.prior is not None:
            params = {key: np.asarray(value, np.float64) for key, value in record["prior"].items()}
            trainer.model.prior = replace(trainer.model.prior, params=params)
        results = dict(record["results"])
        for key, value in results.get("prior_pretrain", {}).get("fitted_params", {}).items():
            results["prior_pretrain"]["fitted_params"][key] = np.asarray(value, np.float64)
        for result in results.values():
            if "seconds" in result:
                result["seconds"] = Seconds(**result["seconds"])
        with trainer.model.precision():
            if record["run"] is None:
                trainer.params = from_named({"params": trainer.params}, arrays, name)["params"]
                return results, None
            run = self._run(record["run"], arrays, name)
            trainer.params = run.kept
            return results, run

    def _run(self, said: dict[str, Any], arrays: dict[str, np.ndarray], name: str) -> Run:
        trainer = self._trainer
        stages = dict(zip(("stage1", "stage2"), trainer.settings.training.stages, strict=True))
        plan = stages[said["stage"]]
        if plan is None or plan[0] != said["optimizer"]:
            now = "none" if plan is None else plan[0]
            raise InputError(
                f"{name}: was in {said['stage']} with {said['optimizer']}, and training.{said['stage']}_optimizer is "
                f"now {now}; set it back, or start without --resume"
            )
        job = trainer.job(*plan)
        trained, _ = job.split(trainer.params)
        like = {"params": trainer.params, "best": trained, "state": job.stage.optimizer.init(trained)}
        trees = job.workplace.place(from_named(like, arrays, name))
        trained, fixed = job.split(trees["params"])
        values: dict[str, Any] = {key: said[key] for key in _NUMBERS}
        values |= {key: [math.nan if x is None else x for x in said[key]] for key in _HISTORIES}
        return Run(said["stage"], said["optimizer"], trained, fixed, trees["state"], trees["best"], **values)

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must agree with."""
        trainer = self._trainer
        loaders = {"train": trainer.train_loader, "validation": trainer.val_loader}
        return {
            "model": trainer.model.fingerprint(),
            "data": {
                part: None
                if loader is None
                else {"sha256": loader.dataset.sha256, "frames": loader.dataset.frame_ranges()}
                for part, loader in loaders.items()
            },
            "precision": trainer.model.dtype,
        }
