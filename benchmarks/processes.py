"""A Dask scheduler and workers as local processes that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cgcore

QUIET = {
    **os.environ,
    "PYTHONWARNINGS": "ignore",
    "PYTHONPATH": os.pathsep.join([str(Path(cgcore.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
}
"""Environment of processes that print nothing unrequested and import the same cgcore."""

PATIENCE = 300.0
"""Time for processes to start on a busy machine [s]."""

_PROGRAM = """
import sys
from distributed.cli import dask_scheduler, dask_worker
{"scheduler": dask_scheduler, "worker": dask_worker}[sys.argv.pop(1)].main()
"""


@dataclass
class Cluster:
    """A scheduler and its workers.

    Arguments:
        folder: folder of their files.
        scheduler: process of the scheduler.
        workers: processes of the workers, including killed ones.
    """

    folder: Path
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """The file to give as `--scheduler`."""
        return self.folder / "scheduler.json"

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker, which connects after some time."""
        words = ["worker", "--scheduler-file", str(self.file), "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        process = _started(*words, "--local-directory", str(self.folder), "--memory-limit", "0")
        self.workers.append(process)
        return process


def _started(*words: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, *words], stdout=quiet, stderr=quiet, env=QUIET)


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A context with a scheduler and workers, which end with it."""
    words = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file")
    made = Cluster(folder, _started(*words, str(folder / "scheduler.json")))
    try:
        deadline = time.monotonic() + PATIENCE
        while not _written(made.file):
            if time.monotonic() > deadline or made.scheduler.poll() is not None:
                raise RuntimeError("the scheduler did not start")
            time.sleep(0.05)
        for _ in range(workers):
            made.add_worker()
        yield made
    finally:
        for process in (*made.workers, made.scheduler):
            process.kill()
            process.wait()


def _written(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text()))
    except (OSError, ValueError):
        return False
