"""Progress while a fit works, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cgcore.fitting.fit import Callbacks


@contextmanager
def watching(max_steps: int = 0) -> Iterator[Callbacks]:
    """Callbacks that draw two bars on standard error, frames and steps; none where that is no terminal."""
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
