"""Reading a configuration: for the prior's fit (`load_config`), or for the whole pipeline (`load_settings`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from cgcore.config.fit_config import Config, default_prior
from cgcore.config.keys import keys_of, take
from cgcore.config.model import ALLEGRO, ModelKeys, ModelSettings, allegro_of, is_sizes, network_of
from cgcore.config.names import Vocabulary, checked, mapping, own_block, shared_block
from cgcore.config.optimizers import OPTIMIZERS, optimizers_of
from cgcore.config.priors import PriorKeys, WeightKeys, prior_of
from cgcore.config.problems import Problems
from cgcore.config.settings import Settings
from cgcore.config.splines import Splines, splines_of
from cgcore.config.training import DataSettings, TrainingSettings
from cgcore.files import read_yaml
from cgcore.physics.prior import Prior

Command = Literal["fit", "train"]

_BLOCKS = {"model": ModelKeys, "training": TrainingSettings}
"""Blocks that other programs share."""

_MORE = {"model": f"{ALLEGRO}_*", "training": "epochs_*"}
"""Names in them that go on with the name of a size, or of an optimizer."""

_NULL_SAYS = ("priors", "ml_model", "stage1_optimizer", "stage2_optimizer")
"""Keys of which null says something; any other that is null is not set."""


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read what a configuration file says about the prior and its fit.

    Without a `model.priors` block the prior is `default_prior()`. Keys of other steps are named in `unused`.

    Raises:
        InputError: anything is wrong in the file; the message names it, and of each mistake the key and the mend.
    """
    return config_of(read_yaml(path), os.fspath(path))


def config_of(document: Any, name: str) -> Config:
    """What a document says, read as `load_config` reads a file; `name` stands for the file in complaints.

    Raises:
        InputError: as `load_config`.
    """
    problems = Problems(name)
    blocks = _shared_blocks(document, "fit", problems)
    prior, splines = _prior(blocks.model, problems)
    model = checked(ModelKeys, _set(blocks.model), "model", problems)
    training = _training(blocks.training, problems)
    problems.check()
    assert model is not None
    assert training is not None
    return Config(
        prior=prior or default_prior(),
        use_priors=model.use_priors,
        pretrain_prior=training.pretrain_prior,
        max_steps=training.pretrain_prior_max_steps,
        min_steps=training.pretrain_prior_min_steps,
        tol_grad=training.pretrain_prior_tol_grad,
        val_fraction=training.val_fraction if "val_fraction" in _set(blocks.training) else None,
        constraints=training.pretrain_prior_constraints,
        smoothness=training.pretrain_prior_smoothness,
        truncation=training.pretrain_prior_truncation,
        temperature=training.temperature,
        spline_file=splines.file,
        residue_specific_angles=splines.residue_specific_angles,
        unused=tuple(blocks.unused),
    )


def load_settings(config: str | os.PathLike[str] | Mapping[str, Any] | Settings) -> Settings:
    """Settings of the pipeline from a YAML file, from what such a file holds, or as they are.

    Raises:
        InputError: anything is wrong in the file; the message names it, and of each mistake the key and the mend.
    """
    if isinstance(config, Settings):
        return config
    if isinstance(config, Mapping):
        return settings_of(dict(config), "config")
    return settings_of(read_yaml(config), os.fspath(config))


def settings_of(document: Any, name: str) -> Settings:
    """What a document says, read as `load_settings` reads a file; `name` stands for the file in complaints.

    Raises:
        InputError: as `load_settings`.
    """
    problems = Problems(name)
    blocks = _shared_blocks(document, "train", problems)
    _move(blocks, problems)
    (prior, splines), allegro = _prior(blocks.model, problems), allegro_of(blocks.model, problems)
    said = {key: value for key, value in _set(blocks.model).items() if not is_sizes(key)}
    model = checked(ModelKeys, said, "model", problems)
    if model is not None and model.ml_model in (None, "none") and not model.use_priors:
        words = "is none and model.use_priors false: no energy is left; turn one of them on"
        problems.add("model.ml_model", words)
    training = _training(blocks.training, problems)
    optimizers = optimizers_of(blocks.top.get("optimizer"), problems)
    data = mapping(blocks.top.get("data") or {}, "data", problems)
    known = {key: value for key, value in data.items() if key in keys_of(DataSettings)}
    unused = [*blocks.unused, *(f"data.{key}" for key in data if key not in known)]
    chosen = checked(DataSettings, _set(known), "data", problems)
    problems.check()
    assert model is not None
    assert training is not None
    assert chosen is not None
    used = (prior or default_prior()) if model.use_priors else None
    network = network_of(model, allegro)
    energy = ModelSettings(used, model.train_priors, network, splines.file, splines.residue_specific_angles)
    return Settings(energy, training, optimizers, chosen, name, tuple(unused))


