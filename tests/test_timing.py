"""Time spent in JAX's compiler, separate from the rest."""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import pytest

from cgcore.timing import Seconds, timed


def heavy(x: jax.Array) -> jax.Array:
    for k in range(60):
        x = jnp.sin(x) + k
    return x


def test_compiling_is_told_apart() -> None:
    program = jax.jit(lambda x: heavy(x))
    x = jnp.arange(3.0)
    with timed() as first:
        program(x).block_until_ready()
    with timed() as second:
        program(x).block_until_ready()
    assert first.compile > 0.5 * (first.compile + first.run)
    assert second.compile == 0
    assert 0 < second.run < first.compile


def test_other_work_is_run_time() -> None:
    with timed() as seconds:
        assert seconds == Seconds(0, 0)
        time.sleep(0.05)
    assert seconds.compile == 0
    assert 0.05 <= seconds.run < 5


def test_the_parts_add_up_to_the_wall_time() -> None:
    start = time.perf_counter()
    with timed() as seconds:
        jax.jit(lambda x: heavy(x + 1))(jnp.arange(4.0)).block_until_ready()
        time.sleep(0.02)
    elapsed = time.perf_counter() - start
    assert seconds.run >= 0
    assert seconds.compile >= 0
    # Not more than the outer clock measured; how much less depends on how busy the machine is.
    assert 0.02 <= seconds.compile + seconds.run <= elapsed


def test_nothing_listens_afterwards() -> None:
    with timed() as seconds:
        pass
    before = (seconds.compile, seconds.run)
    jax.jit(lambda x: heavy(x + 2))(jnp.arange(5.0)).block_until_ready()
    assert (seconds.compile, seconds.run) == before


def test_an_exception_goes_through_and_the_time_is_kept() -> None:
    kept: list[Seconds] = []

    def fail() -> None:
        with timed() as seconds:
            kept.append(seconds)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert kept[0].run > 0
    test_nothing_listens_afterwards()


def test_clocks_nest() -> None:
    with timed() as outer:
        with timed() as inner:
            jax.jit(lambda x: heavy(x + 3))(jnp.arange(6.0)).block_until_ready()
        time.sleep(0.01)
    assert 0 < inner.compile <= outer.compile
    assert outer.run + outer.compile > inner.run + inner.compile
