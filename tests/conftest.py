"""Settings that apply to every test."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook

from validation.compiling import compile_quickly

# Every annotation of cgcore is checked at every call, including array shapes. Must precede any import of cgcore.
install_import_hook("cgcore", "runtime_types.checked")

from cgcore import datasets  # noqa: E402
from cgcore.data import Batch  # noqa: E402

# Set before any test module creates an array. Tests of float32 convert their arrays themselves.
jax.config.update("jax_enable_x64", True)
# Broadcasting between ranks must be explicit.
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_configure(config: pytest.Config) -> None:
    """Use one folder of compiled programs for all workers, all processes that tests start, and all later runs.

    The folder is JAX_COMPILATION_CACHE_DIR if that is set. `pytest --cache-clear` empties the folder in pytest's cache.
    """
    cache = getattr(config, "cache", None)  # None with -p no:cacheprovider
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and cache is not None:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(cache.mkdir(f"compiled-{_processor()}"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    jax.config.update("jax_compilation_cache_dir", os.environ.get("JAX_COMPILATION_CACHE_DIR"))
    seconds = float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)
    if config.getoption("markexpr", "") in QUICKLY_COMPILED:
        compile_quickly()
    _hear_signals()


QUICKLY_COMPILED = ("not slow", "slow and not numerical")
"""Selections of tests for which XLA compiles in half of the time; all others are compiled as for users."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip even the import of modules with slow tests only if these are deselected, since their imports take
    seconds."""
    if collection_path.suffix == ".py" and _leaves_out_slow(config) and _is_slow(collection_path):
        return True
    return None


def _leaves_out_slow(config: pytest.Config) -> bool:
    return config.getoption("markexpr", "") == "not slow"


def _is_slow(module: Path) -> bool:
    marks = re.search(r"^pytestmark = (.*)$", module.read_text(encoding="utf-8"), re.M)
    return marks is not None and "pytest.mark.slow" in marks[1]


def _hear_signals() -> None:
    """Reset signals that shells and nohup let background jobs ignore; processes that tests start and interrupt
    inherit this."""
    for name, heard in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, heard)


def _processor() -> str:
    """What machine code depends on in addition to what JAX hashes, so that two machines can share a cache."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else [platform.processor()]
    features = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return hashlib.sha256("\n".join([platform.machine(), *features]).encode()).hexdigest()[:8]


MOST_RESIDENT = 2 * 2**30
"""Memory [bytes] above which a worker discards its compiled programs; thousands of them fill memory."""


def _resident() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


@pytest.fixture(scope="module", autouse=True)
def optimised(request: pytest.FixtureRequest) -> Iterator[None]:
    """Optimise as for users where rounding matters, and in selections that are not `QUICKLY_COMPILED`; otherwise
    compile as fast as possible, in two thirds of the time."""
    numerical = any(mark.name == "numerical" for mark in request.node.iter_markers())
    for_users = numerical or request.config.getoption("markexpr", "") not in QUICKLY_COMPILED
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", before or not for_users)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
    if _resident() > MOST_RESIDENT:
        jax.clear_caches()


LONGEST = 600
"""Longest time of a test [s]; a test that hangs fails and reports where."""


class HangsError(Exception):
    """A test took too long."""


@pytest.fixture(autouse=True)
def timeout(request: pytest.FixtureRequest) -> Iterator[None]:
    """End a test that hangs in Python; compiled programs of cgcore contain no endless loops."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*_: object) -> None:
        raise HangsError(f"{request.node.nodeid} takes more than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def chignolin() -> Batch:
    """All frames of the bundled data set, as stored (float32)."""
    return datasets.chignolin().join()


@pytest.fixture(scope="module")
def code_of_others() -> Iterator[None]:
    """For modules whose tests run code of other projects: it may broadcast between ranks, JAX's default."""
    with jax.numpy_rank_promotion("allow"):
        yield
