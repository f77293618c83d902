"""The core repulsion beside a network: 0 in the range of the data, and steep outside."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cli_helpers import run

import cgcore
from cgcore.physics.topology import NEAREST
from cgcore.pipeline import DatasetLoader, model_for
from cgcore.pipeline.box import displacement_in
from cgcore.pipeline.core import STIFFNESS, closest_approach, core_energy
from cgcore.pipeline.trained import load_trained

SMALL = {"max_ell": 1, "num_layers": 1, "n_radial_basis": 2, "embed_n_hidden": [4], "species_embed": 2}
SMALL |= {"mlp_n_hidden": 4, "mlp_n_layers": 1}


def config(**model: object) -> dict[str, object]:
    return {"model": {"ml_model": "allegro", "cutoff": 8.0, "allegro": SMALL} | model}


def pairs(R: np.ndarray) -> np.ndarray:
    """Distances of beads that are three or more apart, one by one."""
    return np.array([np.linalg.norm(R[i] - R[j]) for i in range(len(R)) for j in range(i + NEAREST, len(R))])


@pytest.mark.slow
def test_energy_and_forces_equal_numpy() -> None:
    R = np.random.default_rng(0).normal(size=(7, 3)) * 2
    depth = np.maximum(4.0 - pairs(R), 0)
    assert np.sum(depth > 0) >= 3
    value, gradient = jax.value_and_grad(core_energy)(R, np.ones(7), 4.0)
    np.testing.assert_allclose(value, STIFFNESS / 2 * np.sum(depth**2), rtol=1e-13)
    step = 1e-5 * np.eye(21).reshape(21, 7, 3)
    difference = [(core_energy(R + d, np.ones(7), 4.0) - core_energy(R - d, np.ones(7), 4.0)) / 2e-5 for d in step]
    # Central differences of a quadratic are exact up to rounding, 1e-16 times the energy divided by the step.
    np.testing.assert_allclose(np.array(difference).reshape(7, 3), gradient, rtol=1e-6, atol=1e-6)


def test_padding_and_near_neighbours_do_not_count() -> None:
    R = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [np.nan] * 3])
    mask = np.array([1, 1, 1, 0])
    value, gradient = jax.value_and_grad(core_energy)(R, mask, 4.0)
    assert value == 0
    assert np.all(np.asarray(gradient) == 0)
    assert closest_approach(R[None], mask[None]) == np.inf


def test_through_the_wall_of_a_box() -> None:
    displacement, _ = displacement_in([20.0, 20.0, 20.0], None)
    R = np.array([[0.5, 0, 0], [4.0, 0, 0], [8.0, 0, 0], [19.0, 0, 0]])
    assert closest_approach(R[None], np.ones((1, 4)), displacement) == pytest.approx(1.5, rel=1e-12)
    # A distance of 1.5 Å is 2.5 Å too short.
    assert core_energy(R, np.ones(4), 4.0, displacement) == pytest.approx(STIFFNESS / 2 * 2.5**2, rel=1e-12)


@pytest.mark.slow
def test_it_begins_where_the_data_end(chignolin: cgcore.data.Batch) -> None:
    loader = DatasetLoader(cgcore.datasets.chignolin().subset(40))
    model = model_for(config(), loader)
    assert model.core == pytest.approx(0.9 * min(pairs(R.astype(float)).min() for R in loader.R), rel=1e-6)
    params = model.initialize_params(jax.random.key(0))
    of_frame = jax.jit(jax.vmap(lambda R: model.compute_components(params, R, jnp.ones(10), loader.species[0])["core"]))
    assert np.all(np.asarray(of_frame(loader.R)) == 0)
    assert np.max(of_frame(loader.R * 0.7)) > 1
    assert model_for(config(core="none"), loader).core is None
    assert model_for(config(core=4), loader).core == 4.0
    assert model_for(config(ml_model="none"), loader).core is None


def test_a_trained_model_keeps_it(tmp_path: Path) -> None:
    loader = DatasetLoader(cgcore.datasets.chignolin().subset(20))
    trainer = cgcore.pipeline.Trainer(model_for(config(), loader), config(), loader)
    trainer.save_params(tmp_path / "params.npz")
    assert load_trained(tmp_path / "params.npz")[0].core == trainer.model.core


def test_what_is_no_distance(tmp_path: Path) -> None:
    for value in ("-1", "yes", "1e9"):
        (tmp_path / "c.yaml").write_text(f"model: {{core: {value}}}\n", encoding="utf-8")
        ran = run("check", str(tmp_path / "c.yaml"))
        assert ran.code == 2, ran
        assert "model.core" in ran.err
