"""Who is told how far a training is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cgcore.fitting.fit import Callbacks
from cgcore.fitting.result import FitResult
from cgcore.pipeline.reports import EpochReport


class Watch(NamedTuple):
    """Who is told how far the work is.

    Arguments:
        fit: callbacks of the prior's fit.
        fitted: gets its result.
        record: makes of its result what checkpoints keep and `Trainer.fit_record` has, a mapping of plain values.
        begin: gets a stage's name, optimizer and epochs.
        epoch: gets a report of every epoch.
    """

    fit: Callbacks = Callbacks()
    fitted: Callable[[FitResult], object] | None = None
    record: Callable[[FitResult], Mapping[str, Any]] | None = None
    begin: Callable[[str, str, int], object] | None = None
    epoch: Callable[[EpochReport], object] | None = None
