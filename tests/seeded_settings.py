"""Faults of one line in cgcore, as in `seeded_fits`: what configurations say."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.config import keys, loading, optimizers, reading, sentences
from cgcore.config.fit_config import Config
from cgcore.config.model import ModelKeys
from cgcore.config.networks import AllegroSettings
from cgcore.config.optimizers import OptimizerSettings
from cgcore.config.training import TrainingSettings

FAULTS: Faults = {
    "least steps for most": (
        "settings",
        edited(
            loading,
            "config_of",
            "max_steps=training.pretrain_prior_max_steps",
            "max_steps=training.pretrain_prior_min_steps",
        ),
    ),
    "a default for a fraction that is left out": (
        "settings",
        edited(loading, "config_of", ' if "val_fraction" in _set(blocks.training) else None', ""),
    ),
    "no gradient norm of 0": (
        "settings",
        edited(
            loading,
            "config_of",
            "tol_grad=training.pretrain_prior_tol_grad",
            "tol_grad=training.pretrain_prior_tol_grad or None",
        ),
    ),
    "held-out frames as by default": (
        "settings",
        edited(loading, "config_of", "hold_out=training.hold_out", 'hold_out="each_protein"'),
    ),
    "a fit that only a file asks for": (
        "settings",
        edited(
            loading,
            "config_of",
            'blocks.training.get("pretrain_prior") is not False',
            'bool(blocks.training.get("pretrain_prior"))',
        ),
    ),
    "keys that are left, unsaid": ("settings", edited(loading, "config_of", "unused=tuple(reading.left)", "unused=()")),
    "the seed of the training is overruled": (
        "settings",
        edited(loading, "_move", ' and training.get("seed") is None', ""),
    ),
    "a seed of 0 is left out": ("settings", edited(loading, "_move", 'top.get("seed") is not None', 'top.get("seed")')),
    "data that no fit reads": ("settings", edited(loading, "config_of", "needs_data and asked and", "needs_data and")),
    "data for splines": ("settings", edited(loading, "config_of", " and splines.file is None", "")),
    "data without a prior": (
        "settings",
        edited(loading, "config_of", "and (model is None or model.use_priors)", ""),
    ),
    "splines of no prior": (
        "settings",
        edited(loading, "_prior", 'model.get("use_priors") is False', "False"),
    ),
    "the default for a prior that is missing": (
        "settings",
        edited(loading, "load_prior_config", "model is None or ", "model is not None and "),
    ),
    "the default prior in both dialects": (
        "settings",
        edited(loading, "_prior", ' and reading.dialect == "cgcore"', ""),
    ),
    "terms without their coefficients": (
        "settings",
        edited(loading, "_with_terms", "if one.coefficients is not None}", "if False}"),
    ),
    "terms that are not frozen": (
        "settings",
        edited(loading, "_with_terms", "{*frozen, *(one.term.name for one in declared if one.frozen)}", "{*frozen}"),
    ),
    "seeds that are empty, and set": (
        "settings",
        edited(loading, "_set", "value is not None or key in _NULL_SAYS", "value or key in _NULL_SAYS"),
    ),
    "ones beside a series": (
        "settings",
        edited(loading, "prior_of", "(0.0,) * len(two) if one is None", "(1.0,) * len(two) if one is None"),
    ),
    "an excluded volume of weight 0": (
        "settings",
        edited(loading, "prior_of", "keys.weights.excluded_volume or None", "keys.weights.excluded_volume"),
    ),
    "an angle of 0 is not carried": (
        "settings",
        edited(loading, "prior_of", "if (value := values.pop(name)) is not None", "if (value := values.pop(name))"),
    ),
    "why nothing is fitted, the other way round": (
        "settings",
        edited(Config, "skip_reason", "if not self.use_priors", "if not self.pretrain_prior"),
    ),
    "all mistakes in one message": (
        "settings",
        edited(reading.Reading, "check", "sentences[:MOST_SHOWN]", "sentences"),
    ),
    "one limit of a number": (
        "settings",
        edited(sentences, "limits", '"maximum": "at most {}"', '"maximum_": "at most {}"'),
    ),
    "a number in a list without its place": (
        "settings",
        edited(keys, "add_errors", 'f"{dotted}[{index}]"', "dotted"),
    ),
    "huge numbers written out": (
        "settings",
        edited(sentences, "complaint", "whole and abs(value) >= 10**15", "False"),
    ),
    "a whole number that is too large is no number": (
        "settings",
        edited(sentences, "complaint", "(whole or value in", "(value in"),
    ),
    "what to write is guessed from the type": (
        "settings",
        edited(sentences, "remedy", 'schema.get("x-what")', "None"),
    ),
    # Trainings
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
        edited(loading, "read_settings", 'None if model.core == "none" else model.core', "model.core"),
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
}
