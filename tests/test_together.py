"""Training and simulation as two processes connected by JAX, one of which is killed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pipeline_helpers as h
import pytest
from cli_helpers import assert_refused, bundled, run, save
from simulation_helpers import sound_prior
from together_helpers import begun, both, ended, free_address, job_with_free_port, ran

from cgcore.serialize import write_priors

GONE = "cgcore: {who}another of the 2 processes ended or can't be reached; look at what it said, and start all of them "


def config(folder: Path, per_device: int, **training: Any) -> Path:
    document = {
        "dialect": "cgcore",
        "model": h.MODEL | {"train_priors": training.get("pretrain_prior", True)},
        "training": h.TRAINING
        | {"epochs_lion": 0, "val_fraction": 0.25, "batch_per_device": per_device, "precision": "float64"}
        | training,
        "optimizer": {"adam": {"lr": 0.02}, "lion": {"lr": 0.002}},
    }
    path = folder / f"train-{per_device}.yaml"
    path.write_text(json.dumps(document))
    return path


def record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "train.json").read_text(encoding="utf-8"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save(tmp_path / "data.npz", bundled(24))


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path, data: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    with h.tiny_networks():
        assert run("train", config(tmp_path, 8), data, "--output", alone).code == 0
    first, second = ran("train", config(tmp_path, 4), data, "--output", together)
    assert (first[0], first[2], second) == (0, "", (0, "", ""))
    assert "2 devices" in first[1]
    assert {path.name for path in together.iterdir()} == {path.name for path in alone.iterdir()}
    one, two = record(alone), record(together)
    for losses in ("loss_history", "val_loss_history"):
        # A minibatch is summed in two halves: as many float64 roundings as there are updates.
        np.testing.assert_allclose(two["results"]["stage1"][losses], one["results"]["stage1"][losses], rtol=1e-12)
    assert two["evaluation"]["loss"] == pytest.approx(one["evaluation"]["loss"], rel=1e-12)


@pytest.mark.slow
def test_two_processes_go_on_from_what_one_kept(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "out"
    said = {"pretrain_prior": False}
    with h.tiny_networks():
        assert run("train", config(tmp_path, 8, epochs_adam=1, **said), data, "--output", out).code == 0
        begun = record(out)["results"]["stage1"]["loss_history"]
        again = shutil.copytree(out, tmp_path / "again")
        assert run("train", config(tmp_path, 8, **said), data, "--output", out, "--resume", out).code == 0
    halves = ran("train", config(tmp_path, 4, **said), data, "--output", again, "--resume", again)
    assert [code for code, _, _ in halves] == [0, 0], halves
    one, two = (record(folder)["results"]["stage1"]["loss_history"] for folder in (out, again))
    assert two[: len(begun)] == begun
    np.testing.assert_allclose(two, one, rtol=1e-12)  # as above


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_who_is_left_says_so(tmp_path: Path, data: Path, victim: int) -> None:
    said = config(tmp_path, 4, epochs_adam=10**6, pretrain_prior=False)
    with both("train", said, data) as processes:
        assert processes[0].stdout is not None
        while "[stage1] adam" not in (line := processes[0].stdout.readline()):
            assert line, ended(processes[0])
        processes[victim].kill()
        code, _, err = ended(processes[1 - victim])
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith((GONE.format(who=""), GONE.format(who=f"process {1 - victim}: ")))


@pytest.mark.slow
def test_processes_of_other_runs_are_refused(tmp_path: Path, data: Path) -> None:
    company = ("--coordinator", free_address(), "--processes", 2, "--process")
    processes = [begun("train", config(tmp_path, size), data, *company, k) for k, size in enumerate((2, 4))]
    for code, out, err in map(ended, processes):
        assert (code, err.count("\n")) == (2, 1)
        assert "[stage1]" not in out
        assert "model, data or settings of process 1 differ from those of process 0" in err


ALONE = """
import sys

from cgcore.cli.together import Company, together

with together(Company(sys.argv[1], 2, int(sys.argv[2])), patience=1):
    print("never")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_who_waits_in_vain_says_so(number: int) -> None:
    where = free_address()
    code, out, err = ended(begun(where, number, code=ALONE))
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"cgcore: process {number}: not all processes reached {where} within 1 s; start all of them with the same "
        "--coordinator and --processes, and see that its port is free and can be reached"
    ]


IN_SLURM = """
import sys

from cgcore.cli.together import Company, together

with together(Company("auto"), patience=120) as first:
    import jax

    print(first, jax.process_index(), jax.process_count(), len(jax.devices()))
"""


@pytest.mark.slow
def test_processes_of_a_slurm_job_find_each_other() -> None:
    job = {"SLURM_JOB_ID": job_with_free_port(), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": 2}
    tasks = [begun(code=IN_SLURM, **job, SLURM_PROCID=k, SLURM_LOCALID=k) for k in range(2)]
    assert [ended(task) for task in tasks] == [(0, "True 0 2 2\n", ""), (0, "", "")]


@pytest.mark.slow
def test_two_processes_simulate_as_one(tmp_path: Path) -> None:
    prior, folders = sound_prior(), (tmp_path / "alone", tmp_path / "together")
    write_priors(tmp_path / "priors.yaml", prior, prior.params)
    words = ("simulate", tmp_path / "priors.yaml", "--replicas", 4, "--interval", 0.1, "--seed", 3)
    assert run(*words, "--time", "1ps", "--output", folders[0]).code == 0
    first, second = ran(*words, "--time", "0.5ps", "--output", folders[1])
    assert (first[0], second) == (0, (0, "", "")), first[2]
    assert [code for code, _, _ in ran(*words, "--time", "1ps", "--output", folders[1], "--resume")] == [0, 0]
    one, two = (np.load(folder / "simulation-state.npz", allow_pickle=False) for folder in folders)
    with one, two:
        # In Å. Forces of two replicas at a time are rounded differently from those of four, and the dynamics of beads
        # are chaotic: 3e-16 Å after 1 ps.
        np.testing.assert_allclose(two["frames"], one["frames"], atol=1e-5)
    odd = ran(*words[:3], 3, "--time", "1ps")
    assert [code for code, _, _ in odd] == [2, 2]
    refusal = "replicas is 3, and the processes have 2 devices"
    assert refusal in odd[0][2], odd
    # The second process loses its connection instead if the first one is ahead by more than the grace time.
    assert refusal in odd[1][2] or "another of the 2 processes ended" in odd[1][2], odd


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--processes", 2), "--processes and --process have no effect without --coordinator"),
        (("--process", 0), "--processes and --process have no effect without --coordinator"),
        (("--coordinator", "host"), "--coordinator host: is not HOST:PORT"),
        (("--coordinator", "host:70000"), "--coordinator host:70000: is not HOST:PORT"),
        (("--coordinator", "host:1", "--processes", 0), "--processes is 0"),
        (("--coordinator", "host:1", "--processes", 2, "--process", 2), "--process is 2; give 0 to N - 1"),
        (("--coordinator", "host:1", "--processes", 2, "--process", -1), "--process is -1; give 0 to N - 1"),
    ],
)
def test_what_are_no_processes_is_refused(words: tuple[object, ...], said: str) -> None:
    assert_refused(run("simulate", "priors.yaml", *words), said)
