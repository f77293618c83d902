"""What a YAML configuration file says about the prior and its fit."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cgcore.files import read_yaml
from cgcore.physics.prior import CARRIED, FITTED, FITTED_EXCLUDED_VOLUME, SERIES, Prior, Weights
from cgcore.reading import Reader, kind

_WEIGHTS = {"bond": 0.5, "angle": 0.1, "dihedral": 0.15, "repulsive": 0.25}
"""Of a `priors` block that does not say."""

_PARAMS = {"r0": 3.8, "kr": 150.0, "epsilon": 1.0, "sigma": 3.0}
_EXCLUDED_VOLUME = {"epsilon_ex": 1.0, "sigma_ex": 3.0}
_PAIRS = {("a", "b"): ([0.0], [0.0]), ("k_dih", "gamma_dih"): ([0.5], [0.0])}

_MODEL = ("use_priors", "priors")
_TRAINING = (
    "pretrain_prior",
    "pretrain_prior_max_steps",
    "pretrain_prior_min_steps",
    "pretrain_prior_tol_grad",
    "val_fraction",
)
_PRIORS = ("weights", *FITTED, *FITTED_EXCLUDED_VOLUME, *CARRIED)
_HOME = {**{key: f"model.{key}" for key in _MODEL}, **{key: f"training.{key}" for key in _TRAINING}}
_OTHER_STEPS = ("train_priors",)
"""Right as they are, though close to a key of ours."""


@dataclass(frozen=True)
class Config:
    """Arguments:
    prior: term weights and starting parameters.
    use_priors: `model.use_priors`.
    pretrain_prior: `training.pretrain_prior`.
    max_steps, min_steps, tol_grad: `training.pretrain_prior_*`; None where the file does not say.
    val_fraction: `training.val_fraction`; None where the file does not say.
    unused: dotted names of keys that belong to other steps.
    """

    prior: Prior
    use_priors: bool = True
    pretrain_prior: bool = True
    max_steps: int | None = None
    min_steps: int | None = None
    tol_grad: float | None = None
    val_fraction: float | None = None
    unused: tuple[str, ...] = ()

    @property
    def skip_reason(self) -> str | None:
        """Why there is nothing to fit, or None."""
        if not self.use_priors:
            return "model.use_priors is false"
        return None if self.pretrain_prior else "training.pretrain_prior is false"


def default_prior() -> Prior:
    """Where a fit starts when nothing is configured."""
    # The initial_params and settings.weights of the recorded reference run chignolin.float64.json, and excluded volume,
    # without which nothing keeps beads 2 to 5 positions apart from overlapping.
    return Prior(
        Weights(bond=0.5, angle=0.25, dihedral=0.25, repulsive=1.0, excluded_volume=1.0),
        {
            "r0": 3.8375435,
            "kr": 154.50629422490843,
            "a": [
                *(-0.02086511, -0.36341857, -0.50767196, 0.09906029, 0.8319552),
                *(-0.00770968, -0.13320648, -1.14116021, 0.18145372, -0.55828783),
            ],
            "b": [
                *(0.67521775, 0.14797897, -0.12157499, -0.8289584, 0.17162394),
                *(0.48646108, 0.56000923, -0.13905056, -0.896762, -1.20144583),
            ],
            "epsilon": 1.0,
            "sigma": 3.0,
            "k_dih": [0.47037187851535034, 0.9495107825945361],
            "gamma_dih": [1.3759673785180062, 1.6211158177819938],
            "epsilon_ex": 1.0,
            "sigma_ex": 3.5,
        },
    )


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read a configuration file; without a `model.priors` block the prior is `default_prior()`.

    Raises:
        InputError: anything is wrong in the file; the message names it, the key and the mend.
    """
    return config_of(read_yaml(path), os.fspath(path))


def config_of(document: Any, name: str) -> Config:
    """What a document says, read as `load_config` reads a file; `name` stands for the file in complaints.

    Raises:
        InputError: as `load_config`.
    """
    return _Reader(name).config({} if document is None else document)


