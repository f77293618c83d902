"""The effect of each setting of `cgcore fit`, from the command line and from a configuration, and the exit codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from cli_helpers import FREE, WEIGHTS, bundled, fitted, loss, prior_yaml, record, run, save


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("data") / "d.npz", bundled(60))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prior_yaml(tmp_path_factory.mktemp("config") / "c.yaml")


def with_training(config: Path, path: Path, more: dict[str, Any] | None = None, **training: Any) -> Path:
    document = yaml.safe_load(config.read_text()) | {"training": training} | (more or {})
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["compressed", "direct"])
def test_whitened_coordinates_end_at_the_optimum(tmp_path: Path, data: Path, config: Path, objective: str) -> None:
    settings = ("--objective", objective, "--coordinates", "whitened", "--truncation", 0.01, "--constraints", "none")
    kept = fitted(tmp_path / "out", data, "--config", config, *settings)
    assert kept["converged"]
    assert kept["steps"] <= 5
    assert abs(kept["certificate"]["optimality_gap"]) <= 1e-10
    assert kept["train_loss"] == pytest.approx(loss(kept["fitted_params"], bundled(60)), rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["compressed", "direct"])
def test_few_steps_in_physical_coordinates_end_with_code_1(
    tmp_path: Path, data: Path, config: Path, objective: str
) -> None:
    folder = tmp_path / "out"
    settings = ("--objective", objective, "--coordinates", "physical", "--max-steps", 3)
    ran = run("fit", data, "--config", config, *settings, "--output", folder)
    kept = record(folder)
    assert (ran.code, kept["status"], kept["converged"], kept["steps"]) == (1, "MAX_STEPS", False, 3)
    assert "[LBFGS] Converged: False\n" in ran.out
    assert "max_steps=3)" in ran.out
    assert len(kept["loss_history"]) == 3
    assert kept["loss_history"][0] == pytest.approx(loss(kept["initial_params"], bundled(60)), rel=1e-10)
    assert kept["train_loss"] == pytest.approx(loss(kept["fitted_params"], bundled(60)), rel=1e-10)
    certificate = kept["certificate"]
    gap = kept["train_loss"] / certificate["optimal_loss"] - 1
    assert certificate["optimality_gap"] == pytest.approx(gap, rel=1e-9)
    assert gap > 1e-4
    assert 0 < certificate["explained"] < 1
    assert (folder / "priors.yaml").exists()
    assert kept["cutoff"] is None


@pytest.mark.slow
def test_both_objectives_take_the_same_path(tmp_path: Path, data: Path, config: Path) -> None:
    histories = [
        fitted(
            tmp_path / objective, data, "--config", config, "--objective", objective, "--truncation", 0.01,
            "--constraints", "none",
        )["loss_history"]
        for objective in ("compressed", "direct")
    ]  # fmt: skip
    # The compressed objective omits a constant, the part of the forces that no prior explains.
    falls = [np.diff(history) for history in histories]
    assert falls[0] == pytest.approx(falls[1], rel=1e-8)


def test_loss_history_of_the_compressed_objective_is_the_loss(tmp_path: Path, data: Path, config: Path) -> None:
    kept = fitted(tmp_path / "out", data, "--config", config, "--truncation", 0.01, "--constraints", "none")
    assert kept["loss_history"][0] == pytest.approx(kept["certificate"]["initial_loss"], rel=1e-12)


def test_truncation(tmp_path: Path, data: Path, config: Path) -> None:
    kept = {
        cutoff: fitted(tmp_path / f"x{cutoff}", data, "--config", config, *FREE[:2], "--truncation", cutoff)
        for cutoff in (0, 0.1, 0.999, "auto")
    }
    directions = {cutoff: sum(fit["identifiability"]["kept"]) for cutoff, fit in kept.items()}
    values = np.array(kept[0]["identifiability"]["singular_values"])
    assert directions[0] == kept[0]["identifiability"]["resolved"] == len(values) == 11
    assert directions[0.1] == np.sum(values > 0.1) < 11
    assert directions[0.999] == 1
    for cutoff in (0, 0.1, 0.999):
        assert kept[cutoff]["cross_validation"] is None
        assert kept[cutoff]["cutoff"] == cutoff
    assert kept["auto"]["cross_validation"]["values"].count(kept["auto"]["cutoff"]) == 1
    losses = [kept[cutoff]["train_loss"] for cutoff in (0, 0.1, 0.999)]
    assert losses == sorted(losses)
    assert losses[0] < losses[1] < losses[2]


def test_no_truncation_throws_the_bond_term_away(tmp_path: Path, data: Path, config: Path) -> None:
    kept = fitted(tmp_path / "out", data, "--config", config, "--truncation", 0.3, *FREE[:2])["fitted_params"]
    assert kept["kr"] > 250  # 150 at the start; these frames give 391
    assert 3.8 < kept["r0"] < 3.9


def test_nonnegative(tmp_path: Path, data: Path, config: Path) -> None:
    free = fitted(tmp_path / "free", data, "--config", config, *FREE[:2], "--truncation", 0)
    folder = tmp_path / "bound"
    ran = run("fit", data, "--config", config, "--truncation", 0, "--constraints", "nonnegative", "--output", folder)
    bound = record(folder)
    assert ran.code == 0
    assert free["fitted_params"]["epsilon"] < 0 <= bound["fitted_params"]["epsilon"]
    assert bound["fitted_params"]["kr"] > 0
    assert bound["train_loss"] > free["train_loss"]
    assert bound["train_loss"] == pytest.approx(loss(bound["fitted_params"], bundled(60)), rel=1e-10)
    assert 0 <= bound["certificate"]["kkt_residual"] <= 1e-8
    (shown,) = re.findall(r"^KKT residual: (\S+); constraints hold", ran.out, re.M)
    assert re.fullmatch(r"\d\.\de[+-]\d\d", shown)
    assert "Warning: epsilon" not in ran.out
    for name, start in (("epsilon", -5.0), ("kr", -5.0)):
        from_below = prior_yaml(tmp_path / f"{name}.yaml", 2, **{name: start})
        again = fitted(tmp_path / name, data, "--config", from_below, "--truncation", 0, "--constraints", "nonnegative")
        assert again["train_loss"] == pytest.approx(bound["train_loss"], rel=1e-9)


@pytest.mark.slow
def test_constraints_that_do_not_bind_leave_a_clean_zero(tmp_path: Path, data: Path) -> None:
    config = prior_yaml(tmp_path / "c.yaml", a=[], b=[], k_dih=[], gamma_dih=[])
    folder = tmp_path / "out"
    ran = run("fit", data, "--config", config, "--truncation", 0, "--constraints", "nonnegative", "--output", folder)
    assert ran.code == 0
    assert record(folder)["fitted_params"]["epsilon"] > 0
    assert re.search(r"^KKT residual: \d\.\de[+-]\d\d; constraints hold", ran.out, re.M)


@pytest.mark.slow
def test_float32(tmp_path: Path, data: Path, config: Path) -> None:
    kept = fitted(tmp_path / "out", data, "--config", config, *FREE, "--precision", "float32")
    assert kept["status"] in ("GRADIENT", "PRECISION_FLOOR")
    assert kept["config"]["options"]["precision"] == "float32"
    assert kept["train_loss"] == pytest.approx(loss(kept["fitted_params"], bundled(60)), rel=1e-10)
    assert abs(kept["certificate"]["optimality_gap"]) < 1e-6


@pytest.mark.parametrize("steps", [5, 12])
def test_min_steps_is_honoured_and_harmless_in_whitened_coordinates(
    tmp_path: Path, data: Path, config: Path, steps: int
) -> None:
    kept = fitted(tmp_path / "out", data, "--config", config, *FREE, "--min-steps", steps)
    assert kept["converged"]
    assert kept["steps"] == len(kept["loss_history"]) == steps
    assert abs(kept["certificate"]["optimality_gap"]) <= 1e-10
    assert kept["loss_history"] == sorted(kept["loss_history"], reverse=True)


def test_a_gradient_that_nothing_can_reach_ends_at_the_precision_floor(
    tmp_path: Path, data: Path, config: Path
) -> None:
    kept = fitted(tmp_path / "out", data, "--config", config, *FREE, "--tol-grad", 0)
    assert kept["status"] == "PRECISION_FLOOR"


def frames_of(ranges: list[list[int]]) -> list[int]:
    return [frame for start, stop in ranges for frame in range(start, stop)]


def test_max_frames_with_a_seed(tmp_path: Path, data: Path, config: Path) -> None:
    kept = [
        fitted(tmp_path / str(k), data, "--config", config, *FREE, "--max-frames", 30, "--seed", seed)
        for k, seed in enumerate((3, 3, 4))
    ]
    used = [frames_of(fit["data"]["used_frames"]["d.npz"]) for fit in kept]
    assert used[0] == used[1] != used[2]
    assert kept[0]["fitted_params"] == kept[1]["fitted_params"] != kept[2]["fitted_params"]
    assert len(used[0]) == len(set(used[0])) == kept[0]["data"]["frames"] == 30
    chosen = {key: value[used[0]] for key, value in bundled(60).items()}
    assert kept[0]["loss_history"][0] == pytest.approx(loss(kept[0]["initial_params"], chosen), rel=1e-10)
    assert kept[0]["train_loss"] == pytest.approx(loss(kept[0]["fitted_params"], chosen), rel=1e-10)


@pytest.mark.slow
def test_blocks(tmp_path: Path, data: Path, config: Path) -> None:
    four = fitted(tmp_path / "four", data, "--config", config, *FREE, "--blocks", 4)
    assert four["cross_validation"]["folds"] == 4
    folder = tmp_path / "one"
    ran = run("fit", data, "--config", config, *FREE, "--blocks", 1, "--output", folder)
    one = record(folder)
    assert one["cross_validation"] is None
    assert one["cutoff"] == 0.01
    assert "How far to converge" not in ran.out
    assert one["certificate"]["initial_loss"] == pytest.approx(four["certificate"]["initial_loss"], rel=1e-12)


@pytest.mark.slow
def test_keys_of_the_configuration_are_used(tmp_path: Path, data: Path, config: Path) -> None:
    training: dict[str, Any] = {f"pretrain_prior_{key}": value for key, value in (("max_steps", 50), ("min_steps", 4))}
    path = with_training(config, tmp_path / "c.yaml", **training, pretrain_prior_tol_grad=1e-5, val_fraction=0.25)
    kept = fitted(tmp_path / "out", data, "--config", path)
    options = kept["config"]["options"]
    assert (options["max_steps"], options["min_steps"], options["tol_grad"]) == (50, 4, 1e-5)
    assert kept["data"]["held_out_frames"] == {"d.npz": [[45, 60]]}
    assert kept["steps"] == 4
    assert kept["config"]["weights"]["angle"] == WEIGHTS["angle"]
    assert (kept["initial_params"]["r0"], kept["initial_params"]["a"]) == (3.83, [0.3, 0.1])


def test_the_command_line_goes_before_the_configuration(tmp_path: Path, data: Path, config: Path) -> None:
    training: dict[str, Any] = {f"pretrain_prior_{key}": value for key, value in (("max_steps", 50), ("min_steps", 4))}
    path = with_training(config, tmp_path / "c.yaml", **training, pretrain_prior_tol_grad=1e-5, val_fraction=0.25)
    settings = ("--max-steps", 50, "--min-steps", 2, "--tol-grad", 1e-7, "--val-fraction", 0)
    kept = fitted(tmp_path / "out", data, "--config", path, *settings)
    options = kept["config"]["options"]
    assert (options["min_steps"], options["tol_grad"]) == (2, 1e-7)
    assert kept["data"]["held_out_frames"] is None
    assert kept["val_loss"] is None
    assert kept["data"]["frames"] == 60


def test_keys_of_other_steps_are_named_once(tmp_path: Path, data: Path, config: Path) -> None:
    others = {"optimizer": {"adam": 1}, "ensemble": {"size": 4}}
    path = with_training(config, tmp_path / "c.yaml", others, epochs_adamw=100)
    ran = run("fit", data, "--config", path)
    assert ran.code == 0
    (line,) = ran.err.splitlines()
    assert "c.yaml" in line
    for name in ("optimizer", "ensemble", "training.epochs_adamw"):
        assert (ran.out + ran.err).count(name) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("training: {pretrain_prior: false}", "training.pretrain_prior is false"),
        ("model: {use_priors: false}", "model.use_priors is false"),
    ],
)
def test_a_fit_that_the_configuration_turns_off(tmp_path: Path, data: Path, text: str, reason: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    ran = run("fit", data, "--config", tmp_path / "c.yaml", "--output", tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("\n") == 1
    assert "kip" in ran.out
    assert reason in ran.out
    assert not (tmp_path / "out").exists()
