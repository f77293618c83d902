"""What a configuration of a fit says: each key alone, defaults of both dialects, seeds, data, priors, and mistakes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.config import load_settings, loading
from validation.check import Row, check, equal, refusal, says
from validation.context import Context
from validation.settings import declared_terms

DIALECTS = ("chemtrain", "cgcore")

DEFAULTS: dict[str, Any] = {
    "use_priors": True,
    "pretrain_prior": True,
    "max_steps": None,
    "min_steps": None,
    "tol_grad": None,
    "val_fraction": None,
    "hold_out": "each_protein",
    "constraints": None,
    "smoothness": None,
    "truncation": None,
    "temperature": None,
    "spline_file": None,
    "residue_specific_angles": None,
    "data_path": None,
    "max_frames": None,
    "seed": 0,
    "unused": (),
}
"""Settings of a fit in the dialect cgcore if a file says nothing."""

THEIRS = {"chemtrain": {"hold_out": "last_rows", "seed": 42}, "cgcore": {}}
"""Settings of a fit that differ by default."""

KEYS: tuple[tuple[str, Any, str], ...] = (
    ("model.use_priors", False, "use_priors"),
    ("training.pretrain_prior", False, "pretrain_prior"),
    ("training.pretrain_prior", True, "pretrain_prior"),
    ("training.pretrain_prior_max_steps", 7, "max_steps"),
    ("training.pretrain_prior_min_steps", 0, "min_steps"),
    ("training.pretrain_prior_min_steps", 3, "min_steps"),
    ("training.pretrain_prior_tol_grad", 0.0, "tol_grad"),
    ("training.pretrain_prior_tol_grad", 1e-4, "tol_grad"),
    ("training.val_fraction", 0.0, "val_fraction"),
    ("training.val_fraction", 0.1, "val_fraction"),
    ("training.hold_out", "last_rows", "hold_out"),
    ("training.hold_out", "each_protein", "hold_out"),
    *(("training.pretrain_prior_constraints", level, "constraints") for level in ("safe", "nonnegative", "none")),
    ("training.pretrain_prior_smoothness", "auto", "smoothness"),
    ("training.pretrain_prior_smoothness", 0.25, "smoothness"),
    ("training.pretrain_prior_truncation", "auto", "truncation"),
    ("training.pretrain_prior_truncation", 0.0, "truncation"),
    ("training.temperature", 287.5, "temperature"),
    ("data.max_frames", 1, "max_frames"),
    ("training.seed", 0, "seed"),
    ("training.seed", 9, "seed"),
    ("seed", 0, "seed"),
    ("seed", 8, "seed"),
)
"""Keys, values, and the settings that they set; those that a test for truth would take for absent included."""

ONLY_TRAINING: dict[str, Any] = {
    "model": {"cutoff": 9.0, "ml_model": "nequip", "allegro_med": {}, "train_priors": True},
    "training": {"epochs_adam": 3, "stage1_optimizer": "adam", "keep": "last", "train_priors": True},
    "optimizer": {"adam": {"lr": 0.1}},
    "paths": {"out": "here"},
    "their_block": {"x": 1},
    "data": {"shuffle": True},
}

EMPTY: dict[str, Any] = {
    "r0": 3.8, "kr": 150.0, "a": [0.0], "b": [0.0], "epsilon": 1.0, "sigma": 3.0, "k_dih": [0.5], "gamma_dih": [0.0],
    "epsilon_ex": 1.0, "sigma_ex": 3.5,
}  # fmt: skip
"""Parameters of a prior whose block is empty."""
WEIGHTS = {"bond": 0.5, "angle": 0.1, "dihedral": 0.15, "repulsive": 0.25, "excluded_volume": 1.0}

PRIORS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({}, {}),
    ({"a": [1.0, 2.0]}, {"a": [1.0, 2.0], "b": [0.0, 0.0]}),
    ({"b": [1.0, 2.0]}, {"a": [0.0, 0.0], "b": [1.0, 2.0]}),
    ({"k_dih": [1.0, 2.0]}, {"k_dih": [1.0, 2.0], "gamma_dih": [0.0, 0.0]}),
    ({"gamma_dih": [1.0, 2.0]}, {"k_dih": [0.0, 0.0], "gamma_dih": [1.0, 2.0]}),
    ({"a": [], "k_dih": []}, {"a": [], "b": [], "k_dih": [], "gamma_dih": []}),
    ({"k_dihedral": [3.0], "gamma_dihedral": [4.0]}, {"k_dih": [3.0], "gamma_dih": [4.0]}),
    *(({name: value}, {name: value}) for name, value in
      (("r0", 3.9), ("kr", 0.0), ("epsilon", 0.0), ("sigma", 2.0), ("epsilon_ex", 0.0), ("sigma_ex", -2.0))),
)  # fmt: skip
"""Blocks `model.priors`, and the parameters that differ from those of an empty block."""

MISTAKES: tuple[tuple[str, Any, str], ...] = (
    ("model.priors.r0", True, "is true; write one number, without quotes"),
    ("model.priors.r0", None, "is empty; write one number, without quotes"),
    ("model.priors.r0", [3.8], "is a list; write one number, without quotes"),
    ("model.priors.r0", {"x": 1}, "is a block; write one number, without quotes"),
    ("model.priors.r0", "x" * 60, f"is the text {'x' * 40!r}; write one number"),
    ("model.priors.r0", 10**400, "is not finite; give a finite number"),
    ("model.priors.a", [1.0, "x"], "model.priors.a[1] is the text 'x'; write one number, without quotes"),
    ("model.priors.a", 0.5, "is the number 0.5; write a list with a number for each harmonic, such as [0.5]"),
    ("model.priors.a", [0.0] * 65, "has 65 values; give 0 to 64 values"),
    ("model.priors.weights.angle", -0.5, "is -0.5; give 0 or more"),
    ("model.priors.frozen", ["bonds"], "model.priors.frozen[0] is the text 'bonds'; did you mean bond? Known: "),
    ("model.priors.weights", 1, "model.priors.weights is a whole number; write a block of `key: value` lines"),
    ("model.use_priors", "yes", "is the text 'yes'; write true or false, without quotes"),
    ("model.use_priors", 1, "is a whole number; write true or false"),
    ("training.pretrain_prior_max_steps", 0, "is 0; give 1 or more, at most 1000000"),
    ("training.pretrain_prior_max_steps", 10**15, "is out of range; give 1 or more, at most 1000000"),
    ("training.pretrain_prior_max_steps", 1.5, "is the number 1.5; write a whole number"),
    ("training.pretrain_prior_smoothness", -1.0, "is -1.0; give above 0, at most 1000000"),
    ("training.pretrain_prior_truncation", 1.0, "is 1.0; give 0 or more, below 1"),
    ("training.pretrain_prior_constraints", "saf", "did you mean safe? Known: safe, nonnegative, none"),
    ("training.pretrain_prior_constraints", "xyz", "give one of: safe, nonnegative, none"),
    ("training.pretrain_prior_min_steps", 201, "accepted"),
    ("data.path", 3, "is a whole number; write a path"),
    ("dialect", "other", "dialect is the text 'other'; give one of: chemtrain, cgcore"),
    ("seed", -1, "seed is -1; give 0 or more, at most 2147483647"),
    ("model.priors.k_dihedra", [1.0], "is unknown; did you mean k_dihedral? Known: weights, r0"),
)
"""Keys, values, and a part of the message that refuses them."""


@check("settings", quick=True)
def settings(context: Context) -> Iterator[Row]:
    """Keys of a fit one by one, defaults of both dialects, seeds, data, parameters of priors, and mistakes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for dialect in DIALECTS:
            yield from _one_by_one(folder / "config.yaml", dialect)
            yield from _priors(dialect)
        yield from _data(folder)
        yield from _priors_named(folder / "priors.yaml")
    yield from _mistakes()
    yield from declared_terms.declared()


