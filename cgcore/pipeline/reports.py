"""What is told of a stage, while it goes on and at its end."""

from __future__ import annotations

from typing import Any, NamedTuple, NotRequired, TypedDict

from cgcore.timing import Seconds


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
    train_loss_in_mean: float | None  # the same as means over frames x N_max x 3, padding included
    val_loss_in_mean: float | None
    best_epoch: int  # after which the kept parameters were reached; 0: those at the start
    initial_val_loss: float | None
    last_val_loss: float | None
    loss_history: list[float]  # of each epoch: the mean that was met while parameters changed
    val_loss_history: list[float]  # after each epoch
    frames_per_second: float | None  # median over epochs, without the first, which compiles
    seconds: Seconds
    prior_projection: float | None  # largest distance by which the prior was moved back; None: it never was
    changed_on_resume: NotRequired[list[dict[str, Any]]]  # epochs that a resumed run set anew, see `resumable`
