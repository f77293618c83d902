"""Compilation time, measured separately from run time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import jax

# Tracing, lowering and compiling, as JAX reports them; the last includes reading the compilation cache.
_EVENTS = {
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
}


@dataclass
class Seconds:
    """Wall time [s]: `compile` in JAX's compiler, `run` for everything else."""

    compile: float = 0.0
    run: float = 0.0


@contextmanager
def timed() -> Iterator[Seconds]:
    """A context that yields `Seconds` and fills it when the block ends."""
    seconds = Seconds()

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event in _EVENTS:
            seconds.compile += duration_secs

    start = time.perf_counter()
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seconds
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
        # Traces nest, so their sum can exceed the wall time.
        elapsed = time.perf_counter() - start
        seconds.compile = min(seconds.compile, elapsed)
        seconds.run = elapsed - seconds.compile
