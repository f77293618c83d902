"""Optimizers are those of optax, with additions: schedule, clipping, decoupled weight decay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cgcore.config import load_settings
from cgcore.config.optimizers import OPTIMIZERS, Adam, SgdNesterov
from cgcore.pipeline.optimizers import make_optimizer, schedule

PARAMS = {"prior": {"r0": jnp.array(3.8)}, "allegro": {"w": jnp.array([1.0, -2.0, 0.5])}}
CONSTANT: dict[str, Any] = {"lr": 0.1, "warmup_steps": 0, "end_lr": 0.1, "decay_steps": 10**9}

REAL: dict[str, Any] = {
    "adabelief": optax.adabelief(0.1, b1=0.8),
    "yogi": optax.yogi(0.1, b1=0.8),
    "adam": optax.adam(0.1, b1=0.8),
    "lion": optax.lion(0.1, b1=0.8, weight_decay=0.0),
    "sgd_nesterov": optax.sgd(0.1, momentum=0.9, nesterov=True),
    "polyak_sgd": optax.polyak_sgd(0.1, f_min=0.3),
    "fromage": optax.fromage(0.1, min_norm=1e-3),
}
NUMBERS: dict[str, dict[str, Any]] = {
    **{name: {"b1": 0.8} for name in ("adabelief", "yogi", "adam", "lion")},
    **{"sgd_nesterov": {}, "polyak_sgd": {"f_min": 0.3}, "fromage": {"min_norm": 1e-3}},
}


def value(params: Any) -> jax.Array:
    return 5 + (params["prior"]["r0"] - 3) ** 2 + jnp.sum(params["allegro"]["w"] ** 4)


def at(rate: optax.Schedule, step: int) -> float:
    return float(np.asarray(rate(step)))


def steps(optimizer: Any, n: int = 4, params: Any = PARAMS) -> Any:
    optimizer = optax.with_extra_args_support(optimizer)
    state = optimizer.init(params)
    for _ in range(n):
        loss, gradient = jax.value_and_grad(value)(params)
        updates, state = optimizer.update(gradient, state, params, value=loss)
        params = optax.apply_updates(params, updates)
    return params


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_is_the_one_of_optax(name: str) -> None:
    ours = make_optimizer(OPTIMIZERS[name](**CONSTANT | NUMBERS[name]), 5, 2)
    moved, expected = steps(ours), steps(REAL[name])
    for a, b, start in zip(*map(jax.tree.leaves, (moved, expected, PARAMS)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
        assert not np.allclose(a, start)


def test_the_schedule_warms_up_and_falls_as_a_cosine() -> None:
    rate = schedule(Adam(lr=0.1, peak_lr=0.4, end_lr=0.2, warmup_fraction=0.25), 10, 4)
    assert at(rate, 0) == pytest.approx(0.1)
    assert at(rate, 5) == pytest.approx(0.25)
    assert at(rate, 10) == pytest.approx(0.4)
    assert at(rate, 25) == pytest.approx(0.3)
    assert at(rate, 40) == pytest.approx(0.2)
    assert at(rate, 90) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("more", "peak_at"),
    [({"warmup_steps": 7}, 7), ({"warmup_epochs": 1.5}, 15), ({"warmup_fraction": 0.5, "decay_steps": 8}, 4)],
)
def test_ways_to_say_the_warm_up(more: dict[str, Any], peak_at: int) -> None:
    rate = schedule(Adam(lr=1.0, **more), 10, 4)
    assert max(range(41), key=lambda step: at(rate, step)) == peak_at


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_schedule_of_no_steps(epochs: int) -> None:
    assert np.isfinite(at(schedule(Adam(lr=1.0, warmup_steps=50), 1, epochs), 0))


def test_gradients_are_clipped_by_their_global_norm() -> None:
    plain = SgdNesterov(**CONSTANT, momentum=0.0)
    moved = steps(make_optimizer(replace(plain, grad_clip=0.5), 5, 2), n=1)
    change = jax.tree.leaves(jax.tree.map(lambda a, b: jnp.sum((a - b) ** 2), moved, PARAMS))
    assert float(sum(change)) ** 0.5 == pytest.approx(0.1 * 0.5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_is_decoupled_and_leaves_the_prior_alone(name: str) -> None:
    plain = OPTIMIZERS[name](**CONSTANT)
    without = steps(make_optimizer(plain, 5, 2), n=1)
    decayed = steps(make_optimizer(replace(plain, weight_decay=0.3), 5, 2), n=1)
    np.testing.assert_array_equal(decayed["prior"]["r0"], without["prior"]["r0"])
    expected = without["allegro"]["w"] - 0.1 * 0.3 * PARAMS["allegro"]["w"]
    np.testing.assert_allclose(decayed["allegro"]["w"], expected, rtol=1e-12)


def of_a_file(name: str, **block: Any) -> Any:
    """The optimizer for a file in the dialect of other programs, with a global clipping of 2."""
    document = {"model": {"prior_only": True}, "optimizer": {"grad_clip": 2.0, name: block}}
    said = load_settings(document | {"training": {"stage1_optimizer": name}}).optimizers[name]
    return make_optimizer(said, 5, 2)


THEIRS: dict[str, Any] = {
    "adabelief": lambda rate: optax.adabelief(rate, b1=0.9, b2=0.999, eps=1e-8),
    "yogi": lambda rate: optax.yogi(rate, b1=0.9, b2=0.999, eps=1e-6),
    "adam": lambda rate: optax.adam(rate, b1=0.9, b2=0.999, eps=1e-8),
    "lion": lambda rate: optax.lion(rate, b1=0.9, b2=0.99),
    "sgd_nesterov": lambda rate: optax.sgd(rate, momentum=0.9, nesterov=True),
    "polyak_sgd": lambda rate: optax.sgd(rate, momentum=0.9),
    "fromage": lambda rate: optax.sgd(2e-4),
}
"""Each optimizer in the code that users come from, with the defaults for omitted numbers."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_in_their_dialect_each_is_what_it_is_there(name: str) -> None:
    left_out = optax.warmup_cosine_decay_schedule(1e-3, 1e-3, 0, 200, 1e-4)
    theirs = optax.chain(optax.clip_by_global_norm(2.0), optax.add_decayed_weights(0.0), THEIRS[name](left_out))
    # An optimizer's own grad_clip does not count beside the global one.
    ours = of_a_file(name, grad_clip=5.0)
    for a, b in zip(*map(jax.tree.leaves, (steps(ours), steps(theirs))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("warm_up", ["warmup_steps", "warmup_epochs"])
def test_their_schedule_counts_steps_and_doubles_the_decay(warm_up: str) -> None:
    rates = optax.warmup_cosine_decay_schedule(0.01, 0.03, 3, 20, 0.002)
    theirs = optax.chain(optax.clip_by_global_norm(2.0), optax.add_decayed_weights(0.3), optax.sgd(rates, 0.9, True))
    block = {"lr": 0.01, "peak_lr": 0.03, "end_lr": 0.002, warm_up: 3, "decay_steps": 10, "weight_decay": 0.3}
    ours = of_a_file("sgd_nesterov", **block)
    for a, b in zip(*(jax.tree.leaves(steps(x, n=25)) for x in (ours, theirs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_their_names_of_one_number_both() -> None:
    said = {"model": {"prior_only": True}, "training": {"stage1_optimizer": "adam"}}
    both = load_settings(said | {"optimizer": {"adam": {"warmup_steps": 4, "warmup_epochs": 9}}})
    assert (both.optimizers["adam"].warmup_steps, both.unused) == (4, ("optimizer.adam.warmup_epochs",))
