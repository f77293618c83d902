"""Commands that run as several processes on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parent

COMMAND = f"""
import sys

sys.path.insert(0, {str(TESTS)!r})
import pipeline_helpers as h

from cgcore.cli.process import run

with h.tiny_networks():
    run()
"""
"""`cgcore` with `Tiny` networks."""

SLURM_PORTS = 2**12
"""JAX takes a port from so many last ones, by the number of the job."""

PATIENCE = 600
"""Time limit that allows for a busy machine [s]."""


def free_address() -> str:
    """An address at which processes can connect."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def job_with_free_port() -> int:
    """A number of a Slurm job from which JAX derives a free port."""
    for job in range(SLURM_PORTS):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", 2**16 - SLURM_PORTS + job)):
                return job
    raise AssertionError("all ports are taken")


def begun(*words: object, code: str = COMMAND, **variables: object) -> subprocess.Popen[str]:
    """Start a command as a separate process, with further environment variables."""
    further = {name: str(value) for name, value in variables.items()}
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent), "PYTHONUNBUFFERED": "1", **further}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@contextmanager
def both(*words: object) -> Iterator[list[subprocess.Popen[str]]]:
    """The same command as two processes, which end with the block."""
    company = ("--coordinator", free_address(), "--processes", 2)
    processes = [begun(*words, *company, "--process", number) for number in range(2)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def ran(*words: object) -> list[tuple[int, str, str]]:
    """Exit codes and output of the same command run as two processes, see `ended`."""
    with both(*words) as processes:
        return [ended(process) for process in processes]


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err
