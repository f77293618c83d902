"""What the key reference, the schema for editors and the comparison with other code say, against plain tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cgcore.config import documentation
from cgcore.config.comparison import compare
from validation.check import Row, equal

CORE = ("left out", "no such wall", "a wall where no frame to train on is", False)

DIFFERENT: Mapping[str, tuple[str, str]] = {
    "model.cutoff": ("10", "12"),
    "training.batch_per_device": ("4", "8"),
    "training.hold_out": ("the last rows of all; random ones where max_frames cuts", "the last rows of each protein"),
    "training.partial_batches": ("left out, in each epoch others", "in a smaller minibatch"),
    "training.keep": ("those of its last epoch", "those of the lowest held-out loss"),
    "training.seed": ("42", "0"),
    "optimizer.grad_clip": ("1", "none"),
    "optimizer.adabelief.end_lr": ("lr / 10", "0"),
    "optimizer.adabelief.eps": ("1e-08", "1e-16"),
    "optimizer.yogi.eps": ("1e-06", "0.001"),
    "optimizer.yogi.lr": ("0.001", "0.001"),
}
"""What the other code does without a key, and what cgcore does in its own dialect."""

SHOWN: tuple[tuple[str, Any, str], ...] = (
    ("some_block", {"enabled": False, "x": [1, 2.50, "a", None]}, "{enabled: false, x: [1, 2.5, a, none]}"),
    ("some_block", "x" * 40, "x" * 40),
    ("some_block", "x" * 41, f"{'x' * 37}..."),
    ("model.dr_threshold", True, "true"),
    ("model.dr_threshold", 1e-9, "1e-09"),
    ("model.dr_threshold", None, "none"),
)
"""Keys that are not read, values, and how these are shown."""

LINES = (
    "| `end_lr` | a number, 0 or more | `null`; cgcore: `0.0` | Learning rate at the end of the cosine. `null`: lr",
    "| `kr` | a number [kcal/mol/Å²] | `150.0` | Stiffness of a bond. *fit* |",
    "| `stages` | a list, 1 to 20 values, each a block | two stages | Optimizer and epochs of each stage; replaces ",
    "| `degree` | a whole number, 2 or more, at most 5 | `3` | Degree of `bspline`. *fit* |",
    "(0 if left out). Also accepted as `learning_rate`. |",
    "| `grad_clip` | a number, 0 or more | `optimizer.grad_clip` | Largest global norm of a gradient; 0 ",
    "| `weights` | a block |  | Weights of the terms. *fit* |",
    "; 0 or null removes the term. *fit* |",
)
"""Parts of the key reference: numbers with limits and units, lists, other names, and keys that follow others."""


def documented(defaults: Mapping[str, tuple[Any, Any]]) -> Iterator[Row]:
    """Defaults of a training in the key reference, in both dialects.

    Arguments:
        defaults: defaults in the dialects cgcore and chemtrain by key.
    """
    section = documentation.key_reference().partition("\n## `training`\n")[2].partition("\n## ")[0]
    cells = {row[0].strip("`"): row[2] for row in re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \|", section, re.M)}
    for key, (ours, theirs) in defaults.items():
        if ours is not None:
            first, second = (f"`{str(value).lower()}`" for value in (theirs, ours))
            known = first if first == second else f"{first}; cgcore: {second}"
            yield equal(f"reference, training.{key}", cells.get(key, "missing"), known)
    whole = documentation.key_reference()
    for line in LINES:
        yield equal(f"reference, {line[:24]}", line in whole, True)
    for name in ("adam", "lion"):
        own = whole.partition(f"\n## `optimizer.{name}`\n")[2].partition("\n## ")[0]
        yield equal(f"reference, {name} has lr of its own", "| `lr` |" in own, name == "lion")


def for_editors() -> Iterator[Row]:
    """The schema for editors: other names of keys, keys in other places, units, and one default for each key."""
    schema = json.loads(documentation.json_schema())
    blocks = schema["$defs"]
    for block, key, known in (
        ("PriorKeys", "k_dihedral", True),
        ("Adam", "beta1", True),
        ("Adam", "learning_rate", True),
        ("TrainingSettings", "train_priors", True),
        ("ModelKeys", "train_priors", True),
        ("PriorKeys", "k_dihedra", False),
    ):
        yield equal(f"schema, {block}, {key}", key in blocks[block]["properties"], known)
    for name, block in {"Document": schema, **blocks}.items():
        keys = [entry for known in block["properties"].values() for entry in known]
        yield equal(f"schema, {name}, entries of its own", [x for x in keys if x.startswith("x-")] == [], True)
        open_blocks = ("Document", "ModelKeys", "TrainingSettings", "DataSettings")
        yield equal(f"schema, {name}, other keys", block.get("additionalProperties"), name in open_blocks)
    batch, charge = (blocks["TrainingSettings"]["properties"][key] for key in ("batch_per_device", "val_fraction"))
    yield equal("schema, two defaults", str(batch.get("default")), "None")
    yield equal("schema, two defaults, said", "Default: 4; cgcore: 8. Unit: frames." in batch["description"], True)
    yield equal("schema, one default", str(charge.get("default")), "0.1")


def compared() -> Iterator[Row]:
    """Keys that are left out, in both dialects; keys that are read under other names; and how values are shown."""
    for dialect in ("cgcore", "chemtrain"):
        found = compare({"dialect": dialect, "model": {"ml_model": "none"}}, "a.yaml")
        rows = {row.key: tuple(row)[1:] for row in found.rows}
        yield equal(f"{dialect}, wall that is left out", str(rows["model.core"]), str(CORE))
        for key, (theirs, ours) in DIFFERENT.items():
            used = ours if dialect == "cgcore" else theirs
            known = ("left out", theirs, used, theirs == used)
            yield equal(f"{dialect}, {key} is left out", str(rows.get(key)), str(known))
        optimizers = {key.split(".")[1] for key in rows if key.count(".") == 2 and key.startswith("optimizer.")}
        yield equal(f"{dialect}, optimizers of stages", ", ".join(sorted(optimizers)), "adabelief, yogi")
        yield equal(f"{dialect}, keys that mean the same and are left out", "training.precision" in rows, False)
    without = compare({"dialect": "cgcore", "model": {"prior_only": True, "core": "none"}}, "a.yaml")
    rows = {row.key: row for row in without.rows}
    yield equal("the prior alone, its network", "model.ml_model" in rows, False)
    yield equal("no wall, the same", rows["model.core"].same, True)
    kernels = {"model": {"ml_model": "allegro_cueq", "allegro": {}}}
    (row,) = (row for row in compare(kernels, "a.yaml").rows if row.key == "model.ml_model")
    yield equal("another network, the same", row.same, False)
    for key, value, words in SHOWN:
        block = {"model": {key.removeprefix("model."): value}} if key.startswith("model.") else {key: value}
        (row,) = (row for row in compare({"training": {}, **block}, "a.yaml").rows if row.key == key)
        yield equal(f"{key}, shown as", row.value, words)
    seeded = {row.key: row for row in compare({"seed": 3, "model": {"ml_model": "none"}}, "a.yaml").rows}
    yield equal("seed, the value of training.seed", seeded["training.seed"].value, "3")
    wrong = compare({"dialect": "cgcore", "training": {"val_fraction": 2}, "model": {"ml_model": "none"}}, "a.yaml")
    yield equal("mistakes, no settings", str((wrong.settings, len(wrong.reading))), "(None, 1)")
