"""What a checkpoint says of a training, and whether another training may go on from it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cgcore.config.training import AUTO, TrainingSettings
from cgcore.errors import InputError
from cgcore.pipeline.checkpoints import Checkpoint, Checkpoints
from cgcore.pipeline.loader import DatasetLoader
from cgcore.pipeline.parameters import from_named, named_arrays, require_same
from cgcore.pipeline.resume_settings import Progress, require_same_settings
from cgcore.pipeline.state import TrainingState
from cgcore.processes import arrays_of_first, is_first
from cgcore.serialize import to_json
from cgcore.timing import Seconds


class Opened(NamedTuple):
    """The checkpoints of a pipeline: where new ones go, and the one to go on from."""

    checkpoints: Checkpoints | None
    found: Checkpoint | None

    def save(self, state: TrainingState, record: Mapping[str, Any]) -> None:
        """Keep where the pipeline is; without a folder nothing is kept."""
        if self.checkpoints is not None:
            self.checkpoints.save(named_arrays(state), {**record, "state": _numbers(state)})


@contextmanager
def opened(folder: str | os.PathLike[str] | None, resume: str | os.PathLike[str] | None) -> Iterator[Opened]:
    """The checkpoints in a folder; without one there are none.

    Arguments:
        folder: of the checkpoints that the settings name; None: none.
        resume: a folder whose newest checkpoint to go on from; `AUTO`: that of `folder`, where there is one; None:
            start anew, and `folder` must not hold any.

    Raises:
        InputError: there is nothing to go on from, or something of an earlier run.
    """
    auto = resume == AUTO
    if folder is None and auto:
        raise InputError("resume is auto, but no folder of checkpoints is given; give --output or "
                         "training.checkpoint_path")  # fmt: skip
    folder = folder if auto or resume is None else resume
    if folder is None or not is_first():
        yield Opened(None, _of_first(None))
        return
    if resume is not None and not auto and not os.path.isdir(folder):
        raise InputError(f"{folder}: no such folder; give one that holds checkpoints")
    with Checkpoints(folder) as checkpoints:
        found = checkpoints.latest()
        if resume is not None and not auto and found is None:
            raise InputError(f"{folder}: holds no checkpoint; start without --resume")
        if found is not None and resume is None:
            raise InputError(
                f"{folder}: holds checkpoints of an earlier run; continue from them (--resume "
                f"{folder}) or choose another "
                "training.checkpoint_path"
            )
        yield Opened(checkpoints, _of_first(found))


def _of_first(found: Checkpoint | None) -> Checkpoint | None:
    """What process 0 found: it alone reads and writes checkpoints."""
    if jax.process_count() == 1:
        return found
    held = {} if found is None else {f"arrays/{name}": array for name, array in found.arrays.items()}
    said = to_json(None if found is None else found.record)
    held = arrays_of_first({"record": np.array(said), **held})
    record = json.loads(str(held.pop("record")))
    return None if record is None else Checkpoint({k.removeprefix("arrays/"): v for k, v in held.items()}, record)


class _Numbers(BaseModel):
    """The fields of a `TrainingState` that are no arrays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    stage: Annotated[str, Field(pattern=r"^stage[1-9]\d*$")] | None
    optimizer: str | None
    seed: int
    epoch: int
    kept_epoch: int
    kept_loss: float | str | None
    initial_loss: float | str | None
    finite: bool
    losses: list[float | str]
    val_losses: list[float | str]
    prior_projection: float | str | None


class Record(BaseModel):
    """What a checkpoint says besides its arrays.

    Arguments:
        state: numbers of the state.
        results: of the fit and of the stages that are done.
        model, data, precision: what the training belongs to.
        settings: see `settings_that_matter`.
        changes: epochs that were set anew on resuming, by stage.
        fit: what is to be written of the fit; None: nothing.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    state: _Numbers
    results: dict[str, dict[str, Any]]
    model: dict[str, Any]
    data: dict[str, Any]
    precision: str
    settings: dict[str, Any]
    changes: dict[str, list[dict[str, Any]]]
    fit: dict[str, Any] | None


def read_record(record: Mapping[str, Any], name: str) -> Record:
    """The record of a checkpoint, checked.

    Raises:
        InputError: it is damaged.
    """
    try:
        read = Record.model_validate(dict(record))
        for result in read.results.values():
            if "seconds" in result:
                result["seconds"] = Seconds(**result["seconds"])
            for key, value in result.get("fitted_params", {}).items():
                result["fitted_params"][key] = np.asarray(value, np.float64)
    except (ValidationError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(name) from error
    return read


def _damaged(name: str) -> InputError:
    return InputError(f"{name}: the record of its checkpoint is damaged; start anew without --resume")


class Restored(NamedTuple):
    """Where a training goes on, see `Record`."""

    state: TrainingState
    results: dict[str, dict[str, Any]]
    changes: dict[str, list[dict[str, Any]]]
    fit: dict[str, Any] | None


def restore(
    found: Checkpoint,
    now: Mapping[str, Any],
    like: Callable[[str | None], TrainingState],
    training: TrainingSettings,
    name: str,
) -> Restored:
    """What a checkpoint holds, once it is known to belong to this training.

    Arguments:
        found: the checkpoint.
        now: model, data, precision and settings as this training would record them.
        like: a state whose arrays have the right shapes and dtypes, for the stage that the checkpoint is in.
        training: its settings, as they are to be now.
        name: of the folder.

    Raises:
        InputError: it is damaged, or of another model, other data or other settings.
    """
    record = read_record(found.record, name)
    for part, what in (("model", "another model"), ("data", "other data"), ("precision", "another precision")):
        require_same(now[part], getattr(record, part), name, what)
    said = record.state
    stages = training.plan
    finished = tuple(stage for stage in stages if stage in record.results)
    progress = Progress(finished, said.stage, said.optimizer, said.epoch)
    changes = dict(record.changes)
    for change in require_same_settings(record.settings, now["settings"], progress, name):
        for stage in stages:
            if stage not in finished and change["key"] == training.keys_of_stage(stage)[1]:
                changes[stage] = [*changes.get(stage, []), change]
    if said.stage is not None and stages.get(said.stage) is None:
        raise _damaged(name)
    numbers = {key: _decoded(value) for key, value in said.model_dump().items()}
    state = replace(from_named(like(said.stage), found.arrays, name), **numbers)
    return Restored(state, record.results, changes, record.fit)


def identity(loaders: Mapping[str, DatasetLoader | None]) -> dict[str, Any]:
    """Which frames these are, in plain values."""
    return {
        part: None if loader is None else {"sha256": loader.dataset.sha256, "frames": loader.dataset.frame_ranges()}
        for part, loader in loaders.items()
    }


def _numbers(state: TrainingState) -> dict[str, Any]:
    return {name: _encoded(getattr(state, name)) for name in _Numbers.model_fields}


def _encoded(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, tuple):
        return [_encoded(item) for item in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(item) for item in value)
    return float(value) if value in ("nan", "inf", "-inf") else value
