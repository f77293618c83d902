"""Settings of a run that goes on from a checkpoint: which may be others than before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import numpy as np

from cgcore.config.optimizers import OPTIMIZERS
from cgcore.config.settings import Settings
from cgcore.errors import InputError

MINIBATCH = "training.batch_per_device x devices"
"""What matters is their product: frames of a minibatch."""

_FREE = ("checkpoint_path", "checkpoint_freq", "val_fraction", "resume")
"""Keys of `training` that change no number, or whose effect is compared itself: which frames are held out."""

_OTHERWISE = ("batch_per_device", "stage1_optimizer", "stage2_optimizer", "gammas")
"""Keys of `training` that are compared under other names."""


class Progress(NamedTuple):
    """How far a training is.

    Arguments:
        finished: stages whose results are there.
        stage, optimizer, epoch: of the state; None before the first stage.
    """

    finished: tuple[str, ...]
    stage: str | None
    optimizer: str | None
    epoch: int


def settings_that_matter(settings: Settings, minibatch: int) -> dict[str, Any]:
    """Every setting that changes what the pipeline does, by its dotted key; `minibatch` is in frames."""
    training, stages = settings.training, [stage for stage in settings.training.stages if stage is not None]
    used = {name for name, _ in stages}
    unused = {f"epochs_{name}" for name in OPTIMIZERS if name not in used}
    names = [field.name for field in fields(training) if field.name not in {*_FREE, *_OTHERWISE, *unused}]
    said: dict[str, Any] = {f"training.{name}": getattr(training, name) for name in names}
    said |= {f"training.gammas.{name}": value for name, value in asdict(training.gammas).items()}
    said |= {
        f"training.stage{number}_optimizer": None if stage is None else stage[0]
        for number, stage in enumerate(training.stages, start=1)
    }
    said |= {MINIBATCH: minibatch, "model.train_priors": settings.model.train_priors}
    for name in used:
        if (optimizer := settings.optimizers.get(name)) is not None:
            said |= {f"optimizer.{name}.{key}": value for key, value in asdict(optimizer).items()}
    prior = settings.model.prior
    if prior is not None:
        said |= {f"model.priors.{name}": np.asarray(value).tolist() for name, value in prior.params.items()}
    return said


def require_same_settings(
    before: Mapping[str, Any], now: Mapping[str, Any], progress: Progress, name: str
) -> list[dict[str, Any]]:
    """Refuse settings that are not those of the checkpoint, but for more epochs, which are returned.

    Epochs may be set anew for the stage in progress and those after it: no epoch that was done would have been
    another one, but for the learning rate where its decay goes over all epochs of a stage.

    Arguments:
        before, now: settings that matter.
        progress: how far the training of the checkpoint is.
        name: of the folder.

    Returns:
        {"key", "before", "now", "after_epoch"} of each change of epochs.

    Raises:
        InputError: naming every other key, what it was and what it is.
    """
    refused, changes = [], []
    finished = {before.get(f"training.{stage}_optimizer") for stage in progress.finished}
    running = None if progress.stage in progress.finished else progress.optimizer
    for key in sorted({*before, *now}):
        if (was := before.get(key)) == (is_now := now.get(key)):
            continue
        optimizer = key.removeprefix("training.epochs_")
        epochs = progress.epoch if optimizer == running else 0
        if key.startswith("training.epochs_") and optimizer not in finished and was is not None and is_now is not None:
            if is_now >= epochs:
                changes.append({"key": key, "before": was, "now": is_now, "after_epoch": epochs})
                continue
            refused.append(f"{key} is {is_now}, and {epochs} epochs are done")
            continue
        refused.append(f"{key} was {was} and is {is_now}")
    if refused:
        mend = "set it back" if len(refused) == 1 else "set them back"
        raise InputError(f"{name}: was made with other settings: {'; '.join(refused)}; {mend}, or start anew")
    return changes
