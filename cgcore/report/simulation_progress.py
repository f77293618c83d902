"""Progress bar of a simulation, shown only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cgcore.report.simulation_text import duration
from cgcore.simulation.run import Progress as Reached


@contextmanager
def moving() -> Iterator[Callable[[Reached], None]]:
    """A context with a progress callback for `simulate` that draws a bar on standard error, if it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("compiling", total=None)

        def show(reached: Reached) -> None:
            lost = f", {reached.lost} lost" if reached.lost else ""
            text = f"{duration(reached.time)} of {duration(reached.of)}, {reached.ns_per_day:,.0f} ns/day{lost}"
            bars.update(task, completed=reached.time, total=reached.of, description=text)

        yield show
