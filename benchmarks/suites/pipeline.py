"""Training of prior and network together, beside the prior alone: one step, energy and forces, and memory.

All are of one minibatch in float32, as by default, on frames that are on the device already. Allegro has the sizes of
`cgcore train --example`, NequIP its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .inputs import DEVICES, synthetic, use

if TYPE_CHECKING:
    from cgcore.pipeline import Trainer

MODELS = {
    "prior": {"ml_model": "none"},
    "prior + allegro": {"allegro": {"n_radial_basis": 8, "species_embed": 8, "mlp_n_layers": 1}},
    "prior + nequip": {"ml_model": "nequip"},
}
BEADS = [10, 20]
FRAMES = 16
"""In a minibatch."""


def trainer(model: str, beads: int, device: str) -> Trainer:
    """A trainer of this model on one minibatch of random chains, on this device alone."""
    place = use(device)
    from cgcore.pipeline import DatasetLoader, Trainer, model_for

    frames = DatasetLoader(synthetic(FRAMES, beads))
    settings = {
        "model": MODELS[model],
        "training": {"batch_per_device": FRAMES},
        "optimizer": {"grad_clip": 100.0},
    }
    return Trainer(model_for(settings, frames), settings, frames, devices=[place])


def training_step(model: str, beads: int, device: str) -> Callable[[], Any]:
    """An epoch of stage 1, which is one step here; each call starts from the same parameters."""
    made = trainer(model, beads, device)
    job = made.job("adabelief", 1)
    begun = job.start("stage1", made.params)
    return partial(job.stage.epoch, begun.trained, begun.state, begun.fixed, (0, 1, 0))


def energy_and_forces(model: str, beads: int, device: str) -> Callable[[], Any]:
    """Energies and their gradients of all frames, in one call."""
    import jax

    made = trainer(model, beads, device)
    R, _, mask, species, _ = made.workplace.frames
    both = jax.vmap(jax.value_and_grad(made.model.compute_energy, argnums=1), (None, 0, 0, 0))
    return partial(jax.jit(both), made.workplace.place(made.params), R, mask, species)


class Minibatch:
    """16 chains with random forces; compiled before they are timed."""

    params = [["training step", "energy and forces"], list(MODELS), BEADS, DEVICES]
    param_names = ["part", "model", "beads", "device"]
    timeout = 300
    warmup_time = 0.0
    repeat = (3, 10, 5.0)

    def setup(self, part: str, model: str, beads: int, device: str) -> None:
        import jax

        self.call = {"training step": training_step, "energy and forces": energy_and_forces}[part](model, beads, device)
        jax.block_until_ready(self.call())

    def time_minibatch(self, part: str, model: str, beads: int, device: str) -> None:
        import jax

        jax.block_until_ready(self.call())


class Memory:
    """The same training step, compiling included; the prior's row is mostly imports."""

    params = [list(MODELS), BEADS]
    param_names = ["model", "beads"]
    timeout = 300

    def peakmem_training_step(self, model: str, beads: int) -> None:
        training_step(model, beads, "cpu")()
