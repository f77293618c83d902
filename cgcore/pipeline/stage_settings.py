"""Settings of the stages: their optimizers, and the reasons for leaving stages out."""

from __future__ import annotations

from cgcore.config.optimizers import OPTIMIZERS, OptimizerSettings
from cgcore.config.settings import Settings
from cgcore.errors import InputError
from cgcore.pipeline.model import CombinedModel
from cgcore.pipeline.splines import FIXED


def stage_optimizer(settings: Settings, name: str) -> OptimizerSettings:
    """The settings of an optimizer: those in the configuration, or the defaults.

    Raises:
        InputError: the optimizer is unknown, or its block is invalid.
    """
    if name not in OPTIMIZERS:
        raise InputError(f"optimizer {name!r} is unknown; known: {', '.join(OPTIMIZERS)}")
    configured = settings.optimizers
    if configured and name not in configured:
        at = f"optimizer.{name}"
        raise InputError(f"{settings.name}: {at} is wrong; use it in a stage, and `cgcore check` will say why")
    return configured.get(name) or OPTIMIZERS[name]()


def nothing_to_train(model: CombinedModel, settings: Settings) -> str | None:
    """Why stages have no parameters to train; None if they have some."""
    if model.network is None and not settings.model.train_priors:
        fixed = model.prior is not None and model.prior.splines is not None
        return f"there is no network, and {FIXED if fixed else 'model.train_priors is false'}"
    return None


def why_no_stage(model: CombinedModel, settings: Settings, stage: str) -> str | None:
    """Why a stage of the plan is left out; None if it is not."""
    plan = settings.training.plan[stage]
    optimizer, epochs = settings.training.keys_of_stage(stage)
    if plan is None:
        return f"{optimizer} is none"
    return f"{epochs} is 0" if plan[1] == 0 else nothing_to_train(model, settings)
