"""Results are written whatever happens to the terminal."""

from __future__ import annotations

import errno
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_helpers import bundled, prior_yaml, save

from cgcore.cli import streams, terminal

MODULE = (sys.executable, "-m", "cgcore")
ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "default"}


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A quick fit as a shell command without its redirections; it writes to `out` in the current folder."""
    folder = tmp_path_factory.mktemp("small")
    data, config = save(folder / "d.npz", bundled(12)), prior_yaml(folder / "c.yaml", harmonics=1)
    return " ".join([*MODULE, "fit", str(data), "--config", str(config), "--output", "out", "--no-cache"])


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        ("| true", ""),
        ("| head -1", ""),
        (">&-", ""),
        ("<&- >&- 2>&-", ""),
        (">/dev/full", "cgcore: standard output cannot be written (No space left on device); the files are complete\n"),
        (">/dev/full 2>/dev/full", ""),
        ("2>&- | true", ""),
    ],
)  # fmt: skip
def test_the_results_are_written(tmp_path: Path, fit: str, redirection: str, said: str) -> None:
    ran = shell(f"{fit} {redirection}", tmp_path)
    assert (ran.returncode, ran.stderr.removeprefix("cgcore: ")) == (0, said.removeprefix("cgcore: "))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["fit.json", "priors.yaml"]
    record = json.loads((tmp_path / "out" / "fit.json").read_text(encoding="utf-8"))
    assert record["converged"]


@pytest.mark.slow
def test_every_command_survives(tmp_path: Path) -> None:
    data, config = save(tmp_path / "d.npz", bundled(12)), prior_yaml(tmp_path / "c.yaml", harmonics=1)
    commands = {
        f"compress {data} -o f.npz --config {config} --no-cache": "f.npz",
        "merge f.npz -o m.npz": "m.npz",
        f"export {config} --to lammps --beads 9 -o lammps": "lammps/run.in",
        f"inspect {data} --no-cache": None,
        "--help": None,
        "train --example": None,
    }
    for command, made in commands.items():
        ran = shell(f"{' '.join(MODULE)} {command} | true", tmp_path)
        assert (command, ran.returncode, ran.stderr) == (command, 0, "")
        assert made is None or (tmp_path / made).is_file()


@pytest.mark.parametrize("command", ["--help", "--version", "train --example"])
def test_a_text_that_is_all_there_is_and_is_lost(tmp_path: Path, command: str) -> None:
    ran = shell(f"{' '.join(MODULE)} {command} >/dev/full", tmp_path)
    assert ran.returncode == 2
    assert ran.stderr == (
        "cgcore: standard output cannot be written (No space left on device), and the command writes nothing else\n"
    )


@pytest.mark.slow
def test_a_terminal_that_is_gone(tmp_path: Path, fit: str) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(fit.split(), cwd=tmp_path, stdout=theirs, stderr=theirs, env=ENVIRONMENT) as process:
        os.close(theirs)
        os.close(ours)
    assert process.returncode == 0
    assert (tmp_path / "out" / "priors.yaml").is_file()


@pytest.mark.slow
def test_a_terminal_that_knows_few_signs(tmp_path: Path, fit: str) -> None:
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "iso-8859-5"}
    ran = subprocess.run(fit.split(), cwd=tmp_path, capture_output=True, timeout=120, check=False, env=environment)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert rb"kcal/mol/\xc5" in ran.stdout  # this encoding has no Å


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, ""), OSError(errno.EIO, "gone"), ValueError("closed")])
def test_what_is_said_never_raises(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Broken:
        def write(self, _: str) -> int:
            raise error

        flush: Callable[[], None] = staticmethod(lambda: None)

    monkeypatch.setattr(sys, "stdout", Broken())
    monkeypatch.setattr(sys, "stderr", Broken())
    terminal.begin()
    terminal.say("a")
    terminal.note("b")
    assert terminal.lost() == ("gone" if isinstance(error, OSError) and error.errno == errno.EIO else None)


def test_a_pipe_that_does_not_wait_gets_everything() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text = b"x" * 300_000  # more than a pipe can hold
    with subprocess.Popen(["wc", "-c"], stdin=reader, stdout=subprocess.PIPE) as process:
        os.close(reader)
        raw = streams.Surviving(writer, "wb", closefd=True)
        sent = 0
        while sent < len(text):
            sent += raw.write(text[sent:])
        raw.close()
        assert process.stdout
        assert int(process.stdout.read()) == len(text)


def test_names_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.refuse("a\x1b[2Jb\nc å.npz")
    assert capsys.readouterr().err == "cgcore: a\\x1b[2Jb\\nc å.npz\n"
