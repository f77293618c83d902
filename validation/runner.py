"""Runs the checks; an exception in a check does not stop the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec

from validation.check import Check, Row
from validation.compiling import unoptimised
from validation.context import Context

Watch = Callable[[str], object]
"""Called with the name of each check that has ended."""


def run(checks: Iterable[Check], context: Context, watch: Watch | None = None, workers: int = 1) -> list[Row]:
    """Run checks in float64.

    Arguments:
        checks: the checks.
        context: data, prior, and thoroughness.
        watch: called after each check.
        workers: number of processes; with one, the checks run in the main thread of this process. Threads would wait
            for each other, since tracing holds Python's lock.

    Returns:
        All rows, in the order of the checks.
    """
    every = list(checks)
    workers = min(workers, len(every))
    # Optimised programs take longest to compile; started last, they would leave the other workers idle.
    order = sorted(every, key=lambda check: not check.optimised(context.quick))
    found: dict[str, list[Row]] = {}
    for check, rows in _in_turn(order, context) if workers == 1 else _side_by_side(order, context, workers):
        found[check.name] = rows
        if watch is not None:
            watch(check.name)
    return [row for check in every for row in found[check.name]]


def _in_turn(checks: list[Check], context: Context) -> Iterator[tuple[Check, list[Row]]]:
    for check in checks:
        yield check, _all_rows(check, context)


def _side_by_side(checks: list[Check], context: Context, workers: int) -> Iterator[tuple[Check, list[Row]]]:
    # A process forked from one in which XLA has threads could hang.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (context,)) as pool:
        running = {pool.submit(_rows_of_worker, check): check for check in checks}
        for done in as_completed(running):
            yield running[done], done.result()


def _begin(context: Context) -> None:
    """Set up a worker: it keeps the context between checks, and ends if it is interrupted or its parent ends."""
    global _context
    _context = context
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    def follow() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


_context: Context | None = None
"""The context of a worker."""


def _rows_of_worker(check: Check) -> list[Row]:
    assert _context is not None
    return _all_rows(check, _context)


def _all_rows(check: Check, context: Context) -> list[Row]:
    import jax

    # Most programs run for less time than XLA would need to optimise them.
    with jax.enable_x64(True), unoptimised(not check.optimised(context.quick)):
        return list(rows_of(check, context))


def rows_of(check: Check, context: Context) -> Iterator[Row]:
    """The rows of one check. An exception becomes a failed row, and so does a check without rows."""
    missing = [package for package in check.needs if find_spec(package) is None]
    if missing:
        # In CI all packages are installed, so that no check passes by being skipped.
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
    """A progress bar on standard error; silent if standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("checks", total=total)
        yield lambda name: bars.update(task, advance=1, description=f"{name} has ended")
