"""What a configuration hands on to a fit and to a training: splines, steps, terms that clash, and epochs of others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cgcore.config import load_settings, loading
from validation.check import Row, equal, says


def handed_on() -> Iterator[Row]:
    """Keys that reach both a fit and a training, and those that are refused in one of them."""
    yield from _splines()
    yield from _steps()
    yield from _terms()
    yield from _epochs()


def _splines() -> Iterator[Row]:
    """Splines, each with its switch: in the folder of the configuration, for a fit and for a training."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "s.npz")
        file.touch()
        for said, known in (
            ({}, (str(file), None)),
            ({"residue_specific_angles": True}, (str(file), True)),
            ({"residue_specific_angles": False}, (str(file), False)),
            ({"use_spline_priors": False}, (None, None)),
        ):
            model = {"priors": {"spline_file": "s.npz", **said}, "ml_model": "none", "train_priors": False}
            document = {"dialect": "cgcore", "model": model}
            place = str(Path(name, "a.yaml"))
            fit, training = loading.config_of(document, place), loading.settings_of(document, place).model
            for what, one in (("fit", fit), ("training", training)):
                found = one.spline_file, one.residue_specific_angles
                yield equal(f"splines of a {what}, {said}", str(found), str(known))


def _steps() -> Iterator[Row]:
    """More steps at least than at most."""
    for least, most, words in (
        (7, 6, "training.pretrain_prior_min_steps is 7, more than training.pretrain_prior_max_steps 6"),
        (6, 6, "accepted"),
        (6, 7, "accepted"),
    ):
        steps = {"pretrain_prior_min_steps": least, "pretrain_prior_max_steps": most}
        document = {"dialect": "cgcore", "model": {"ml_model": "none"}, "training": steps}
        for what, read in (("fit", loading.config_of), ("training", loading.settings_of)):
            yield says(f"{what}, {least} to {most} steps", partial(read, document, "a.yaml"), words)


def _terms() -> Iterator[Row]:
    """Terms that cannot stand in one prior, since a name is that of a parameter."""
    for name, words in (("springs", "accepted"), ("kr", "model.terms")):
        terms: dict[str, Any] = {name: {"rows": "angles", "basis": "fourier", "harmonics": 1}}
        document = {"dialect": "cgcore", "model": {"ml_model": "none", "priors": {"kr": 250.0}, "terms": terms}}
        yield says(f"a term with the name {name}", partial(loading.config_of, document, "a.yaml"), words)


def _epochs() -> Iterator[Row]:
    """Epochs of optimizers of others: left where no stage uses them, and refused where one does."""
    for stages, words in (
        ({}, "accepted"),
        ({"stage1_optimizer": "rprop"}, "training.epochs_rprop names no optimizer"),
        ({"stage2_optimizer": "rprop"}, "training.epochs_rprop names no optimizer"),
    ):
        document = {"model": {"ml_model": "none"}, "training": {"epochs_rprop": 3, **stages}}
        work = partial(load_settings, document)
        yield says(f"epochs of another's optimizer, {stages}", work, words)
    left = load_settings({"model": {"ml_model": "none"}, "training": {"epochs_rprop": 3}}).unused
    yield equal("epochs of another's optimizer, unused", str(left), "('training.epochs_rprop',)")
