"""Comparison of the settings of a resumed run with those of its checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import numpy as np

from cgcore.config.settings import Settings
from cgcore.errors import InputError

MINIBATCH = "training.batch_per_device x devices"
"""The setting that is compared is this product, the number of frames of a minibatch."""

_FREE = ("checkpoint_path", "checkpoint_freq", "val_fraction", "resume")
"""Keys of `training` that do not change results, or whose effect (the held-out frames) is compared itself."""

_OTHERWISE = ("batch_per_device", "stages", "stage1_optimizer", "stage2_optimizer", "gammas")
"""Keys of `training` that are compared under other names, like the epochs of stages."""

_EPOCHS = re.compile(r"training\.(?:epochs_(?P<optimizer>\w+)|stages\[(?P<index>\d+)\]\.epochs)")


class Progress(NamedTuple):
    """The progress of a training.

    Arguments:
        finished: finished stages.
        stage, optimizer, epoch: fields of the state; None before the first stage.
    """

    finished: tuple[str, ...]
    stage: str | None
    optimizer: str | None
    epoch: int


def settings_that_matter(settings: Settings, minibatch: int) -> dict[str, Any]:
    """All settings that affect the results, by dotted key; `minibatch` is a number of frames."""
    training, plan = settings.training, settings.training.plan
    used = dict.fromkeys(stage[0] for stage in plan.values() if stage is not None)
    names = [field.name for field in fields(training) if field.name not in {*_FREE, *_OTHERWISE}]
    said: dict[str, Any] = {
        f"training.{name}": getattr(training, name) for name in names if not name.startswith("epochs_")
    }
    said |= {f"training.gammas.{name}": value for name, value in asdict(training.gammas).items()}
    for name, stage in plan.items():
        optimizer, epochs = training.keys_of_stage(name)
        said[optimizer] = None if stage is None else stage[0]
        if stage is not None:
            said[epochs] = stage[1]
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
    """Refuse settings that differ from those of the checkpoint, except numbers of epochs, whose changes are returned.

    The number of epochs may change for the current stage and later ones, since this does not affect epochs that are
    done, except through a learning rate that decays over all epochs of a stage.

    Arguments:
        before, now: settings from `settings_that_matter`.
        progress: progress of the checkpoint.
        name: name of the folder.

    Returns:
        {"key", "before", "now", "after_epoch"} for each changed number of epochs.

    Raises:
        InputError: other settings differ; the message lists their keys with the old and new values.
    """
    refused, changes = [], []
    for key in sorted({*before, *now}):
        if (was := before.get(key)) == (is_now := now.get(key)):
            continue
        stages = _stages_of(key, before)
        if stages and not set(stages) & set(progress.finished) and was is not None and is_now is not None:
            epochs = progress.epoch if progress.stage in stages else 0
            if is_now >= epochs:
                changes.append({"key": key, "before": was, "now": is_now, "after_epoch": epochs})
                continue
            refused.append(f"{key} is {is_now}, and {epochs} epochs are done")
            continue
        refused.append(f"{key} was {was} and is {is_now}")
    if refused:
        remedy = "set it back" if len(refused) == 1 else "set them back"
        raise InputError(f"{name}: was made with other settings: {'; '.join(refused)}; {remedy}, or start anew")
    return changes


def _stages_of(key: str, said: Mapping[str, Any]) -> list[str]:
    """The stages whose number of epochs is set by a key; empty for other keys."""
    if (found := _EPOCHS.fullmatch(key)) is None:
        return []
    if found["index"] is not None:
        return [f"stage{int(found['index']) + 1}"]
    return [stage for stage in ("stage1", "stage2") if said.get(f"training.{stage}_optimizer") == found["optimizer"]]
