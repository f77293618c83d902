"""Running a command as several processes: each runs the same command with its own process number."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import click

from cgcore.cli import failures, interrupts, streams
from cgcore.errors import InputError

AUTO = "auto"
PATIENCE = 300
"""Time for all processes to connect to the first one [s]."""
GRACE = 2
"""Time that a process waits after refusing its input, so that the others can refuse it before they lose the connection
[s]."""

_ADDRESS = re.compile(r"(.+):([0-9]{1,5})")
_OF_OTHERS = re.compile(r"gloo|nccl|mpi_|coordination service|distributed service|collective", re.IGNORECASE)
"""Matches JAX's messages about failed collective operations; the cause is always another process."""

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Company:
    """How this process finds the others.

    Arguments:
        coordinator: address and port of process 0; "auto" to let JAX ask Slurm, Open MPI or the like; None for a single
            process.
        processes: number of processes; None to let JAX ask these.
        process: number of this process; None likewise.
    """

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None

    def require_meaning(self) -> None:
        """Refuse invalid values.

        Raises:
            InputError: a value is invalid; the message names the option.
        """
        if self.coordinator is None:
            if self.processes is not None or self.process is not None:
                raise InputError(
                    "--processes and --process have no effect without --coordinator; give HOST:PORT of process 0"
                )
            return
        found = _ADDRESS.fullmatch(self.coordinator)
        if self.coordinator != AUTO and (found is None or not 0 < int(found[2]) < 2**16):
            raise InputError(
                f"--coordinator {self.coordinator}: is not HOST:PORT; give the address of process 0 and a free port "
                "there, or auto within Slurm"
            )
        if self.processes is not None and self.processes < 1:
            raise InputError(f"--processes is {self.processes}; give the number of all processes, at least 1")
        if self.process is not None and not 0 <= self.process < (self.processes or sys.maxsize):
            raise InputError(f"--process is {self.process}; give 0 to N - 1, where N is the number of --processes")


def options(command: Command) -> Command:
    """Add the options of a command that can run as several processes; they are named like `Company`'s fields."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--coordinator",
        metavar="HOST:PORT|auto",
        help="Run as one of several processes, all started with this command; they meet at this address of process 0. "
        "auto: as Slurm or Open MPI tell.",
    ),
    click.option("--processes", type=int, metavar="N", help="Number of these processes."),
    click.option("--process", type=int, metavar="I", help="Number of this process, from 0."),
)


@contextmanager
def together(company: Company, patience: int = PATIENCE) -> Iterator[bool]:
    """A context in which JAX has the devices of all processes; yields True in the process that prints and writes files.

    The other processes print only errors that end them. If a process is lost, the remaining ones say so and end at
    once.

    Arguments:
        company: how this process finds the others.
        patience: time for all processes to connect [s].

    Raises:
        InputError: a value of `company` is invalid.
    """
    company.require_meaning()
    if company.coordinator is None:
        yield True
        return
    end = _End(company, patience)
    try:
        _connect(company, patience)
        first = end.connected()
        with _silent(not first):
            yield first
        end.wait()
    except SystemExit as done:
        if done.code not in (None, 0, 1):
            end.now(2)
        end.wait()  # the work is done, even if the exit code is 1
        raise
    except InputError as error:
        code = end.explained(error)
        time.sleep(GRACE)
        end.now(code)
    except BaseException as error:
        end.now(end.explained(error))


class _End:
    """Ends one of several processes without JAX's clean-up, which would wait for processes that no longer exist.

    If the service that connects the processes fails, JAX calls abort() and writes pages to standard error. Both are
    replaced by one sentence.
    """

    def __init__(self, company: Company, patience: int) -> None:
        self._number = company.process
        self._lost = (
            f"not all processes reached {company.coordinator} within {patience} s; start all of them with the same "
            "--coordinator and --processes, and see that its port is free and can be reached"
        )
        self._stderr = streams.keep_from_libraries()
        self._handler = _Handler(self._aborted)
        if os.name == "posix":
            ctypes.CDLL(None).signal(signal.SIGABRT, self._handler)

    def connected(self) -> bool:
        """Note that all processes are connected; returns whether this is the first one."""
        import jax

        self._number, count = jax.process_index(), jax.process_count()
        self._lost = (
            f"another of the {count} processes ended or can't be reached; look at what it said, and start all of them "
            "again (--resume goes on from what was kept)"
        )
        return self._number == 0

    def explained(self, error: BaseException) -> int:
        """Explain an error on standard error and return the exit code."""
        from cgcore.cli import BAD_INPUT, INTERRUPTED

        if not isinstance(error, InputError) and _OF_OTHERS.search(str(error)) and "--debug" not in sys.argv[1:2]:
            error = InputError(self._lost)
        return failures.explain(error, BAD_INPUT, INTERRUPTED)

    def wait(self) -> None:
        """Wait until all processes have reached this point."""
        import jax

        streams.flush()
        jax.distributed.shutdown()

    def now(self, code: int) -> NoReturn:
        """End the process at once."""
        streams.flush()
        os._exit(code)

    def _aborted(self, _: int) -> None:
        """Handler of SIGABRT; may run in any of JAX's threads at any time."""
        who = "" if self._number is None else f"process {self._number}: "
        os.write(self._stderr, f"cgcore: {who}{self._lost}\n".encode())
        interrupts.withdraw()
        os._exit(2)


_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)


def _connect(company: Company, patience: int) -> None:
    import jax

    # Gloo connects processes on CPUs; the preemption service exists only on managed clusters.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            None if company.coordinator == AUTO else company.coordinator,
            company.processes,
            company.process,
            initialization_timeout=patience,
        )
    except (ValueError, RuntimeError, KeyError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"--coordinator {company.coordinator}: the processes can't be connected ({said}); give HOST:PORT of "
            "process 0 with --processes and --process, or start them by srun or mpirun"
        ) from error


@contextmanager
def _silent(really: bool) -> Iterator[None]:
    """A context in which everything printed is dropped."""
    if not really:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
