"""Bars that a fit, a training and a simulation draw on a terminal, and what they show."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from rich.progress import Progress

from cgcore.report import progress, simulation_progress, training_progress
from cgcore.simulation.run import Progress as Reached
from validation.check import Row, equal


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Bars:
    """The bars that are made within a block, and what their terminal is given."""

    def __init__(self) -> None:
        self.made = list[Progress]()
        self.options = list[dict[str, Any]]()
        self.out = io.StringIO()
        self.err: io.StringIO = Terminal()

    @property
    def tasks(self) -> str:
        """Description, done, total, and whether it is visible, of each bar."""
        return str([(t.description, t.completed, t.total, t.visible) for bars in self.made for t in bars.tasks])

    @property
    def live(self) -> str:
        """Whether the bars are being drawn."""
        return str([bars.live.is_started for bars in self.made])


@contextmanager
def drawn(*, terminal: bool = True) -> Iterator[Bars]:
    """A block whose standard error is a terminal, or is none."""
    bars, begin = Bars(), Progress.__init__
    if not terminal:
        bars.err = io.StringIO()

    def noted(self: Progress, *columns: Any, **options: Any) -> None:
        bars.made.append(self)
        bars.options.append(options)
        begin(self, *columns, **{**options, "auto_refresh": False})

    with (
        mock.patch.object(Progress, "__init__", noted),
        mock.patch.object(sys, "stderr", bars.err),
        mock.patch.object(sys, "stdout", bars.out),
    ):
        yield bars


def bars() -> Iterator[Row]:
    """Bars of a fit, of a simulation and of a training, step by step."""
    yield from _places()
    yield from _fit()
    yield from _simulation()
    yield from _training()


def _fit() -> Iterator[Row]:
    said = []
    with drawn() as seen, progress.watching(200) as callbacks:
        assert callbacks.frames is not None and callbacks.steps is not None  # noqa: PT018
        said.append(seen.tasks)
        callbacks.frames(30, 40)
        said.append(seen.tasks)
        callbacks.steps(7, 277.3526)
        said.append(seen.tasks)
    frames = ("frames", 30, 40, True)
    yield equal("bars of a fit, at first", said[0], str([("frames", 0, None, True), ("steps", 0, 200, False)]))
    yield equal("bars of a fit, frames", said[1], str([frames, ("steps", 0, 200, False)]))
    yield equal("bars of a fit, steps", said[2], str([frames, ("steps, loss 2.773526e+02", 7, 200, True)]))


def _simulation() -> Iterator[Row]:
    cases = [
        (Reached(500.0, 2000.0, 12345.6, 0), "500 ps of 2 ns, 12,346 ns/day"),
        (Reached(1500.0, 2000.0, 999.4, 3), "1.5 ns of 2 ns, 999 ns/day, 3 lost"),
    ]
    said = []
    with drawn() as seen, simulation_progress.moving() as show:
        said.append(seen.tasks)
        for reached, _ in cases:
            show(reached)
            said.append(seen.tasks)
    yield equal("bar of a simulation, at first", said[0], str([("compiling", 0, None, True)]))
    for found, (reached, text) in zip(said[1:], cases, strict=True):
        known = str([(text, reached.time, reached.of, True)])
        yield equal(f"bar of a simulation, {reached.lost} lost", found, known)


def _training() -> Iterator[Row]:
    said, found, texts = [], list[tuple[str, str]](), list[str]()
    with drawn() as seen:
        shown = training_progress.TrainingProgress(lambda text: texts.append(f"{text} {seen.live}"))
        with shown:
            found.append(("at first", f"{seen.tasks} {seen.live}"))
            fit = shown.fit
            assert fit.frames is not None and fit.steps is not None  # noqa: PT018
            fit.frames(30, 40)
            found.append(("frames of a fit", f"{seen.tasks} {seen.live}"))
            fit.steps(7, 277.3526)
            found.append(("steps of a fit", f"{seen.tasks} {seen.live}"))
            fit.frames(10, 20)
            fit.frames(12, 25)
            found.append(("frames of another set", f"{seen.tasks} {seen.live}"))
            shown.say("text")
            found.append(("a text", f"{seen.tasks} {seen.live}"))
            shown.begin("stage1", "adam", 25)
            found.append(("a stage", f"{seen.tasks} {seen.live}"))
            shown.epoch("stage1", "adam", 3, 25, 2.5, None, 99.6)
            found.append(("an epoch", f"{seen.tasks} {seen.live}"))
            shown.epoch("stage1", "adam", 4, 25, 2.5, 3.25, 99.6)
            found.append(("held-out frames", f"{seen.tasks} {seen.live}"))
            shown.begin("stage2", "lion", 9)
            found.append(("the next stage", f"{seen.tasks} {seen.live}"))
        found.append(("the end", seen.live))
    said = [
        "[] [False]",
        "[('frames', 30, 40, True)] [True]",
        "[('steps, loss 2.773526e+02', 7, None, True)] [True]",
        "[('frames', 12, 25, True)] [True]",
        "[] [False]",
        "[('stage1: compiling', 0, 25, True)] [True]",
        "[('stage1: loss 2.5, 100 frames/s', 3, 25, True)] [True]",
        "[('stage1: loss 2.5, held-out loss 3.25, 100 frames/s', 4, 25, True)] [True]",
        "[('stage2: compiling', 0, 9, True)] [True]",
        "[False]",
    ]
    for (name, own), known in zip(found, said, strict=True):
        yield equal(f"bars of a training, {name}", own, known)
    known = "text [False]", "[stage1] adam, 25 epochs [False]", "[stage2] lion, 9 epochs [False]"
    yield equal("bars of a training, texts while they are hidden", str(texts), str(list(known)))


def _places() -> Iterator[Row]:
    """Where bars are drawn, that they vanish, and that there are none without a terminal."""
    made = {
        "a fit": progress.watching,
        "a simulation": simulation_progress.moving,
        "a training": lambda: training_progress.TrainingProgress(str),
    }
    for name, context in made.items():
        for terminal in (True, False):
            with drawn(terminal=terminal) as seen, context():
                pass
            at = f"bars of {name}, terminal: {terminal}"
            yield equal(f"{at}, number of them", len(seen.made), int(terminal))
            yield equal(f"{at}, among the results", seen.out.getvalue(), "")
            for own, options in zip(seen.made, seen.options, strict=True):
                told = own.console.stderr, options.get("transient"), own.live.is_started
                yield equal(f"{at}, drawn on standard error, vanish, go on", str(told), str((True, True, False)))
                told = [options.get(f"redirect_{stream}", True) for stream in ("stdout", "stderr")]
                yield equal(f"{at}, texts go through them", str(told), str([name != "a training"] * 2))
