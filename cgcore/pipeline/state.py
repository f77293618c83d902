"""The state of a training, as an immutable value."""

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
    """The state of a training, as saved in checkpoints. Losses are per real bead [(kcal/mol/Å)²].

    It is a pytree whose leaves are the arrays.

    Arguments:
        params: parameters of all parts of the model after the last epoch. Those of the prior are float64 until a stage
            trains them.
        kept: parameters to keep: the best ones, or the last ones with a finite loss.
        optimizer_state: optimizer state of the stage; None before the first stage.
        stage: current or last stage; None before the first stage.
        optimizer: name of the stage's optimizer.
        seed: seed of the minibatches.
        epoch: number of epochs of the stage that are done.
        kept_epoch: epoch that gave `kept`; 0 for the start of the stage.
        kept_loss: held-out loss of `kept`; None without held-out frames.
        initial_loss: held-out loss at the start of the stage; None likewise.
        finite: whether all losses so far were finite; the stage ends at the first that is not.
        losses: mean loss during each epoch, while parameters changed.
        val_losses: held-out loss after each epoch.
        prior_projection: largest distance by which the prior was projected after an epoch; None if never.
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
        """The state before the first stage."""
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
            params, optimizer_state: parameters and optimizer state after the epoch.
            loss, val_loss: loss during the epoch, and held-out loss after it.
            keep: which parameters to keep.
            moved: distance by which the prior was projected.
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
        """The state with other parameters of the prior, in float64."""
        exact = {"prior": {name: np.asarray(value, np.float64) for name, value in prior.items()}}
        return replace(self, params=self.params | exact, kept=self.kept | exact)