@dataclass(frozen=True)
class _Reader(Reader):
    """What of the document is the prior and its fit."""

    def config(self, document: Any) -> Config:
        top = self.mapping("the top level", document)
        unused = self.unused("", top, ("model", "training"))
        model = self.mapping("model", {} if top.get("model") is None else top["model"])
        training = self.mapping("training", {} if top.get("training") is None else top["training"])
        unused += self.unused("model.", model, _MODEL) + self.unused("training.", training, _TRAINING)
        at = "training.pretrain_prior"
        max_steps = self.steps(f"{at}_max_steps", training, least=1)
        min_steps = self.steps(f"{at}_min_steps", training, least=0)
        if max_steps is not None and min_steps is not None and min_steps > max_steps:
            self.refuse(f"{at}_min_steps", f"is {min_steps}, more than {at}_max_steps {max_steps}; lower it")
        tol_grad = val_fraction = None
        if "pretrain_prior_tol_grad" in training:
            tol_grad = self.number(f"{at}_tol_grad", training["pretrain_prior_tol_grad"], least=0.0)
        if "val_fraction" in training:
            val_fraction = self.number("training.val_fraction", training["val_fraction"], least=0.0, below=1.0)
        return Config(
            prior=self.prior(model["priors"]) if "priors" in model else default_prior(),
            use_priors=self.flag("model.use_priors", model),
            pretrain_prior=self.flag(at, training),
            max_steps=max_steps,
            min_steps=min_steps,
            tol_grad=tol_grad,
            val_fraction=val_fraction,
            unused=tuple(unused),
        )

    def prior(self, block: Any) -> Prior:
        at = "model.priors"
        given = self.known(at, block, _PRIORS)
        factors = self.known(f"{at}.weights", given.get("weights", {}), Weights._fields)
        weights = Weights(**_WEIGHTS | {k: self.number(f"{at}.weights.{k}", v, 0.0) for k, v in factors.items()})
        values: dict[str, Any] = {
            key: self.series(f"{at}.{key}", value) if key in SERIES else self.number(f"{at}.{key}", value)
            for key, value in given.items()
            if key != "weights"
        }
        carried = {key: values.pop(key) for key in CARRIED if key in values}
        for pair, default in _PAIRS.items():
            values |= self.pair(pair, default, values)
        defaults: dict[str, Any] = dict(_PARAMS)
        if weights.excluded_volume is not None:
            defaults |= _EXCLUDED_VOLUME
        for key in FITTED_EXCLUDED_VOLUME:
            if key in values and weights.excluded_volume is None:
                self.refuse(f"{at}.{key}", f"has no term; give {at}.weights.excluded_volume or remove it")
        return Prior(weights, defaults | values, carried)

    def pair(self, keys: tuple[str, str], default: tuple[list[float], list[float]], values: Mapping) -> dict:
        """Two series of one length; the one left out is zeros."""
        first, second = (values.get(key) for key in keys)
        if first is None and second is None:
            return dict(zip(keys, default, strict=True))
        first = [0.0] * len(second or ()) if first is None else first
        second = [0.0] * len(first) if second is None else second
        if len(first) != len(second):
            self.refuse(
                f"model.priors.{keys[1]}",
                f"has {len(second)} values and {keys[0]} {len(first)}; give one of each for every harmonic",
            )
        return {keys[0]: first, keys[1]: second}

    def known(self, at: str, value: Any, keys: Collection[str]) -> dict[str, Any]:
        for key in self.mapping(at, value):
            if key in Weights._fields and key not in keys:
                self.refuse(f"{at}.{key}", f"is in the wrong place; write it as model.priors.weights.{key}")
        return super().known(at, value, keys)

    def unused(self, at: str, block: Mapping[Any, Any], ours: tuple[str, ...]) -> list[str]:
        """Keys of other steps in a shared block; one that was meant to be ours is refused."""
        others = [str(key) for key in block if key not in ours]
        for key in others:
            if key in _OTHER_STEPS:
                continue
            if key in _HOME:
                self.refuse(f"{at}{key}", f"is in the wrong place; write it as {_HOME[key]}")
            close = difflib.get_close_matches(key.lower(), ours, 1, 0.8)
            if at and not close and key.lower().startswith(("prior", "pretrain_prior")):
                close = difflib.get_close_matches(key.lower(), ours, 1, 0.0)
            if close:
                self.refuse(f"{at}{key}", f"is unknown; did you mean {at}{close[0]}?")
        return [f"{at}{key}" for key in others]

    def series(self, key: str, value: Any) -> list[float]:
        if not isinstance(value, list):
            self.refuse(key, f"is {kind(value)}; write a list with a number for each harmonic, such as [0.5]")
        return [self.number(f"{key}[{index}]", item) for index, item in enumerate(value)]
