"""Configurations of other programs: which keys mean the same here, which differ, and which are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cgcore.config.comparison import compare
from validation.check import Row, check, equal, refusal, says
from validation.context import Context

DOCUMENT: Mapping[str, Any] = {
    "seed": 5,
    "model": {"ml_model": "allegro", "allegro": {}},
    "training": {"stage1_optimizer": "adam", "epochs_adam": 2},
    "optimizer": {"adam": {"lr": 0.01}},
}

KEYS: tuple[tuple[str, Any, bool], ...] = (
    ("model.priors.weights.wca", 0.0, True),
    ("model.priors.weights.lj", None, True),
    ("model.priors.wca", {"epsilon": 1.0}, True),
    ("model.priors.debug_flag", False, True),
    ("model.priors.min_repulsive_sep", 6, True),
    ("model.priors.excluded_volume_min_sep", 2, True),
    ("model.priors.excluded_volume_max_sep", 5, True),
    ("model.dr_threshold", 0.5, True),
    ("model.pbc", True, False),
    ("model.pbc", False, True),
    ("model.allegro.mlp_dtype", "float32", True),
    ("model.allegro.mlp_dtype", "bfloat16", False),
    ("training.grad_accum_steps", 1, True),
    ("training.grad_accum_steps", 2, False),
    ("training.swa", {"enabled": True}, False),
    ("training.swa", {"enabled": False, "start": 3}, True),
    ("training.prior_residual", True, True),
    ("training.batch_cache", {"enabled": True}, True),
    ("data.batch_mode", "tiled", False),
    ("data.batch_mode", "standard", True),
    ("ensemble", {"enabled": True, "n_models": 3}, False),
    ("ensemble", {"enabled": False, "n_models": 3}, True),
    ("ensemble", {"n_models": 3}, True),
    ("some_block", {"enabled": True}, False),
    ("some_block", {"enabled": False}, True),
    ("some_flag", False, True),
    ("some_flag", "on", False),
)
"""Keys that are not read, and whether results are the same with these values."""

OWN: tuple[tuple[str, Any, bool], ...] = (
    ("training.keep", "best", False),
    ("training.keep", "last", True),
    ("training.hold_out", "each_protein", False),
    ("training.hold_out", "last_rows", True),
    ("training.val_fraction", 0.2, True),
    ("training.seed", 5, True),
    ("optimizer.schedule", "stage", False),
    ("optimizer.schedule", "doubled", True),
    ("optimizer.adam.schedule", "stage", False),
    ("optimizer.weight_decay_rule", "decoupled", False),
    ("optimizer.weight_decay_rule", "coupled", True),
)
"""Keys that are read, some of them unknown to the other code, and whether results are the same with these values."""

REFUSED: tuple[tuple[str, Any, str], ...] = (
    ("model.priors.weights.wca", 0.3, "model.priors.weights.wca is 0.3, and there is no such term; set it to 0"),
    ("model.priors.weights.lj", True, "model.priors.weights.lj is True, and there is no such term"),
    ("model.priors.weights.bonds", 0.0, "did you mean bond?"),
    ("model.priors.min_repulsive_sep", 5, "is 5; here it is always 6: leave it out"),
    ("model.priors.excluded_volume_min_sep", 3, "is 3; here it is always 2"),
    ("model.priors.excluded_volume_max_sep", 6, "is 6; here it is always 5"),
    ("model.priors.bond", 0.5, "is in the wrong place; write it as model.priors.weights.bond"),
    ("model.priors.gama_dih", [1.0], "did you mean gamma_dih?"),
    ("model.priors.kr", "stiff", "is the text 'stiff'; write one number, without quotes"),
    ("model.pretrain_prior", False, "is in the wrong place; write it as training.pretrain_prior"),
    ("training.val_fracton", 0.1, "did you mean training.val_fraction?"),
    ("training.val_fraction", 1.5, "is 1.5; give "),
    ("training.stage1_optimizer", "adan", "did you mean adam?"),
    ("training.batch_per_device", 1.5, "write a whole number"),
    ("priors", {"r0": 1.0}, "write it as model.priors"),
)
"""Keys that are refused, and a part of the message."""

ABSENT: Mapping[str, str] = {
    "model.priors.weights.excluded_volume": "1",
    "model.priors.epsilon_ex": "1",
    "model.priors.sigma_ex": "3.5",
    "training.pretrain_prior": "false",
    "optimizer.adam.end_lr": "lr / 10",
    "optimizer.schedule": "lr to peak_lr in so many steps, to end_lr at 2 x decay_steps",
}
"""What the other code does without a key, and cgcore with it."""


@check("foreign-keys", quick=True)
def foreign_keys(context: Context) -> Iterator[Row]:
    """Keys and terms of other programs, on and off; absent keys; both names of a series; values that win over
    others; mistakes and their remedies."""
    for key, value, same in (*KEYS, *OWN):
        yield equal(f"{key}: {value}", _row(key, value), f"same: {same}")
    for key, value, words in REFUSED:
        yield says(f"{key}: {value} is refused", _mistakes(_with(key, value)), words)
    rows = {row.key: row for row in compare(_with("model.priors.weights", {"bond": 0.5}), "a.yaml").rows}
    for key, meaning in ABSENT.items():
        found = rows[key]
        yield equal(f"without {key}", str(tuple(found)[1:]), str(("left out", meaning, meaning, True)))
    both = {"k_dih": [1.0, 2.0], "k_dihedral": [5.0, 5.0], "gamma_dihedral": [0.0, 0.1]}
    rows = {row.key: row for row in compare(_with("model.priors", both), "a.yaml").rows}
    yield equal("the own name of a series wins", rows["model.priors.k_dih"].ours, "[1, 2]")
    yield equal("the other name of a series", rows["model.priors.gamma_dih"].ours, "[0, 0.1]")
    clipped = _with("optimizer", {"grad_clip": 2.0, "adam": {"lr": 0.01, "grad_clip": 7.0}})
    rows = {row.key: row for row in compare(clipped, "a.yaml").rows}
    yield equal("clipping for all, theirs", rows["optimizer.adam.grad_clip"].theirs, "2")
    several = _with("model.priors.kr", "stiff") | {"priors": {}}
    message = refusal(_mistakes(several)) or ""
    yield equal("two mistakes", message.startswith("a.yaml: 2 mistakes: (1) ") and "; (2) " in message, True)


def _with(key: str, value: Any) -> dict[str, Any]:
    """The document with a value at a dotted key."""
    *blocks, last = key.split(".")
    document = dict(DOCUMENT)
    at = document
    for name in blocks:
        at[name] = dict(at.get(name, {}))
        at = at[name]
    at[last] = value
    return document


def _row(key: str, value: Any) -> str:
    """Whether the comparison calls a key the same; it must not be refused."""
    found = compare(_with(key, value), "a.yaml")
    same = [row.same for row in found.rows if row.key == key]
    return f"same: {same[0]}" if len(same) == 1 and not len(found.reading) else f"{same}, {len(found.reading)} mistakes"


def _mistakes(document: Mapping[str, Any]) -> Callable[[], object]:
    """Work that refuses the mistakes of a document."""
    return lambda: compare(document, "a.yaml").reading.check()
