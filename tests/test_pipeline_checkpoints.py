"""Checkpoints: whole or not there, of this model and these data, and a killed run that ends as if it had not been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pipeline_helpers as h
import pytest

from cgcore.errors import InputError
from cgcore.pipeline.checkpoints import Checkpoints
from cgcore.pipeline.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]
NETWORK_ONLY = {"use_priors": False}


def trainer(folder: Path | None, frames: int = 24, model: Any = NETWORK_ONLY, **training: Any) -> Trainer:
    said = h.settings(model, {"checkpoint_path": None if folder is None else str(folder), **training})
    train, validation = h.loader(frames).split_train_val(0.25)
    return Trainer(h.model(said, train), said, train, validation)


def histories(results: dict[str, Any]) -> list[list[float]]:
    return [results[stage][key] for stage in ("stage1", "stage2") for key in ("loss_history", "val_loss_history")]


def test_arrays_and_record_come_back(tmp_path: Path) -> None:
    arrays = {"a/b": np.arange(6.0).reshape(2, 3), "n": np.int32(3) * np.ones((), np.int32), "none": np.zeros((0, 2))}
    with Checkpoints(tmp_path / "new" / "folder") as kept:
        assert kept.latest() is None
        for k in range(4):
            kept.save(arrays | {"k": np.full((), float(k))}, {"k": k, "bad": float("nan"), "array": np.arange(2)})
    assert len([path for path in (tmp_path / "new" / "folder").iterdir() if path.name.isdigit()]) == 2
    with Checkpoints(tmp_path / "new" / "folder") as kept:
        found = kept.latest()
    assert found is not None
    assert found.record == {"k": 3, "bad": None, "array": [0, 1]}
    assert set(found.arrays) == {*arrays, "k"}
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is a file, not a folder"):
        Checkpoints(tmp_path / "file" / "below")


def test_a_damaged_checkpoint(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as kept:
        kept.save({"a": np.ones(3)}, {})
    (tmp_path / "1" / "record" / "metadata").write_text("{}")
    with Checkpoints(tmp_path) as kept, pytest.raises(InputError, match="checkpoint 1 cannot be read"):
        kept.latest()


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    first = trainer(tmp_path, checkpoint_freq=1)
    results = first.train_full_pipeline()
    again = trainer(None)
    repeated = again.train_full_pipeline(resume_from=tmp_path)
    assert h.equal(again.params, first.params)
    assert h.equal(again.last_params, first.last_params)
    assert histories(repeated) == histories(results)
    assert {k: v for k, v in repeated["stage1"].items() if k != "seconds"} == {
        k: v for k, v in results["stage1"].items() if k != "seconds"
    }


def test_more_epochs_go_on_from_the_last(tmp_path: Path) -> None:
    results = trainer(tmp_path, epochs_lion=2).train_full_pipeline()
    more = trainer(None, epochs_lion=4).train_full_pipeline(resume_from=tmp_path)
    assert more["stage2"]["epochs"] == 4
    assert more["stage2"]["loss_history"][:2] == results["stage2"]["loss_history"]
    none = trainer(None, epochs_lion=0)
    assert "skipped" in none.train_full_pipeline(resume_from=tmp_path)["stage2"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"model": {**NETWORK_ONLY, "cutoff": 7.0}},
            "belongs to another model: network.cutoff is 8.0 there and 7.0 here",
        ),
        ({"model": {}}, "belongs to another model: prior is null there"),
        ({"frames": 20}, "belongs to other data: train.sha256 is"),
        ({"precision": "float32"}, 'belongs to another precision: it is "float64" there and "float32" here'),
        ({"stage2_optimizer": "yogi"}, "was in stage2 with lion, and training.stage2_optimizer is now yogi"),
        ({"stage2_optimizer": None}, "was in stage2 with lion, and training.stage2_optimizer is now none"),
    ],
)
def test_checkpoints_of_something_else(checkpoints: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        trainer(None, **changed).train_full_pipeline(resume_from=checkpoints)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    trainer(folder).train_full_pipeline()
    return folder


def test_an_earlier_run_is_not_overwritten(checkpoints: Path) -> None:
    with pytest.raises(InputError, match=r"holds checkpoints of an earlier run; go on from them \(--resume"):
        trainer(checkpoints).train_full_pipeline()


def test_nothing_to_go_on_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        trainer(None).train_full_pipeline(resume_from=tmp_path / "none")
    with pytest.raises(InputError, match="holds no checkpoint"):
        trainer(None).train_full_pipeline(resume_from=tmp_path)


RUN = """\
import json, os, signal, sys, threading
sys.path[:0] = [{tests!r}]
folder, output, events, delay = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
import jax
jax.config.update("jax_enable_x64", True)
import pipeline_helpers as h
from cgcore.pipeline.trainer import Trainer, Watch

def event(_):
    global events
    if not events:
        threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
    events -= 1

training = {{"checkpoint_path": folder, "checkpoint_freq": 1, "epochs_adam": 5, "epochs_lion": 5}}
said = h.settings({{"train_priors": False}}, training, adam={{"lr": 0.05}}, lion={{"lr": 0.01}})
train, validation = h.loader(40).split_train_val(0.25)
trainer = Trainer(h.model(said, train), said, train, validation, watch=Watch(epoch=event, fitted=event))
begun = os.path.isdir(folder) and any(name.isdigit() for name in os.listdir(folder))
results = trainer.train_full_pipeline(resume_from=folder if begun else None)
trainer.save_params(output)
keys = ("loss_history", "val_loss_history", "val_loss", "train_loss", "best_epoch")
stages = [[results[stage][key] for key in keys] for stage in ("stage1", "stage2")]
print(json.dumps([results["prior_pretrain"]["val_loss"], stages]))
"""


def test_a_run_killed_at_any_moment_ends_as_one_that_was_not(tmp_path: Path) -> None:
    code = RUN.format(tests=str(ROOT / "tests"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(folder: str, events: int = -1, delay: float = 0) -> subprocess.CompletedProcess[str]:
        arguments = [tmp_path / folder, tmp_path / f"{folder}.npz", events, delay]
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False, env=environment)

    whole = run("whole")
    assert whole.returncode == 0, whole.stderr
    # Of eleven events, the fit and ten epochs, each followed by a checkpoint that takes about 0.1 s.
    rng = np.random.default_rng(7)
    for events in (0, 4):
        assert run("killed", events, rng.uniform(0, 0.2)).returncode == -signal.SIGKILL
    ended = run("killed")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == json.loads(whole.stdout)
    with np.load(tmp_path / "whole.npz") as first, np.load(tmp_path / "killed.npz") as second:
        assert set(first.files) == set(second.files)
        for name in first.files:
            assert first[name].tobytes() == second[name].tobytes(), name
