"""Callbacks for the progress of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cgcore.fitting.fit import Callbacks
from cgcore.fitting.result import FitResult
from cgcore.pipeline.reports import EpochReport


class Watch(NamedTuple):
    """Callbacks for the progress of a training.

    Arguments:
        fit: callbacks of the prior's fit.
        fitted: called with the result of the fit.
        record: converts the result to a mapping of plain values, for checkpoints and `Trainer.fit_record`.
        begin: called with the name, optimizer and number of epochs of a stage.
        epoch: called with the report of every epoch.
    """

    fit: Callbacks = Callbacks()
    fitted: Callable[[FitResult], object] | None = None
    record: Callable[[FitResult], Mapping[str, Any]] | None = None
    begin: Callable[[str, str, int], object] | None = None
    epoch: Callable[[EpochReport], object] | None = None
