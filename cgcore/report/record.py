"""The record of a fit for other programs: `fit.json`."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.config import Config
from cgcore.data import UNITS, Dataset
from cgcore.data.dataset import Choice
from cgcore.errors import InputError
from cgcore.factor.factor import Factor
from cgcore.files import atomic_group
from cgcore.fitting.result import FitResult
from cgcore.physics.prior import Params
from cgcore.physics.term import Term
from cgcore.serialize import write_json, write_priors

PACKAGES = ("cgcore", "jax", "jaxlib", "numpy", "optax")


RECORD, PRIORS = "fit.json", "priors.yaml"


def write(
    folder: str | os.PathLike[str], result: FitResult, config_file: str | None = None, unused: Sequence[str] = ()
) -> tuple[Path, Path]:
    """Write `fit.json` and `priors.yaml` into a folder; see `FitResult.save`."""
    written = Path(folder) / RECORD, Path(folder) / PRIORS
    config = Config(result.prior, unused=tuple(unused))
    with atomic_group() as group:
        write_priors(written[1], result.prior, result.fitted_params)
        made = record(result, config, settings_of_data(result, config_file))
        # Last, and with the checksums of the others, so that a mixture with files of another run is detected.
        write_json(written[0], made | {"files": group.digests(folder)})
    return written


def settings_of_data(result: FitResult, config_file: str | None = None) -> dict[str, Any]:
    """How the data were chosen."""
    units, box, accepted, choice = UNITS[0], None, False, Choice()
    if isinstance(result.data, Dataset):
        data = result.data
        units, box, accepted, choice = data.units, data.box, data.accept_faults, data.choice
    return {"file": config_file, "units": units, "box": box, "accept_faults": accepted, **choice._asdict()}


def record_of_data(data: Dataset | Factor, validation: Dataset | Factor | None) -> dict[str, Any]:
    """The data that were fitted to, and those that were held out."""
    if isinstance(data, Factor):
        found: dict[str, Any] = {"path": data.path, "sha256": data.sha256}
        found |= {"frames": data.frames, "beads": None, "real_beads": data.beads}
    else:
        found = {
            "path": data.path,
            "sha256": data.sha256,
            "frames": data.n_frames,
            "beads": data.n_beads,
            "real_beads": data.real_beads,
            "used_frames": data.frame_ranges(),
            "held_out_frames": validation.frame_ranges() if isinstance(validation, Dataset) else None,
        }
    if validation is not None and (validation.path, validation.sha256) != (data.path, data.sha256):
        found["held_out"] = {"path": validation.path, "sha256": validation.sha256}
    return found


def record(
    result: FitResult,
    config: Config | None = None,
    settings: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The complete record of a fit, in plain values and dataclasses.

    `settings` describes how the data were chosen, and `data` which data were fitted to (None for what the result knows
    about both). Together with the options, they allow the fit to be repeated.
    """
    return {
        "status": result.status.name,
        "message": result.message,
        **result.as_dict(),
        "evaluations": result.evaluations,
        "initial_val_loss": result.initial_val_loss,
        "dtype": result.dtype.name,
        "initial_params": result.initial_params,
        "coefficients": {term.name: _coefficients(term, result.fitted_params) for term in result.prior.further},
        "certificate": result.certificate,
        "smoothness": result.smoothness,
        "cutoff": result.cutoff,
        "roughness": result.roughness,
        "error_bars": _error_bars(result),
        "temperature": result.temperature,
        "float32_error": result.float32_error,
        "cross_validation": result.curve,
        "pooling": result.pooling,
        "identifiability": result.identifiability,
        "warnings": result.warnings,
        "notes": result.notes,
        "config": {
            **(settings_of_data(result) if settings is None else settings),
            "weights": result.prior.weights,
            "terms": [term.as_dict() for term in result.prior.further],
            "frozen": sorted(result.prior.frozen),
            "options": result.options,
            "min_steps": result.options.least_steps,
            "unused": () if config is None else config.unused,
        },
        "data": record_of_data(result.data, result.validation) if data is None else data,
        "versions": versions(),
        "seconds": result.seconds,
    }


def _error_bars(result: FitResult) -> dict[str, Any]:
    """The error bars, or the reason why there are none."""
    try:
        return result.errors.as_dict()
    except InputError as error:
        return {"why_not": str(error)}


def _coefficients(term: Term, params: Params) -> dict[str, Any]:
    """A term's coefficients by name; if it has groups, by group and name."""
    values = np.reshape(params[term.name], (-1, term.basis.size)).tolist()
    named = {
        label: dict(zip(term.basis.names, own, strict=True))
        for label, own in zip(term.group_labels, values, strict=True)
    }
    return named if term.groups is not None else named[""]


def versions(*more: str) -> dict[str, str]:
    """Versions of Python, of the packages that every run needs, and of further packages."""
    return {"python": platform.python_version()} | {name: version(name) for name in (*PACKAGES, *more)}
