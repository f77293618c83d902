"""Faults of one line in cgcore, as in `seeded_fits`: what configurations of trainings say, and what is said of them."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.config import comparison, documentation, keys, loading, optimizers
from cgcore.config.model import ModelKeys
from cgcore.config.networks import AllegroSettings
from cgcore.config.optimizers import OptimizerSettings
from cgcore.config.training import TrainingSettings
from validation.settings import documented_settings

FAULTS: Faults = {
    "sizes of NequIP that are never read": (
        "settings-training",
        edited(loading, "network_of", ", keys.nequip)", ")"),
    ),
    "no stage is the second one": (
        "settings-training",
        edited(TrainingSettings, "plan", "enumerate(listed, start=1)", "enumerate(listed)"),
    ),
    "epochs of one optimizer for all": (
        "settings-training",
        edited(TrainingSettings, "_stage", 'f"epochs_{name}"', '"epochs_adam"'),
    ),
    "keys of the first stage": (
        "settings-training",
        edited(TrainingSettings, "keys_of_stage", "int(name.removeprefix('stage')) - 1", "0"),
    ),
    "epochs of any optimizer": (
        "settings-training",
        edited(
            TrainingSettings, "keys_of_stage", '"training.epochs_*" if stage is None else ', '"training.epochs_*" or '
        ),
    ),
    "epochs of misspelt optimizers are ignored": (
        "settings-training",
        edited(loading, "_training", " and not get_close_matches(optimizer, OPTIMIZERS, 1, 0.8)", ""),
    ),
    "keys that a list replaces, unsaid": (
        "settings-training",
        edited(loading, "stages_of", "if name not in kept:", "if False:"),
    ),
    "weights of 0 of one part": (
        "settings-training",
        edited(loading, "_training", "training.gammas.F == training.gammas.U == 0", "training.gammas.F == 0"),
    ),
    "weights of 0 of all parts": (
        "settings-training",
        edited(loading, "_training", "training.gammas.F == training.gammas.U == 0", "False"),
    ),
    "no wall is one": (
        "settings-training",
        edited(loading, "read_settings", 'model.core == "none"', 'model.core in ("none", "auto")'),
    ),
    "a prior that is not used": (
        "settings-training",
        edited(loading, "read_settings", "used = prior if model.use_priors else None", "used = prior"),
    ),
    "no energy is left": (
        "settings-training",
        edited(loading, "read_settings", "model.network_kind is None and not model.use_priors", "False"),
    ),
    "data that need not exist": (
        "settings-training",
        edited(loading, "read_settings", "data is not None and needs_data else", "False else"),
    ),
    "the dialect of all files": (
        "settings-training",
        edited(loading, "read_settings", "reading.dialect, path), reading", '"cgcore", path), reading'),
    ),
    "the prior is trained if one block says so": (
        "settings-training",
        edited(loading, "_move", "reading.add(", "reading.leave if True else ("),
    ),
    "a network beside prior_only": (
        "settings-training",
        edited(ModelKeys, "network_kind", "self.prior_only or ", ""),
    ),
    "a network that is none": (
        "settings-training",
        edited(ModelKeys, "network_kind", 'in (None, "none")', "is None"),
    ),
    "species that Allegro names, always": (
        "settings-training",
        edited(
            loading,
            "network_of",
            "keys.n_species or (max(N_SPECIES, allegro.num_types or 0)",
            "(max(keys.n_species or N_SPECIES, allegro.num_types or 0)",
        ),
    ),
    "as few species as Allegro names": (
        "settings-training",
        edited(loading, "network_of", "max(N_SPECIES, allegro.num_types or 0)", "(allegro.num_types or N_SPECIES)"),
    ),
    "the usual sizes for all": (
        "settings-training",
        edited(
            loading,
            "allegro_of",
            'ALLEGRO if size == "default" else f"{ALLEGRO}_{size}"',
            "ALLEGRO if ALLEGRO in model else f'{ALLEGRO}_{size}'",
        ),
    ),
    "features of each degree": (
        "settings-training",
        edited(AllegroSettings, "channels", "max(self.mlp_n_hidden // 8, 1)", "max(self.mlp_n_hidden // 4, 1)"),
    ),
    "no features at all": (
        "settings-training",
        edited(AllegroSettings, "channels", "max(self.mlp_n_hidden // 8, 1)", "self.mlp_n_hidden // 8"),
    ),
    "a warm-up from the rate after it": (
        "settings-training",
        edited(OptimizerSettings, "start", 'self.peak_lr is None and self.schedule == "stage"', "self.peak_lr is None"),
    ),
    "a peak of the higher rate": (
        "settings-training",
        edited(OptimizerSettings, "peak", "else self.peak_lr", "else max(self.lr, self.peak_lr)"),
    ),
    "an end of 0 is left out": (
        "settings-training",
        edited(OptimizerSettings, "end", "self.lr / 10 if self.end_lr is None", "self.lr / 10 if not self.end_lr"),
    ),
    "a schedule of all, whatever one says": (
        "settings-training",
        edited(optimizers, "_optimizer", "} | given", "} | {k: x for k, x in given.items() if k != 'schedule'}"),
    ),
    "a warm-up from the usual rate": (
        "settings-training",
        edited(
            optimizers, "_optimizer", 'given["schedule"] == "stage" and "peak_lr" in given and rate is None', "False"
        ),
    ),
    "two warm-ups": (
        "settings-training",
        edited(optimizers, "_optimizer", "if name in given]) > 1", "if name in given]) > 2"),
    ),
    "steps of a warm-up give way to epochs": (
        "settings-training",
        edited(optimizers, "_optimizer", 'del given["warmup_epochs"]', 'del given["warmup_steps"]'),
    ),
    "a learning rate of 0": (
        "settings-training",
        edited(optimizers, "_optimizer", "made is not None and made.peak == 0", "False"),
    ),
    "mistakes in optimizers that no stage uses": (
        "settings-training",
        edited(loading, "optimizers_of", "name in used or not theirs else", "True else"),
    ),
    "no mistakes in optimizers that a stage uses": (
        "settings-training",
        edited(loading, "optimizers_of", "name in used or not theirs else", "not theirs else"),
    ),
    "misspelt optimizers are left": (
        "settings-training",
        edited(loading, "optimizers_of", "(name in names or not meant)", "True"),
    ),
    "a key under two names": (
        "settings-training",
        edited(optimizers, "own_block", "elif names[name] in given:", "elif False:"),
    ),
    "the default in every dialect": (
        "settings-training",
        edited(keys, "defaults", 'if dialect != "chemtrain":', "if True:"),
    ),
    # What is said about settings
    "one default for both dialects": (
        "settings-training",
        edited(documentation, "_default", '"x-theirs" not in schema or "cgcore:" in ours', "True"),
    ),
    "units left out": ("settings-training", edited(documentation, "_value", 'f" [{unit}]" if unit else ""', '""')),
    "other names left out": (
        "settings-training",
        edited(documentation, "_meaning", '*schema.get("x-also", ())', "*()"),
    ),
    "lists without lengths": (
        "settings-training",
        edited(documentation, "describe", "{lengths(schema)}", "{schema.get('minItems')}"),
    ),
    "keys that all optimizers share, each time": (
        "settings-training",
        edited(documentation, "_section", "if shared.get(known) == schema:", "if False:"),
    ),
    "a schema without other names": (
        "settings-training",
        edited(documentation, "json_schema", 'known.get("x-also", ())', "()"),
    ),
    "a schema with closed blocks": (
        "settings-training",
        edited(documentation, "json_schema", "if name in _OPEN:", "if not name:"),
    ),
    "a schema with one of two defaults": (
        "settings-training",
        edited(documentation, "_for_editors", "if inside or two else", "if inside else"),
    ),
    "long values in full": ("settings-training", edited(comparison, "_cut", "len(text) <= LONGEST", "True")),
    "flags as numbers": (
        "settings-training",
        edited(comparison, "_shown", "isinstance(value, bool)", "False"),
    ),
    "walls that are off, compared": (
        "settings-training",
        edited(comparison, "_on", '(False, None, "none")', "(False, None)"),
    ),
    "optimizers of no stage, compared": (
        "settings-training",
        edited(documented_settings, "compare", 'at.removeprefix("optimizer.") in used', "True"),
    ),
    "a seed at the top, unsaid": (
        "settings-training",
        edited(comparison, "_of_block", 'document.get("seed") is not None', "False"),
    ),
    "absent keys that differ, unsaid": (
        "settings-training",
        edited(comparison, "_of_block", '("x-theirs" in schema and "x-follows" not in schema)', "False"),
    ),
    "a network of the prior alone, compared": (
        "settings-training",
        edited(comparison, "_of_block", 'name == "ml_model" and block.made.prior_only', "False"),
    ),
}
