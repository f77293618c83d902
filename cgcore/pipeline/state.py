"""How far a training is, in one immutable value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import jax
import numpy as np

from cgcore.pipeline.optimizers import ModelParams


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("params", "kept", "optimizer_state"),
    meta_fields=(
        *("stage", "optimizer", "seed", "epoch", "kept_epoch", "kept_loss", "initial_loss", "finite"),
        *("losses", "val_losses", "prior_projection"),
    ),
)
@dataclass(frozen=True)
class TrainingState:
    """How far a training is: all that a checkpoint has to hold of it. Losses are per real bead [(kcal/mol/Å)²].

    A pytree whose leaves are the arrays.

    Arguments:
        params: of all parts of the model, as the last epoch left them. Those of the prior are float64 as long as no
            stage has trained them.
        kept: those that a stage ends with: the best ones, or the last whose loss is finite.
        optimizer_state: of the stage; None before the first one.
        stage: the one in progress, or the last one; None before the first one.
        optimizer: of that stage, by its name.
        seed: of the minibatches.
        epoch: epochs of that stage that are done.
        kept_epoch: after which `kept` was reached; 0: they are those of the start.
        kept_loss: held-out loss of `kept`; None without held-out frames.
        initial_loss: held-out loss at the start of the stage; None likewise.
        finite: whether every loss so far was finite; the stage ends where one is not.
        losses: of each epoch, the mean that was met while parameters changed.
        val_losses: held-out loss after each epoch.
        prior_projection: largest distance by which the prior was moved back after an epoch; None: it never was.
    """

    params: ModelParams
    kept: ModelParams
    optimizer_state: Any = None
    stage: str | None = None
    optimizer: str | None = None
    seed: int = 0
    epoch: int = 0
    kept_epoch: int = 0
    kept_loss: float | None = None
    initial_loss: float | None = None
    finite: bool = True
    losses: tuple[float, ...] = ()
    val_losses: tuple[float, ...] = ()
    prior_projection: float | None = None

    @classmethod
    def of(cls, params: ModelParams) -> TrainingState:
        """Before the first stage."""
        return cls(params, params)

    def after_epoch(
        self,
        params: ModelParams,
        optimizer_state: Any,
        loss: float,
        val_loss: float | None,
        keep: Literal["best", "last"],
        moved: float | None = None,
    ) -> TrainingState:
        """The state after one more epoch.

        Arguments:
            params, optimizer_state: as the epoch left them.
            loss, val_loss: of the epoch, and held-out loss after it.
            keep: which parameters to end with.
            moved: distance by which the prior was moved back.
        """
        finite = math.isfinite(loss) and (val_loss is None or math.isfinite(val_loss))
        better = val_loss is None or keep == "last" or self.kept_loss is None or not val_loss >= self.kept_loss
        distances = [distance for distance in (self.prior_projection, moved) if distance is not None]
        after = replace(
            self,
            params=params,
            optimizer_state=optimizer_state,
            epoch=self.epoch + 1,
            finite=finite,
            losses=(*self.losses, loss),
            val_losses=self.val_losses if val_loss is None else (*self.val_losses, val_loss),
            prior_projection=max(distances, default=None),
        )
        if finite and better:
            after = replace(after, kept=params, kept_loss=val_loss, kept_epoch=after.epoch)
        return after

    def with_prior(self, prior: ModelParams) -> TrainingState:
        """The same with other parameters of the prior, in float64."""
        exact = {"prior": {name: np.asarray(value, np.float64) for name, value in prior.items()}}
        return replace(self, params=self.params | exact, kept=self.kept | exact)
