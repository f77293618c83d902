"""Exit codes of the commands: 0 if the answer can be used, 1 if it can't, 2 for bad input."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import cgcore
from cgcore.cli import main
from validation.check import Row, check, equal
from validation.context import Context, five_terms
from validation.settings.prior_configurations import prior_training

FRAMES = 40
SOON = ("--constraints", "none", "--truncation", "1e-3", "--coordinates", "physical", "--max-steps", "1")
"""Options of a fit that stops long before its minimum."""
SHORT = ("--time", "0.2ps", "--replicas", "4")


@check("exit-codes", needs=("scipy",))
def exit_codes(context: Context) -> Iterator[Row]:
    """What each command says by its exit code, and that bad input is explained in one sentence."""
    prior = five_terms(cgcore.default_prior())
    batch = context.some(FRAMES).join()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "good.npz", R=batch.R, F=batch.F)
        np.savez(folder / "wrong.npz", R=batch.R, F=-np.asarray(batch.F))
        cgcore.fit(context.some(FRAMES), prior).fitted_prior.write(folder / "fitted.yaml")
        (folder / "fit-only.yaml").write_text("dialect: cgcore\nmodel: {ml_model: allegro}\n", encoding="utf-8")
        (folder / "unknown.yaml").write_text("dialect: cgcore\nmodel: {priors: {karr: 1.0}}\n", encoding="utf-8")
        prior.part(["bond"]).write(folder / "loose.yaml")
        good, wrong = folder / "good.npz", folder / "wrong.npz"
        given: list[tuple[str, tuple[Any, ...], int]] = [
            ("fit", ("fit", good), 0),
            ("fit that stops early", ("fit", good, *SOON), 1),
            ("fit to forces with the wrong sign", ("fit", wrong), 2),
            ("inspect", ("inspect", good), 0),
            ("inspect forces with the wrong sign", ("inspect", wrong), 0),
            ("inspect a file that does not exist", ("inspect", folder / "none.npz"), 2),
            ("an option that does not exist", ("fit", good, "--steps", 3), 2),
            ("a command that does not exist", ("fits", good), 2),
            ("help", ("fit", "--help"), 0),
            ("simulate", ("simulate", folder / "fitted.yaml", good, *SHORT), 0),
            ("simulate replicas that fall apart", ("simulate", folder / "loose.yaml", good, *SHORT), 1),
            *_trainings(folder, prior),
            ("check", ("check", folder / "train0.yaml"), 0),
            ("check what only a fit can read", ("check", folder / "fit-only.yaml"), 2),
            ("check an unknown key", ("check", folder / "unknown.yaml"), 2),
            ("compress", ("compress", good, "-o", folder / "factor.npz"), 0),
            ("compress forces with the wrong sign", ("compress", wrong, "-o", folder / "never.npz"), 2),
            ("fit to a factor", ("fit", folder / "factor.npz"), 0),
            (
                "merge with a file that is no factor",
                ("merge", folder / "factor.npz", good, "-o", folder / "never.npz"),
                2,
            ),
            ("evaluate", ("evaluate", folder / "fitted.yaml", good), 0),
            ("evaluate what is no model", ("evaluate", good, good), 2),
        ]
        for case, words, code in given:
            ended, said = _ended(words)
            yield equal(f"{case}, exit code", ended, code)
            if code == 2:
                yield equal(f"{case}, one sentence", len(said.strip().splitlines()), 1)
        yield equal("what was refused, files", str([file.name for file in folder.glob("never*")]), "[]")


def _trainings(folder: Path, prior: cgcore.Prior) -> Iterator[tuple[str, tuple[Any, ...], int]]:
    """Trainings of a prior alone: a fit that converges or not, and stages with finite losses or not."""
    cases = {
        "train": (200, 1e-6, 0),
        "train after a fit that stops early": (1, 1e-6, 1),
        "train to NaN": (200, 1e30, 1),
    }
    for number, (case, (steps, rate, code)) in enumerate(cases.items()):
        fit = {"pretrain_prior_max_steps": steps, "pretrain_prior_constraints": "none"}
        said = prior_training(folder / "good.npz", prior, rate, pretrain_prior=True, **fit)
        file = folder / f"train{number}.yaml"
        file.write_text(json.dumps(said), encoding="utf-8")
        yield case, ("train", file), code


def _ended(words: tuple[Any, ...]) -> tuple[int, str]:
    """Exit code of a command, and what it says on standard error."""
    said = io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["cgcore", *map(str, words)]),
        redirect_stdout(io.StringIO()),
        redirect_stderr(said),
    ):
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()
