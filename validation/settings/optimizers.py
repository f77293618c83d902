"""Learning rates, clipping and the optimizers of a configuration, against formulas in NumPy and optax by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from validation.check import Row, at_most, equal
from validation.tolerances import relative

STEPS, EPOCHS, WARM_UP = 20, 4, 4
"""Number of steps of a schedule, of epochs, and of steps of the warm-up."""

SINGLE = 1e-6
"""float32 tolerance."""

DECAY_STEPS = 100
"""Default of `decay_steps` in a doubled schedule."""

START, PEAK, END = 1e-3, 0.02, 2e-3
"""Learning rates at the start, after the warm-up, and at the end."""

CLIP, LARGER, SMALLER = 0.3, 10.0, 0.1
"""Largest norm of a gradient, and two other norms."""

LOSS = 0.3
"""Loss that `polyak_sgd` is told; its steps are shorter than with the peak of the learning rate."""

MOMENTUM = 0.9

MAKE: dict[str, tuple[dict[str, Any], Callable[..., optax.GradientTransformation]]] = {
    "adabelief": ({"b1": 0.8, "b2": 0.95, "eps": 1e-3, "eps_root": 1e-4}, optax.adabelief),
    "yogi": ({"b1": 0.8, "b2": 0.95, "eps": 0.02}, optax.yogi),
    "adam": ({"b1": 0.8, "b2": 0.95, "eps": 1e-2, "eps_root": 1e-3}, optax.adam),
    "lion": ({"b1": 0.7, "b2": 0.9, "decoupled_decay": 0.2}, lambda rate, b1, b2, decoupled_decay: optax.lion(
        rate, b1, b2, weight_decay=decoupled_decay)),
    "sgd_nesterov": ({"momentum": 0.7}, lambda rate, momentum: optax.sgd(rate, momentum, nesterov=True)),
    "polyak_sgd": ({"f_min": 0.2, "eps": 0.1}, lambda rate, f_min, eps: optax.polyak_sgd(PEAK, 1.0, f_min, eps)),
    "fromage": ({"min_norm": 0.5}, optax.fromage),
}  # fmt: skip
"""Settings of each optimizer that are none of its defaults, and what they mean in optax."""


def _rates(
    start: float = START, peak: float = PEAK, end: float = END, warm_up: int = WARM_UP, total: int = STEPS
) -> np.ndarray:
    """The first steps of a schedule: linear to the peak, then half a cosine to the end."""
    steps = np.arange(STEPS)
    fall = end + (peak - end) * (1 + np.cos(np.pi * (steps - warm_up) / (total - warm_up))) / 2
    return np.where(steps < warm_up, start + (peak - start) * steps / max(warm_up, 1), fall)


def learning_rates() -> Iterator[Row]:
    """The schedule of the learning rate, for each way to state the length of the warm-up."""
    from cgcore.pipeline.optimizers import schedule

    per_epoch = STEPS // EPOCHS
    cases: dict[str, dict[str, Any]] = {
        "steps": {"warmup_steps": WARM_UP},
        "epochs": {"warmup_epochs": WARM_UP / per_epoch},
        "fraction": {"warmup_fraction": WARM_UP / STEPS},
        "decay_steps": {"warmup_steps": WARM_UP, "decay_steps": STEPS},
        "doubled, steps": {"schedule": "doubled", "warmup_steps": WARM_UP, "decay_steps": STEPS // 2},
        "doubled, epochs": {"schedule": "doubled", "warmup_epochs": WARM_UP, "decay_steps": STEPS // 2},
    }
    for name, given in cases.items():
        epochs = EPOCHS if "decay_steps" not in given else 3 * EPOCHS
        rate = schedule(_configured("adam", given), per_epoch, epochs)
        off = relative([float(np.asarray(rate(step))) for step in range(STEPS)], _rates())
        yield at_most(f"learning rate, {name}", off, SINGLE, "relative")
    yield from _rates_left_out(per_epoch)


def _rates_left_out(per_epoch: int) -> Iterator[Row]:
    """What a schedule does if a rate or a length is left out, in both dialects."""
    from cgcore.pipeline.optimizers import schedule

    stage, doubled, warm = {"schedule": "stage"}, {"schedule": "doubled", "lr": START}, {"warmup_steps": WARM_UP}
    for dialect, end in (("cgcore", 0.0), ("chemtrain", START / 10)):
        cases = {
            "peak_lr and end_lr": (stage | warm | {"lr": START}, _rates(0.0, START, end)),
            "end_lr": (stage | warm | {"lr": START, "peak_lr": PEAK}, _rates(end=end)),
            "end_lr, which is null": (
                stage | warm | {"lr": START, "peak_lr": PEAK, "end_lr": None},
                _rates(end=START / 10),
            ),
            "warmup_steps": (stage | {"lr": START, "peak_lr": PEAK, "end_lr": END}, _rates(warm_up=1)),
            "peak_lr, doubled": (doubled | warm | {"decay_steps": STEPS}, _rates(START, START, end, total=2 * STEPS)),
            "decay_steps, doubled": (
                doubled | warm | {"peak_lr": PEAK, "end_lr": END},
                _rates(total=2 * DECAY_STEPS),
            ),
            "warmup_steps, doubled": (
                doubled | {"peak_lr": PEAK, "end_lr": END, "decay_steps": STEPS},
                _rates(warm_up=0, total=2 * STEPS),
            ),
        }
        for name, (given, expected) in cases.items():
            rate = schedule(_configured("adam", given, dialect), per_epoch, EPOCHS)
            off = relative([float(np.asarray(rate(step))) for step in range(STEPS)], expected)
            yield at_most(f"learning rate, {dialect} without {name}", off, SINGLE, "relative")


def optimizers() -> Iterator[Row]:
    """A few steps of each optimizer as configured, and of optax's own with the same numbers."""
    from cgcore.pipeline.optimizers import make_optimizer

    rng = np.random.default_rng(0)
    start = {"allegro": {"w": rng.normal(size=3)}}
    gradients = [{"allegro": {"w": size * rng.normal(size=3)}} for size in (1.0, LARGER, SMALLER)]
    for name, (given, make) in MAKE.items():
        # A warm-up without steps, and a peak that stays.
        rate = optax.warmup_cosine_decay_schedule(PEAK, PEAK, 0, len(gradients), PEAK)
        flat = {"lr": PEAK, "peak_lr": PEAK, "end_lr": PEAK, "warmup_fraction": 0.0}
        ours = make_optimizer(_configured(name, flat | given), len(gradients), 1)
        yield at_most(f"{name}, steps", _apart(ours, make(rate, **given), start, gradients), SINGLE, "relative")
    yield from _rules_of_their_own(rng)
    for name, shared, own, limit in (
        ("shared by all", {"grad_clip": CLIP}, {}, CLIP),
        ("of its own", {"grad_clip": LARGER}, {"grad_clip": CLIP}, CLIP),
        ("shared, before its own", {"grad_clip": CLIP, "clipping": "global"}, {"grad_clip": LARGER}, CLIP),
        ("none", {}, {}, None),
        ("0, which is none", {"grad_clip": CLIP}, {"grad_clip": 0}, None),
    ):
        yield equal(f"clipping, {name}", _configured("adam", own, **shared).grad_clip, limit)  # type: ignore[arg-type]


