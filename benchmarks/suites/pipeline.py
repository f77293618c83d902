"""Training of prior and network, and of the prior alone: one step, energy and forces, and memory.

All use one minibatch of 16 frames in float32, as by default, that is already on the device: divide by 16 for one frame.
Allegro has the sizes of `cgcore train --example`. Processes share compiled programs through `setup_cache`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .inputs import DEVICES, synthetic, use

if TYPE_CHECKING:
    from cgcore.pipeline import Trainer

MODELS = {
    "prior": {"ml_model": "none", "train_priors": True},
    "prior + allegro": {"allegro": {"n_radial_basis": 8, "species_embed": 8, "mlp_n_layers": 1}},
}
BEADS = [10, 20]
PARTS = ["training step", "energy and forces"]
FRAMES = 16
"""Number of frames in a minibatch."""


def trainer(model: str, beads: int, device: str) -> Trainer:
    """A trainer for this model on one minibatch of random chains, on this device only."""
    place = use(device)
    from cgcore.pipeline import DatasetLoader, Trainer, model_for

    frames = DatasetLoader(synthetic(FRAMES, beads))
    settings = {
        "dialect": "cgcore",
        "model": MODELS[model],
        "training": {"batch_per_device": FRAMES},
        "optimizer": {"grad_clip": 100.0},
    }
    return Trainer(model_for(settings, frames), settings, frames, devices=[place])


def training_step(model: str, beads: int, device: str) -> Callable[[], Any]:
    """An epoch of stage 1, which is a single step here; each call starts from the same parameters."""
    made = trainer(model, beads, device)
    stage = made.stage("adabelief", 1)
    begun = stage.begin("stage1", made.params)
    trained, fixed = stage.split(begun.params)
    return partial(stage.run_epoch, trained, begun.optimizer_state, made.loss.place_params(fixed), (0, 1, 0))


def energy_and_forces(model: str, beads: int, device: str) -> Callable[[], Any]:
    """Energies and their gradients of all frames, in one call."""
    import jax

    made = trainer(model, beads, device)
    R, _, mask, species, *_ = made.loss.frames
    both = jax.vmap(jax.value_and_grad(made.model.compute_energy, argnums=1), (None, 0, 0, 0))
    return partial(jax.jit(both), made.loss.place_params(made.params), R, mask, species)


def job(part: str, model: str, beads: int, device: str) -> Callable[[], Any]:
    """One part as a function without arguments, which has been called once."""
    import jax

    # ASV turns the cache off for all suites; here it is in the working folder of the benchmarks.
    jax.config.update("jax_enable_compilation_cache", True)
    jax.config.update("jax_compilation_cache_dir", str(Path.cwd() / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    call = {"training step": training_step, "energy and forces": energy_and_forces}[part](model, beads, device)
    jax.block_until_ready(call())
    return call


class _Pipeline:
    """A benchmark of a part that `setup` compiles."""

    part = ""
    params = [list(MODELS), BEADS, DEVICES]
    param_names = ["model", "beads", "device"]
    timeout = 300
    warmup_time = 0.0
    repeat = (4, 10, 5.0)

    def setup_cache(self) -> None:
        from concurrent.futures import ThreadPoolExecutor

        # Nearly all of the time is spent in compilation, which releases the interpreter lock.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda key: job(*key, device="cpu"), itertools.product(PARTS, MODELS, BEADS)))

    def setup(self, model: str, beads: int, device: str) -> None:
        self.call = job(self.part, model, beads, device)


class TrainingStep(_Pipeline):
    """A training step with random forces, AdaBelief and clipping. The prior's memory is mostly that of imports."""

    part = "training step"

    def time_training_step(self, model: str, beads: int, device: str) -> None:
        self.call()

    def peakmem_training_step(self, model: str, beads: int, device: str) -> None:
        self.call()


class EnergyAndForces(_Pipeline):
    """Energies and forces, as in a simulation."""

    part = "energy and forces"

    def time_energy_and_forces(self, model: str, beads: int, device: str) -> None:
        import jax

        jax.block_until_ready(self.call())
