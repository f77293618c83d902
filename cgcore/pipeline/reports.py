"""Reports about a stage, during the stage and at its end."""

from __future__ import annotations

from typing import Any, NamedTuple, NotRequired, TypedDict

from cgcore.timing import Seconds


class EpochReport(NamedTuple):
    """The report of an epoch; losses are force losses per real bead [(kcal/mol/Å)²]."""

    stage: str
    optimizer: str
    epoch: int
    epochs: int
    loss: float
    val_loss: float | None
    frames_per_second: float


class StageResult(TypedDict):
    """The report of a stage; losses are force losses per real bead [(kcal/mol/Å)²]."""

    optimizer: str
    epochs: int  # epochs done
    steps: int  # updates of the parameters
    finite: bool  # False if a loss was not finite, which ended the stage
    train_loss: float  # of the kept parameters, on all training frames
    val_loss: float | None  # of the kept parameters, on the held-out frames
    train_loss_in_mean: float | None  # the same as means over frames x N_max x 3, padding included
    val_loss_in_mean: float | None
    best_epoch: int  # epoch that gave the kept parameters; 0 for those at the start
    initial_val_loss: float | None
    last_val_loss: float | None
    loss_history: list[float]  # mean over each epoch, while parameters changed
    val_loss_history: list[float]  # after each epoch
    frames_per_second: float | None  # median over epochs, except the first, which compiles
    seconds: Seconds
    prior_projection: float | None  # largest distance by which the prior was projected; None if never
    changed_on_resume: NotRequired[list[dict[str, Any]]]  # numbers of epochs changed on resuming, see `resumable`
