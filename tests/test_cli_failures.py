"""Every failure is reported in one sentence with exit code 2; a traceback appears only with `cgcore --debug`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import pytest
from cli_helpers import assert_refused, bundled, prior_yaml, run, save

import cgcore.datasets
from cgcore.errors import InputError


class Panic(BaseException):
    """An exception like those of Rust extension modules, which are not instances of Exception."""


ONLY_CPU = pytest.mark.skipif(jax.default_backend() != "cpu", reason="this machine has the device")

FAILURES: list[tuple[BaseException, str]] = [
    (MemoryError(), "not enough memory .*fewer frames"),
    (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"), "not enough memory .*RESOURCE_EXHAUSTED"),
    (OSError(5, "Input/output error", "/data/x.npz"), r"/data/x\.npz: Input/output error; check"),
    (PermissionError(13, "Permission denied"), "Permission denied; check"),
    (RecursionError("maximum recursion depth exceeded"), r"RecursionError \(maximum.*report it.*--debug"),
    (ValueError("two\nlines\x1b[2J " + "x" * 1000), r"ValueError \(two lines\\x1b\[2J x+\.\.\.\): .*report it"),
    (KeyError(), "KeyError: this is a fault of cgcore"),
    (ImportError("no libfoo"), "a package is missing or damaged .*no libfoo"),
    (Panic("at the disco"), r"Panic \(at the disco\)"),
    (ExceptionGroup("several", [ValueError("a")]), "ExceptionGroup"),
    (InputError("x.npz: is bad; remedy it"), r"^cgcore: x\.npz: is bad; remedy it$"),
]


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Any:
    def with_error(error: BaseException) -> None:
        def fail() -> None:
            raise error

        monkeypatch.setattr(cgcore.datasets, "chignolin", fail)

    return with_error


@pytest.mark.parametrize(("error", "words"), FAILURES, ids=[type(error).__name__ for error, _ in FAILURES])
def test_one_sentence(fails: Any, error: BaseException, words: str) -> None:
    fails(error)
    assert_refused(run("inspect"), words)


def test_a_traceback_where_it_was_asked_for(fails: Any) -> None:
    fails(KeyError("gone"))
    ran = run("--debug", "inspect", "--no-cache")
    assert ran.code == 2
    lines = ran.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "KeyError: 'gone'" in lines
    assert lines[-1].startswith("cgcore: KeyError ('gone'): this is a fault of cgcore")


def test_interrupted_in_a_process_that_is_not_its_own(fails: Any) -> None:
    fails(KeyboardInterrupt())
    ran = run("inspect")
    assert (ran.code, ran.out, ran.err.strip()) == (130, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "platform"),
    [("inspect", "nope"), pytest.param("inspect", "cuda", marks=ONLY_CPU), pytest.param("fit", "cuda", marks=ONLY_CPU)],
)
def test_no_such_device(command: str, platform: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "cgcore", command, "--no-cache"],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ | {"JAX_PLATFORMS": platform},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[-1].startswith("cgcore: JAX finds no device")
    assert f"unset JAX_PLATFORMS, which is '{platform}'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("fit", ""), "DATA"), (("fit", "d.npz", "--config", ""), "--config"),
        (("fit", "d.npz", "--output", ""), "--output"), (("fit", "d.npz", "--plot", ""), "--plot"),
        (("inspect", ""), "DATA"), (("compress", "", "-o", "f.npz"), "DATA"),
        (("compress", "d.npz", "-o", ""), "--output"), (("merge", "f.npz", "", "-o", "g.npz"), "FILES"),
        (("merge", "f.npz", "-o", ""), "--output"), (("train", ""), "CONFIG"), (("train", "c.yaml", ""), "DATA"),
        (("train", "c.yaml", "--resume", ""), "--resume"), (("train", "c.yaml", "--output", ""), "--output"),
        (("train", "c.yaml", "--plot", ""), "--plot"), (("export", "", "--to", "lammps", "-o", "x"), "SOURCE"),
        (("export", "p.yaml", "--to", "lammps", "-o", ""), "--output"),
    ],
)  # fmt: skip
def test_an_empty_path_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "d.npz", bundled(12))  # the file that an empty path would select
    assert_refused(run(*command), f"cgcore: {name} is empty, as an unset shell variable is; give a name")
    assert [path.name for path in tmp_path.iterdir()] == ["d.npz"]


@pytest.fixture
def strange(tmp_path: Path) -> list[str]:
    """Names that are not files, or that no file can have."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    (tmp_path / "circle").symlink_to("circle")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "socket"))
    names = ["pipe", "file/x", "circle", "circle/x", "socket", "x" * 300, "/".join(["y" * 200] * 30), "\udcff/\n"]
    return [*(str(tmp_path / name) for name in names), "/dev/zero", "/dev/null"]


COMMANDS = {
    "data": ("fit", "{}"),
    "config": ("fit", "--config", "{}"),
    "inspected": ("inspect", "{}"),
    "compressed": ("compress", "{}", "-o", "made"),
    "merged": ("merge", "{}", "-o", "made"),
    "settings": ("train", "{}"),
    "priors": ("export", "{}", "--to", "lammps", "--beads", "9", "-o", "made"),
    "params": ("export", "{}.npz", "--to", "stablehlo", "-o", "made"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strange: list[str], command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in strange:
        ran = run(*(word.format(name) for word in command))
        assert_refused(ran, r"no such file|is a (pipe|socket|device)|cannot be read \(")
        assert "report it" not in ran.err


TARGETS = {
    "folder": ("fit", "d.npz", "--output", "{}"),
    "picture": ("fit", "d.npz", "--plot", "{}.png"),
    "factor": ("compress", "d.npz", "-o", "{}"),
    "merged": ("merge", "f.npz", "-o", "{}"),
    "lammps": ("export", "c.yaml", "--to", "lammps", "--beads", "9", "-o", "{}"),
    "openmm": ("export", "c.yaml", "--to", "openmm", "--beads", "9", "-o", "{}"),
}


@pytest.mark.parametrize("command", TARGETS.values(), ids=TARGETS)
def test_what_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strange: list[str], command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "d.npz", bundled(12))
    prior_yaml(tmp_path / "c.yaml")
    before = {path: path.lstat().st_mode for path in tmp_path.rglob("*")}
    for name in strange[:-3] + strange[-2:]:  # any name that is short enough can be created
        if command[-1] == "{}.png" and name.endswith(("pipe", "socket", "circle")):
            continue  # with a suffix these are other names
        ran = run(*(word.format(name) for word in command))
        assert_refused(ran, "cannot write|f.npz: no such file")
        assert "report it" not in ran.err
    assert {path: path.lstat().st_mode for path in tmp_path.rglob("*")} == before
