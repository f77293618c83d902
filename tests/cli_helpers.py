"""Runs of the command line in this process, and the loss by an independent way that holds no code of cgcore.

The energies are the formulas of cgcore.physics.terms written out; the forces are their derivative by a complex step
(f'(x) = Im f(x + ih) / h, without cancellation), so that no gradient is worked out by hand anywhere here.
"""

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

BUNDLED = Path(cgcore.datasets.__file__).parent / "chignolin.npz"
WEIGHTS = {"bond": 0.5, "angle": 0.25, "dihedral": 0.25, "repulsive": 1.0}
STEP = 1e-30
RULE = "=" * 60
NAMES = ("r0", "kr", "a", "b", "epsilon", "sigma", "k_dih", "gamma_dih")
DEFAULT_WEIGHTS = WEIGHTS | {"excluded_volume": 1.0}
DEFAULT_NAMES = (*NAMES, "epsilon_ex", "sigma_ex")
"""Of the default prior; `prior_yaml` makes one without excluded volume."""

FREE = ("--constraints", "none", "--truncation", "auto")
"""A truncated fit without constraints."""


class Ran(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def run(*arguments: object, cache: bool = False) -> Ran:
    """`cgcore ARGUMENTS` in this process; what is not an exit code comes through as an exception."""
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
    """`fit.json` of `cgcore fit ARGUMENTS --output FOLDER`, which must say nothing on stderr."""
    ran = run("fit", *arguments, "--output", folder)
    assert ran.code == code, ran
    assert ran.err == ""
    return record(folder)


def record(folder: Path) -> dict[str, Any]:
    """`fit.json` of a folder, as a strict parser reads it."""

    def refuse(token: str) -> None:
        raise AssertionError(f"fit.json holds {token}, which is not JSON")

    return json.loads((folder / "fit.json").read_text(encoding="utf-8"), parse_constant=refuse)


def assert_refused(ran: Ran, *words: str) -> None:
    """Exit code 2 and one line on stderr that holds all the words (regular expressions); nothing else was said."""
    assert ran.code == 2, ran
    assert ran.err.endswith("\n")
    (line,) = ran.err.splitlines()
    assert re.match(r"(cgcore|Error): \S", line)
    for word in words:
        assert re.search(word, line), f"{word!r} is not in: {line}"
    assert not re.search(r"Traceback|Errno|<class|allow_pickle", line)
    assert ran.out == ""


def bundled(frames: int | slice = 60, beads: int | None = None) -> dict[str, np.ndarray]:
    """R, F, mask and species of the first frames (or of some) of the bundled set, the first beads of each."""
    rows = slice(frames) if isinstance(frames, int) else frames
    with np.load(BUNDLED) as archive:
        return {key: archive[key][rows, :beads] for key in ("R", "F", "mask", "species")}


def save(path: Path, arrays: Mapping[str, Any]) -> Path:
    """An NPZ."""
    np.savez(path, **arrays)
    return path


def prior_yaml(path: Path, harmonics: int = 2, **more: Any) -> Path:
    """A configuration with a small prior, so that its fits are quick to compile."""
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
    F = np.empty(R.shape)
    for bead in range(R.shape[1]):
        for axis in range(3):
            moved = R.astype(np.complex128)
            moved[:, bead, axis] += 1j * STEP
            F[:, bead, axis] = -energy(params, moved, weights).imag / STEP
    return F


def energy(params: Mapping[str, Any], R: np.ndarray, weights: Mapping[str, float | None]) -> Any:
    """E of each frame, (frames,) complex."""
    p = {name: np.asarray(value, np.float64) for name, value in params.items()}
    w = {term: weight or 0.0 for term, weight in weights.items()}
    beads = R.shape[1]
    b = R[:, 1:] - R[:, :-1]
    E = w["bond"] * p["kr"] / 2 * np.sum((_norm(b) - p["r0"]) ** 2, axis=1)
    if beads >= 3:
        u, v = -b[:, :-1], b[:, 1:]
        theta = _atan2(_norm(np.cross(u, v)), _dot(u, v))
        for n, (a_n, b_n) in enumerate(zip(p["a"], p["b"], strict=True), start=1):
            E = E + w["angle"] * np.sum(a_n * np.cos(n * theta) + b_n * np.sin(n * theta), axis=1)
    if beads >= 4:
        b1, b2, b3 = b[:, :-2], b[:, 1:-1], b[:, 2:]
        n1, n2 = np.cross(b1, b2), np.cross(b2, b3)
        phi = _atan2(_dot(np.cross(n1, b2 / _norm(b2)[..., None]), n2), _dot(n1, n2))
        for n, (k, gamma) in enumerate(zip(p["k_dih"], p["gamma_dih"], strict=True), start=1):
            E = E + w["dihedral"] * np.sum(k * (1 + np.cos(n * phi - gamma)), axis=1)
    for i in range(beads):
        for j in range(i + 2, beads):
            r = _norm(R[:, i] - R[:, j])
            if j - i >= 6:
                E = E + w["repulsive"] * p["epsilon"] * (p["sigma"] / r) ** 4
            elif w.get("excluded_volume"):
                E = E + w["excluded_volume"] * p["epsilon_ex"] * (p["sigma_ex"] / r) ** 4
    return E


def design(arrays: Mapping[str, Any], harmonics: int, dihedrals: int) -> tuple[np.ndarray, np.ndarray]:
    """The explicit matrix of forces for each coefficient being 1, and the reference forces, of unpadded frames."""
    none = {"r0": 0.0, "kr": 0.0, "epsilon": 0.0, "sigma": 1.0}
    none |= {name: np.zeros(harmonics) for name in ("a", "b")}
    none |= {name: np.zeros(dihedrals) for name in ("k_dih", "gamma_dih")}
    R = np.asarray(arrays["R"], np.float64)

    def column(**of: Any) -> np.ndarray:
        return forces(none | of, R).ravel()

    stretch = column(kr=1.0)
    columns = [stretch, column(kr=1.0, r0=1.0) - stretch]
    columns += [column(**{name: unit}) for name in ("a", "b") for unit in np.eye(harmonics)]
    columns += [column(k_dih=k, gamma_dih=k * phase) for phase in (0.0, np.pi / 2) for k in np.eye(dihedrals)]
    columns.append(column(epsilon=1.0))
    return np.array(columns).T, np.asarray(arrays["F"], np.float64).ravel()


def _norm(v: np.ndarray) -> np.ndarray:
    return np.sqrt(_dot(v, v))


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum(a * b, axis=-1)


def _atan2(y: Any, x: Any) -> np.ndarray:
    """Of complex numbers with a tiny imaginary part, which NumPy lacks."""
    slope = (x.real * y.imag - y.real * x.imag) / (x.real**2 + y.real**2)
    return np.arctan2(y.real, x.real) + 1j * slope
