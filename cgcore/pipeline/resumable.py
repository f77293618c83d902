"""Records of a training in checkpoints, and checks whether another training may resume from them."""

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
    """The checkpoints of a pipeline: the folder for new ones, and the one to resume from."""

    checkpoints: Checkpoints | None
    found: Checkpoint | None

    def save(self, state: TrainingState, record: Mapping[str, Any]) -> None:
        """Save the state of the pipeline; without a folder, nothing is saved."""
        if self.checkpoints is not None:
            self.checkpoints.save(named_arrays(state), {**record, "state": _numbers(state)})


@contextmanager
def opened(folder: str | os.PathLike[str] | None, resume: str | os.PathLike[str] | None) -> Iterator[Opened]:
    """A context with the checkpoints in a folder, if there is one.

    Arguments:
        folder: folder for checkpoints from the settings; None for none.
        resume: folder with the checkpoint to resume from; `AUTO` for `folder`, if it contains one; None to start from
            the beginning, in which case `folder` must not contain any.

    Raises:
        InputError: there is nothing to resume from, or the folder contains checkpoints of an earlier run.
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
    """The checkpoint found by process 0, which alone reads and writes checkpoints."""
    if jax.process_count() == 1:
        return found
    held = {} if found is None else {f"arrays/{name}": array for name, array in found.arrays.items()}
    said = to_json(None if found is None else found.record)
    held = arrays_of_first({"record": np.array(said), **held})
    record = json.loads(str(held.pop("record")))
    return None if record is None else Checkpoint({k.removeprefix("arrays/"): v for k, v in held.items()}, record)


class _Numbers(BaseModel):
    """The fields of a `TrainingState` that are not arrays."""

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
    """The content of a checkpoint besides its arrays.

    Arguments:
        state: numbers of the state.
        results: results of the fit and of the finished stages.
        model, data, precision: identity of the training.
        settings: settings, see `settings_that_matter`.
        changes: numbers of epochs changed on resuming, by stage.
        fit: record of the fit to write; None for none.
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
    """Check and return the record of a checkpoint.

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
    """The point from which a training resumes, see `Record`."""

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
    """The content of a checkpoint, after checking that it belongs to this training.

    Arguments:
        found: the checkpoint.
        now: model, data, precision and settings as this training would record them.
        like: returns a state with arrays of the right shapes and dtypes for the checkpoint's stage.
        training: current settings of the training.
        name: name of the folder.

    Raises:
        InputError: it is damaged, or belongs to another model, other data or other settings.
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
    """Plain values that identify the frames."""
    return {
        part: None if loader is None else {"sha256": loader.dataset.sha256, "frames": loader.dataset.frame_ranges()}
        for part, loader in loaders.items()
    }


def _numbers(state: TrainingState) -> dict[str, Any]:
    return {name: _encoded(getattr(state, name)) for name in _Numbers.model_fields}


def _encoded(value: Any) -> Any:
    """Encode non-finite numbers, which JSON lacks, as text."""
    if isinstance(value, tuple):
        return [_encoded(item) for item in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(item) for item in value)
    return float(value) if value in ("nan", "inf", "-inf") else value
