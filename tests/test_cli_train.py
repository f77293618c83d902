"""`cgcore train`: output, messages, resuming, and refusals."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pipeline_helpers as h
import pytest
from cli_helpers import Ran, assert_refused, bundled, run, save

import cgcore.pipeline
from cgcore.config import load_config, load_settings
from cgcore.data import Dataset
from cgcore.fitting import door
from cgcore.judging import Judgement, judge

WRITTEN = {"train.json", "fit.json", "params.npz", "priors.yaml", "learning-curve.png", "checkpoints"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save(tmp_path / "data.npz", bundled(24))


def config(folder: Path, model: Any = None, optimizer: Any = None, **training: Any) -> Path:
    document = {
        "dialect": "cgcore",
        "model": h.MODEL | (model or {}),
        "training": h.TRAINING | {"val_fraction": 0.25, "batch_per_device": 8} | training,
        "optimizer": {"adam": {"lr": 0.02}} | (optimizer or {}),
    }
    path = folder / "train.yaml"
    path.write_text(json.dumps(document))
    return path


def train(*arguments: object) -> Ran:
    with h.tiny_networks():
        return run("train", *arguments)


def record(folder: Path) -> dict[str, Any]:
    def refuse(token: str) -> None:
        raise AssertionError(f"train.json holds {token}, which is not JSON")

    return json.loads((folder / "train.json").read_text(encoding="utf-8"), parse_constant=refuse)


def test_forces_with_the_wrong_sign_are_refused_without_a_fit(tmp_path: Path) -> None:
    arrays = bundled(400)
    wrong = save(tmp_path / "wrong.npz", arrays | {"F": -arrays["F"]})
    words = (config(tmp_path, {"train_priors": False}, pretrain_prior=False, epochs_adam=0), wrong)
    assert_refused(train(*words), "key 'F'", "wrong sign", "--accept-faults")
    assert train(*words, "--accept-faults").code == 0


@pytest.mark.slow
def test_what_is_written_and_said(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "out"
    ran = train(config(tmp_path), data, "--output", out)
    assert (ran.code, ran.err) == (0, "")
    assert {path.name for path in out.iterdir()} == WRITTEN
    found = record(out)
    assert list(found["results"]) == ["prior_pretrain", "stage1", "stage2"]
    assert (found["data"]["frames"], found["evaluation"]["frames"], found["evaluation"]["of"]) == (18, 6, "held-out")
    assert found["evaluation"]["loss"] == pytest.approx(found["results"]["stage2"]["val_loss"], rel=1e-5)
    assert found["initial"]["val_loss"] > 0
    assert found["config"]["settings"]["training"]["batch_per_device"] == 8
    assert {"jax", "orbax-checkpoint"} <= set(found["versions"])
    assert (out / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    with np.load(out / "params.npz", allow_pickle=False) as params:
        kr = float(params["params/prior/kr"])
    assert float(load_config(out / "priors.yaml").prior.params["kr"]) == pytest.approx(kr, rel=1e-6)
    for words in (
        r"prior \+ allegro: 18 frames, 6 held out",
        "Trained in stages: prior and allegro",
        r"\[LBFGS\] Converged: True",
        r"\[stage1\] adam, 2 epochs",
        r"\[stage1\] epoch 2/2: loss [\d.]+, held-out loss [\d.]+, \d+ frames/s",
        r"prior pre-training +[\d.]+ +[\d.]+",
        r"stage 2, lion +[\d.]+ +[\d.]+",
        r"Forces on 6 held-out frames: RMSE [\d.]+",
        r"network +[\d.]+",
        "Drawn: .*learning-curve.png",
    ):
        assert re.search(words, ran.out), words


@pytest.mark.slow
def test_going_on(tmp_path: Path, data: Path) -> None:
    said, out = config(tmp_path, {"use_priors": False}), tmp_path / "out"
    ran = train(said, data, "--output", out, "--resume", "auto")
    assert (ran.code, ran.err) == (0, f"{out / 'checkpoints'}: holds no checkpoint, so training starts anew\n")
    first = record(out)
    again = train(said, data, "--output", out)
    assert_refused(again._replace(out=""), "checkpoints of an earlier run", "--resume")
    resumed = train(said, data, "--output", out, "--resume", out)
    assert resumed.code == 0
    assert "fit.json" not in {path.name for path in out.iterdir()}
    for stage in ("stage1", "stage2"):
        for key in ("loss_history", "val_loss_history", "val_loss", "train_loss"):
            assert record(out)["results"][stage][key] == first["results"][stage][key]
    auto = train(said, data, "--output", out, "--resume", "auto")
    assert (auto.code, auto.err) == (0, f"{out / 'checkpoints'}: continues from the newest checkpoint\n")
    assert record(out)["results"]["stage2"]["loss_history"] == first["results"]["stage2"]["loss_history"]
    other = config(tmp_path, {"use_priors": False, "cutoff": 7.0})
    refused = train(other, data, "--resume", out / "checkpoints")
    assert_refused(refused._replace(out=""), "another model: network.cutoff is 8.0 there and 7.0 here")


@pytest.mark.slow
def test_a_stage_that_diverges_is_exit_code_1_and_all_is_written(tmp_path: Path, data: Path) -> None:
    rates = {"sgd_nesterov": {"lr": 1e200, "warmup_fraction": 0}}
    training = {"stage1_optimizer": "sgd_nesterov", "stage2_optimizer": None, "precision": "float64"}
    said = config(tmp_path, {"use_priors": False}, rates, epochs_sgd_nesterov=5, **training)
    ran = train(said, data, "--output", tmp_path / "out", "--plot", tmp_path / "curve.svg")
    assert ran.code == 1
    assert "whose loss is not finite" in ran.out
    assert record(tmp_path / "out")["results"]["stage1"]["finite"] is False
    assert (tmp_path / "curve.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_only_the_prior_and_nothing_written(tmp_path: Path, data: Path) -> None:
    said = config(tmp_path, {"ml_model": "none"}, stage2_optimizer=None, epochs_adam=1)
    ran = train(said, data, "--max-frames", 12, "--seed", 3)
    assert (ran.code, ran.err) == (0, "")
    assert "prior: 9 frames, 3 held out" in ran.out
    assert {path.name for path in tmp_path.iterdir()} == {"train.yaml", "data.npz"}


@pytest.mark.slow
def test_frames_are_judged_once(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The findings of the command before compilation are those that the prior's fit reports."""
    seen: list[int] = []

    def judging(dataset: Dataset, *arguments: Any) -> Judgement:
        seen.append(dataset.n_frames)
        return judge(dataset, *arguments)

    monkeypatch.setattr(door, "judge", judging)
    with np.load(data, allow_pickle=False) as arrays:
        # Frames 0 to 17 are fitted, and frame 3 occurs twice.
        doubled = {key: np.concatenate([x[:4], x[3:4], x[4:23]]) for key, x in arrays.items()}
        np.savez(data, **doubled)  # pyright: ignore[reportArgumentType]
    ran = train(config(tmp_path, {"ml_model": "none"}, stage1_optimizer=None, stage2_optimizer=None), data)
    assert (ran.code, seen) == (0, [18, 6])
    assert "frame 4 has the positions of frame 3" in ran.out


