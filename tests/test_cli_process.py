"""Behaviour that only a separate process can show: imports, exit codes, being killed, terminals, caches."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from cli_helpers import assert_refused, bundled, prior_yaml, record, run, save

MODULE = (sys.executable, "-m", "cgcore")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Arguments of a quick fit."""
    folder = tmp_path_factory.mktemp("small")
    data, config = save(folder / "d.npz", bundled(30)), prior_yaml(folder / "c.yaml")
    return ("fit", str(data), "--config", str(config))


def environment(**more: object) -> Mapping[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "default", **{name: str(value) for name, value in more.items()}}


def started(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODULE, *arguments], capture_output=True, text=True, timeout=120, check=False, env=environment(**more)
    )


@pytest.mark.parametrize("arguments", [("--help",), ("fit", "--help"), ("merge", "-h"), ("--version",)])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "cgcore", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    imported = {line.split("|")[-1].strip() for line in ran.stderr.splitlines()}
    assert "cgcore.cli.commands" in imported
    assert not imported & {"jax", "jaxlib", "optax", "scipy", "matplotlib", "pandas"}
    assert ran.stdout


@pytest.mark.slow
def test_exit_codes_of_a_real_process(tmp_path: Path, small: tuple[str, ...]) -> None:
    cache = tmp_path / "cache"
    converged = started(*small, XDG_CACHE_HOME=cache)
    stopped = started(*small, "--max-steps", "1", "--tol-grad", "0", "--output", str(tmp_path), XDG_CACHE_HOME=cache)
    refused = started("fit", str(tmp_path / "none.npz"), XDG_CACHE_HOME=cache)
    assert (converged.returncode, converged.stderr) == (0, "")
    assert (stopped.returncode, stopped.stderr, record(tmp_path)["steps"]) == (1, "", 1)
    assert refused.returncode == 2
    assert re.fullmatch(r"cgcore: .*none\.npz: .*\n", refused.stderr)
    assert any(path.is_file() for path in cache.rglob("*"))


@pytest.mark.slow
def test_without_the_cache_nothing_is_kept(tmp_path: Path, small: tuple[str, ...]) -> None:
    ran = started(*small, "--no-cache", XDG_CACHE_HOME=tmp_path / "cache")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, small: tuple[str, ...]) -> None:
    # A file in place of the folder, since permissions would not stop a test that runs as root.
    (tmp_path / "cache").write_text("")
    ran = started(*small, XDG_CACHE_HOME=tmp_path / "cache")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "[LBFGS] Converged: True" in ran.stdout


@pytest.mark.slow
def test_progress_on_a_terminal(small: tuple[str, ...]) -> None:
    ours, theirs = pty.openpty()
    command = [*MODULE, *small, "--no-cache"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment()) as process:
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
    assert process.returncode == 0
    assert re.search(rb"frames.*30/30", seen, re.S)
    assert re.search(rb"steps, loss \d", seen)
    assert "\x1b" not in out
    assert out.count("\n") > 30


@pytest.mark.slow
def test_killed_while_it_works_the_old_result_stays(tmp_path: Path, small: tuple[str, ...]) -> None:
    (tmp_path / "fit.json").write_text("old")
    command = [*MODULE, *small, "--output", str(tmp_path), "--no-cache"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout
        while "Starting optimization" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"fit.json": "old"}


KILLED = """\
import os, signal, sys
from cgcore.cli import main
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["cgcore", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
def test_killed_while_it_writes_the_old_result_stays(tmp_path: Path, small: tuple[str, ...]) -> None:
    (tmp_path / "fit.json").write_text("old")
    command = [sys.executable, "-c", KILLED, *small, "--output", str(tmp_path), "--no-cache"]
    ran = subprocess.run(command, capture_output=True, timeout=120, check=False, env=environment())
    assert ran.returncode == -signal.SIGKILL
    # Both were complete when the first was to be moved; the next fit removes them.
    left = [path for path in tmp_path.iterdir() if path.name != "fit.json"]
    assert sorted(path.suffix for path in left) == [".json", ".yaml"]
    assert (tmp_path / "fit.json").read_text() == "old"
    assert run(*small, "--output", tmp_path).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit.json", "priors.yaml"]


def test_a_full_disk_is_one_sentence_and_leaves_the_old_result(
    tmp_path: Path, small: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fit.json").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    ran = run(*small, "--output", tmp_path)
    assert_refused(ran._replace(out=""), r"priors\.yaml", "No space left")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"fit.json": "old"}
