"""The output of `cgcore fit --output`: `fit.json`, checked by an independent calculation, and `priors.yaml`."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from cli_helpers import (
    DEFAULT_NAMES,
    DEFAULT_WEIGHTS,
    FREE,
    NAMES,
    WEIGHTS,
    bundled,
    design,
    fitted,
    loss,
    prior_yaml,
    record,
    run,
    save,
)
from factor_helpers import four_term_prior

from cgcore.serialize import write_priors

KEYS = {
    "status", "converged", "steps", "evaluations", "train_loss", "val_loss", "grad_norm", "loss_history",
    "initial_params", "fitted_params", "config", "data", "versions", "seconds", "certificate",
}  # fmt: skip
CERTIFICATE = {
    "optimal_loss", "optimal_loss_resolved", "optimal_loss_every_direction", "optimality_gap", "zero_prior_loss",
    "initial_loss", "explained", "kkt_residual", "objective", "lower_bound", "price", "violation", "constraints",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bundled set, fitted by `cgcore fit` without any settings."""
    return fitted(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """60 frames, of which the last 12 are held out."""
    folder = tmp_path_factory.mktemp("split")
    data = save(folder / "data.npz", bundled(60))
    return data, fitted(folder / "out", data, "--val-fraction", 0.2)


def test_keys(whole: dict[str, Any]) -> None:
    assert whole.keys() >= KEYS
    assert whole["data"].keys() >= {"path", "sha256", "frames", "beads", "real_beads"}
    assert whole["seconds"].keys() == {"compile", "run"}
    assert whole["certificate"].keys() >= CERTIFICATE
    assert tuple(whole["fitted_params"]) == tuple(whole["initial_params"]) == DEFAULT_NAMES


def test_types_and_simple_truths(whole: dict[str, Any]) -> None:
    assert whole["converged"] is True
    assert whole["status"] == "CONSTRAINED"
    assert whole["val_loss"] is None
    assert len(whole["loss_history"]) == whole["steps"] <= 5
    assert whole["evaluations"] > whole["steps"]
    assert 0 <= whole["grad_norm"] < 1e-6
    assert all(isinstance(value, float) and value >= 0 for value in whole["seconds"].values())
    assert whole["versions"].keys() >= {"cgcore", "jax", "jaxlib", "numpy", "optax", "python"}
    assert whole["versions"]["jax"] == version("jax")
    assert whole["versions"]["cgcore"] == version("cgcore")


def test_data_of_the_bundled_set(whole: dict[str, Any]) -> None:
    data = whole["data"]
    assert (data["frames"], data["beads"], data["real_beads"]) == (1000, 10, 10_000)
    assert data["sha256"] == hashlib.sha256(Path(data["path"]).read_bytes()).hexdigest()


def test_losses_of_the_default_fit_by_an_independent_calculation(whole: dict[str, Any]) -> None:
    arrays, certificate = bundled(1000), whole["certificate"]
    initial, end = (loss(whole[name], arrays, DEFAULT_WEIGHTS) for name in ("initial_params", "fitted_params"))
    assert certificate["initial_loss"] == pytest.approx(initial, rel=1e-10)
    assert whole["train_loss"] == pytest.approx(end, rel=1e-10)
    assert certificate["zero_prior_loss"] == pytest.approx(1630.0163, rel=1e-7)
    assert certificate["price"] == pytest.approx(end - certificate["optimal_loss"], abs=1e-9 * end)
    # The solver's last value is the objective without constraints.
    assert certificate["objective"] > certificate["loss"]
    assert abs(certificate["optimality_gap"]) < 1e-8
    assert 0 <= certificate["kkt_residual"] < 1e-8
    assert 0 <= certificate["violation"] < 1e-8
    assert {one["name"] for one in certificate["constraints"]} >= {"kr", "angle wall, low", "excluded volume"}


@pytest.mark.slow
def test_losses_of_the_bundled_set_by_an_independent_calculation(tmp_path: Path) -> None:
    write_priors(tmp_path / "c.yaml", four_term_prior(), four_term_prior().params)
    whole = fitted(tmp_path / "out", "--config", tmp_path / "c.yaml", *FREE)
    arrays = bundled(1000)
    initial, end = (loss(whole[name], arrays) for name in ("initial_params", "fitted_params"))
    assert whole["loss_history"][0] == pytest.approx(initial, rel=1e-10)
    assert whole["train_loss"] == pytest.approx(end, rel=1e-10)
    # The recorded initial loss, and the loss without any prior.
    assert initial == pytest.approx(1494.5555, rel=1e-7)
    certificate = whole["certificate"]
    assert certificate["zero_prior_loss"] == pytest.approx(1630.0163, rel=1e-7)
    # Rounding determines how much of the dropped directions is mixed in, see tests/test_factor_compress.py.
    assert certificate["optimal_loss_resolved"] == pytest.approx(1418.153104093, rel=5e-9)


def test_split_losses_by_an_independent_calculation(split: tuple[Path, dict[str, Any]]) -> None:
    _, kept = split
    train, held_out = bundled(48), bundled(slice(48, 60))
    initial = loss(kept["initial_params"], train, DEFAULT_WEIGHTS)
    assert kept["certificate"]["initial_loss"] == pytest.approx(initial, rel=1e-10)
    assert kept["train_loss"] == pytest.approx(loss(kept["fitted_params"], train, DEFAULT_WEIGHTS), rel=1e-10)
    assert kept["val_loss"] == pytest.approx(loss(kept["fitted_params"], held_out, DEFAULT_WEIGHTS), rel=1e-10)


def test_data_of_a_split(split: tuple[Path, dict[str, Any]]) -> None:
    path, kept = split
    data = kept["data"]
    assert data["path"] == str(path)
    assert data["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (data["frames"], data["beads"], data["real_beads"]) == (48, 10, 480)
    assert data["used_frames"] == {"data.npz": [[0, 48]]}
    assert data["held_out_frames"] == {"data.npz": [[48, 60]]}


def test_certificate_by_an_explicit_matrix(tmp_path: Path) -> None:
    arrays = bundled(30)
    data, config = save(tmp_path / "d.npz", arrays), prior_yaml(tmp_path / "c.yaml")
    kept = fitted(tmp_path / "out", data, "--config", config, "--constraints", "none", "--truncation", 0)
    X, F = design(arrays, harmonics=2, dihedrals=2)
    scale = np.linalg.norm(X, axis=0)
    c = np.linalg.lstsq(X / scale, F, rcond=None)[0]
    lowest = float(np.sum((X / scale @ c - F) ** 2)) / 300
    certificate = kept["certificate"]
    assert certificate["optimal_loss"] == pytest.approx(lowest, rel=1e-10)
    assert certificate["optimal_loss_resolved"] == pytest.approx(lowest, rel=1e-10)
    assert certificate["optimal_loss_every_direction"] == pytest.approx(lowest, rel=1e-10)
    assert kept["train_loss"] == pytest.approx(lowest, rel=1e-10)
    assert abs(certificate["optimality_gap"]) <= 1e-10
    zero, initial = float(np.sum(F**2)) / 300, loss(kept["initial_params"], arrays)
    assert certificate["zero_prior_loss"] == pytest.approx(zero, rel=1e-10)
    assert certificate["initial_loss"] == pytest.approx(initial, rel=1e-10)
    assert certificate["explained"] == pytest.approx(1.0, abs=1e-9)
    assert certificate["kkt_residual"] is None


@pytest.mark.slow
def test_settings_are_recorded(tmp_path: Path) -> None:
    data, config = save(tmp_path / "d.npz", bundled(20)), prior_yaml(tmp_path / "c.yaml")
    settings = ("--truncation", 0.01, "--max-steps", 9, "--min-steps", 3, "--tol-grad", 1e-7, "--blocks", 4)
    settings += ("--constraints", "none", "--temperature", 310)
    kept = fitted(tmp_path / "out", data, "--config", config, *settings)["config"]
    assert {name: kept["weights"][name] for name in WEIGHTS} == WEIGHTS
    assert kept["min_steps"] == 3
    expected = {"max_steps": 9, "min_steps": 3, "tol_grad": 1e-7, "truncation": 0.01, "blocks": 4}
    expected |= {"objective": "compressed", "coordinates": "whitened", "precision": "float64", "constraints": "none"}
    expected |= {"temperature": 310.0, "smoothness": None, "pooling": None}
    assert kept["options"] == expected


def test_priors_yaml_holds_the_same_numbers_for_any_reader(tmp_path: Path) -> None:
    data = save(tmp_path / "d.npz", bundled(40))
    config = prior_yaml(tmp_path / "c.yaml", theta0=1.6, k_theta=10.0)
    kept = fitted(tmp_path / "out", data, "--config", config)
    block = yaml.safe_load((tmp_path / "out" / "priors.yaml").read_text())["model"]["priors"]
    assert {name: block[name] for name in NAMES} == kept["fitted_params"]
    assert block["weights"] == WEIGHTS | {"excluded_volume": 0.0}
    assert (block["theta0"], block["k_theta"]) == (1.6, 10.0)


@pytest.mark.slow
def test_a_fit_goes_on_from_priors_yaml(tmp_path: Path) -> None:
    data, config = save(tmp_path / "d.npz", bundled(40)), prior_yaml(tmp_path / "c.yaml")
    first = fitted(tmp_path / "first", data, "--config", config, *FREE, "--max-steps", 1, "--tol-grad", 0, code=1)
    again = fitted(tmp_path / "again", data, "--config", tmp_path / "first" / "priors.yaml", *FREE, "--min-steps", 1)
    assert first["status"] == "MAX_STEPS"
    assert again["initial_params"] == first["fitted_params"]
    assert again["loss_history"][0] == pytest.approx(first["train_loss"], rel=1e-12)
    assert again["train_loss"] < first["train_loss"]


def test_a_second_fit_replaces_the_first_and_leaves_nothing_else(tmp_path: Path) -> None:
    data, config = save(tmp_path / "d.npz", bundled(20)), prior_yaml(tmp_path / "c.yaml")
    for tol in (1e-5, 1e-7):
        run("fit", data, "--config", config, "--tol-grad", tol, "--output", tmp_path / "out")
    assert record(tmp_path / "out")["config"]["options"]["tol_grad"] == 1e-7
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"fit.json", "priors.yaml"}


def test_keys_of_a_file_that_were_skipped_are_named(tmp_path: Path) -> None:
    # An object array is never unpickled, and the message names the skipped key.
    data = save(tmp_path / "d.npz", bundled(20) | {"resid": np.array([1, None], object)})
    ran = run("fit", data, "--config", prior_yaml(tmp_path / "c.yaml"))
    assert ran.code == 0
    assert "resid" in ran.out + ran.err
