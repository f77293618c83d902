"""A stage as it goes on: epochs, held-out losses, the parameters to keep, and what is reported of it."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

from cgcore.config import Settings
from cgcore.config.optimizers import OptimizerSettings
from cgcore.pipeline.model import PRIOR
from cgcore.pipeline.optimizers import ModelParams, make_optimizer
from cgcore.pipeline.stage import Stage
from cgcore.pipeline.workplace import Workplace
from cgcore.timing import Seconds, timed


class EpochReport(NamedTuple):
    """What is told of an epoch; losses are of forces, per real bead [(kcal/mol/Å)²]."""

    stage: str
    optimizer: str
    epoch: int
    epochs: int
    loss: float
    val_loss: float | None
    frames_per_second: float


class StageResult(TypedDict):
    """What is reported of a stage; losses are of forces, per real bead [(kcal/mol/Å)²]."""

    optimizer: str
    epochs: int  # done
    steps: int  # updates of the parameters
    finite: bool  # False: a loss was not finite, and the stage ended there
    train_loss: float  # of the kept parameters, on all training frames
    val_loss: float | None  # of the kept parameters, on the held-out frames
    best_epoch: int  # after which the kept parameters were reached; 0: those at the start
    initial_val_loss: float | None
    last_val_loss: float | None
    loss_history: list[float]  # of each epoch: the mean that was met while parameters changed
    val_loss_history: list[float]  # after each epoch
    frames_per_second: float | None  # median over epochs, without the first, which compiles
    seconds: Seconds


@dataclass
class Run:
    """How far a stage is: all that a checkpoint has to hold."""

    stage: str
    optimizer: str
    trained: ModelParams
    fixed: ModelParams
    state: Any
    best: ModelParams
    best_loss: float | None
    initial_val_loss: float | None
    epoch: int = 0
    best_epoch: int = 0
    finite: bool = True
    loss_history: list[float] = field(default_factory=list)
    val_loss_history: list[float] = field(default_factory=list)

    @property
    def kept(self) -> ModelParams:
        """All parameters, those to keep."""
        return self.fixed | self.best

    @property
    def last(self) -> ModelParams:
        """All parameters, those of the last epoch."""
        return self.fixed | self.trained


class Job:
    """The work of one stage.

    Arguments:
        workplace: frames and loss.
        settings: of the whole run.
        optimizer: of this stage.
        epochs: passes over the training frames.
    """

    def __init__(self, workplace: Workplace, settings: Settings, optimizer: OptimizerSettings, epochs: int) -> None:
        self.workplace, self.settings, self.name, self.epochs = workplace, settings, optimizer.name, epochs
        self.steps_per_epoch = len(workplace.train)
        said = settings.training
        rule = make_optimizer(optimizer, self.steps_per_epoch, epochs)
        self.stage = Stage(workplace, rule, (said.gammas.F, said.gammas.U))

    def split(self, params: ModelParams) -> tuple[ModelParams, ModelParams]:
        """What the stage trains, and what it leaves as it is."""
        fixed = () if self.settings.model.train_priors else (PRIOR,)
        return (
            {part: tree for part, tree in params.items() if part not in fixed},
            {part: tree for part, tree in params.items() if part in fixed},
        )

    def start(self, name: str, params: ModelParams) -> Run:
        """A run at its beginning."""
        trained, fixed = self.workplace.place(self.split(params))
        loss = self.val_loss(fixed | trained)
        state = self.workplace.place(self.stage.optimizer.init(trained))
        return Run(name, self.name, trained, fixed, state, trained, loss, loss)

    def val_loss(self, params: ModelParams) -> float | None:
        """Held-out force loss [(kcal/mol/Å)²]; None without held-out frames."""
        held_out = self.workplace.validation
        return None if held_out is None else self.workplace.loss(params, held_out)

    def finish(
        self,
        run: Run,
        watch: Callable[[EpochReport], object] | None = None,
        save: Callable[[Run], object] | None = None,
    ) -> StageResult:
        """Do the epochs that are left, and judge the result; `save` is called for each checkpoint that is due."""
        frequency, times = self.settings.training.checkpoint_freq, []
        with timed() as seconds:
            while run.epoch < self.epochs and run.finite:
                times.append(self._epoch(run, watch))
                ended = run.epoch == self.epochs or not run.finite
                if save is not None and (ended or (frequency and run.epoch % frequency == 0)):
                    save(run)
            train_loss = self.workplace.loss(run.kept, self.workplace.train)
            val_loss = self.val_loss(run.kept)
        return StageResult(
            optimizer=self.name,
            epochs=run.epoch,
            steps=run.epoch * self.steps_per_epoch,
            finite=run.finite,
            train_loss=train_loss,
            val_loss=val_loss,
            best_epoch=run.best_epoch,
            initial_val_loss=run.initial_val_loss,
            last_val_loss=run.val_loss_history[-1] if run.val_loss_history else run.initial_val_loss,
            loss_history=run.loss_history,
            val_loss_history=run.val_loss_history,
            frames_per_second=self.workplace.n_train / statistics.median(times[1:] or times) if times else None,
            seconds=seconds,
        )

    def _epoch(self, run: Run, watch: Callable[[EpochReport], object] | None) -> float:
        """One epoch; its seconds of training."""
        began = time.perf_counter()
        number = int(run.stage.removeprefix("stage"))
        seed = (self.settings.training.seed, number, run.epoch)
        run.trained, run.state, loss = self.stage.epoch(run.trained, run.state, run.fixed, seed)
        elapsed = time.perf_counter() - began
        val_loss = self.val_loss(run.last)
        run.epoch += 1
        run.loss_history.append(loss)
        if val_loss is not None:
            run.val_loss_history.append(val_loss)
        run.finite = math.isfinite(loss) and (val_loss is None or math.isfinite(val_loss))
        if run.finite and self._better(run, val_loss):
            run.best, run.best_loss, run.best_epoch = run.trained, val_loss, run.epoch
        if watch is not None:
            rate = self.workplace.n_train / elapsed
            watch(EpochReport(run.stage, self.name, run.epoch, self.epochs, loss, val_loss, rate))
        return elapsed

    def _better(self, run: Run, val_loss: float | None) -> bool:
        if val_loss is None or self.settings.training.keep == "last":
            return True
        return run.best_loss is None or not math.isfinite(run.best_loss) or val_loss < run.best_loss
