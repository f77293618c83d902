"""Evaluation of a model's forces on the frames of a loader."""

from __future__ import annotations

from typing import Any

from cgcore.pipeline.loader import DatasetLoader
from cgcore.pipeline.model import CombinedModel
from cgcore.pipeline.optimizers import ModelParams


def evaluate(model: CombinedModel, params: ModelParams, loader: DatasetLoader) -> dict[str, Any]:
    """Compare the model's forces with the reference on all frames of a loader.

    Returns:
        Plain values, see `cgcore.evaluation.Evaluation.as_dict`.

    Raises:
        InputError: the frames do not match the model.
    """
    return model.evaluate(params, loader.dataset).as_dict()