def _one_by_one(path: Path, dialect: str) -> Iterator[Row]:
    """Each key sets its setting and no other one."""

    def read(document: dict[str, Any]) -> dict[str, Any]:
        path.write_text(json.dumps({"dialect": dialect} | document), encoding="utf-8")
        found = cgcore.load_config(path)
        return {one.name: getattr(found, one.name) for one in fields(found) if one.name != "prior"}

    default = DEFAULTS | THEIRS[dialect]
    yield equal(f"{dialect}, defaults of a fit", str(_apart(read({}), default)), "{}")
    for key, value, name in KEYS:
        yield equal(f"{dialect}, {key}: {value}", str(_apart(read(nested(key, value)), default | {name: value})), "{}")
        null = _apart(read(nested(key, None)), default)
        yield equal(f"{dialect}, {key}, null for {value}", str(null), "{}")
    steps = _apart(read(nested("training.pretrain_prior_max_steps", 2e2)), default)
    yield equal(f"{dialect}, 200.0 steps", str(steps), "{'max_steps': 200}")
    left = read(ONLY_TRAINING)["unused"]
    known = [f"{at}.{key}" for at in ("model", "training", "data") for key in ONLY_TRAINING[at]]
    known += ["optimizer", "paths", "their_block"]
    yield equal(f"{dialect}, keys that a fit leaves", ", ".join(sorted(left)), ", ".join(sorted(known)))
    for top, own in product((None, 0, 5), (None, 0, 7)):
        document = {"seed": top, "training": {"seed": own}}
        used = own if own is not None else top if top is not None else default["seed"]
        trained = load_settings({"dialect": dialect, "model": {"ml_model": "none"}} | document).training.seed
        yield equal(
            f"{dialect}, seed {top} and training.seed {own}", str((read(document)["seed"], trained)), str((used, used))
        )
    for used, fitted in product((True, False), repeat=2):
        path.write_text(json.dumps({"model": {"use_priors": used}, "training": {"pretrain_prior": fitted}}))
        known = (
            "None" if used and fitted else "training.pretrain_prior is false" if used else "model.use_priors is false"
        )
        yield equal(f"{used}, {fitted}, why nothing is fitted", str(cgcore.load_config(path).skip_reason), known)


