"""The optimizers by name, each optax's own, with warm-up, cosine decay, clipping and decoupled weight decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import optax

from cgcore.pipeline.settings import OptimizerSettings

ModelParams = dict[str, Any]
"""A pytree whose top level names the parts of a model: "prior", and the network by its kind."""


class Rule(NamedTuple):
    """How an optimizer is made of a learning rate, its default learning rate, and the names of its other numbers."""

    make: Callable[..., optax.GradientTransformation]
    lr: float
    numbers: tuple[str, ...]


def _polyak_sgd(learning_rate: optax.Schedule, peak: float, **numbers: Any) -> optax.GradientTransformation:
    # Its step is the smaller of the Polyak step and a largest one; the schedule scales it.
    return optax.polyak_sgd(max_learning_rate=peak, scaling=lambda step: learning_rate(step) / peak, **numbers)


OPTIMIZERS: Mapping[str, Rule] = {
    "adabelief": Rule(optax.adabelief, 1e-3, ("b1", "b2", "eps", "eps_root")),
    "yogi": Rule(optax.yogi, 1e-3, ("b1", "b2", "eps")),
    "adam": Rule(optax.adam, 1e-3, ("b1", "b2", "eps", "eps_root")),
    "lion": Rule(optax.lion, 1e-4, ("b1", "b2")),
    "sgd_nesterov": Rule(optax.sgd, 1e-3, ("momentum",)),
    "polyak_sgd": Rule(_polyak_sgd, 1.0, ("f_min", "eps")),
    "fromage": Rule(optax.fromage, 1e-2, ("min_norm",)),
}

_FIXED: Mapping[str, Mapping[str, Any]] = {
    "lion": {"weight_decay": 0.0},  # ours comes after, for all optimizers alike
    "sgd_nesterov": {"nesterov": True, "momentum": 0.9},
}


def schedule(settings: OptimizerSettings, steps_per_epoch: int, epochs: int) -> optax.Schedule:
    """Learning rate against step: linear warm-up from `start_lr` to `peak_lr`, then a cosine to `end_lr`."""
    total = max(settings.decay_steps or steps_per_epoch * epochs, 1)
    if settings.warmup_epochs is not None:
        warmup = round(settings.warmup_epochs * steps_per_epoch)
    elif isinstance(settings.warmup, int):
        warmup = settings.warmup
    else:
        warmup = round(settings.warmup * total)
    # optax needs at least one step of cosine.
    return optax.warmup_cosine_decay_schedule(
        settings.start_lr, settings.peak_lr, min(warmup, total - 1), total, settings.end_lr
    )


def make_optimizer(
    settings: OptimizerSettings, steps_per_epoch: int, epochs: int
) -> optax.GradientTransformationExtraArgs:
    """The optimizer of a stage; its `update` takes the loss as `value`, which `polyak_sgd` needs.

    Order: clip the gradient, the optimizer's own update, then -lr * weight_decay * parameter (decoupled weight decay,
    Loshchilov and Hutter 2019) on every part but the prior, whose lengths and stiffnesses are not near 0.
    """
    rate = schedule(settings, steps_per_epoch, epochs)
    numbers = dict(_FIXED.get(settings.name, {})) | dict(settings.hyperparameters)
    if settings.name == "polyak_sgd":
        numbers["peak"] = settings.peak_lr
    parts = [] if settings.grad_clip is None else [optax.clip_by_global_norm(settings.grad_clip)]
    parts.append(OPTIMIZERS[settings.name].make(rate, **numbers))
    if settings.weight_decay:
        parts.append(optax.add_decayed_weights(lambda step: -settings.weight_decay * rate(step), _not_prior))
    return optax.with_extra_args_support(optax.chain(*parts))


def _not_prior(params: ModelParams) -> Any:
    return {part: jax.tree.map(lambda _, here=part: here != "prior", tree) for part, tree in params.items()}
