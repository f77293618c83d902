"""The command line around its commands: how they end, what they say, and streams and devices that fail."""

from __future__ import annotations

import errno
import inspect
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import click

import cgcore
import cgcore.cli as program
from cgcore.cli import execution, options, setup, streams, terminal
from cgcore.cli.commands import cli
from validation.check import Row, check, equal, refusal
from validation.context import Context

FULL, CLOSED = OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EPIPE, "Broken pipe")
REPORT = "this is a fault of cgcore; please report it with what `cgcore --debug ...` shows"
LONG = "x" * 401

SENTENCES: list[tuple[BaseException, str]] = [
    (cgcore.InputError("a.npz: is bad\n; mend it"), "a.npz: is bad\\n; mend it"),
    (click.UsageError("No such\n  option"), "No such option (see cgcore --help)"),
    (click.FileError("a.npz", "is away"), "is away"),
    (MemoryError(), "there is not enough memory (MemoryError); use fewer frames, beads or harmonics"),
    (
        RuntimeError("RESOURCE_EXHAUSTED:  8 bytes"),
        "there is not enough memory (RESOURCE_EXHAUSTED: 8 bytes); use fewer frames, beads or harmonics",
    ),
    (OSError(5, "Broken", "/a/b"), "/a/b: Broken; check the path, its permissions and the room on the disk"),
    (OSError(5, "Broken"), "Broken; check the path, its permissions and the room on the disk"),
    (OSError("odd"), f"OSError (odd): {REPORT}"),
    (ImportError("no libfoo"), "a package is missing or damaged (no libfoo); install cgcore again"),
    (KeyError(), f"KeyError: {REPORT}"),
    (ValueError("two\nlines\x1b"), f"ValueError (two lines\\x1b): {REPORT}"),
    (ValueError(LONG[1:]), f"ValueError ({LONG[1:]}): {REPORT}"),
    (ValueError(LONG), f"ValueError ({LONG[1:]}...): {REPORT}"),
]
"""Errors that end a command, and the sentence about each."""


@check("command-line", quick=True, needs=("matplotlib",))
def command_line(context: Context) -> Iterator[Row]:
    """Exit codes and sentences of failures, standard output that is lost, notes, and devices that are missing."""
    yield from _failures()
    yield from _ends()
    yield from _lost_output()
    yield from _streams()
    yield from _notes(context)
    yield from _setup()


class Failing(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str, /) -> int:
        raise self.error


def _ended(work: Any, *words: str, out: io.StringIO | None = None) -> tuple[Any, str]:
    """The exit code of a command that does `work`, and what it says on standard error."""
    said = io.StringIO()
    with (
        mock.patch.object(cli, "main", side_effect=work),
        mock.patch.object(sys, "argv", ["cgcore", *words]),
        redirect_stdout(io.StringIO() if out is None else out),
        redirect_stderr(said),
    ):
        try:
            program.main()
        except SystemExit as end:
            return end.code, said.getvalue()
    return "no end", said.getvalue()


def _raised(error: BaseException) -> Callable[..., None]:
    def work(**_: Any) -> None:
        raise error

    return work


def _failures() -> Iterator[Row]:
    """The sentence and the exit code of each error, and the lines of a traceback only where they are asked for."""
    for error, sentence in SENTENCES:
        name = f"{type(error).__name__} {str(error)[:20]!r}"
        code, said = _ended(_raised(error))
        yield equal(f"{name}, sentence", said, f"cgcore: {sentence}\n")
        yield equal(f"{name}, exit code", code, 2)
    traced = {("--debug", "fit"): True, ("fit", "--debug"): False, ("fit",): False}
    for words, wanted in traced.items():
        said = _ended(_raised(KeyError("gone")), *words)[1].splitlines()
        found = said[0].startswith("Traceback"), said[-1].startswith("cgcore: KeyError ('gone'): this is")
        yield equal(f"traceback, {' '.join(words)}", str(found), str((wanted, True)))


def _ends() -> Iterator[Row]:
    """Exit codes of commands that end by themselves, or are interrupted."""
    cases: list[tuple[str, Any, int]] = [
        ("nothing returned", lambda **_: None, 0),
        ("3 returned", lambda **_: 3, 3),
        ("exit with 1", _raised(SystemExit(1)), 1),
        ("exit without a code", _raised(SystemExit()), 0),
        ("interrupted", _raised(KeyboardInterrupt()), 130),
        ("interrupted while it asks", _raised(click.Abort()), 130),
    ]
    for name, work, code in cases:
        yield equal(f"{name}, exit code and words", str(_ended(work)), str((code, "")))