@pytest.mark.slow
def test_the_configuration_may_name_the_data(tmp_path: Path, data: Path) -> None:
    path = config(tmp_path, {"use_priors": False}, stage1_optimizer=None, stage2_optimizer=None)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": {"path": str(data), "max_frames": 8, "x": 1}}))
    ran = train(path)
    assert ran.code == 0
    assert ran.err == f"{path}: the training does not use data.x\n"
    assert "allegro: 6 frames, 2 held out" in ran.out
    assert "stage 1: skipped, training.stage1_optimizer is none" in ran.out


def test_the_example_is_complete(tmp_path: Path) -> None:
    ran = run("train", "--example")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (Path(cgcore.pipeline.__file__).parent / "example.yaml").read_text(encoding="utf-8")
    (tmp_path / "example.yaml").write_text(ran.out)
    said = load_settings(tmp_path / "example.yaml")
    assert said.unused == ()
    assert said.model.network is not None
    assert all(stage is not None and stage[1] > 0 for stage in said.training.plan.values())


@pytest.mark.parametrize(
    ("model", "training", "words"),
    [
        ({}, {"stage1_optimizer": "adamm"}, ("training.stage1_optimizer", "did you mean adam")),
        ({"allegro_size": "large"}, {}, ("model.allegro_large is missing", "add this block")),
        ({"cutoff": -3}, {}, ("model.cutoff is -3", "above 0")),
        ({"n_species": 4}, {}, ("data.npz", "species is 18 at frame 0, bead 0", "raise model.n_species")),
        ({}, {"gammas": {"U": 1.0}}, ("training.gammas.U is 1", "no energies", "set it to 0")),
    ],
)
def test_bad_configurations(tmp_path: Path, data: Path, model: Any, training: Any, words: tuple[str, ...]) -> None:
    ran = train(config(tmp_path, model, **training), data, "--output", tmp_path / "out")
    assert_refused(ran, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_other_refusals(tmp_path: Path, data: Path) -> None:
    said = config(tmp_path)
    (tmp_path / "file").write_text("old")
    assert_refused(run("train"), "CONFIG is missing", "--example")
    assert_refused(train(tmp_path / "none.yaml"), r"none\.yaml", "no such file")
    assert_refused(train(said, tmp_path / "none.npz"), r"none\.npz", "no such file")
    assert_refused(train(said, data, "--plot", "curve.html"), r"curve\.html", "ends in .png, .svg, .pdf")
    assert_refused(train(said, data, "--output", tmp_path / "file"), "file is a file, not a folder")
    assert_refused(train(said, data, "--output", ""), "--output is empty")
    assert_refused(train(said, data, "--max-frames", 0), "max_frames is 0")
    nowhere = train(said, data, "--resume", "auto")
    assert_refused(nowhere._replace(out=""), "resume is auto", "give --output")


def test_a_missing_package_is_named(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    assert_refused(train(config(tmp_path), data), "orbax", r"pip install 'cgcore\[train\]'")


@pytest.mark.slow
def test_progress_on_a_terminal(tmp_path: Path, data: Path) -> None:
    ours, theirs = pty.openpty()
    said = config(tmp_path, {"ml_model": "none"}, stage2_optimizer=None, epochs_adam=3)
    command = [sys.executable, "-m", "cgcore", "train", str(said), str(data), "--no-cache"]
    environment = dict(os.environ)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment) as process:
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:  # on Linux, the sign that the other end is closed
            pass
        finally:
            os.close(ours)
        out = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0, out
    assert re.search(rb"stage1: compiling.*0/3", seen, re.S)
    assert re.search(rb"stage1: loss [\d.]+, held-out loss [\d.]+, \d+ frames/s.*3/3.*0:00:00", seen, re.S)
    assert "\x1b" not in out
    assert "[stage1] adam, 3 epochs" in out
