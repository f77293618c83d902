"""A scheduler and workers as processes on this machine, some of which are killed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import bundled, prior_yaml, run, save
from cluster_helpers import assert_same
from factor_helpers import prior_of

import cgcore
from benchmarks.kills import kills
from benchmarks.processes import PATIENCE, QUIET, Cluster, cluster
from cgcore import Dataset, Factor, Fingerprint, InputError
from cgcore.cluster import connected, on_workers
from cgcore.data.batches import Piece
from cgcore.factor.execution import Execute, on_threads
from cgcore.factor.work import Part, Work

# Numerical, since bits of this process are compared with those of others, so all must be compiled alike.
pytestmark = [pytest.mark.slow, pytest.mark.numerical]

CALM = [sys.executable, "-m", "cgcore", "compress"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with two workers."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Frames that stay in their files."""
    return cgcore.read([save(tmp_path / f"{k}.npz", bundled(slice(200 * k, 200 * (k + 1)))) for k in range(2)])


def compressed(dataset: Dataset, execute: Execute = on_threads) -> Factor:
    return cgcore.compress(dataset, Fingerprint.of(prior_of(2)), execute=execute)


def interrupted(execute: Execute, after: int, act: Callable[[], object]) -> Execute:
    """The same way to execute, but `act` is called after so many parts."""

    def going(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        for count, found in enumerate(execute(work, pieces)):
            if count == after:
                act()
            yield found

    return going


def test_a_worker_that_is_killed_costs_nothing_else(running: Cluster, dataset: Dataset) -> None:
    plain = compressed(dataset)

    def kill() -> None:
        running.workers[0].kill()
        running.add_worker()

    with connected(str(running.file)) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        assert_same(compressed(dataset, interrupted(on_workers(client), 3, kill)), plain)
        assert_same(compressed(dataset, on_workers(client)), plain)


def test_local_workers_keep_memory_for_the_next_arrays() -> None:
    with connected("local:1") as client:
        counted: dict[str, int] = client.run(_new_pages)  # type: ignore[assignment]
        assert sum(counted.values()) < 3 * PAGES


PAGES = 1024


def _new_pages(arrays: int = 20) -> int:
    """Number of pages that the system gives to this process for arrays that are made and freed in turn."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(arrays):
        np.ones(PAGES * resource.getpagesize(), np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_what_moves_over_the_network_is_kilobytes(running: Cluster, dataset: Dataset) -> None:
    with connected(str(running.file)) as client:
        before = _sent()
        assert compressed(dataset, on_workers(client)).frames == 400
        # 40 pieces: a description of each, and a matrix and histograms as the result. The frames are 100 kB.
        assert _sent() - before < 40 * 8_000


def _sent() -> int:
    """Number of bytes that this process wrote to files and sockets."""
    said = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(said["wchar"])


def test_a_scheduler_that_dies_is_one_sentence(tmp_path: Path, dataset: Dataset) -> None:
    with cluster(tmp_path, workers=1) as made, connected(str(made.file)) as client:
        execute = interrupted(on_workers(client), 3, made.scheduler.kill)
        with pytest.raises(InputError, match="the scheduler is gone; start it"):
            compressed(dataset, execute)


def test_files_that_a_worker_does_not_see_are_named(running: Cluster, tmp_path: Path) -> None:
    arrays = bundled(60)
    path = save(tmp_path / "away.npz", {key: arrays[key] for key in ("R", "F")})
    dataset = cgcore.read(path)
    with connected(str(running.file)) as client:

        def gone(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
            path.unlink()
            yield from on_workers(client)(work, pieces)

        with pytest.raises(InputError, match=r"away\.npz: does not exist on worker tcp://"):
            compressed(dataset, gone)


# The command line


def files(folder: Path) -> tuple[Any, ...]:
    a, b = (save(folder / f"{name}.npz", bundled(slice(start, start + 100))) for name, start in (("a", 0), ("b", 300)))
    return (a, b, "--config", prior_yaml(folder / "c.yaml"), "--no-cache")


def test_local_workers_write_the_same_file(tmp_path: Path) -> None:
    given = files(tmp_path)
    assert run("compress", *given, "-o", tmp_path / "one.npz").code == 0
    words = [*CALM, *map(str, given), "-o", str(tmp_path / "two.npz"), "--scheduler", "local:2"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False, env=QUIET)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "two.npz").read_bytes() == (tmp_path / "one.npz").read_bytes()
    assert not list(tmp_path.glob("*.parts"))


KILLED = """
import os, signal, sys
from cgcore.cluster import parts
former, count = parts.write_arrays, [0]
def write(*arguments):
    count[0] += 1
    if count[0] > 9:
        os.kill(os.getpid(), signal.{signal})
        import time; time.sleep(60)
    former(*arguments)
parts.write_arrays = write
sys.argv = ["cgcore", *sys.argv[1:]]
from cgcore.cli.process import run
run()
"""


@pytest.mark.parametrize(("name", "code"), [("SIGKILL", -9), ("SIGINT", 130)])
def test_a_client_that_is_killed_goes_on(running: Cluster, tmp_path: Path, name: str, code: int) -> None:
    given = files(tmp_path)
    assert run("compress", *given, "-o", tmp_path / "one.npz").code == 0
    words = ("compress", *given, "-o", tmp_path / "two.npz", "--scheduler", running.file)
    program = [sys.executable, "-c", KILLED.format(signal=name), *map(str, words)]
    ran = subprocess.run(program, capture_output=True, text=True, timeout=PATIENCE, check=False, env=QUIET)
    assert ran.returncode == code
    assert ran.stderr == ""
    kept = tmp_path / "two.npz.parts"
    there = len(list(kept.rglob("??/*.npz")))
    assert there >= 8
    next(kept.rglob("??/*.npz")).write_bytes(b"damaged")
    ran = run(*words)
    assert ran.code == 0
    assert "parts are already there from an earlier run" in ran.err
    assert (tmp_path / "two.npz").read_bytes() == (tmp_path / "one.npz").read_bytes()
    assert not kept.exists()


def test_one_bad_file_ends_the_run_and_leaves_the_parts(running: Cluster, tmp_path: Path) -> None:
    given = files(tmp_path)
    arrays = bundled(100)
    arrays["R"][17, 6] = arrays["R"][17, 0]  # found in the pass, not by the input checks
    bad = save(tmp_path / "bad.npz", arrays)
    words = ("compress", bad, *given, "-o", tmp_path / "two.npz", "--scheduler", running.file, "--accept-faults")
    ran = run(*words)
    assert ran.code == 2
    assert "bad.npz" in ran.err
    assert not (tmp_path / "two.npz").exists()


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    """With its own workers, all in one process group, as in a terminal."""
    save(tmp_path / "a.npz", bundled(1000))
    words = [*CALM, str(tmp_path / "a.npz"), "-o", str(tmp_path / "f.npz"), "--scheduler", "local:2", "--no-cache"]
    deadline = time.monotonic() + PATIENCE
    loud = {name: value for name, value in QUIET.items() if name != "PYTHONWARNINGS"}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True, env=loud) as process:
        # Interrupted while it starts, a process complains about its parent; further threads show that it runs.
        while sum(_threads(member) > 1 for member in _group(process.pid)) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
    assert (process.returncode, said) == (130, "")
    while _group(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not (tmp_path / "f.npz").exists()


def _threads(process: int) -> int:
    """Number of threads of a process; 0 if it does not exist."""
    try:
        return len(os.listdir(f"/proc/{process}/task"))
    except FileNotFoundError:
        return 0


def _group(leader: int) -> list[int]:
    """Living processes of a group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def test_workers_of_another_version_are_told(running: Cluster, dataset: Dataset, monkeypatch: Any) -> None:
    from cgcore.cluster import workers

    monkeypatch.setattr(workers, "version", lambda name: "0.0.0")
    with (
        connected(str(running.file)) as client,
        pytest.raises(InputError, match=r"worker tcp://.* has cgcore .*, but this process has 0\.0\.0"),
    ):
        compressed(dataset, on_workers(client))


def test_killed_at_random_moments_no_factor_is_wrong(tmp_path: Path) -> None:
    """`python -m benchmarks.kills` with few kills."""
    found = kills(tmp_path, 3, seed=1, frames=2_000, latest=1.0)
    assert found.workers + found.clients == 3
    assert found.right >= 1
    assert (found.wrong, found.failed) == (0, ())