def _lost_output() -> Iterator[Row]:
    """Standard output that cannot be written: refused if the command has no other results; a reader's loss is none."""
    sentence = "standard output cannot be written (No space left on device"
    alone, complete = f"cgcore: {sentence}), and the command writes nothing else\n", f"{sentence}); the files are"

    def prints(*, written: bool, code: int = 0) -> Callable[..., int]:
        def work(**_: Any) -> int:
            if written:
                terminal.written("Written: a.npz")
            terminal.say("text")
            return code

        return work

    known = [
        (FULL, False, 0, 2, alone),
        (FULL, True, 1, 1, f"{complete} complete\n"),
        (CLOSED, False, 0, 0, ""),
        (CLOSED, True, 1, 1, ""),
        (OSError(errno.EBADF, "Bad"), False, 0, 0, ""),
    ]
    for error, written, code, ended, said in known:
        name = f"{error.strerror}, {'with' if written else 'without'} files"
        found = _ended(prints(written=written, code=code), out=Failing(error))
        yield equal(f"{name}, exit code and words", str(found), str((ended, said)))
        found = _ended(prints(written=False))
        yield equal(f"{name}, the next command", str(found), str((0, "")))
    said = io.StringIO()
    with redirect_stderr(said):
        terminal.note("a\nb\x1b[2J å\t")
    yield equal("control characters in a note", said.getvalue(), "a\\nb\\x1b[2J å\\t\n")
    with redirect_stderr(Failing(FULL)):
        yield equal("a note that nobody can read", str(terminal.note("text")), "None")


def _streams() -> Iterator[Row]:
    """A stream that survives its reader, and characters that its encoding lacks."""
    reader, writer = os.pipe()
    made = inspect.unwrap(streams._text)(writer, "ascii")
    made.write("5 Å\n")
    yield equal("what ASCII lacks", os.read(reader, 99).decode("ascii"), "5 \\xc5\n")
    raw = streams.Surviving(writer, "wb", closefd=False)
    yield equal("an open pipe, bytes and error", str((raw.write(b"abc"), raw.error)), str((3, None)))
    os.close(reader)
    with_error = raw.write(b"abcd"), getattr(raw.error, "errno", None), raw.write(memoryview(b"abcde"))
    yield equal("a closed pipe, bytes and error", str(with_error), str((4, errno.EPIPE, 5)))
    os.close(writer)


def _notes(context: Context) -> Iterator[Row]:
    """What is said on standard error about the reading, about warnings, and about parts that are kept."""
    data = context.some(4)
    said = io.StringIO()
    with redirect_stderr(said):
        with warnings.catch_warnings(record=True) as others:
            warnings.simplefilter("always")
            with options.warnings_said():
                warnings.warn("one", cgcore.InputWarning, stacklevel=1)
                warnings.warn("another", DeprecationWarning, stacklevel=1)
                warnings.warn("one", cgcore.InputWarning, stacklevel=1)
        options.note_reading(data)
        for have in (0, 3):
            execution._note_kept("parts", have, 7)
    known = "cgcore: one\ncgcore: one\nparts: 3 of 7 parts are already there from an earlier run\n"
    yield equal("notes", said.getvalue(), known)
    yield equal("warnings of others", ", ".join(str(one.message) for one in others), "another")


def _setup() -> Iterator[Row]:
    """A device that is missing, the cache folder, and the same for other processes."""
    for error in (RuntimeError("no\n cuda"), AssertionError()):
        with mock.patch("jax.devices", side_effect=error), mock.patch.dict(os.environ, JAX_PLATFORMS="cuda"):
            said = refusal(partial(setup.prepare_jax, False)) or "accepted"
        known = "JAX finds no device" + (" (no cuda)" if str(error) else "") + "; unset JAX_PLATFORMS, which is 'cuda',"
        yield equal(f"{type(error).__name__} of JAX", said.startswith(known), True)
    for cache in (False, True):
        with mock.patch.object(setup, "use_compilation_cache") as used:
            setup.prepare_jax(cache)
        yield equal(f"cache {cache}, kept", used.call_count, int(cache))
    with tempfile.TemporaryDirectory() as name, mock.patch("platformdirs.user_cache_path") as path:
        path.return_value = Path(name)
        found = setup.cache_environment()
        known = {
            "JAX_COMPILATION_CACHE_DIR": str(Path(name) / "xla"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        yield equal("cache of other processes", str({key: found.get(key) for key in known}), str(known))
        yield equal("cache folder is made", (Path(name) / "xla").is_dir(), True)
        (Path(name) / "file").touch()
        path.return_value = Path(name) / "file"
        yield equal("cache folder that cannot be made", str(setup._cache_settings()), "{}")
