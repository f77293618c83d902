"""A stage: its loss is that of the fit, its gradient is that of the loss, and its program is compiled once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pipeline_helpers as h
import pytest
from helpers import np_loss

from cgcore.pipeline.compiled_epoch import CompiledEpoch, updates_of
from cgcore.pipeline.loader import DatasetLoader, frame_arrays
from cgcore.pipeline.minibatch_loss import MinibatchLoss, Sums, minibatches
from cgcore.pipeline.optimizers import make_optimizer

ROOT = Path(__file__).resolve().parents[1]
SEED = (0, 1, 2)


def loss_of(
    train: DatasetLoader, validation: DatasetLoader | None = None, size: int = 8, **model: Any
) -> MinibatchLoss:
    combined = h.model(h.settings(model), train)
    arrays = [None if part is None else frame_arrays(part, train.N_max, 20, "float64") for part in (train, validation)]
    assert arrays[0] is not None
    return MinibatchLoss(combined, arrays[0], arrays[1], size, jax.devices()[:1])


@pytest.mark.slow
def test_the_loss_of_the_prior_is_that_of_the_fit() -> None:
    frames = h.loader(21, lengths=[10, 7, 4])
    place = loss_of(frames, ml_model="none")
    params = place.model.initialize_params(jax.random.key(0))
    assert place.model.prior is not None
    expected = np_loss(place.model.prior.weights, place.model.prior.params, frames)
    assert place.loss(params, place.train) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_the_held_out_loss_is_that_of_its_own_frames_and_traced_once() -> None:
    train, validation = h.loader(30), h.loader(slice(40, 53))
    both, alone = loss_of(train, validation), loss_of(validation)
    params = both.model.initialize_params(jax.random.key(0))
    assert both.validation is not None
    assert both.loss(params, both.validation) == pytest.approx(alone.loss(params, alone.train), rel=1e-12)
    both.loss(params, both.train)
    assert both.traces == 1


def test_minibatches_hold_every_frame_once() -> None:
    cut = minibatches(np.arange(3, 14), 4)
    assert cut.shape == (3, 4)
    assert sorted(cut.ravel().tolist()) == [-1, *range(3, 14)]


@pytest.mark.slow
def test_an_epoch_is_a_step_for_each_minibatch() -> None:
    # Computed by hand for sgd: parameters change by -lr times the gradient of the minibatch's loss per real bead.
    frames = h.loader(11, lengths=[10, 7])
    place = loss_of(frames, size=4, use_priors=False)
    stage = CompiledEpoch(place, optax.with_extra_args_support(optax.sgd(1e-4)))
    params = place.model.initialize_params(jax.random.key(0))
    trained, _, met = stage(params, stage.optimizer.init(params), {}, SEED)

    order = np.random.default_rng(SEED).permutation(11)
    model = place.model
    arrays = frame_arrays(frames, 10, 20, "float64")

    @jax.jit
    def loss(params: Any, R: Any, F: Any, mask: Any, species: Any) -> jax.Array:
        force = -jax.vmap(jax.grad(model.compute_energy, argnums=1), (None, 0, 0, 0))(params, R, mask, species)
        return ((force - F) ** 2 * mask[..., None]).sum() / mask.sum()

    expected, total = params, 0.0
    for rows in (order[:4], order[4:8], order[8:]):
        part = [x[rows] for x in (arrays.R, arrays.F, arrays.mask, arrays.species)]
        value, gradient = jax.value_and_grad(loss)(expected, *part)
        expected = jax.tree.map(lambda p, g: p - 1e-4 * g, expected, gradient)
        total += float(value) * part[2].sum()
    assert met == pytest.approx(total / arrays.mask.sum(), rel=1e-10)
    for a, b in zip(jax.tree.leaves(trained), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_an_epoch_is_traced_once_and_depends_on_its_seed() -> None:
    place = loss_of(h.loader(20), use_priors=False)
    stage = CompiledEpoch(place, make_optimizer(h.settings().optimizers["adam"], 3, 4))
    params = place.model.initialize_params(jax.random.key(0))
    start = (place.place(params), place.place(stage.optimizer.init(params)), {})
    first, again, other = (stage(*start, seed)[0] for seed in (SEED, SEED, (0, 1, 3)))
    stage(first, start[1], {}, SEED)
    assert h.equal(first, again)
    assert not h.equal(first, other)
    assert stage.traces == 1


def test_energies_enter_with_their_factor() -> None:
    frames = h.loader(8)
    frames.__dict__["U"] = np.full(8, 1e3)
    place = loss_of(frames, use_priors=False)
    params = place.model.initialize_params(jax.random.key(0))

    def value(gammas: tuple[float, float]) -> float:
        stage = CompiledEpoch(place, optax.with_extra_args_support(optax.sgd(0.0)), gammas)
        return float(jax.jit(stage._objective)(params, {}, place.frames, place.train[0])[0])

    energies = jax.vmap(place.model.compute_energy, (None, 0, 0, 0))
    E = jax.jit(energies)(params, *(place.frames[i] for i in (0, 2, 3)))
    mean_square = float(np.mean((np.asarray(E) - 1e3) ** 2))
    assert value((2.0, 3.0)) == pytest.approx(2 * value((1.0, 0.0)) + 3 * mean_square, rel=1e-10)


@pytest.mark.parametrize(
    ("normalization", "of"),
    [
        ("legacy_mean", lambda squares, real: squares.sum() / (real.size * 3)),
        ("valid_components", lambda squares, real: squares.sum() / (real.sum() * 3)),
        ("per_structure_components", lambda squares, real: np.mean(squares.sum(1) / (3 * real.sum(1)))),
        ("per_bead", lambda squares, real: squares.sum() / real.sum()),
    ],
)
def test_what_the_loss_is_a_mean_over(normalization: str, of: Any) -> None:
    place = loss_of(h.loader(8, lengths=[10, 7, 4]), use_priors=False)
    params = place.model.initialize_params(jax.random.key(0))
    stage = CompiledEpoch(place, optax.with_extra_args_support(optax.sgd(0.0)), normalization=normalization)
    value = float(jax.jit(stage._objective)(params, {}, place.frames, place.train[0])[0])
    R, F, mask, species = (np.asarray(array) for array in place.frames[:4])
    forces = -jax.jit(jax.vmap(jax.grad(place.model.compute_energy, 1), (None, 0, 0, 0)))(params, R, mask, species)
    squares = np.where(mask, np.sum((np.asarray(forces) - F) ** 2, axis=-1), 0.0)
    assert value == pytest.approx(of(squares, mask), rel=1e-10)
    assert place.in_mean("train", squares.sum() / mask.sum()) == pytest.approx(squares.sum() / (mask.size * 3))
    assert place.in_mean("val", 1.0) is None


@pytest.mark.parametrize(("frames", "drop", "updates"), [(20, True, 2), (20, False, 3), (5, True, 1), (16, True, 2)])
def test_frames_that_do_not_fill_a_minibatch(frames: int, drop: bool, updates: int) -> None:
    place = loss_of(h.loader(frames), use_priors=False)
    assert updates_of(place, drop) == updates
    epoch = CompiledEpoch(place, optax.with_extra_args_support(optax.sgd(0.0)), drop=drop)
    met: list[Any] = []
    nothing: Any = Sums(*jnp.zeros((5, 1)))
    with mock.patch.object(epoch, "_compiled", lambda *given: (met.append(given[-1]) or {}, None, nothing)):
        epoch({}, None, {}, (0,))
    assert len(met[0]) == updates
    assert np.all(np.asarray(met[0]) >= 0) == (updates < 3)


DEVICES = """\
import sys
sys.path[:0] = [{tests!r}]
import jax
import jax.numpy as jnp
jax.config.update("jax_enable_x64", True)
import numpy as np
import pipeline_helpers as h
from cgcore.pipeline import Trainer

assert len(jax.devices()) == 2
runs = []
for count, per_device in ((1, 8), (2, 4)):
    said = h.settings({{"use_priors": False}}, {{"epochs_adam": 3, "batch_per_device": per_device}})
    train, validation = h.loader(43).split_train_val(0.25)
    trainer = Trainer(h.model(said, train), said, train, validation, devices=jax.devices()[:count])
    stage = trainer.stage("adam", 3)
    state, result = stage.finish(stage.begin("stage1", trainer.params))
    assert all(len(x.sharding.device_set) == count for x in jax.tree.leaves(state.kept))
    assert stage.run_epoch._compiled._cache_size() == trainer.loss._measure._cache_size() == 1
    runs.append(result["loss_history"] + result["val_loss_history"])
np.testing.assert_allclose(runs[0], runs[1], rtol=1e-10)
print(runs[0])
"""


@pytest.mark.slow
def test_two_devices_go_the_way_of_one() -> None:
    code = DEVICES.format(tests=str(ROOT / "tests"))
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.split(",")) == 6
