"""Reading a configuration: for the prior's fit (`load_config`), or for the whole pipeline (`load_settings`)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, NamedTuple

from cgcore.config.fit_config import Config, default_prior
from cgcore.config.foreign import left_in
from cgcore.config.keys import keys_of, take
from cgcore.config.model import ALLEGRO, ModelKeys, ModelSettings, allegro_of, is_sizes, network_of
from cgcore.config.names import Vocabulary, checked, mapping, own_block, shared_block
from cgcore.config.optimizers import OPTIMIZERS, optimizers_of
from cgcore.config.other_terms import without_other_terms
from cgcore.config.priors import PriorKeys, prior_of
from cgcore.config.reading import Reading
from cgcore.config.settings import Settings
from cgcore.config.splines import Splines, splines_of
from cgcore.config.terms import Declared, terms_of
from cgcore.config.training import DataSettings, TrainingSettings, stages_of
from cgcore.errors import InputError
from cgcore.files import read_yaml
from cgcore.physics.prior import Prior

Command = Literal["fit", "train"]

_BLOCKS = {"model": ModelKeys, "training": TrainingSettings, "data": DataSettings}
"""Blocks that may also contain keys of other programs."""

_MORE = {"model": f"{ALLEGRO}_*", "training": "epochs_*"}
"""Patterns of keys in them that end with the name of a size or an optimizer."""

_TOP = ("dialect", "seed")
"""Top-level keys that every command reads."""

_NULL_SAYS = ("priors", "ml_model", "stage1_optimizer", "stage2_optimizer")
"""Keys for which null is a value; for all others, null means that the key is not set."""


def load_config(path: str | os.PathLike[str], needs_data: bool = False) -> Config:
    """Read the prior and the settings of its fit from a configuration file.

    If the file has no block `model.priors`, the prior is that of an empty block, or `default_prior()` with
    `dialect: cgcore`.

    Arguments:
        path: the YAML file.
        needs_data: require that the data named by the file exist.

    Returns:
        The prior and the settings; keys that belong to other steps are listed in `unused`.

    Raises:
        InputError: the file contains mistakes; one message names the file and, for each mistake, the key and what to
            do.

    Examples:
        >>> import cgcore, pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "config.yaml")
        ...     _ = path.write_text("model: {priors: {r0: 3.81, kr: 120.0}}")
        ...     config = cgcore.load_config(path)
        >>> float(config.prior.params["kr"])
        120.0
    """
    return config_of(read_yaml(path), os.fspath(path), needs_data)


def load_prior_config(path: str | os.PathLike[str]) -> Config:
    """`load_config` for a file that must contain a prior, so that no default silently replaces it.

    Raises:
        InputError: as `load_config`, or the file has no `model: priors:` block.
    """
    document = read_yaml(path)
    model = document.get("model") if isinstance(document, dict) else None
    if model is None or (isinstance(model, dict) and "priors" not in model):
        raise InputError(f"{path}: model.priors is missing; give the priors.yaml that `cgcore fit --output` wrote")
    return config_of(document, os.fspath(path))


def config_of(document: Any, name: str, needs_data: bool = False) -> Config:
    """Read the content of a file as `load_config` does; messages call the file `name`.

    Raises:
        InputError: as `load_config`.
    """
    reading = Reading.of(document, name)
    blocks = _shared_blocks(document, "fit", reading)
    # The default of this key concerns `cgcore train`; `cgcore fit` fits unless the file says false.
    asked = blocks.training.get("pretrain_prior") is not False
    _move(blocks, reading)
    prior, splines = _prior(blocks.model, reading)
    model = checked(ModelKeys, _set(blocks.model), "model", reading)
    training = _training(blocks.training, reading)
    data = checked(DataSettings, _set(blocks.data), "data", reading)
    needs_data = needs_data and asked and splines.file is None and (model is None or model.use_priors)
    path = data.found(reading) if data is not None and needs_data else None
    reading.check()
    assert prior is not None
    assert model is not None
    assert training is not None
    assert data is not None
    return Config(
        prior=prior,
        use_priors=model.use_priors,
        pretrain_prior=asked,
        max_steps=training.pretrain_prior_max_steps,
        min_steps=training.pretrain_prior_min_steps,
        tol_grad=training.pretrain_prior_tol_grad,
        val_fraction=training.val_fraction if "val_fraction" in _set(blocks.training) else None,
        hold_out=training.hold_out,
        constraints=training.pretrain_prior_constraints,
        smoothness=training.pretrain_prior_smoothness,
        truncation=training.pretrain_prior_truncation,
        temperature=training.temperature,
        spline_file=splines.file,
        residue_specific_angles=splines.residue_specific_angles,
        data_path=path,
        max_frames=data.max_frames,
        seed=training.seed,
        unused=tuple(reading.left),
    )


def load_settings(config: str | os.PathLike[str] | Mapping[str, Any] | Settings) -> Settings:
    """Settings of the pipeline from a YAML file or from the content of one; `Settings` are returned unchanged.

    Raises:
        InputError: the file contains mistakes; one message names the file and, for each mistake, the key and what to
            do.
    """
    if isinstance(config, Settings):
        return config
    if isinstance(config, Mapping):
        return settings_of(dict(config), "config")
    return settings_of(read_yaml(config), os.fspath(config))


def settings_of(document: Any, name: str) -> Settings:
    """Read the content of a file as `load_settings` does; messages call the file `name`.

    Raises:
        InputError: as `load_settings`.
    """
    settings, reading = read_settings(document, name)
    reading.check()
    assert settings is not None
    return settings


def read_settings(document: Any, name: str, needs_data: bool = False) -> tuple[Settings | None, Reading]:
    """The settings in a document, as `settings_of` (None if there are mistakes), and the record of the reading.

    With `needs_data`, the data that the file names must exist.
    """
    reading = Reading.of(document, name)
    blocks = _shared_blocks(document, "train", reading)
    _move(blocks, reading)
    (prior, splines), allegro = _prior(blocks.model, reading), allegro_of(blocks.model, reading)
    said = {key: value for key, value in _set(blocks.model).items() if not is_sizes(key)}
    model = checked(ModelKeys, said, "model", reading)
    if model is not None and model.network_kind is None and not model.use_priors:
        key = "model.prior_only" if model.prior_only else "model.ml_model"
        words = f"is {'true' if model.prior_only else 'none'} and model.use_priors false: no energy is left; "
        reading.add(key, f"{words}turn one of them on")
    training = _training(blocks.training, reading)
    plan = () if training is None else training.plan.values()
    optimizers = optimizers_of(blocks.top.get("optimizer"), {stage[0] for stage in plan if stage}, reading)
    data = checked(DataSettings, _set(blocks.data), "data", reading)
    path = data.found(reading) if data is not None and needs_data else None
    if len(reading) or model is None or training is None or data is None:
        return None, reading
    used = prior if model.use_priors else None
    network, core = network_of(model, allegro), None if model.core == "none" else model.core
    energy = ModelSettings(used, model.train_priors, network, core, splines.file, splines.residue_specific_angles)
    return Settings(energy, training, optimizers, data, name, tuple(reading.left), reading.dialect, path), reading


class _Blocks(NamedTuple):
    """The keys of a document that a command reads, by block."""

    top: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    data: dict[str, Any]


def _shared_blocks(document: Any, command: Command, reading: Reading) -> _Blocks:
    """Select the keys of a document that the command reads, and note misspelt ones."""
    words = _vocabularies(command)
    top = shared_block(mapping({} if document is None else document, "the top level", reading), "", words[""], reading)
    inside = {name: mapping({} if top.get(name) is None else top[name], name, reading) for name in _BLOCKS}
    return _Blocks(top, **{name: shared_block(block, name, words[name], reading) for name, block in inside.items()})


@cache
def _vocabularies(command: Command) -> dict[str, Vocabulary]:
    """The vocabularies of a command for the top level ("") and each block."""
    every: dict[str, tuple[str, ...]] = {
        name: (*keys_of(cls), *([_MORE[name]] if name in _MORE else [])) for name, cls in _BLOCKS.items()
    }
    if command == "train":
        used = every | {"": (*_BLOCKS, "optimizer", *_TOP)}
        used["training"] += ("train_priors",)
    else:
        used = {
            name: tuple(key for key, said in keys_of(cls).items() if "x-fit" in said) for name, cls in _BLOCKS.items()
        }
        used[""] = (*_BLOCKS, *_TOP)
        every["training"] += ("train_priors",)
    left = {name: (*words, *left_in(name)) for name, words in (every | {"": ("optimizer",)}).items()}
    homes = {key: f"{name}.{key}" for name in ("model", "training") for key in used[name] if key != "train_priors"}
    # In `data`, other programs use names of all kinds.
    return {name: Vocabulary(used[name], left[name], {} if name == "data" else homes) for name in used}


def _move(blocks: _Blocks, reading: Reading) -> None:
    """Move keys given elsewhere to the block that they belong to."""
    top, model, training = blocks.top, blocks.model, blocks.training
    if "train_priors" in training:
        said = {"train_priors": training.pop("train_priors")}
        if "train_priors" in model:
            reading.add("training.train_priors", "is given in model, too; keep one")
        if (taken := take(ModelKeys, said, "training", reading, part=True)) is not None:
            model["train_priors"] = taken.train_priors
    if top.get("seed") is not None and training.get("seed") is None:
        settings = take(TrainingSettings, {"seed": top["seed"]}, "", reading, part=True)
        training["seed"] = None if settings is None else settings.seed


def _set(block: Mapping[str, Any]) -> dict[str, Any]:
    """The block without keys that are not set."""
    return {key: value for key, value in block.items() if value is not None or key in _NULL_SAYS}


def _prior(model: dict[str, Any], reading: Reading) -> tuple[Prior | None, Splines]:
    """Take the block `priors` out of `model`, and return its prior (None if there are mistakes) and its splines."""
    count, declared = len(reading), terms_of(model.pop("terms", None), reading)
    if "priors" not in model and reading.dialect == "cgcore":
        return _with_terms(default_prior(), declared, (), reading), Splines()
    value = model.pop("priors", {})
    keys = own_block(PriorKeys, without_other_terms(value, reading), "model.priors", reading)
    if keys is None:
        return None, Splines()
    prior = prior_of(keys, reading)
    if prior is not None and len(reading) == count:
        prior = _with_terms(prior, declared, keys.frozen, reading)
    # If the prior is not used, its splines need not exist.
    return prior, Splines() if model.get("use_priors") is False else splines_of(keys, reading)


def _with_terms(prior: Prior, declared: Sequence[Declared], frozen: Sequence[str], reading: Reading) -> Prior | None:
    """The prior with further terms and with the names of terms to keep fixed in a fit."""
    try:
        return prior.with_terms(
            [one.term for one in declared],
            {one.term.name: one.coefficients for one in declared if one.coefficients is not None},
            {*frozen, *(one.term.name for one in declared if one.frozen)},
        )
    except InputError as error:
        reading.add("model.terms", f"do not go together: {error}")
        return None


def _training(block: dict[str, Any], reading: Reading) -> TrainingSettings | None:
    said = _set(block)
    if "stages" in said:
        said = stages_of(said, reading)
    for name in [name for name in said if name.startswith("epochs_")]:
        optimizer = name.removeprefix("epochs_")
        if optimizer not in OPTIMIZERS:
            used = optimizer in (said.get("stage1_optimizer"), said.get("stage2_optimizer"))
            if reading.dialect == "chemtrain" and not used and not get_close_matches(optimizer, OPTIMIZERS, 1, 0.8):
                reading.leave(f"training.{name}")
            else:
                reading.add(f"training.{name}", f"names no optimizer; known: {', '.join(OPTIMIZERS)}")
            del said[name]
    training = checked(TrainingSettings, said, "training", reading)
    if training is None:
        return None
    least, most = training.pretrain_prior_min_steps, training.pretrain_prior_max_steps
    if least is not None and most is not None and least > most:
        words = f"is {least}, more than training.pretrain_prior_max_steps {most}; lower it"
        reading.add("training.pretrain_prior_min_steps", words)
    if training.gammas.F == training.gammas.U == 0:
        reading.add("training.gammas", "are all 0; give F or U a value above 0")
    return training
