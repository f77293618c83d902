"""What a configuration says of optimizers: defaults beside those of optax, learning rates, and names of others."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from cgcore.config import load_settings
from validation.check import Row, equal, says

THEIRS: dict[str, dict[str, Any]] = {
    "adabelief": {"eps": 1e-8},
    "yogi": {"eps": 1e-6},
    "lion": {"decoupled_decay": 1e-3},
    "polyak_sgd": {"rule": "momentum"},
    "fromage": {"rule": "plain"},
}
"""Numbers in the dialect chemtrain that differ from those of optax."""

OURS: dict[str, dict[str, Any]] = {
    "lion": {"decoupled_decay": 0.0},
    "sgd_nesterov": {"momentum": 0.9},
    "polyak_sgd": {"rule": "polyak"},
    "fromage": {"rule": "fromage"},
}
"""Numbers that optax lacks or calls otherwise, in the dialect cgcore."""

RATES = {
    "cgcore": {"lion": 1e-4, "polyak_sgd": 1.0, "fromage": 1e-2},
    "chemtrain": {"fromage": 2e-4},
}
"""Learning rates that are not 1e-3."""

SHARED: dict[str, dict[str, Any]] = {
    "cgcore": {"end_lr": 0.0, "schedule": "stage", "weight_decay_rule": "decoupled", "grad_clip": None},
    "chemtrain": {"end_lr": None, "schedule": "doubled", "weight_decay_rule": "coupled", "grad_clip": 1.0},
}
EVERYWHERE: dict[str, Any] = {
    "peak_lr": None,
    "warmup_fraction": 0.05,
    "warmup_epochs": None,
    "warmup_steps": None,
    "decay_steps": None,
    "weight_decay": 0.0,
}

CASES: tuple[tuple[dict[str, Any], tuple[float, float, float]], ...] = (
    ({"schedule": "stage"}, (0.0, 1e-3, 0.0)),
    ({"schedule": "stage", "lr": 0.1}, (0.0, 0.1, 0.0)),
    ({"schedule": "stage", "learning_rate": 0.1}, (0.0, 0.1, 0.0)),
    ({"schedule": "stage", "peak_lr": 0.2}, (0.0, 0.2, 0.0)),
    ({"schedule": "stage", "lr": 0.1, "peak_lr": 0.2}, (0.1, 0.2, 0.0)),
    ({"schedule": "stage", "lr": 0.3, "peak_lr": 0.2}, (0.3, 0.2, 0.0)),
    ({"schedule": "stage", "lr": 0.1, "end_lr": 0.05}, (0.0, 0.1, 0.05)),
    ({"schedule": "stage", "lr": 0.1, "end_lr": None}, (0.0, 0.1, 0.01)),
    ({"schedule": "doubled"}, (1e-3, 1e-3, 0.0)),
    ({"schedule": "doubled", "lr": 0.1}, (0.1, 0.1, 0.0)),
    ({"schedule": "doubled", "peak_lr": 0.2}, (1e-3, 0.2, 0.0)),
    ({"schedule": "doubled", "lr": 0.0, "peak_lr": 0.2}, (0.0, 0.2, 0.0)),
)
"""Keys of `optimizer.adam`, and the learning rates at the start, after the warm-up, and at the end."""

REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"lr": 0.0}, "optimizer.adam.lr is 0; give a learning rate above 0"),
    ({"learning_rate": 0.0}, "optimizer.adam.learning_rate is 0; give a learning rate above 0"),
    ({"lr": 0.1, "learning_rate": 0.1}, "optimizer.adam.learning_rate is given as lr, too; keep one"),
    ({"beta1": 0.5, "b1": 0.5}, "optimizer.adam.b1 is given as beta1, too; keep one"),
    ({"schedule": "stage", "warmup_steps": 3, "warmup_epochs": 1}, "warmup_steps is given beside warmup_epochs"),
    ({"schedule": "stage", "warmup_steps": 3, "warmup_fraction": 0.1}, "is given beside warmup_fraction; keep one"),
    ({"schedule": "doubled", "warmup_epochs": 3, "warmup_fraction": 0.1}, "is given beside warmup_fraction; keep one"),
    ({"schedule": "doubled", "warmup_steps": 3, "warmup_epochs": 1}, "accepted"),
    ({"schedule": "stage", "warmup_steps": 3, "warmup_epochs": None}, "accepted"),
    ({"weight_decya": 0.1}, "is unknown; did you mean weight_decay?"),
    ({"b1": 1.0}, "optimizer.adam.b1 is 1.0; give 0 or more, below 1"),
    ({"warmup_steps": 0.5}, "optimizer.adam.warmup_steps is the number 0.5; write a whole number"),
    ({"decay_steps": 5.0e3}, "accepted"),
)
"""Keys of `optimizer.adam`, and a part of the message that refuses them."""


def read(dialect: str, block: Any, used: str = "adam") -> Any:
    """Settings with this block `optimizer`, of which one optimizer is used."""
    training = {"stages": [{"optimizer": used, "epochs": 1}]}
    return load_settings({"dialect": dialect, "model": {"ml_model": "none"}, "training": training, "optimizer": block})


def defaults(dialect: str) -> Iterator[Row]:
    """Each optimizer without any key."""
    import optax

    functions = {name: getattr(optax, name) for name in ("adabelief", "yogi", "adam", "lion", "polyak_sgd", "fromage")}
    functions["sgd_nesterov"] = optax.sgd
    found = read(dialect, None).optimizers
    yield equal(f"{dialect}, optimizers", ", ".join(sorted(found)), ", ".join(sorted(functions)))
    for name, own in found.items():
        of_optax = {key: one.default for key, one in inspect.signature(functions[name]).parameters.items()}
        known = of_optax | OURS.get(name, {}) | (THEIRS.get(name, {}) if dialect == "chemtrain" else {})
        apart = {key: value for key, value in own.hyperparameters.items() if value != known[key]}
        yield equal(f"{dialect}, {name}, numbers that differ", str(apart), "{}")
        known = EVERYWHERE | SHARED[dialect] | {"lr": RATES[dialect].get(name, 1e-3)}
        apart = {key: getattr(own, key) for key, value in known.items() if getattr(own, key) != value}
        yield equal(f"{dialect}, {name}, shared settings that differ", str(apart), "{}")
        names = {"peak_lr", "schedule", "lr", *known} & own.hyperparameters.keys()
        yield equal(f"{dialect}, {name}, settings that only it has", ", ".join(names), "")


def rates() -> Iterator[Row]:
    """Learning rates, settings that several optimizers share, and mistakes."""
    for said, known in CASES:
        own = read("cgcore", {"adam": said}).optimizers["adam"]
        yield equal(f"{said}, learning rates", str((own.start, own.peak, own.end)), str(known))
    for said, words in REFUSED:
        for dialect in ("cgcore", "chemtrain"):
            schedule = {"schedule": "stage"} if "schedule" not in said else {}
            yield says(f"{dialect}, {said}", lambda: read(dialect, {"adam": schedule | said}), words)  # noqa: B023
    both = {"adam": {"schedule": "doubled", "warmup_steps": 3, "warmup_epochs": 1}}
    found = read("cgcore", both)
    own = found.optimizers["adam"]
    kept = own.warmup_steps, own.warmup_epochs, found.unused
    yield equal("steps and epochs of a doubled schedule", str(kept), "(3, None, ('optimizer.adam.warmup_epochs',))")
    for key, values in {"schedule": ("stage", "doubled"), "weight_decay_rule": ("coupled", "decoupled")}.items():
        for shared, own in ((x, y) for x in (None, *values) for y in (None, *values)):
            for dialect in ("cgcore", "chemtrain"):
                block = {key: shared, "adam": {} if own is None else {key: own}}
                used = own or shared or SHARED[dialect][key]
                found = getattr(read(dialect, block).optimizers["adam"], key)
                yield equal(f"{dialect}, {key} of all {shared}, of one {own}", found, used)


def others(dialect: str) -> Iterator[Row]:
    """Optimizers that no stage uses, unknown ones, and numbers of other optimizers."""
    theirs = dialect == "chemtrain"
    wrong = "accepted" if theirs else "optimizer.lion.b1 is 7; give 0 or more, below 1"
    yield says(
        f"{dialect}, a mistake in an optimizer that is not used", lambda: read(dialect, {"lion": {"b1": 7}}), wrong
    )
    yield says(
        f"{dialect}, a mistake in one that is used", lambda: read(dialect, {"lion": {"b1": 7}}, "lion"), "lion.b1 is 7"
    )
    unknown = "accepted" if theirs else "optimizer.mystery is unknown; did you mean"
    yield says(f"{dialect}, an unknown optimizer", lambda: read(dialect, {"mystery": {"x": 1}}), unknown)
    yield says(f"{dialect}, a misspelt one", lambda: read(dialect, {"adamm": {}}), "optimizer.adamm is unknown")
    number = "accepted" if theirs else "optimizer.adam.trust is unknown"
    yield says(f"{dialect}, a number of another optimizer", lambda: read(dialect, {"adam": {"trust": 1}}), number)
    yield says(f"{dialect}, no block", lambda: read(dialect, 3), "optimizer is a whole number; write a block")
    block = {"lion": {"b1": 0.5}, "adam": {"b1": 0.25}, "grad_clip": 2.0}
    found = read(dialect, block)
    left = ("optimizer.lion",) if theirs else ()
    yield equal(f"{dialect}, optimizers that are left", str(found.unused), str(left))
    numbers = [found.optimizers[name].b1 for name in ("adam", "lion", "yogi")]
    yield equal(f"{dialect}, numbers of each optimizer", str(numbers), "[0.25, 0.5, 0.9]")
    clipped = [found.optimizers[name].grad_clip for name in ("adam", "lion", "yogi")]
    yield equal(f"{dialect}, clipping of each optimizer", str(clipped), "[2.0, 2.0, 2.0]")
