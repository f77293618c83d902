"""Connecting to a Dask scheduler that is running, or starting one here with its workers."""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from cgcore.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10.0
"""Time for a scheduler to answer [s]."""
MOST_WORKERS = 512
"""Largest number of worker processes on one machine."""

_SETTINGS = {
    # Frames that cannot be read from files are sent in pieces; Dask need not warn of their size.
    "distributed.admin.large-graph-warning-threshold": "1 GiB",
    # Dask makes glibc return the memory of every larger array to the system at once. The pass makes such arrays all the
    # time, and takes a worker 1.6 times as long then (10,000 frames x 100 beads). These limits [bytes] keep it instead.
    "distributed.nanny.pre-spawn-environ": {"MALLOC_TRIM_THRESHOLD_": 2**27, "MALLOC_MMAP_THRESHOLD_": 2**25},
}

_LOCAL = re.compile(r"local:([0-9]{1,9})")
_REMEDY = "give the address that `dask scheduler` prints, the JSON file that it writes, or local:N"


@contextmanager
def connected(where: str, environment: Mapping[str, str] | None = None) -> Iterator[Client]:
    """A context with a Dask client.

    Arguments:
        where: "local:N" for N processes on this machine, with one thread each; the address of a scheduler; or a JSON
            file that a scheduler wrote (`--scheduler-file`).
        environment: additional environment variables of processes that are started here.

    Raises:
        InputError: Dask is not installed, `where` is none of these, or the scheduler does not answer.
    """
    try:
        import distributed
        from dask.config import set as configured
    except ImportError as error:
        raise InputError("Dask is not installed; install it with pip install 'cgcore[cluster]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # an error is reported once, as one sentence
    with ExitStack() as stack:
        stack.enter_context(configured(_SETTINGS))
        target = _started(stack, where, environment or {}) if where.startswith("local") else _target(where)
        try:
            client = distributed.Client(**target, timeout=PATIENCE, set_as_default=False)
        # Invalid addresses raise errors of many types.
        except Exception as error:
            said = " ".join(str(error).split())[:120] or type(error).__name__
            raise InputError(
                f"--scheduler {where}: no scheduler answers at this address ({said}); {_REMEDY}"
            ) from error
        stack.callback(client.close, timeout=PATIENCE)
        yield client


def _target(where: str) -> dict[str, Any]:
    """The arguments of a client for a running scheduler."""
    if not where.endswith(".json"):
        return {"address": where}
    if not os.path.isfile(where):
        raise InputError(f"--scheduler {where}: no such file; {_REMEDY}")
    return {"scheduler_file": where}


def _started(stack: ExitStack, where: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Start a scheduler and workers that live as long as the stack; returns the arguments of a client."""
    from distributed import LocalCluster

    found = _LOCAL.fullmatch(where)
    if found is None or not 1 <= int(found[1]) <= MOST_WORKERS:
        raise InputError(f"--scheduler {where}: is not a number of processes from 1 to {MOST_WORKERS}; {_REMEDY}")
    with _without_ctrl_c():
        cluster = LocalCluster(
            n_workers=int(found[1]),
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # any port
            memory_limit=None,  # Dask's limit would kill workers that use a normal amount of memory
            silence_logs=logging.CRITICAL,
            env=dict(environment),
        )
    stack.enter_context(cluster)
    return {"address": cluster}


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """A context in which threads and processes are started with Ctrl-C blocked, which a terminal sends to the whole
    process group: they end silently with this process."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting the semaphore tracker unblocks the signal; its warnings about semaphores left by Ctrl-C are ignored.
    said = os.environ.get("PYTHONWARNINGS", "")
    os.environ["PYTHONWARNINGS"] = f"{said},ignore:resource_tracker:UserWarning".strip(",")
    resource_tracker.ensure_running()
    os.environ["PYTHONWARNINGS"] = said
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
