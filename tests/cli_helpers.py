"""Runs of the command line in this process, and the loss computed without any code of cgcore, from the explicit
matrix of `validation`."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import cgcore.datasets
from cgcore.cli import main
from cgcore.physics.prior import Weights
from validation import explicit

BUNDLED = Path(cgcore.datasets.__file__).parent / "chignolin.npz"
WEIGHTS = {"bond": 0.5, "angle": 0.25, "dihedral": 0.25, "repulsive": 1.0}
RULE = "=" * 60
NAMES = ("r0", "kr", "a", "b", "epsilon", "sigma", "k_dih", "gamma_dih")
DEFAULT_WEIGHTS = WEIGHTS | {"excluded_volume": 1.0}
DEFAULT_NAMES = (*NAMES, "epsilon_ex", "sigma_ex")
"""Names of the default prior's parameters; `prior_yaml` makes a prior without excluded volume."""

FREE = ("--constraints", "none", "--truncation", "auto")
"""Options of a truncated fit without constraints."""


class Ran(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


def run(*arguments: object, cache: bool = False) -> Ran:
    """Run `cgcore ARGUMENTS` in this process; exceptions other than exits are raised."""
    words = [str(word) for word in arguments]
    if words[0] in ("fit", "compress", "inspect", "simulate", "train") and not cache:
        words.append("--no-cache")
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with mock.patch.object(sys, "argv", ["cgcore", *words]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Ran(code, out.getvalue(), err.getvalue())


def fitted(folder: Path, *arguments: object, code: int = 0) -> dict[str, Any]:
    """`fit.json` of `cgcore fit ARGUMENTS --output FOLDER`, which must print nothing on stderr."""
    ran = run("fit", *arguments, "--output", folder)
    assert ran.code == code, ran
    assert ran.err == ""
    return record(folder)


def record(folder: Path) -> dict[str, Any]:
    """`fit.json` of a folder, read by a strict parser."""

    def refuse(token: str) -> None:
        raise AssertionError(f"fit.json holds {token}, which is not JSON")

    return json.loads((folder / "fit.json").read_text(encoding="utf-8"), parse_constant=refuse)


def assert_refused(ran: Ran, *words: str) -> None:
    """Assert exit code 2 and a single line of output, on stderr, that matches all the words (regular expressions)."""
    assert ran.code == 2, ran
    assert ran.err.endswith("\n")
    (line,) = ran.err.splitlines()
    assert re.match(r"(cgcore|Error): \S", line)
    for word in words:
        assert re.search(word, line), f"{word!r} is not in: {line}"
    assert not re.search(r"Traceback|Errno|<class|allow_pickle", line)
    assert ran.out == ""


def bundled(frames: int | slice = 60, beads: int | None = None) -> dict[str, np.ndarray]:
    """R, F, mask and species of the first (or selected) frames of the bundled set, for the first beads of each."""
    rows = slice(frames) if isinstance(frames, int) else frames
    with np.load(BUNDLED) as archive:
        return {key: archive[key][rows, :beads] for key in ("R", "F", "mask", "species")}


def save(path: Path, arrays: Mapping[str, Any]) -> Path:
    """Save an NPZ."""
    np.savez(path, **arrays)
    return path


def prior_yaml(path: Path, harmonics: int = 2, **more: Any) -> Path:
    """A configuration with a small prior, so that fits are quick to compile."""
    series = [round(0.3 - 0.2 * k, 3) for k in range(harmonics)]
    weights = WEIGHTS | {"excluded_volume": 0}
    priors = {"weights": weights, "r0": 3.83, "kr": 150.0, "a": series, "b": series, "epsilon": 1.0, "sigma": 3.0}
    priors |= {"k_dih": [0.47, 0.9], "gamma_dih": [1.4, 1.6]} | more
    path.write_text(json.dumps({"model": {"priors": priors}}))
    return path


def loss(
    params: Mapping[str, Any],
    arrays: Mapping[str, Any],
    weights: Mapping[str, float | None] = WEIGHTS,
) -> float:
    """sum_fi mask |F_pred - F_ref|^2 / sum mask, in float64; Å and kcal/mol/Å."""
    total = beads = 0.0
    mask = np.asarray(arrays.get("mask", np.ones(arrays["R"].shape[:2])))
    lengths = mask.sum(axis=1).astype(int)
    for n in np.unique(lengths):
        R, F = (np.asarray(arrays[key], np.float64)[lengths == n, :n] for key in ("R", "F"))
        total += float(np.sum((forces(params, R, weights) - F) ** 2))
        beads += len(R) * int(n)
    return total / beads


def forces(params: Mapping[str, Any], R: np.ndarray, weights: Mapping[str, float | None] = WEIGHTS) -> np.ndarray:
    """-dE/dR of frames (frames, beads, 3) without padding."""
    w = Weights(**{term: weights.get(term) or 0.0 for term in WEIGHTS}, excluded_volume=weights.get("excluded_volume"))
    names = NAMES if w.excluded_volume is None else DEFAULT_NAMES
    own = {name: params[name] for name in names}
    return explicit.matrix(np.asarray(R, np.float64), w, own) @ explicit.coefficients(own)


def design(arrays: Mapping[str, Any], harmonics: int, dihedrals: int) -> tuple[np.ndarray, np.ndarray]:
    """The explicit matrix of forces for unit coefficients, and the reference forces, of unpadded frames."""
    numbers = {"a": np.zeros(harmonics), "k_dih": np.zeros(dihedrals)}
    X = explicit.matrix(np.asarray(arrays["R"], np.float64), Weights(**WEIGHTS), numbers)
    return X.reshape(-1, X.shape[-1]), np.asarray(arrays["F"], np.float64).ravel()
