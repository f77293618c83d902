"""Settings of XLA for programs whose results matter more than their speed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

QUICKLY = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
"""XLA's emitters of fused loops, and one module for each core, take half of the compile time."""

KNOWN = (0, 10)
"""Releases of JAX that are known to accept these flags; an unknown flag ends the process."""


def compile_quickly() -> None:
    """Reduce compile time from the start of the backend, in this process and its children. Flags that are already
    set stay."""
    import jax

    if jax.__version_info__[:2] == KNOWN:
        os.environ.setdefault("XLA_FLAGS", QUICKLY)


@contextmanager
def unoptimised(enough: bool = True) -> Iterator[None]:
    """Programs that XLA compiles within the block, in any thread, are not optimised, which halves the compile time.

    Arguments:
        enough: False to change nothing.
    """
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", before or enough)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
