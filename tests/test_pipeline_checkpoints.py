"""Checkpoints are complete or absent, belong to one model and data set, and make a killed run end as if it had not
been."""

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
from cgcore.pipeline.watch import Watch

ROOT = Path(__file__).resolve().parents[1]
NETWORK_ONLY = {"use_priors": False}


def trainer(
    folder: Path | None, frames: int = 24, model: Any = NETWORK_ONLY, optimizer: Any = None, **training: Any
) -> Trainer:
    path = None if folder is None else str(folder)
    said = h.settings(model, {"checkpoint_path": path, **training}, **(optimizer or {}))
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
    with Checkpoints(tmp_path) as kept, pytest.raises(InputError, match="checkpoint 1 is damaged"):
        kept.latest()


def test_the_checkpoint_before_a_damaged_one_is_named(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as kept:
        for _ in range(2):
            kept.save({"a": np.ones(3)}, {})
    for file in (tmp_path / "2" / "record").iterdir():
        file.write_bytes(b"\x00")
    with Checkpoints(tmp_path) as kept, pytest.raises(InputError, match=r"remove .*2 to continue from checkpoint 1"):
        kept.latest()


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.update(state=None),
        lambda record: record.pop("results"),
        lambda record: record["state"].update(epoch="two"),
        lambda record: record["state"].update(losses=[[1.0]]),
        lambda record: record["results"].update(stage1=[1]),
        lambda record: record["results"]["stage1"].update(seconds={"hours": 1}),
        lambda record: record.update(results=7),
        lambda record: record.update(settings=[]),
        lambda record: record["state"].update(stage="stage9"),
    ],
)
def test_a_damaged_record_is_one_sentence(tmp_path: Path, checkpoints: Path, damage: Any) -> None:
    with Checkpoints(checkpoints) as kept:
        found = kept.latest()
    assert found is not None
    record = json.loads(json.dumps(found.record))
    damage(record)
    with Checkpoints(tmp_path) as kept:
        kept.save(found.arrays, record)
    with pytest.raises(InputError, match="damaged") as caught:
        trainer(None).train_full_pipeline(resume_from=tmp_path)
    assert "\n" not in str(caught.value)


def test_ctrl_c_waits_for_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Checkpoints(tmp_path) as kept:
        whole = kept._manager.save

        def save(*args: Any, **more: Any) -> Any:
            os.kill(os.getpid(), signal.SIGINT)
            return whole(*args, **more)

        monkeypatch.setattr(kept._manager, "save", save)
        with pytest.raises(KeyboardInterrupt):
            kept.save({"a": np.ones(3)}, {})
    with Checkpoints(tmp_path) as kept:
        assert kept.latest() is not None


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_stage_killed_in_its_middle_has_every_epoch(tmp_path: Path) -> None:
    """Killed in the third of five epochs; the first two are saved."""

    class Killed(Exception):
        pass

    def kill(report: Any) -> None:
        if (report.stage, report.epoch) == ("stage1", 3):
            raise Killed

    plan: dict[str, Any] = {"epochs_adam": 5, "stage2_optimizer": None}
    whole = trainer(None, **plan).train_full_pipeline()["stage1"]
    first = trainer(tmp_path, checkpoint_freq=1, **plan)
    first.watch = Watch(epoch=kill)
    with pytest.raises(Killed):
        first.train_full_pipeline()
    resumed = trainer(None, **plan).train_full_pipeline(resume_from=tmp_path)["stage1"]
    for result in (whole, resumed):
        assert len(result["loss_history"]) == len(result["val_loss_history"]) == result["epochs"] == 5
    assert resumed["loss_history"] == whole["loss_history"]
    assert resumed["val_loss_history"] == whole["val_loss_history"]


@pytest.mark.slow
def test_more_epochs_go_on_from_the_last(tmp_path: Path) -> None:
    results = trainer(tmp_path, epochs_lion=2).train_full_pipeline()
    more = trainer(None, epochs_lion=4).train_full_pipeline(resume_from=tmp_path)
    assert more["stage2"]["epochs"] == 4
    assert more["stage2"]["loss_history"][:2] == results["stage2"]["loss_history"]
    change = {"key": "training.epochs_lion", "before": 2, "now": 4, "after_epoch": 2}
    assert more["stage2"]["changed_on_resume"] == [change]
    assert "changed_on_resume" not in more["stage1"]
    again = trainer(None, epochs_lion=4).train_full_pipeline(resume_from=tmp_path)
    assert again["stage2"]["changed_on_resume"] == [change]
    with pytest.raises(InputError, match=r"training\.epochs_lion is 0, and 4 epochs are done; set it back"):
        trainer(None, epochs_lion=0).train_full_pipeline(resume_from=tmp_path)


