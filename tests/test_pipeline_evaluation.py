"""The comparison of forces, against NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pipeline_helpers as h
import pytest

from cgcore.data import from_arrays
from cgcore.errors import InputError
from cgcore.pipeline.evaluation import evaluate
from cgcore.pipeline.loader import DatasetLoader


def test_numbers_of_the_comparison() -> None:
    frames = h.loader(37, lengths=[10, 6])
    model = h.model(h.settings({"use_priors": False}), frames)
    params = model.initialize_params(jax.random.key(3))
    found = evaluate(model, params, frames)
    mask = frames.mask.astype(bool)
    forces = jax.vmap(jax.grad(model.compute_energy, argnums=1), (None, 0, 0, 0))
    predicted = -np.asarray(jax.jit(forces)(params, frames.R.astype(float), mask, frames.species))[mask]
    reference = frames.F.astype(float)[mask]
    error = predicted - reference
    cosines = np.sum(predicted * reference, 1) / np.linalg.norm(predicted, axis=1) / np.linalg.norm(reference, axis=1)
    expected = {
        "loss": np.mean(np.sum(error**2, axis=1)),
        "force_rmse": np.sqrt(np.mean(error**2)),
        "force_mae": np.mean(np.abs(error)),
        "cosine": np.mean(cosines),
        "reference": np.mean(np.sum(reference**2, axis=1)),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), rel=1e-10), name
    assert found["components"] == pytest.approx({"network": np.mean(np.sum(predicted**2, axis=1))}, rel=1e-10)
    assert (found["frames"], found["real_beads"]) == (37, int(mask.sum()))


def test_a_perfect_prediction() -> None:
    frames = h.loader(5)
    model = h.model(h.settings({"use_priors": False}), frames)
    params = model.initialize_params(jax.random.key(3))
    R, mask = frames.R.astype(float), frames.mask.astype(bool)
    forces = jax.jit(jax.vmap(jax.grad(model.compute_energy, argnums=1), (None, 0, 0, 0)))
    F = -np.asarray(forces(params, R, mask, frames.species))
    own = DatasetLoader(from_arrays(R, F, mask, frames.species))
    found = evaluate(model, params, own)
    assert found["cosine"] == pytest.approx(1, rel=1e-12)
    assert found["force_rmse"] < 1e-12 * found["reference"] ** 0.5


@pytest.mark.slow
def test_every_component_is_there() -> None:
    frames = h.loader(6)
    model = h.model(h.settings(), frames)
    found = evaluate(model, model.initialize_params(jax.random.key(0)), frames)
    assert set(found["components"]) == {"bond", "angle", "dihedral", "repulsive", "network"}
    assert all(value > 0 for value in found["components"].values())


def test_frames_that_do_not_suit() -> None:
    few = h.bundled(4, beads=9)
    model = h.model(h.settings({"use_priors": False}), DatasetLoader(from_arrays(few["R"], few["F"])))
    with pytest.raises(InputError, match="frames have 10 beads, but N_max of the model is 9"):
        evaluate(model, model.initialize_params(jax.random.key(0)), h.loader(4))