def _apart(found: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ, with their values."""
    return {name: value for name, value in found.items() if (value, type(value)) != (known[name], type(known[name]))}


def _priors(dialect: str) -> Iterator[Row]:
    """Weights and parameters of priors, what is only carried, and terms that are frozen."""
    for block, changed in PRIORS:
        prior = loading.config_of({"dialect": dialect, "model": {"priors": block}}, "a.yaml").prior
        found = {name: np.asarray(value).tolist() for name, value in prior.params.items()}
        yield equal(f"{dialect}, parameters of the prior {block}", found == EMPTY | changed, True)
        yield equal(f"{dialect}, weights of the prior {block}", str(dict(prior.weights._asdict())), str(WEIGHTS))
    for weight in (0, 0.0, None):
        said = {"weights": {"bond": 0.0, "excluded_volume": weight}}
        prior = loading.config_of({"dialect": dialect, "model": {"priors": said}}, "a.yaml").prior
        found = str((prior.weights.excluded_volume, prior.weights.bond, [k for k in EMPTY if k not in prior.params]))
        yield equal(f"{dialect}, excluded volume {weight}", found, "(None, 0.0, ['epsilon_ex', 'sigma_ex'])")
    said = {"theta0": 0.0, "k_theta": 5.0, "frozen": ["angle", "bond"]}
    for block, carried, frozen in ((said, {"theta0": 0.0, "k_theta": 5.0}, ["angle", "bond"]), ({}, {}, [])):
        prior = loading.config_of({"dialect": dialect, "model": {"priors": block}}, "a.yaml").prior
        found = {name: float(value) for name, value in prior.carried.items()}
        yield equal(f"{dialect}, {block}", str((found, sorted(prior.frozen))), str((carried, frozen)))
    without = loading.config_of({"dialect": dialect}, "a.yaml").prior
    empty = loading.config_of({"dialect": dialect, "model": {"priors": {}}}, "a.yaml").prior
    yield equal(f"{dialect}, no prior is an empty block", without == empty, dialect == "chemtrain")
    yield equal(f"{dialect}, no prior is the default", without == cgcore.default_prior(), dialect == "cgcore")
    term = {"rows": "pairs", "basis": "power"}
    for fixed in (False, True):
        terms = {"x": term | {"frozen": fixed, "coefficients": [2.5]}, "y": term}
        prior = loading.config_of({"dialect": dialect, "model": {"terms": terms}}, "a.yaml").prior
        found = [prior.params[name].tolist() for name in terms], sorted(prior.frozen)
        yield equal(f"{dialect}, terms, frozen: {fixed}", str(found), str(([[2.5], [0.0]], ["x"] if fixed else [])))


def _data(folder: Path) -> Iterator[Row]:
    """Data that a file names must exist only if a fit reads them."""
    (folder / "there.npz").write_bytes(b"")
    np.savez(folder / "s.npz", x=1)
    cases: dict[str, tuple[dict[str, Any], bool]] = {
        "a fit": ({}, True),
        "a fit, said": ({"training": {"pretrain_prior": True}}, True),
        "no fit": ({"training": {"pretrain_prior": False}}, False),
        "no prior": ({"model": {"use_priors": False}}, False),
        "splines": ({"model": {"priors": {"spline_file": "s.npz"}}}, False),
        "splines switched off": ({"model": {"priors": {"spline_file": "s.npz", "use_spline_priors": False}}}, True),
    }
    for (case, (document, read)), name, needs in product(cases.items(), ("there.npz", "none.npz"), (True, False)):
        config = document | {"data": {"path": name}}
        said = refusal(lambda: loading.config_of(config, str(folder / "a.yaml"), needs))  # noqa: B023  (called at once)
        known = read and needs and name == "none.npz"
        yield equal(f"{case}, {name}, data needed: {needs}, refused", said is not None, known)
        if said is None:
            found = loading.config_of(config, str(folder / "a.yaml"), needs).data_path
            yield equal(
                f"{case}, {name}, data needed: {needs}", str(found), str(folder / name if read and needs else None)
            )
    for said, known in (({"use_priors": False}, "accepted"), ({}, "is 'none.npz', which is not in")):
        model = {"priors": {"spline_file": "none.npz"}, "ml_model": "nequip"} | said
        work = partial(loading.settings_of, {"model": model}, "a.yaml")
        yield says(f"splines that are missing, {said}", work, known)


def _priors_named(path: Path) -> Iterator[Row]:
    """Files that must contain a prior."""
    cases = {"": False, "[]": False, "{}": False, "model:": False, "model: {}": False, "training: {}": False}
    cases |= {"model: {priors: {}}": True, "model: {priors: {r0: 3.9}}": True}
    for text, known in cases.items():
        path.write_text(text, encoding="utf-8")
        said = refusal(lambda: loading.load_prior_config(path)) or "accepted"
        yield equal(f"a prior is needed, {text!r}", "priors is missing" not in said and said == "accepted", known)


def _mistakes() -> Iterator[Row]:
    for key, value, words in MISTAKES:
        yield says(f"{key}: {str(value)[:30]}", lambda: loading.config_of(nested(key, value), "a.yaml"), words)  # noqa: B023
    twice = {"model": {"priors": {"k_dih": [1.0], "k_dihedral": [1.0]}}}
    yield says("a series under both names", lambda: loading.config_of(twice, "a.yaml"), "accepted")
    yield says("nothing is named before a mistake without a file", lambda: cgcore.load_config(""), "is empty")
    for count in (1, 2, 20, 21, 25):
        wrong = {"model": {"priors": {"a": ["x"] * count}}}
        said = refusal(lambda: loading.config_of(wrong, "a.yaml")) or ""  # noqa: B023
        shown = [f"model.priors.a[{k}] is the text" in said for k in range(count)]
        yield equal(f"{count} mistakes, shown", sum(shown), min(count, 20))
        yield equal(f"{count} mistakes, their number", f"a.yaml: {count} mistakes: (1) " in said, count > 1)
        yield equal(f"{count} mistakes, and more", said.endswith(f"; and {count - 20} more"), count > 20)


def nested(key: str, value: Any) -> dict[str, Any]:
    """A document with a value at a dotted key."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value