def _rules_of_their_own(rng: np.random.Generator) -> Iterator[Row]:
    """Momentum and plain descent, which `polyak_sgd` and `fromage` are in the dialect chemtrain, by their formulas."""
    from cgcore.pipeline.optimizers import make_optimizer

    gradients, rates = rng.normal(size=(STEPS, 3)), _rates()
    heavy, velocity = [], np.zeros(3)
    for gradient in gradients:
        velocity = gradient + MOMENTUM * velocity
        heavy.append(velocity)
    moves = {"momentum": rates[:, None] * np.array(heavy), "plain": START * gradients}
    of_schedule = {"warmup_steps": WARM_UP, "schedule": "stage"}
    for name, rule in (("polyak_sgd", "momentum"), ("fromage", "plain")):
        for dialect, said in (("cgcore", {"rule": rule}), ("chemtrain", {})):
            ours = make_optimizer(
                _configured(name, of_schedule | said, dialect, grad_clip=LARGER), STEPS // EPOCHS, EPOCHS
            )
            params, found = {"allegro": jnp.zeros(3)}, list[Any]()
            state = ours.init(params)
            for gradient in gradients:
                updates, state = ours.update({"allegro": jnp.asarray(gradient)}, state, params, value=LOSS)
                found.extend(jax.tree.leaves(updates))
            off = relative(-np.array(found), moves[rule])
            yield at_most(f"{name} of the dialect {dialect}, {rule}, steps", off, SINGLE, "relative")


def _configured(name: str, own: dict[str, Any], dialect: str = "cgcore", **shared: Any) -> Any:
    """The settings of an optimizer in a configuration."""
    from cgcore.config import load_settings
    from cgcore.pipeline.stage_settings import stage_optimizer

    rates = {} if "lr" in own else {"lr": START, "peak_lr": PEAK, "end_lr": END}
    block = shared | {name: rates | own}
    return stage_optimizer(load_settings({"dialect": dialect, "model": {"ml_model": "none"}, "optimizer": block}), name)


def _apart(ours: Any, theirs: Any, params: Any, gradients: list[Any]) -> float:
    """Largest relative difference of the parameters after each step."""
    each = []
    for rule in (ours, optax.with_extra_args_support(theirs)):
        moved, state, steps = params, rule.init(params), []
        for gradient in gradients:
            updates, state = rule.update(gradient, state, moved, value=LOSS)
            moved = jax.tree.map(jnp.add, moved, updates)
            steps.append(moved["allegro"]["w"])
        each.append(np.stack(steps) - params["allegro"]["w"])
    return relative(*each)