@pytest.mark.slow
def test_a_list_of_stages_goes_on_where_it_was(tmp_path: Path) -> None:
    def listed(*epochs: int) -> dict[str, Any]:
        names = ("adam", "lion", "adam")
        return {"stages": [{"optimizer": n, "epochs": e} for n, e in zip(names, epochs, strict=True)]}

    results = trainer(tmp_path, **listed(1, 0, 1)).train_full_pipeline()
    assert list(results) == ["prior_pretrain", "stage1", "stage2", "stage3"]
    assert results["stage2"] == {"skipped": "training.stages[1].epochs is 0"}
    more = trainer(None, **listed(1, 0, 2)).train_full_pipeline(resume_from=tmp_path)
    assert more["stage3"]["loss_history"][:1] == results["stage3"]["loss_history"]
    change = {"key": "training.stages[2].epochs", "before": 1, "now": 2, "after_epoch": 1}
    assert more["stage3"]["changed_on_resume"] == [change]
    with pytest.raises(InputError, match=r"training\.stages\[0\]\.epochs was 1 and is 2; set it back"):
        trainer(None, **listed(2, 0, 2)).train_full_pipeline(resume_from=tmp_path)


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
        ({"stage2_optimizer": "yogi"}, "training.stage2_optimizer was lion and is yogi.* set them back, or start anew"),
        ({"stage2_optimizer": None}, "training.stage2_optimizer was lion and is None"),
        ({"seed": 7}, "other settings: training.seed was 0 and is 7; set it back, or start anew"),
        ({"batch_per_device": 4}, "training.batch_per_device x devices was 8 and is 4"),
        ({"epochs_adam": 9}, "training.epochs_adam was 2 and is 9"),
        ({"optimizer": {"adam": {"lr": 0.5}, "lion": {"lr": 0.002}}}, r"optimizer.adam.lr was 0.02 and is 0.5; set"),
        ({"gammas": {"F": 2.0}}, "training.gammas.F was 1.0 and is 2.0"),
        ({"keep": "last"}, "training.keep was best and is last"),
        (
            {"seed": 7, "keep": "last"},
            "training.keep was best and is last; training.seed was 0 and is 7; set them back",
        ),
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


def test_other_frequencies_and_folders_of_checkpoints_are_fine(tmp_path: Path, checkpoints: Path) -> None:
    again = trainer(tmp_path / "unused", checkpoint_freq=1)
    assert set(again.train_full_pipeline(resume_from=checkpoints)) == {"prior_pretrain", "stage1", "stage2"}


@pytest.mark.slow
def test_what_is_kept_of_the_fit_comes_back(tmp_path: Path) -> None:
    plan: dict[str, Any] = {"model": {"ml_model": "none", "train_priors": True}, "epochs_adam": 1, "epochs_lion": 0}
    first = trainer(tmp_path, **plan)
    first.watch = Watch(record=lambda result: {"loss": result.train_loss, "r0": result.fitted_params["r0"]})
    results = first.train_full_pipeline()
    again = trainer(None, **plan)
    repeated = again.train_full_pipeline(resume_from=tmp_path)
    assert again.fit_record is not None
    assert first.fit_record is not None
    assert again.fit_record == {"loss": results["prior_pretrain"]["train_loss"], "r0": again.fit_record["r0"]}
    assert repeated["prior_pretrain"]["fitted_params"]["r0"] == first.fit_record["r0"]
    assert again.prior is not None
    assert first.prior is not None
    assert h.equal(again.prior.params, first.prior.params)


def test_an_earlier_run_is_not_overwritten(checkpoints: Path) -> None:
    with pytest.raises(InputError, match=r"holds checkpoints of an earlier run; continue from them \(--resume"):
        trainer(checkpoints).train_full_pipeline()


@pytest.mark.slow
def test_auto_goes_on_where_there_is_something(tmp_path: Path) -> None:
    first = trainer(tmp_path / "c", resume="auto").train_full_pipeline()
    again = trainer(tmp_path / "c", resume="auto")
    assert histories(again.train_full_pipeline()) == histories(first)
    with pytest.raises(InputError, match=r"resume is auto.*training\.checkpoint_path"):
        trainer(None).train_full_pipeline("auto")


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
from cgcore.pipeline.trainer import Trainer
from cgcore.pipeline.watch import Watch

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


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_as_one_that_was_not(tmp_path: Path) -> None:
    code = RUN.format(tests=str(ROOT / "tests"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(folder: str, events: int = -1, delay: float = 0) -> subprocess.CompletedProcess[str]:
        arguments = [tmp_path / folder, tmp_path / f"{folder}.npz", events, delay]
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False, env=environment)

    whole = run("whole")
    assert whole.returncode == 0, whole.stderr
    # There are eleven events, the fit and ten epochs, each followed by a checkpoint that takes about 0.1 s.
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
