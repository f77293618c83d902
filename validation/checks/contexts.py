"""What holds within a solve and after it: times, threads of BLAS, precision, and how programs are compiled."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from cgcore import compiling, threads, timing, x64
from validation.check import Row, check, equal, says
from validation.context import Context

COMPILING = ("jaxpr_trace_duration", "jaxpr_to_mlir_module_duration", "backend_compile_duration")
"""Durations that JAX reports of a compilation."""

BEFORE = 2
"""Number of threads of BLAS before a solve, which differs from that within."""


class Ended(Exception):
    """Ends a block."""


@check("contexts", quick=True)
def contexts(context: Context) -> Iterator[Row]:
    """Compilation and run time, one thread of BLAS, the precision of a session, and the options of a compilation."""
    yield from _timed()
    yield from _threads()
    yield from _cores()
    yield from _precision()
    yield from _numbers()
    yield from _compiled()


def _end(made: AbstractContextManager[Any], inside: Callable[[Any], Any], *, raised: bool) -> Any:
    """What `inside` makes of what a context yields, before the context ends or is ended by an exception."""
    found = None
    try:
        with made as given:
            found = inside(given)
            if raised:
                raise Ended
    except Ended:
        pass
    return found


def _timed() -> Iterator[Row]:
    """Durations that JAX reports during a block, in a clock that moves by 4 seconds."""

    def report(*seconds: float) -> None:
        for name, each in zip((*COMPILING, "other"), (*seconds, 100.0), strict=True):
            jax.monitoring.record_event_duration_secs(f"/jax/core/compile/{name}", each)

    for name, durations, known in (
        ("a compilation", (0.25, 0.5, 1.0), (1.75, 2.25)),
        ("more than the wall time", (3.0, 2.0, 1.0), (4.0, 0.0)),
        ("no compilation", (0.0, 0.0, 0.0), (0.0, 4.0)),
    ):
        for raised in (False, True):
            now = [10.0]

            def inside(
                seconds: Any, durations: tuple[float, ...] = durations, now: list[float] = now
            ) -> tuple[Any, tuple[float, float]]:
                report(*durations)
                now[0] += 4.0
                return seconds, (seconds.compile, seconds.run)

            with mock.patch("time.perf_counter", side_effect=lambda now=now: now[0]):
                seconds, during = _end(timing.timed(), inside, raised=raised)
            report(7.0, 7.0, 7.0)
            at = f"{name}{', which fails' if raised else ''}"
            yield equal(f"{at}, during", str(during), str((sum(durations), 0.0)))
            yield equal(f"{at}, compile and run", str((seconds.compile, seconds.run)), str(known))


def _blas(_: Any = None) -> str:
    """Numbers of threads of all copies of BLAS that are loaded."""
    return str(sorted({each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}))


def _threads() -> Iterator[Row]:
    """Threads of BLAS in a block, between blocks that overlap, and afterwards."""
    one, before = str([1]), str([BEFORE])
    with threadpool_limits(BEFORE, "blas"):
        for raised in (False, True):
            at = "a block that fails" if raised else "a block"
            yield equal(f"threads of BLAS in {at}", _end(threads.one_blas_thread(), _blas, raised=raised), one)
            yield equal(f"threads of BLAS after {at}", _blas(), before)
        first, second = threads.one_blas_thread(), threads.one_blas_thread()
        found = []
        for step in (first.__enter__, second.__enter__):
            step()
            found.append(_blas())
        for leaving in (first, second):  # as two threads may, of which the first is done before the second
            leaving.__exit__(None, None, None)
            found.append(_blas())
        yield equal("threads of BLAS in two blocks", str(found), str([one, one, one, before]))
    with mock.patch.object(ThreadpoolController, "limit") as limit, threads.one_blas_thread():
        pass
    yield equal("what is limited", str(limit.call_args), str(mock.call(limits=1, user_api="blas")))


def _cores() -> Iterator[Row]:
    """Cores of this process, and threads for batches."""
    with mock.patch.object(os, "sched_getaffinity", return_value={1, 4, 5}, create=True):
        yield equal("cores of this process, and threads", str((threads.cores(), threads.batch_threads())), "(3, 4)")
    for count, known in ((5, 5), (None, 1)):
        with (
            mock.patch.object(os, "sched_getaffinity", create=True),
            mock.patch.object(os, "cpu_count", return_value=count),
        ):
            del os.sched_getaffinity
            found = threads.cores()
        yield equal(f"cores of a machine with {count}", str(found), str(known))


def _dtype(_: Any = None) -> str:
    return str(jnp.asarray(np.float64(1.0)).dtype)


def _precision() -> Iterator[Row]:
    """The precision of JAX within a solve, whatever the session has, and that of the session afterwards."""
    for session in ("float32", "float64"):
        with jax.enable_x64(session == "float64"):
            yield equal(f"a session in {session}, by default", _end(x64.solving("a"), _dtype, raised=False), "float64")
            for wanted in ("float64", "float32"):
                for raised in (False, True):
                    at = f"a session in {session}, a solve in {wanted}{', which fails' if raised else ''}"
                    yield equal(at, _end(x64.solving("a", wanted), _dtype, raised=raised), wanted)
                    yield equal(f"{at}, afterwards", _dtype(), session)

    solving = contextmanager(inspect.unwrap(x64.solving))  # whatever the types of its arguments

    def solve(precision: Any, x: Any = 0.0) -> Any:
        with solving("fit", precision):
            return x

    for precision in ("float16", "double", None):
        words = f"precision is {precision!r}; give one of float64, float32"
        yield says(f"a solve in {precision}", partial(solve, precision), words)
    traced = "fit returns plain numbers, so it can't be used inside jax.jit"
    for name, transformed in (("jit", jax.jit), ("vmap", lambda f: lambda x: jax.vmap(f)(x[None]))):
        work = partial(transformed(partial(solve, "float64")), jnp.zeros(()))
        yield says(f"a solve in {name}", work, traced if name == "jit" else "accepted")


def _numbers() -> Iterator[Row]:
    """Numbers of a start, as arrays of a precision."""
    tree = {
        "an integer": 3,
        "numbers of NumPy": [np.float32(0.1), np.arange(2, dtype=np.int8)],
        "short ones": jnp.ones((1, 2), jnp.bfloat16),
    }
    for name, leaf in tree.items():
        yield says(f"numbers, {name}", partial(x64.as_floating, "start", leaf, "float64"), "accepted")
    for precision in ("float32", "float64"):
        found = x64.as_floating("start", tree, precision)
        kinds = [(type(leaf).__name__, str(leaf.dtype), leaf.shape) for leaf in jax.tree.leaves(found)]
        known = [("ndarray", precision, shape) for shape in ((), (), (2,), (1, 2))]
        yield equal(f"numbers in {precision}, kinds", str(kinds), str(known))
        values = [np.asarray(leaf).tolist() for leaf in jax.tree.leaves(found)]
        tenth = float(np.float32(0.1))
        yield equal(f"numbers in {precision}, values", str(values), str([3.0, tenth, [0.0, 1.0], [[1.0, 1.0]]]))
    for name, leaf, words in (
        ("a truth value", True, "start holds bool (True); give real numbers"),
        ("a complex number", 1j, "start holds complex128 (1j); give real numbers"),
        ("a text", "x" * 99, f"start holds <U99 ('{'x' * 39}); give real numbers"),
        ("nothing", [], "start holds no numbers; give at least one parameter"),
    ):
        yield says(f"numbers, {name}", partial(x64.as_floating, "start", [leaf], "float64"), words)

    def traced(x: Any) -> Any:
        return x64.as_floating("start", [1.0, x], "float64")

    yield says("numbers, traced", partial(jax.eval_shape, traced, 1.0), "start is being traced by JAX; give plain")


def _compiled() -> Iterator[Row]:
    """Which of its programs a function uses, and how many there are."""

    def powers(x: Any, n: int) -> Any:
        return sum(x**k for k in range(n))

    made = compiling.QuicklyCompiled(powers, static_argnums=1)
    x = jnp.float32(2.0)
    yield equal("a compiled function, its name", getattr(made, "__name__", ""), "powers")
    counts = []
    for backend, understood, n in (("cpu", True, 3), ("gpu", True, 3), ("cpu", False, 4), ("cpu", True, 3)):
        with (
            mock.patch("jax.default_backend", return_value=backend),
            mock.patch.object(compiling, "_understood", return_value=understood),
        ):
            known = float(2**n - 1)
            at = f"compiled for a {backend}, options known: {understood}, {n} terms"
            yield equal(at, float(made(x, n)), known)
        programs = [getattr(one, "_cache_size")() for one in (made._quick, made._plain)]  # noqa: B009
        counts.append((*programs, made._cache_size()))
    yield equal(
        "programs with options, without, and all", str(counts), str([(1, 0, 1), (1, 1, 2), (1, 2, 3), (1, 2, 3)])
    )
    own = compiling._understood.__wrapped__
    for name, error, known in (("knows", None, True), ("refuses", jax.errors.JaxRuntimeError("no"), False)):
        lowered = mock.Mock()
        lowered.lower.return_value.compile.side_effect = error
        with mock.patch("jax.jit", return_value=lowered) as jit:
            yield equal(f"an XLA that {name} the options", own(), known)
        yield equal(
            f"an XLA that {name} the options, asked",
            jit.call_args.kwargs == {"compiler_options": compiling.QUICKLY},
            True,
        )
