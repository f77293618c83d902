"""A model for given frames: numbers of neighbours and edges, and the two real networks trained with it."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pipeline_helpers as h
import pytest

from cgcore.data import from_arrays
from cgcore.errors import InputError, InputWarning
from cgcore.pipeline.loader import DatasetLoader
from cgcore.pipeline.model_for_data import model_for
from cgcore.pipeline.trainer import Trainer

SMALL = {
    "allegro": {"allegro": {"max_ell": 1, "n_radial_basis": 4, "mlp_n_hidden": 8, "mlp_n_layers": 1}},
    "nequip": {"nequip": {"max_ell": 1, "num_layers": 1, "n_radial_basis": 4, "hidden_channels": 4, "mlp_n_hidden": 8}},
}


def neighbours(loader: DatasetLoader, cutoff: float) -> np.ndarray:
    """Number of neighbours of each bead in each frame, by NumPy."""
    distance = np.linalg.norm(loader.R[:, :, None] - loader.R[:, None], axis=-1)
    real = loader.mask.astype(bool)
    return ((distance < cutoff) & real[:, :, None] & real[:, None] & ~np.eye(loader.N_max, dtype=bool)).sum(-1)


@pytest.mark.parametrize(("cutoff", "listed"), [(4.2, True), (12.0, False)])
def test_what_the_data_decide(cutoff: float, listed: bool) -> None:
    loader = h.loader(20, lengths=[10, 7])
    model = model_for(h.settings({"cutoff": cutoff, "allegro": {}, "use_priors": False}), loader)
    counted = neighbours(loader, cutoff)
    network = model.settings.model.network
    assert network is not None
    assert network.allegro.avg_num_neighbors == pytest.approx(counted.sum() / loader.mask.sum())
    slots = getattr(model.network, "max_edges", None)
    if listed:
        assert slots is not None
        assert counted.sum(axis=1).max() < slots < 90
    else:
        assert slots is None


@pytest.mark.parametrize("kind", SMALL)
def test_beads_without_neighbours(kind: str) -> None:
    loader = h.loader(4)
    model = model_for(h.settings({"ml_model": kind, "cutoff": 1.0, "use_priors": False, **SMALL[kind]}), loader)
    assert getattr(model.network, "max_edges", None) == 8
    assert not neighbours(loader, 1.0).any()


def test_a_number_of_neighbours_of_another_model_is_warned_of() -> None:
    said = h.settings({"allegro": {"avg_num_neighbors": 21}, "use_priors": False})
    with pytest.warns(InputWarning, match=r"config: avg_num_neighbors is 21, and beads of .* have \d\.\d+ within 8 Å"):
        model_for(said, h.loader(4))


def test_a_number_of_neighbours_that_is_given_stays() -> None:
    model = model_for(h.settings({"allegro": {"avg_num_neighbors": 3.5}, "use_priors": False}), h.loader(4))
    network = model.settings.model.network
    assert network is not None
    assert network.avg_num_neighbors == 3.5


def test_species_are_checked_first() -> None:
    loader = h.loader(4)
    odd = DatasetLoader(from_arrays(loader.R, loader.F, loader.mask, loader.species + 7))
    with pytest.raises(InputError, match=r"raise model\.n_species"):
        model_for(h.settings({"allegro": {}}), odd)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SMALL)
def test_real_networks_learn(kind: str) -> None:
    model: dict[str, Any] = {"ml_model": kind, "cutoff": 10.0, "use_priors": False, **SMALL[kind]}
    said = h.settings(model, {"precision": "float32", "keep": "last"}, adam={"lr": 0.01})
    train, validation = h.loader(32, lengths=[10, 7]).split_train_val(0.25)
    worker = Trainer(model_for(said, train), said, train, validation)
    assert list(worker.params) == [kind]
    result = worker.train_stage("adam", 5)
    assert result["finite"]
    assert result["loss_history"][-1] < result["loss_history"][0]
    assert {leaf.dtype for leaf in jax.tree.leaves(worker.params)} == {np.dtype("float32")}
    assert worker.evaluate(train)["components"]["network"] > 0
