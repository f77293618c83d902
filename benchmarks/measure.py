"""Time and peak memory of a program, measured by a separate process.

python -m benchmarks.measure RECORD FOLDER CORES COMMAND...

The peak that the kernel reports for a child includes the memory of its parent at the start. Therefore the parent must
be small, and this file imports nothing large.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Run(NamedTuple):
    """The cost and the output of a program.

    Arguments:
        seconds: wall time.
        core_seconds: processor time [s], which does not grow if other processes share the cores.
        mebibytes: peak of its resident memory [MiB].
        printed: its output.
    """

    seconds: float
    core_seconds: float
    mebibytes: float
    printed: str = ""


def measured(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] = {}, *, one_core: bool = True
) -> Run:
    """Run a program in a folder.

    Arguments:
        command: the program and its arguments.
        folder: working folder.
        environment: additional environment variables.
        one_core: whether to use only the first of the cores available to this process, with one BLAS thread.

    Raises:
        RuntimeError: the program failed; the message contains the end of its output.
    """
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch) / "record.json"
        cores = "one" if one_core else "all"
        own = [sys.executable, "-m", "benchmarks.measure", str(record), str(folder), cores, *command]
        surroundings = {**os.environ, **(ONE_THREAD if one_core else {}), "PYTHONPATH": str(ROOT), **environment}
        done = subprocess.run(own, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr)[-2000:]
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {said}")
        seconds, core_seconds, mebibytes = json.loads(record.read_text())
        return Run(seconds, core_seconds, mebibytes, done.stdout)


def main() -> None:
    """Run the command, write its cost as JSON, and end with its exit code."""
    record, folder, cores, *command = sys.argv[1:]
    if cores == "one":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    Path(record).write_text(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
    sys.exit(abs(process.returncode))


if __name__ == "__main__":
    main()
