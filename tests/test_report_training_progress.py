"""Bars of a training on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from cgcore.report.training_progress import TrainingProgress


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_steps_of_a_fit_are_not_counted_out_of_the_frames_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with TrainingProgress(str) as shown:
        bars, fit = shown._bars, shown.fit
        assert bars is not None
        assert fit.frames is not None
        assert fit.steps is not None
        fit.frames(30, 40)
        fit.steps(7, 2.5)
        assert [(task.completed, task.total) for task in bars.tasks] == [(7, None)]
        fit.frames(10, 20)
        assert [(task.completed, task.total) for task in bars.tasks] == [(10, 20)]
