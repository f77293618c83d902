"""The optimizers by name, each optax's own, with warm-up, cosine decay, clipping and decoupled weight decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import optax

from cgcore.config.optimizers import OptimizerSettings

ModelParams = dict[str, Any]
"""A pytree whose top level names the parts of a model: "prior", and the network by its kind."""


def _polyak_sgd(learning_rate: optax.Schedule, peak: float, **numbers: Any) -> optax.GradientTransformation:
    # Its step is the smaller of the Polyak step and a largest one; the schedule scales it.
    return optax.polyak_sgd(max_learning_rate=peak, scaling=lambda step: learning_rate(step) / peak, **numbers)


_MAKE: Mapping[str, Callable[..., optax.GradientTransformation]] = {
    "adabelief": optax.adabelief,
    "yogi": optax.yogi,
    "adam": optax.adam,
    "lion": partial(optax.lion, weight_decay=0.0),  # ours comes after, for all optimizers alike
    "sgd_nesterov": partial(optax.sgd, nesterov=True),
    "polyak_sgd": _polyak_sgd,
    "fromage": optax.fromage,
}


def schedule(settings: OptimizerSettings, steps_per_epoch: int, epochs: int) -> optax.Schedule:
    """Learning rate against step: linear warm-up from `start` to `peak`, then a cosine to `end_lr`."""
    total = max(settings.decay_steps or steps_per_epoch * epochs, 1)
    if settings.warmup_epochs is not None:
        warmup = round(settings.warmup_epochs * steps_per_epoch)
    elif settings.warmup_steps is not None:
        warmup = settings.warmup_steps
    else:
        warmup = round(settings.warmup_fraction * total)
    # optax needs at least one step of cosine.
    return optax.warmup_cosine_decay_schedule(
        settings.start, settings.peak, min(warmup, total - 1), total, settings.end_lr
    )


def make_optimizer(
    settings: OptimizerSettings, steps_per_epoch: int, epochs: int
) -> optax.GradientTransformationExtraArgs:
    """The optimizer of a stage; its `update` takes the loss as `value`, which `polyak_sgd` needs.

    Order: clip the gradient, the optimizer's own update, then -lr * weight_decay * parameter (decoupled weight decay,
    Loshchilov and Hutter 2019) on every part but the prior, whose lengths and stiffnesses are not near 0.
    """
    rate = schedule(settings, steps_per_epoch, epochs)
    numbers: dict[str, float] = settings.hyperparameters
    if settings.name == "polyak_sgd":
        numbers["peak"] = settings.peak
    parts = [optax.clip_by_global_norm(settings.grad_clip)] if settings.grad_clip else []
    parts.append(_MAKE[settings.name](rate, **numbers))
    if settings.weight_decay:
        parts.append(optax.add_decayed_weights(lambda step: -settings.weight_decay * rate(step), _not_prior))
    return optax.with_extra_args_support(optax.chain(*parts))


def _not_prior(params: ModelParams) -> Any:
    return {part: jax.tree.map(lambda _, here=part: here != "prior", tree) for part, tree in params.items()}
