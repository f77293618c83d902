"""Programs of a fit that take longer to compile than to run."""

from __future__ import annotations

from functools import partial

import jax

quickly_compiled = partial(
    jax.jit,
    compiler_options={"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1},
)
"""`jax.jit` for programs that are called by themselves, as JAX has no options for programs inside others.

XLA's CPU back end has two code generators for fused loops. The default, which goes through MLIR, takes two to three
times as long as the other one. What that one makes of the internal coordinates and of the solver's loop is as fast;
sums over pairs are three times slower, so they keep the default. As one unit, and not one for each of many threads, a
program shares the work that is the same for all of its loops. On other devices these options have no effect.
"""
