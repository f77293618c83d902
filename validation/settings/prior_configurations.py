"""Configurations of a prior: its block, a model without a network, and a training of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import cgcore


def prior_training(frames: Path, prior: cgcore.Prior, rate: float, **training: Any) -> dict[str, Any]:
    """A configuration that trains a prior alone, in one stage with Adam at this learning rate."""
    stages = {"stage1_optimizer": "adam", "stage2_optimizer": "none", "epochs_adam": 1, "val_fraction": 0.25}
    return {
        "dialect": "cgcore",
        "data": {"path": str(frames)},
        "model": prior_alone(prior),
        "training": stages | training,
        "optimizer": {"adam": {"lr": rate}},
    }


def prior_alone(prior: cgcore.Prior) -> dict[str, Any]:
    """The block `model` of a configuration that trains this prior without a network."""
    return {"priors": prior_block(prior), "train_priors": True, "ml_model": "none"}


def prior_block(prior: cgcore.Prior) -> dict[str, Any]:
    """The block `model.priors` of a configuration."""
    weights = {name: value or 0.0 for name, value in prior.weights._asdict().items()}
    return {"weights": weights, **{name: np.asarray(value).tolist() for name, value in prior.params.items()}}
