"""The optimizers by name, from optax, with warm-up, cosine decay, clipping and weight decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import optax

from cgcore.config.optimizers import Fromage, Lion, OptimizerSettings, PolyakSgd

Rule = optax.GradientTransformation

ModelParams = dict[str, Any]
"""A pytree whose top-level keys name the parts of a model: "prior", and the kind of the network."""


def _lion(rate: optax.Schedule, said: Lion) -> Rule:
    return optax.lion(rate, said.b1, said.b2, weight_decay=said.decoupled_decay)


def _polyak_sgd(rate: optax.Schedule, said: PolyakSgd) -> Rule:
    if said.rule == "momentum":
        return optax.sgd(rate, momentum=0.9)
    peak = said.peak
    # The step is the smaller of the Polyak step and a maximum, scaled by the schedule.
    return optax.polyak_sgd(peak, scaling=lambda step: rate(step) / peak, f_min=said.f_min, eps=said.eps)


def _fromage(rate: optax.Schedule, said: Fromage) -> Rule:
    return optax.sgd(said.lr) if said.rule == "plain" else optax.fromage(rate, said.min_norm)


def _plain(make: Callable[..., Rule]) -> Callable[..., Rule]:
    return lambda rate, said: make(rate, **said.hyperparameters)


_MAKE: Mapping[str, Callable[..., Rule]] = {
    "adabelief": _plain(optax.adabelief),
    "yogi": _plain(optax.yogi),
    "adam": _plain(optax.adam),
    "lion": _lion,
    "sgd_nesterov": _plain(partial(optax.sgd, nesterov=True)),
    "polyak_sgd": _polyak_sgd,
    "fromage": _fromage,
}

STEPS = 100
"""Default of `decay_steps` in a doubled schedule."""


def schedule(settings: OptimizerSettings, steps_per_epoch: int, epochs: int) -> optax.Schedule:
    """Learning rate as a function of the step: linear warm-up from `start` to `peak`, then a cosine to `end`."""
    if settings.schedule == "doubled":
        # Both names mean steps.
        total = 2 * (settings.decay_steps or STEPS)
        warmup = settings.warmup_steps if settings.warmup_steps is not None else round(settings.warmup_epochs or 0)
    else:
        total = max(settings.decay_steps or steps_per_epoch * epochs, 1)
        if settings.warmup_epochs is not None:
            warmup = round(settings.warmup_epochs * steps_per_epoch)
        elif settings.warmup_steps is not None:
            warmup = settings.warmup_steps
        else:
            warmup = round(settings.warmup_fraction * total)
    # optax requires at least one step of the cosine.
    return optax.warmup_cosine_decay_schedule(
        settings.start, settings.peak, min(warmup, total - 1), total, settings.end
    )


def make_optimizer(
    settings: OptimizerSettings, steps_per_epoch: int, epochs: int
) -> optax.GradientTransformationExtraArgs:
    """The optimizer of a stage; its `update` takes the loss as `value`, which `polyak_sgd` needs.

    In this order: the gradient is clipped; with coupled weight decay, weight_decay * parameter is added for all
    parameters; the optimizer's own update is applied; with decoupled weight decay, -lr * weight_decay * parameter is
    added (Loshchilov and Hutter 2019), except for the prior, whose lengths and stiffnesses are not near 0.
    """
    rate, decay = schedule(settings, steps_per_epoch, epochs), settings.weight_decay
    coupled = settings.weight_decay_rule == "coupled"
    parts = [optax.clip_by_global_norm(settings.grad_clip)] if settings.grad_clip else []
    if decay and coupled:
        parts.append(optax.add_decayed_weights(decay))
    parts.append(_MAKE[settings.name](rate, settings))
    if decay and not coupled:
        parts.append(optax.add_decayed_weights(lambda step: -decay * rate(step), _not_prior))
    return optax.with_extra_args_support(optax.chain(*parts))


def _not_prior(params: ModelParams) -> Any:
    return {part: jax.tree.map(lambda _, here=part: here != "prior", tree) for part, tree in params.items()}
