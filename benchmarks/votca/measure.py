"""Time and peak memory of a program on one core, by a process of its own.

python -m benchmarks.votca.measure RECORD FOLDER COMMAND...

The peak that the kernel tells of a child counts what its parent held when it started it. So the parent has to be small:
this file imports nothing large.
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

ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Run(NamedTuple):
    """How a program did.

    Arguments:
        seconds: wall time.
        core_seconds: what it used of its core; that does not grow while others use the core, too.
        mebibytes: peak of its resident memory.
        printed: what it printed.
    """

    seconds: float
    core_seconds: float
    mebibytes: float
    printed: str = ""


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str] = {}) -> Run:
    """Run a program in a folder, on the first of the cores that this process may use.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as scratch:
        record = Path(scratch) / "record.json"
        own = [sys.executable, "-m", "benchmarks.votca.measure", str(record), str(folder), *command]
        surroundings = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), **environment}
        done = subprocess.run(own, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr)[-2000:]
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {said}")
        seconds, core_seconds, mebibytes = json.loads(record.read_text())
        return Run(seconds, core_seconds, mebibytes, done.stdout)


def main() -> None:
    """Run the command and write what it took as JSON, then end as it ended."""
    record, folder, *command = sys.argv[1:]
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
