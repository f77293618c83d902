"""Progress of the full pipeline: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cgcore.fitting.fit import Callbacks

LINES = 10
"""Number of epochs of a stage that get a line if there is no terminal."""


class TrainingProgress(AbstractContextManager["TrainingProgress"]):
    """Shows the progress of a training: callbacks for `Watch`. Bars go to standard error.

    Arguments:
        say: called with each text to print, of one or more lines.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._bars: Progress | None = None
        self._task: TaskID | None = None
        if sys.stderr.isatty():
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            # rich must not redirect text, which may go to a file.
            self._bars = Progress(
                *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
            )

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    @property
    def fit(self) -> Callbacks:
        """Callbacks of the prior's fit."""
        if self._bars is None:
            return Callbacks()
        return Callbacks(
            frames=lambda done, of: self._show("frames", done, of),
            steps=lambda done, loss: self._show(f"steps, loss {loss:.6e}", done, None),
        )

    def say(self, text: str) -> None:
        """Print a text while the bars are hidden."""
        if self._bars is not None:
            self._bars.stop()
            self._remove()
        self._say(text)

    def begin(self, stage: str, optimizer: str, epochs: int) -> None:
        """Report the start of a stage."""
        self.say(f"[{stage}] {optimizer}, {epochs} epochs")
        self._show(f"{stage}: compiling", 0, epochs)

    def epoch(
        self,
        stage: str,
        optimizer: str,
        epoch: int,
        epochs: int,
        loss: float,
        val_loss: float | None,
        frames_per_second: float,
    ) -> None:
        """Report an epoch with its losses [(kcal/mol/Å)²] and its speed."""
        held_out = "" if val_loss is None else f", held-out loss {val_loss:.6g}"
        losses = f"loss {loss:.6g}{held_out}, {frames_per_second:.0f} frames/s"
        if self._bars is not None:
            self._show(f"{stage}: {losses}", epoch, epochs)
        elif epoch in (1, epochs) or epoch % max(epochs // LINES, 1) == 0:
            self._say(f"[{stage}] epoch {epoch}/{epochs}: {losses}")

    def _show(self, description: str, done: int, of: int | None) -> None:
        if self._bars is None:
            return
        if of is None:
            self._remove()  # rich would keep the total of the bar before
        if self._task is None:
            self._bars.start()
            self._task = self._bars.add_task(description, total=of)
        self._bars.update(self._task, description=description, completed=done, total=of)

    def _remove(self) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
