"""A fit as a record that other programs read: `fit.json`."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from cgcore.config import Config
from cgcore.fitting.result import FitResult

PACKAGES = ("cgcore", "jax", "jaxlib", "numpy", "optax")


def record(result: FitResult, config: Config, settings_of_data: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Everything about a fit, in plain values and dataclasses.

    `settings_of_data` are how the data were chosen, `data` says what was fitted to: together with the options they
    let anyone repeat the fit.
    """
    return {
        "status": result.status.name,
        "message": result.message,
        **result.as_dict(),
        "evaluations": result.evaluations,
        "initial_val_loss": result.initial_val_loss,
        "initial_params": result.initial_params,
        "certificate": result.certificate,
        "smoothness": result.smoothness,
        "cutoff": result.cutoff,
        "roughness": result.roughness,
        "temperature": result.temperature,
        "float32_error": result.float32_error,
        "cross_validation": result.curve,
        "identifiability": result.identifiability,
        "warnings": result.warnings,
        "notes": result.notes,
        "config": {
            **settings_of_data,
            "weights": config.prior.weights,
            "options": result.options,
            "min_steps": result.options.least_steps,
            "unused": config.unused,
        },
        "data": data,
        "versions": versions(),
        "seconds": result.seconds,
    }


def versions(*more: str) -> dict[str, str]:
    """Of Python, of the packages that every run needs, and of more."""
    return {"python": platform.python_version()} | {name: version(name) for name in (*PACKAGES, *more)}
