"""Runs checks one after the other; nothing that a check does stops the run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec

from validation.check import Check, Row
from validation.compiling import unoptimised
from validation.context import Context

Watch = Callable[[str, int], object]
"""Called with the name of the check at work and the number of rows that it has given."""


def run(checks: Iterable[Check], context: Context, watch: Watch | None = None, workers: int = 1) -> list[Row]:
    """All rows of these checks, in their order, in float64; `workers` checks at a time, nearly all of whose time goes
    into compiling and computing, which need no Python.

    What most of them compile runs for less time than XLA would take to optimise it; the others come before them.
    """
    import jax

    def work(check: Check) -> list[Row]:
        rows: list[Row] = []
        with jax.enable_x64(True):  # a setting of the thread
            if watch is not None:
                watch(check.name, 0)
            for row in rows_of(check, context):
                rows.append(row)
                if watch is not None:
                    watch(check.name, len(rows))
        return rows

    every = list(checks)
    found: dict[str, list[Row]] = {}
    for optimised in (True, False):
        own = [check for check in every if check.optimised(context.quick) is optimised]
        with unoptimised(not optimised), ThreadPoolExecutor(workers) as pool:
            # Without threads where there is one worker: a script may need the main one.
            each = map(work, own) if workers == 1 else pool.map(work, own)
            found |= dict(zip((check.name for check in own), each, strict=True))
    return [row for check in every for row in found[check.name]]


def rows_of(check: Check, context: Context) -> Iterator[Row]:
    """The rows of one check. What it raises becomes a failed row; so does an empty check."""
    missing = [package for package in check.needs if find_spec(package) is None]
    if missing:
        # In CI everything is installed, so that nothing passes by being skipped.
        relation = "raised" if os.environ.get("CI") else "skipped"
        yield Row(check.name, f"skipped: {', '.join(missing)} is not installed", relation=relation)
        return
    count, last = 0, time.perf_counter()
    try:
        for row in check.body(context):
            now = time.perf_counter()
            yield replace(row, name=f"{check.name}: {row.name}", seconds=now - last)
            count, last = count + 1, time.perf_counter()
    except Exception as error:
        message = " ".join(str(error).split())[:300]
        yield Row(
            check.name, f"{type(error).__name__}: {message}", relation="raised", seconds=time.perf_counter() - last
        )
        return
    if count == 0:
        yield Row(check.name, "the check compared nothing", relation="raised")


@contextmanager
def watching(total: int) -> Iterator[Watch]:
    """A progress bar on standard error; silent where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda name, count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task, done = bars.add_task("checks", total=total), -1

        def watch(name: str, count: int) -> None:
            nonlocal done
            done += count == 0
            bars.update(task, completed=done, description=f"{name}, {count} rows")

        yield watch
