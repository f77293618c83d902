"""Faults of one line in cgcore, as in `seeded_fits`: in the classes that existing scripts import."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.compat import combined_model, trainer
from cgcore.compat.combined_model import CombinedModel
from cgcore.compat.configuration import ConfigManager
from cgcore.compat.preprocessing import CoordinatePreprocessor
from cgcore.compat.prior_energy import PriorEnergy
from cgcore.compat.topology import TopologyBuilder
from cgcore.compat.trainer import Trainer

FAULTS: Faults = {
    "the prior's own parameters for given ones": (
        "compat",
        edited(CombinedModel, "_complete", "own | kept", "kept | own"),
    ),
    "the initial parameters for the current ones": (
        "compat",
        edited(CombinedModel, "_complete", "self.prior.params}", "self.prior.prior.params}"),
    ),
    "negative species for a network": ("compat", edited(combined_model, "_kinds", "jnp.maximum(", "jnp.minimum(")),
    "the network among the prior's terms": (
        "compat",
        edited(
            combined_model,
            "_named",
            "for name, value in parts.items() if name != pipeline.NETWORK]",
            "for value in parts.values()]",
        ),
    ),
    "a bead at its own place is padding": (
        "compat",
        edited(combined_model, "_real_beads", "real - parked > 1", "real - parked > 0"),
    ),
    "terms alone with their weights": ("compat", edited(PriorEnergy, "_alone", "Prior(weights,", "Prior(own,")),
    "given parameters of the prior ignored": (
        "compat",
        edited(PriorEnergy, "_parts", "self.params | dict(params or {})", "dict(params or {}) | self.params"),
    ),
    "a displacement left out": ("compat", edited(PriorEnergy, "_parts", ", kinds, self.displacement", ", kinds")),
    "species of angles left out": (
        "compat",
        edited(PriorEnergy, "compute_angle_energy", "mask, species, params", "mask, None, params"),
    ),
    "pairs of the repulsion from the fifth on": (
        "compat",
        edited(TopologyBuilder, "get_repulsive_pairs", "REPULSIVE_MIN_SEPARATION)", "REPULSIVE_MIN_SEPARATION - 1)"),
    ),
    "a default for what is 0": (
        "compat",
        edited(ConfigManager, "get", "        value = value[key]\n", "        value = value[key] or default\n"),
    ),
    "a margin on one side": (
        "compat",
        edited(CoordinatePreprocessor, "compute_box_extent", "high - low + 2 * room", "high - low + room"),
    ),
    "padded beads in the box": (
        "compat",
        edited(CoordinatePreprocessor, "compute_box_extent", "[np.asarray(mask) > 0]", "[np.asarray(mask) >= 0]"),
    ),
    "a stage that starts over": (
        "compat-training",
        edited(Trainer, "train_stage", "epochs - start_epoch", "epochs"),
    ),
    "files numbered from the start of the stage": (
        "compat-training",
        edited(Trainer, "train_stage", "start_epoch + state.epoch", "state.epoch"),
    ),
    "checkpoints of one stage for all": (
        "compat-training",
        edited(
            Trainer,
            "train_stage",
            "self.trainer.settings = replace(self.trainer.settings, training=training)",
            "pass",
        ),
    ),
    "current parameters of the model's prior left alone": (
        "compat-training",
        edited(Trainer, "_fitted", "self._tell_model()", ""),
    ),
    "best parameters of the stage before": (
        "compat-training",
        edited(
            Trainer, "_staged", "self.best_params = self.params", "self.best_params = self.best_params or self.params"
        ),
    ),
    "a frame of the trainer's order": (
        "compat-training",
        edited(Trainer, "evaluate_frame", "isinstance(self.train_loader, DatasetLoader)", "False"),
    ),
    "errors of padded beads": ("compat-training", edited(Trainer, "evaluate_frame", "[mask > 0]", "")),
    "the seed of the configuration for a given one": (
        "compat-training",
        edited(Trainer, "__init__", "seed=int(seed)", "seed=settings.training.seed"),
    ),
    "other frames of the fit ignored": (
        "compat-training",
        edited(trainer, "_same", "return np.array_equal(one, two)", "return True"),
    ),
    "checkpoints beside those to resume": (
        "compat-training",
        edited(Trainer, "train_full_pipeline", "(resume_from or training.resume)", "resume_from"),
    ),
}
