"""How a command runs the factor pass: with threads of this process, or on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from cgcore.cli import terminal
from cgcore.cli.setup import cache_environment

if TYPE_CHECKING:
    from cgcore.data import Dataset
    from cgcore.factor.execution import Execute

FILES_AT_ONCE = 8
"""Number of files read and submitted to a cluster at a time, so that its workers do not idle between files."""

Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


@contextmanager
def executing(scheduler: str | None, folder: str | None, cache: bool) -> Iterator[tuple[Execute, Each]]:
    """The `execute` argument of `compress`, and a `map` over several data sets.

    Arguments:
        scheduler: as given on the command line; None for threads of this process, one data set after the other.
        folder: where finished parts are kept; None to keep none.
        cache: whether processes started here keep compiled programs in the user's cache folder.

    Raises:
        InputError: the scheduler does not answer.
    """
    from cgcore.cluster import connected, keeping, on_workers
    from cgcore.factor.execution import on_threads

    with ExitStack() as stack:
        execute: Execute = on_threads
        if scheduler is not None:
            client = stack.enter_context(connected(scheduler, cache_environment() if cache else None))
            execute = on_workers(client)
            if not client.nthreads():
                terminal.note(f"{scheduler}: has no workers yet; waiting for the first one")
        if folder is not None:
            execute = keeping(folder, execute, lambda have, of: _note_kept(str(folder), have, of))
        if scheduler is None:
            yield execute, lambda call, items: [call(item) for item in items]
            return
        pool = ThreadPoolExecutor(FILES_AT_ONCE)
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)  # after a failure, do not wait for the rest
        yield execute, lambda call, items: list(pool.map(call, items))


def notes_of_sources(datasets: Sequence[Dataset]) -> None:
    """Say which frames the workers cannot read from files themselves."""
    for dataset in datasets:
        for source in dataset.sources:
            if isinstance(source.store.R, np.ndarray) or isinstance(source.store.F, np.ndarray):
                terminal.note(
                    f"{source.source}: is compressed, so its frames are sent to the workers; `cgcore convert` "
                    "writes a file that they can read themselves"
                )


def _note_kept(folder: str, have: int, of: int) -> None:
    if have:
        terminal.note(f"{folder}: {have} of {of} parts are already there from an earlier run")
