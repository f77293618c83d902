"""How XLA compiles where the numbers count and not the time that they take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

QUICKLY = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
"""XLA's emitters of fused loops, and one module for each core, are half of the time of compiling."""

KNOWN = (0, 10)
"""Releases of JAX that are seen to know these flags: one that XLA does not know ends the process."""


def compile_quickly() -> None:
    """From the start of the backend on, for this process and those that it starts; flags that are set already stay."""
    import jax

    if jax.__version_info__[:2] == KNOWN:
        os.environ.setdefault("XLA_FLAGS", QUICKLY)


@contextmanager
def unoptimised(enough: bool = True) -> Iterator[None]:
    """What XLA compiles inside of the block, in any thread, is not optimised, in half of the time.

    Arguments:
        enough: False: nothing changes.
    """
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", before or enough)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
