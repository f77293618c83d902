"""Reading settings: see the table in `cgcore.pipeline.settings`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from cgcore.config import Config, config_of
from cgcore.errors import InputError
from cgcore.pipeline.networks.settings import AllegroSettings, NequipSettings, NetworkSettings
from cgcore.pipeline.optimizers import OPTIMIZERS
from cgcore.pipeline.settings import (
    DataSettings,
    ModelSettings,
    OptimizerSettings,
    Settings,
    TrainingSettings,
)
from cgcore.reading import Reader, kind

_MODEL = (
    *("use_priors", "train_priors", "priors", "ml_model", "cutoff", "n_species", "allegro_size", "allegro", "nequip"),
)
_TRAINING = (
    *("stage1_optimizer", "stage2_optimizer", "val_fraction", "batch_per_device", "gammas", "keep", "precision"),
    *("checkpoint_path", "checkpoint_freq", "seed", "train_priors", "pretrain_prior", "pretrain_prior_max_steps"),
    *("pretrain_prior_min_steps", "pretrain_prior_tol_grad"),
)
_RATES = (
    *("lr", "learning_rate", "peak_lr", "end_lr", "warmup_fraction", "warmup_epochs", "warmup_steps", "decay_steps"),
    *("weight_decay", "grad_clip"),
)
_WARMUPS = ("warmup_fraction", "warmup_epochs", "warmup_steps")
_OPTAX = {"beta1": "b1", "beta2": "b2"}
_SHARED = ("grad_clip",)


@dataclass(frozen=True)
class SettingsReader(Reader):
    """Takes the settings out of a document."""

    def settings(self, document: Any) -> Settings:
        config = config_of(document, self.path)
        top = {} if document is None else document
        model, training, data = (self.block(top, name) for name in ("model", "training", "data"))
        unused = [str(key) for key in top if key not in ("model", "training", "data", "optimizer", "seed")]
        unused += self.unused("model", model, _MODEL, "allegro_")
        unused += self.unused("training", training, _TRAINING, "epochs_")
        unused += [f"data.{key}" for key in data if key not in ("path", "max_frames")]
        run = self.training(top, training, config)
        return Settings(
            model=self.model(model, training, config),
            optimizers=self.optimizers(self.block(top, "optimizer")),
            training=run,
            data=DataSettings(self.text("data.path", data), self.steps("data.max_frames", _said(data), 1)),
            name=self.path,
            unused=tuple(unused),
        )

    def model(self, model: dict[str, Any], training: dict[str, Any], config: Config) -> ModelSettings:
        if "train_priors" in model and "train_priors" in training:
            self.refuse("training.train_priors", "is given in model, too; keep one")
        home = "training" if "train_priors" in training else "model"
        train_priors = self.flag(f"{home}.train_priors", training if home == "training" else model)
        chosen = self.choice(
            "model.ml_model", model.get("ml_model", "allegro") or "none", ("allegro", "nequip", "none")
        )
        if chosen == "none" and not config.use_priors:
            self.refuse("model.ml_model", "is none and model.use_priors false: no energy is left; turn one of them on")
        network = None if chosen == "none" else self.network(chosen, model)
        return ModelSettings(config.prior if config.use_priors else None, train_priors, network)

    def network(self, chosen: str, model: dict[str, Any]) -> NetworkSettings:
        given: dict[str, Any] = {"kind": chosen}
        if "cutoff" in model:
            given["cutoff"] = self.number("model.cutoff", model["cutoff"])
        if "n_species" in model:
            given["n_species"] = self.whole("model.n_species", model["n_species"], 1)
        if chosen == "allegro":
            given["allegro"] = self.sizes(self.allegro_block(model), model, AllegroSettings)
        elif "nequip" in model:
            given["nequip"] = self.sizes("nequip", model, NequipSettings)
        return self.made("", NetworkSettings, given)

    def allegro_block(self, model: dict[str, Any]) -> str:
        """Name of the block that `allegro_size` chooses."""
        size = model.get("allegro_size", "default")
        if not isinstance(size, str):
            self.refuse("model.allegro_size", f"is {kind(size)}; write the name of a size, such as default")
        name = "allegro" if size == "default" else f"allegro_{size}"
        if name not in model:
            blocks = [str(key) for key in model if str(key).startswith("allegro") and key != "allegro_size"]
            there = [block.removeprefix("allegro_") if block != "allegro" else "default" for block in blocks]
            choice = f"choose a size that is there: {', '.join(there)}" if there else "write model.ml_model: none"
            self.refuse(f"model.{name}", f"is missing, and model.allegro_size is {size}; add this block, or {choice}")
        return name

    def sizes(self, name: str, model: dict[str, Any], made: type[Any]) -> Any:
        block = self.known(f"model.{name}", {} if model[name] is None else model[name], [f.name for f in fields(made)])
        return self.made(name, made, block)

    def made(self, name: str, made: type[Any], given: dict[str, Any]) -> Any:
        """A dataclass that checks itself; its complaint gets the file and the name of the block in it."""
        try:
            return made(**given)
        except InputError as error:
            key, _, rest = str(error).partition(" ")
            key = f"model.{name}.{key.rpartition('.')[2]}" if name else f"model.{key.removeprefix('model.')}"
            self.refuse(key, rest)

    def optimizers(self, block: dict[str, Any]) -> dict[str, OptimizerSettings]:
        self.known("optimizer", block, (*OPTIMIZERS, *_SHARED))
        clip = self.clip("optimizer.grad_clip", block)
        return {name: self.optimizer(name, block.get(name), clip) for name in OPTIMIZERS}

    def optimizer(self, name: str, value: Any, clip: float | None) -> OptimizerSettings:
        at, rule = f"optimizer.{name}", OPTIMIZERS[name]
        names = [*rule.numbers, *(alias for alias, meant in _OPTAX.items() if meant in rule.numbers)]
        block = self.known(at, {} if value is None else value, (*_RATES, *names))
        for first, second in (("lr", "learning_rate"), ("b1", "beta1"), ("b2", "beta2")):
            if first in block and second in block:
                self.refuse(f"{at}.{second}", f"is given as {first}, too; keep one")
        said = [key for key in _WARMUPS if key in block]
        if len(said) > 1:
            self.refuse(f"{at}.{said[1]}", f"is given beside {said[0]}; keep one")

        def number(key: str, default: float, below: float = float("inf")) -> float:
            return self.number(f"{at}.{key}", block[key], 0.0, below) if key in block else default

        lr = number("learning_rate", number("lr", rule.lr))
        start = lr if "peak_lr" in block and ("lr" in block or "learning_rate" in block) else 0.0
        peak = number("peak_lr", lr)
        if peak == 0:
            self.refuse(f"{at}.{'peak_lr' if 'peak_lr' in block else 'lr'}", "is 0; give a learning rate above 0")
        warmup_steps = self.steps(f"{at}.warmup_steps", block, 0)
        return OptimizerSettings(
            name=name,
            peak_lr=peak,
            start_lr=start,
            end_lr=number("end_lr", 0.0),
            warmup=number("warmup_fraction", 0.05, 1.0) if warmup_steps is None else warmup_steps,
            warmup_epochs=number("warmup_epochs", 0.0) if "warmup_epochs" in block else None,
            decay_steps=self.steps(f"{at}.decay_steps", block, 1),
            weight_decay=number("weight_decay", 0.0),
            grad_clip=self.clip(f"{at}.grad_clip", block) if "grad_clip" in block else clip,
            hyperparameters={_OPTAX.get(key, key): number(key, 0.0) for key in names if key in block},
        )

    def training(self, top: Mapping[str, Any], training: dict[str, Any], config: Config) -> TrainingSettings:
        given = _said(training)
        gammas = self.known("training.gammas", given.get("gammas", {}), ("F", "U"))
        seed = self.steps("training.seed", given, 0) if "seed" in given else self.steps("seed", _said(top), 0)
        values: dict[str, Any] = {
            "stages": (
                self.stage("stage1_optimizer", "adabelief", training),
                self.stage("stage2_optimizer", "yogi", training),
            ),
            "val_fraction": config.val_fraction,
            "batch_per_device": self.steps("training.batch_per_device", given, 1),
            "gamma_force": self.number("training.gammas.F", gammas["F"], 0.0) if "F" in gammas else None,
            "gamma_energy": self.number("training.gammas.U", gammas["U"], 0.0) if "U" in gammas else None,
            "keep": self.choice("training.keep", given.get("keep", "best"), ("best", "last")),
            "precision": self.choice("training.precision", given.get("precision", "float32"), ("float32", "float64")),
            "checkpoint_path": self.text("training.checkpoint_path", training),
            "checkpoint_freq": self.steps("training.checkpoint_freq", given, 0),
            "seed": seed,
            "pretrain_prior": config.pretrain_prior,
            "pretrain_prior_max_steps": config.max_steps,
            "pretrain_prior_min_steps": config.min_steps,
            "pretrain_prior_tol_grad": config.tol_grad,
        }
        for key in training:
            if str(key).startswith("epochs_") and str(key).removeprefix("epochs_") not in OPTIMIZERS:
                self.refuse(f"training.{key}", f"names no optimizer; known: {', '.join(OPTIMIZERS)}")
        if values["gamma_force"] == 0 and not values["gamma_energy"]:
            self.refuse("training.gammas", "are all 0; give F or U a value above 0")
        return TrainingSettings(**{key: value for key, value in values.items() if value is not None})

    def stage(self, key: str, default: str, training: dict[str, Any]) -> tuple[str, int] | None:
        name = training.get(key, default)
        if name is None or name == "none":
            return None
        name = self.choice(f"training.{key}", name, tuple(OPTIMIZERS))
        epochs = self.steps(f"training.epochs_{name}", training, 0)
        return name, 100 if epochs is None else epochs

    def block(self, top: Mapping[str, Any], name: str) -> dict[str, Any]:
        return self.mapping(name, {} if top.get(name) is None else top[name])

    def unused(self, at: str, block: dict[str, Any], ours: tuple[str, ...], prefix: str) -> list[str]:
        """Keys of other programs in a shared block; one that looks like one of ours is refused."""
        others = [str(key) for key in block if key not in ours and not str(key).startswith(prefix)]
        for key in others:
            if close := difflib.get_close_matches(key.lower(), ours, 1, 0.8):
                self.refuse(f"{at}.{key}", f"is unknown; did you mean {at}.{close[0]}?")
        return [f"{at}.{key}" for key in others]

    def clip(self, key: str, block: Mapping[str, Any]) -> float | None:
        value = block.get("grad_clip")
        return None if value is None else self.number(key, value, 0.0) or None

    def text(self, key: str, block: Mapping[str, Any]) -> str | None:
        value = block.get(key.rpartition(".")[2])
        if value is not None and not (isinstance(value, str) and value):
            self.refuse(key, f"is {kind(value)}; write a path")
        return cast("str | None", value)


def _said(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without keys that are left empty, which means that they are not set."""
    return {key: value for key, value in block.items() if value is not None}
