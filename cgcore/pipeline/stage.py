"""A stage: epochs, held-out losses, the choice of parameters to keep, and the report."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cgcore.config.optimizers import OptimizerSettings
from cgcore.config.settings import Settings
from cgcore.errors import InputError
from cgcore.pipeline.compiled_epoch import CompiledEpoch, updates_of
from cgcore.pipeline.minibatch_loss import MinibatchLoss
from cgcore.pipeline.model import PRIOR
from cgcore.pipeline.optimizers import ModelParams, make_optimizer
from cgcore.pipeline.reports import EpochReport, StageResult
from cgcore.pipeline.state import TrainingState
from cgcore.processes import of_first
from cgcore.timing import timed

MOST_UPDATES = 2**31 - 1
"""Optimizers count their updates in int32."""

Project = Callable[[ModelParams], tuple[ModelParams, float]]
"""A function that returns the nearest admissible parameters of a prior (float64), and their distance."""


class Stage:
    """One stage of a training; it is stateless, i.e. it takes and returns the state.

    Arguments:
        loss: loss of minibatches, with their frames.
        settings: settings of the whole run.
        optimizer: settings of the stage's optimizer.
        epochs: number of passes over the training frames.
        project: projection of the prior after each epoch, if stages train it; None for no projection.

    Raises:
        InputError: the stage would have more than `MOST_UPDATES` updates.
    """

    def __init__(
        self,
        loss: MinibatchLoss,
        settings: Settings,
        optimizer: OptimizerSettings,
        epochs: int,
        project: Project | None = None,
    ) -> None:
        self.loss, self.settings, self.name, self.epochs = loss, settings, optimizer.name, epochs
        said = settings.training
        drop = said.partial_batches == "dropped"
        self.updates_per_epoch = updates_of(loss, drop)
        if (updates := epochs * self.updates_per_epoch) > MOST_UPDATES:
            raise InputError(f"{settings.name}: {optimizer.name} has {epochs} epochs, which is {updates} updates; "
                             f"at most {MOST_UPDATES} can be counted: lower it, or raise batch_per_device")  # fmt: skip
        rule = make_optimizer(optimizer, self.updates_per_epoch, epochs)
        gammas = said.gammas.F, said.gammas.U
        self.run_epoch = CompiledEpoch(loss, rule, gammas, said.force_loss_normalization, drop)
        self._fixed = () if settings.model.train_priors else (PRIOR,)
        self._project = project if settings.model.train_priors else None

    def split(self, params: ModelParams) -> tuple[ModelParams, ModelParams]:
        """The parameters that the stage trains, and those that it does not change."""
        return (
            {part: tree for part, tree in params.items() if part not in self._fixed},
            {part: tree for part, tree in params.items() if part in self._fixed},
        )

    def begin(self, name: str, params: ModelParams) -> TrainingState:
        """The state before the first epoch."""
        trained, fixed = self.split(params)
        trained = self.loss.place_params(trained)
        params = fixed | trained
        loss = self._val_loss(params)
        return TrainingState(
            params=params,
            kept=params,
            optimizer_state=self.loss.place(self.run_epoch.optimizer.init(trained)),
            stage=name,
            optimizer=self.name,
            seed=self.settings.training.seed,
            kept_loss=loss,
            initial_loss=loss,
        )

    def like(self, params: ModelParams) -> TrainingState:
        """A state whose arrays have the shapes and dtypes of this stage."""
        trained, fixed = self.split(params)
        trained = self.loss.model.in_precision(trained)
        return TrainingState(fixed | trained, fixed | trained, self.run_epoch.optimizer.init(trained))

    def placed(self, state: TrainingState) -> TrainingState:
        """A state from a checkpoint, with the trained parameters placed on the devices."""
        params, kept = (
            fixed | self.loss.place_params(trained) for trained, fixed in map(self.split, (state.params, state.kept))
        )
        return replace(state, params=params, kept=kept, optimizer_state=self.loss.place(state.optimizer_state))

    def step(self, state: TrainingState) -> tuple[TrainingState, float]:
        """Train for one epoch; returns the state after it, and the seconds spent on training."""
        assert state.stage is not None
        began = time.perf_counter()
        trained, fixed = self.split(state.params)
        seed = (state.seed, int(state.stage.removeprefix("stage")), state.epoch)
        # Every epoch has its own seed, so that a resumed run gets the same minibatches as an uninterrupted one.
        trained, optimizer_state, loss = self.run_epoch(
            trained, state.optimizer_state, self.loss.place_params(fixed), seed
        )
        elapsed = time.perf_counter() - began
        moved = None
        if self._project is not None and PRIOR in trained:
            found = self._project({name: np.asarray(x, np.float64) for name, x in trained[PRIOR].items()})
            prior, moved = of_first(found)
            moved = float(moved)
            trained = trained | self.loss.place_params({PRIOR: prior})
        params = fixed | trained
        keep = self.settings.training.keep
        return state.after_epoch(params, optimizer_state, loss, self._val_loss(params), keep, moved), elapsed

    def finish(
        self,
        state: TrainingState,
        watch: Callable[[EpochReport], object] | None = None,
        save: Callable[[TrainingState], object] | None = None,
    ) -> tuple[TrainingState, StageResult]:
        """Train for the remaining epochs and evaluate the result; `save` is called for each checkpoint that is due."""
        frequency, times = self.settings.training.checkpoint_freq, []
        with timed() as seconds:
            while state.epoch < self.epochs and state.finite:
                state, elapsed = self.step(state)
                times.append(elapsed)
                if watch is not None:
                    watch(self._report(state, elapsed))
                ended = state.epoch == self.epochs or not state.finite
                if save is not None and (ended or (frequency and state.epoch % frequency == 0)):
                    save(state)
            train_loss = self.loss.loss(self.loss.place_params(state.kept), self.loss.train)
            val_loss = self._val_loss(state.kept)
        result = StageResult(
            optimizer=self.name,
            epochs=state.epoch,
            steps=state.epoch * self.updates_per_epoch,
            finite=state.finite,
            train_loss=train_loss,
            val_loss=val_loss,
            train_loss_in_mean=self.loss.in_mean("train", train_loss),
            val_loss_in_mean=self.loss.in_mean("val", val_loss),
            best_epoch=state.kept_epoch,
            initial_val_loss=state.initial_loss,
            last_val_loss=state.val_losses[-1] if state.val_losses else state.initial_loss,
            loss_history=list(state.losses),
            val_loss_history=list(state.val_losses),
            frames_per_second=self.loss.n_train / statistics.median(times[1:] or times) if times else None,
            seconds=seconds,
            prior_projection=state.prior_projection,
        )
        return state, result

    def _val_loss(self, params: ModelParams) -> float | None:
        """Held-out force loss [(kcal/mol/Å)²]; None without held-out frames."""
        held_out = self.loss.validation
        return None if held_out is None else self.loss.loss(self.loss.place_params(params), held_out)

    def _report(self, state: TrainingState, elapsed: float) -> EpochReport:
        assert state.stage is not None
        val_loss = state.val_losses[-1] if state.val_losses else None
        rate = self.loss.n_train / elapsed
        return EpochReport(state.stage, self.name, state.epoch, self.epochs, state.losses[-1], val_loss, rate)
