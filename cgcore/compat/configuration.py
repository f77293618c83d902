"""The forms of configuration that scripts use: a file, its content, or an object with a method for each value."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from cgcore.config import Settings, load_settings
from cgcore.config.loading import settings_of
from cgcore.errors import InputError
from cgcore.files import atomic_write, read_yaml

_GETTERS: dict[str, tuple[tuple[str, ...], Any]] = {
    "get_seed": (("seed",), 42),
    "get_model_context": (("model_context",), "allegro_cg_protein"),
    "get_model_id": (("model_id",), "default"),
    "get_protein_name": (("protein_name",), "unknown"),
    "get_data_path": (("data", "path"), None),
    "get_max_frames": (("data", "max_frames"), None),
    "get_buffer_multiplier": (("preprocessing", "buffer_multiplier"), 2.0),
    "get_park_multiplier": (("preprocessing", "park_multiplier"), 0.95),
    "get_cutoff": (("model", "cutoff"), 10.0),
    "get_dr_threshold": (("model", "dr_threshold"), 0.5),
    "get_prior_params": (("model", "priors"), {}),
    "get_spline_file_path": (("model", "priors", "spline_file"), None),
    "get_residue_specific_angles": (("model", "priors", "residue_specific_angles"), False),
    "use_priors": (("model", "use_priors"), True),
    "train_priors_enabled": (("model", "train_priors"), False),
    "get_ml_model_type": (("model", "ml_model"), "allegro"),
    "get_allegro_size": (("model", "allegro_size"), "default"),
    "get_grad_clip": (("optimizer", "grad_clip"), 1.0),
    "get_val_fraction": (("training", "val_fraction"), 0.1),
    "get_batch_per_device": (("training", "batch_per_device"), 4),
    "get_batch_cache": (("training", "batch_cache"), 10),
    "get_gammas": (("training", "gammas"), {"F": 1.0, "U": 0.0}),
    "get_checkpoint_path": (("training", "checkpoint_path"), "./checkpoints_allegro"),
    "get_checkpoint_freq": (("training", "checkpoint_freq"), 0),
    "get_export_path": (("training", "export_path"), "./exported_models"),
    "pretrain_prior_enabled": (("training", "pretrain_prior"), False),
    "get_pretrain_prior_max_steps": (("training", "pretrain_prior_max_steps"), 200),
    "get_pretrain_prior_tol_grad": (("training", "pretrain_prior_tol_grad"), 1e-6),
    "get_pretrain_prior_min_steps": (("training", "pretrain_prior_min_steps"), 10),
    "get_stage1_optimizer": (("training", "stage1_optimizer"), "adabelief"),
    "get_stage2_optimizer": (("training", "stage2_optimizer"), "yogi"),
    "is_ensemble_enabled": (("ensemble", "enabled"), False),
    "get_ensemble_n_models": (("ensemble", "n_models"), 5),
    "get_ensemble_base_seed": (("ensemble", "base_seed"), 42),
    "get_ensemble_save_all": (("ensemble", "save_all_models"), False),
}
"""Methods without arguments: the nested keys of the value that each returns, and the default if it is absent."""


class ConfigManager:
    """The values of a YAML file, with the methods that scripts call: `get("model", "cutoff", default=10.0)`,
    `get_seed()`, `use_priors()` and the like.

    Arguments:
        config_path: path of the file.

    Raises:
        InputError: the file cannot be read, or does not contain a mapping.
    """

    def __init__(self, config_path: str | os.PathLike[str]) -> None:
        self.config_path = Path(config_path)
        document = read_yaml(config_path)
        if document is not None and not isinstance(document, dict):
            raise InputError(f"{config_path}: is not a mapping; give a YAML file with the blocks model and training")
        self._config: dict[str, Any] = document or {}

    def get(self, *keys: str, default: Any = None) -> Any:
        """The value at nested keys; `default` if one of them is absent."""
        value: Any = self._config
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return default
            value = value[key]
        return value

    def get_optimizer_config(self, name: str) -> dict[str, Any]:
        """The block of an optimizer."""
        return self.get("optimizer", name, default={})

    def get_epochs(self, optimizer: str) -> int:
        """`training.epochs_<optimizer>`."""
        return self.get("training", f"epochs_{optimizer}", default=100)

    def get_allegro_config(self, size: str = "default") -> dict[str, Any]:
        """The block of sizes of Allegro; the one for "default" if there is no other."""
        usual = self.get("model", "allegro", default={})
        return usual if size == "default" else self.get("model", f"allegro_{size}", default=usual)

    def use_spline_priors_enabled(self) -> bool:
        """Whether splines replace the formulas."""
        said = self.get("model", "priors", "use_spline_priors")
        return self.get_spline_file_path() is not None if said is None else bool(said)

    def set_pretrain_prior_enabled(self, enabled: bool) -> None:
        """Set `training.pretrain_prior`."""
        self._config.setdefault("training", {})["pretrain_prior"] = bool(enabled)

    def get_ensemble_config(self) -> dict[str, Any]:
        """The block `ensemble`, with defaults for absent keys."""
        names = {"enabled": "is_ensemble_enabled"} | {
            key: f"get_ensemble_{key}" for key in ("n_models", "base_seed")
        } | {"save_all_models": "get_ensemble_save_all"}  # fmt: skip
        return {key: getattr(self, name)() for key, name in names.items()}

    def to_dict(self) -> dict[str, Any]:
        """All values, as a copy."""
        return copy.deepcopy(self._config)

    def save(self, output_path: str | os.PathLike[str]) -> None:
        """Write all values as YAML, completely or not at all.

        Raises:
            InputError: the file cannot be written.
        """
        atomic_write(output_path, yaml.safe_dump(self._config, sort_keys=False))

    def __getattr__(self, name: str) -> Callable[[], Any]:
        if name not in _GETTERS:
            raise AttributeError(f"ConfigManager has no method {name!r}; get(*keys, default=...) reads any value")
        keys, default = _GETTERS[name]
        return lambda: self.get(*keys, default=copy.deepcopy(default))

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *_GETTERS])

    def __repr__(self) -> str:
        return f"ConfigManager({os.fspath(self.config_path)!r})"


def settings_from(config: Any) -> Settings:
    """The settings in a file, in a mapping, or in an object like `ConfigManager`; `Settings` are returned unchanged.

    Arguments:
        config: one of these; an object has its values in `to_dict()` or `_config` and the file's name in
            `config_path`.

    Raises:
        InputError: `config` is none of these, or its content is invalid.
    """
    if isinstance(config, Settings | Mapping | str | os.PathLike):
        return load_settings(config)
    values = getattr(config, "to_dict", None)
    document = values() if callable(values) else getattr(config, "_config", None)
    if not isinstance(document, Mapping):
        raise InputError(
            f"config is a {type(config).__name__}; give a path, a mapping, or an object with to_dict(), like a "
            "ConfigManager"
        )
    return settings_of(copy.deepcopy(dict(document)), os.fspath(getattr(config, "config_path", "config")))
