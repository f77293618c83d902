"""A network small enough to compile quickly, and settings, frames and models for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from cli_helpers import bundled
from helpers import term_energies as term_energies

from cgcore.config import Settings, load_settings
from cgcore.data import from_arrays
from cgcore.physics.space import Displacement, free
from cgcore.pipeline.loader import DatasetLoader
from cgcore.pipeline.model import CombinedModel

PRIORS = {
    **{
        "weights": {"bond": 0.5, "angle": 0.25, "dihedral": 0.25, "repulsive": 1.0, "excluded_volume": 0},
        "r0": 3.83,
        "kr": 150.0,
    },
    **{"a": [0.3, 0.1], "b": [0.3, 0.1], "epsilon": 1.0, "sigma": 3.0, "k_dih": [0.47], "gamma_dih": [1.4]},
}
MODEL = {"train_priors": True, "priors": PRIORS, "cutoff": 8.0, "allegro": {"avg_num_neighbors": 4.0}}
TRAINING = {"stage1_optimizer": "adam", "stage2_optimizer": "lion", "epochs_adam": 2, "epochs_lion": 2}


@dataclass(frozen=True)
class Tiny:
    """Pair energies that depend on species and distance: two Gaussians with a smooth cutoff."""

    cutoff: float = 8.0
    n_species: int = 20
    displacement: Displacement = free

    def init(self, key: jax.Array, dtype: Any = jnp.float32) -> dict[str, jax.Array]:
        first, second = jax.random.split(key)
        return {
            "species": jax.random.normal(first, (self.n_species, 2), dtype),
            "centre": 4 + jax.random.uniform(second, (2,), dtype),
        }

    def energy(self, params: Any, R: Any, mask: Any, species: Any) -> jax.Array:
        R = jnp.where(mask[:, None], R, 0.0)
        i, j = np.triu_indices(len(R), 1)
        vectors = jax.vmap(self.displacement)(R[i], R[j])
        real = mask[i] & mask[j]
        r = jnp.sqrt(jnp.where(real, jnp.sum(vectors**2, -1), 1.0))
        embedded = params["species"][jnp.where(mask, species, 0)]
        smooth = jnp.where(r < self.cutoff, (1 - (r / self.cutoff) ** 2) ** 3, 0.0)
        gaussians = jnp.exp(-((r[:, None] - params["centre"][None]) ** 2)) * embedded[i] * embedded[j]
        return jnp.sum(jnp.where(real, smooth * gaussians.sum(-1), 0.0))


def tiny_networks() -> Any:
    """A context in which models use a `Tiny` network."""

    def make(settings: Any, n_beads: int, displacement: Displacement = free, max_edges: int | None = None) -> Tiny:
        return Tiny(settings.cutoff, settings.n_species, displacement)

    return mock.patch("cgcore.pipeline.model.make_network", make)


def settings(
    model: Mapping[str, Any] | None = None, training: Mapping[str, Any] | None = None, **optimizer: Any
) -> Settings:
    """Settings of a small run, by default in float64."""
    document = {
        "dialect": "cgcore",
        "model": MODEL | dict(model or {}),
        "training": TRAINING | {"precision": "float64", "batch_per_device": 8} | dict(training or {}),
        "optimizer": optimizer or {"adam": {"lr": 0.02}, "lion": {"lr": 0.002}},
    }
    return load_settings(document)


def loader(frames: int | slice = 40, n_beads: int | None = None, lengths: list[int] | None = None) -> DatasetLoader:
    """Frames of the bundled set; `lengths` are numbers of beads, applied to the frames in turn, beyond which they
    are NaN."""
    arrays = bundled(frames)
    if lengths is not None:
        real = np.arange(arrays["R"].shape[1]) < np.resize(lengths, len(arrays["R"]))[:, None]
        arrays |= {key: np.where(real[..., None], arrays[key], np.nan) for key in "RF"}
        arrays["mask"] = real
    return DatasetLoader(from_arrays(arrays["R"], arrays["F"], arrays["mask"], arrays["species"]))


def model(said: Settings, loader: DatasetLoader, box: Any = None, N_max: int | None = None) -> CombinedModel:
    """A model with a `Tiny` network for these frames."""
    real = loader.mask[0].astype(bool)
    with tiny_networks():
        return CombinedModel(said, loader.R[0][real], box, loader.species[0][real], N_max or loader.N_max)


def equal(first: Any, second: Any) -> bool:
    """Whether two pytrees are equal in every bit."""
    leaves = [jax.tree.leaves(tree) for tree in (first, second)]
    if jax.tree.structure(first) != jax.tree.structure(second):
        return False
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(*leaves, strict=True))


def with_training(said: Settings, **more: Any) -> Settings:
    """The settings with other values in `training`."""
    return replace(said, training=replace(said.training, **more))
