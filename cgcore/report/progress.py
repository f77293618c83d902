"""Progress bars of a fit, shown only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cgcore.data import Dataset
from cgcore.factor.compress import FrameProgress
from cgcore.fitting.fit import Callbacks


class Together:
    """A common count of frames for several data sets, which may be processed at the same time.

    Arguments:
        frames: called with the number of frames done and the total; None for no callback.
        datasets: all data sets.
    """

    def __init__(self, frames: FrameProgress | None, datasets: Sequence[Dataset]) -> None:
        self._frames, self._of = frames, sum(dataset.n_frames for dataset in datasets)
        self._done: dict[int, int] = {}

    def of(self, dataset: Dataset) -> FrameProgress:
        """The callback for one of the data sets."""

        def proceed(done: int, of: int) -> None:
            self._done[id(dataset)] = done
            if self._frames is not None:
                self._frames(sum(list(self._done.values())), self._of)

        return proceed


@contextmanager
def watching(max_steps: int = 0) -> Iterator[Callbacks]:
    """A context with callbacks that draw two bars on standard error, for frames and steps, if it is a terminal."""
    if not sys.stderr.isatty():
        yield Callbacks()
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        frames = bars.add_task("frames", total=None)
        steps = bars.add_task("steps", total=max_steps, visible=False)
        yield Callbacks(
            frames=lambda done, of: bars.update(frames, completed=done, total=of),
            steps=lambda done, loss: bars.update(
                steps, completed=done, visible=True, description=f"steps, loss {loss:.6e}"
            ),
        )