class _Blocks(NamedTuple):
    """A document whose names are sorted: the keys of each block, and dotted names that belong to others."""

    top: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    unused: list[str]


def _shared_blocks(document: Any, command: Command, problems: Problems) -> _Blocks:
    """Sort the names of a document into keys that the command reads and others, and note slips of the pen."""
    words = _vocabularies(command)
    top, unused = shared_block(
        mapping({} if document is None else document, "the top level", problems), "", words[""], problems
    )
    blocks = {}
    for name in _BLOCKS:
        inside = mapping({} if top.get(name) is None else top[name], name, problems)
        blocks[name], others = shared_block(inside, name, words[name], problems)
        unused += others
    return _Blocks(top, blocks["model"], blocks["training"], unused)


@cache
def _vocabularies(command: Command) -> dict[str, Vocabulary]:
    """What a command knows of the names at the top level ("") and in each block."""
    every: dict[str, tuple[str, ...]] = {name: (*keys_of(cls), _MORE[name]) for name, cls in _BLOCKS.items()}
    if command == "train":
        used = every | {"": (*_BLOCKS, "optimizer", "data", "seed")}
        used["training"] += ("train_priors",)
    else:
        used = {
            name: tuple(key for key, said in keys_of(cls).items() if "x-fit" in said) for name, cls in _BLOCKS.items()
        }
        used[""] = tuple(_BLOCKS)
        every["training"] += ("train_priors",)
    left = every | {"": ("optimizer", "data", "seed")}
    homes = {key: f"{name}.{key}" for name in _BLOCKS for key in used[name] if key != "train_priors"}
    return {name: Vocabulary(used[name], left[name], homes) for name in used}


def _move(blocks: _Blocks, problems: Problems) -> None:
    """Bring home the keys that may stand elsewhere, too."""
    top, model, training = blocks.top, blocks.model, blocks.training
    if "train_priors" in training:
        said = {"train_priors": training.pop("train_priors")}
        if "train_priors" in model:
            problems.add("training.train_priors", "is given in model, too; keep one")
        if (taken := take(ModelKeys, said, "training", problems)) is not None:
            model["train_priors"] = taken.train_priors
    if top.get("seed") is not None and training.get("seed") is None:
        settings = take(TrainingSettings, {"seed": top["seed"]}, "", problems)
        training["seed"] = None if settings is None else settings.seed


def _set(block: Mapping[str, Any]) -> dict[str, Any]:
    """Without the keys that are not set."""
    return {key: value for key, value in block.items() if value is not None or key in _NULL_SAYS}


def _prior(model: dict[str, Any], problems: Problems) -> tuple[Prior | None, Splines]:
    """The prior of the block `priors`, which is taken out of `model`, and its splines; None where there is none."""
    if "priors" not in model:
        return None, Splines()
    value = model.pop("priors")
    for name in value if isinstance(value, dict) else ():
        if name in keys_of(WeightKeys):
            problems.add(f"model.priors.{name}", f"is in the wrong place; write it as model.priors.weights.{name}")
    if isinstance(value, dict):
        value = {name: inside for name, inside in value.items() if name not in keys_of(WeightKeys)}
    keys = own_block(PriorKeys, value, "model.priors", problems)
    if keys is None:
        return None, Splines()
    # Without the prior its splines are of no use either, and need not be there.
    return prior_of(keys, problems), Splines() if model.get("use_priors") is False else splines_of(keys, problems)


def _training(block: dict[str, Any], problems: Problems) -> TrainingSettings | None:
    said = _set(block)
    for name in [name for name in said if name.startswith("epochs_")]:
        if name.removeprefix("epochs_") not in OPTIMIZERS:
            problems.add(f"training.{name}", f"names no optimizer; known: {', '.join(OPTIMIZERS)}")
            del said[name]
    training = checked(TrainingSettings, said, "training", problems)
    if training is None:
        return None
    least, most = training.pretrain_prior_min_steps, training.pretrain_prior_max_steps
    if least is not None and most is not None and least > most:
        words = f"is {least}, more than training.pretrain_prior_max_steps {most}; lower it"
        problems.add("training.pretrain_prior_min_steps", words)
    if training.gammas.F == training.gammas.U == 0:
        problems.add("training.gammas", "are all 0; give F or U a value above 0")
    return training
