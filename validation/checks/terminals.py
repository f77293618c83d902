"""The program's surroundings: bars on terminals, standard streams, signals, and how its process ends."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import Any
from unittest import mock

import click

import cgcore.cli as program
from cgcore.cli import failures, interrupts, process, streams, terminal
from cgcore.cli.commands import cli
from cgcore.files import temporaries
from validation.check import Row, check, equal
from validation.context import Context
from validation.reports.bars import bars
from validation.reports.standard_streams import standard_streams

HEEDED = ("SIGINT", "SIGTERM", "SIGHUP")
CURSOR = b"\x1b[?25h\n"
"""What shows a cursor again that a bar hides."""

PATIENCE = 10.0
"""Seconds for files that are being moved into place when a signal arrives."""


@check("terminals", quick=True)
def terminals(context: Context) -> Iterator[Row]:
    """Bars, streams that are closed, full or of another encoding, signals, and ends of the process."""
    yield from bars()
    yield from _signals()
    yield from _watched()
    yield from _ended()
    yield from _codes()
    yield from standard_streams()
    yield from _said()


def _signals() -> Iterator[Row]:
    """Which signals are heeded, and what they wake."""
    for ignored in (None, "SIGHUP"):
        handled: dict[str, Any] = {}

        def handle(number: int, handler: Any, handled: dict[str, Any] = handled) -> None:
            handled[signal.Signals(number).name] = callable(handler) and handler(number, None)

        def known(number: int, ignored: str | None = ignored) -> Any:
            return signal.SIG_IGN if signal.Signals(number).name == ignored else signal.default_int_handler

        with (
            mock.patch("signal.signal", side_effect=handle),
            mock.patch("signal.getsignal", side_effect=known),
            mock.patch("signal.set_wakeup_fd") as woken,
            mock.patch.object(threading, "Thread") as thread,
        ):
            interrupts.install()
        heeded = {name: None for name in HEEDED if name != ignored}
        yield equal(f"signals that are heeded, {ignored} ignored", str(handled), str(heeded))
        watch, pipes = thread.call_args.kwargs, [call.args[0] for call in woken.call_args_list]
        reader = watch["args"][0]
        yield equal("signals, pipes that they are written to", len(pipes), 1)
        for writer in pipes:
            said = os.get_blocking(writer), woken.call_args.kwargs
            yield equal("signals, a full pipe", str(said), str((False, {"warn_on_full_buffer": False})))
            os.write(writer, b"\x0f")
            yield equal("signals, what the watch reads", str(os.read(reader, 1)), str(b"\x0f"))
            os.close(writer)
        os.close(reader)
        yield equal("signals, the watch", str((watch["daemon"], thread.return_value.start.call_count)), "(True, 1)")


def _watched() -> Iterator[Row]:
    """What happens when a signal arrives: files are withdrawn, the cursor is shown on a terminal, the process ends."""
    for number, terminal_there, ready in ((15, True, True), (2, True, False), (1, False, True)):
        done, (reader, writer) = mock.Mock(), os.pipe()
        os.write(writer, bytes([number]))
        done.isatty.return_value = terminal_there
        done.select.return_value = ([], [2] if ready else [], [])
        with ExitStack() as stack:
            for place in ("os._exit", "os.isatty", "os.write", "select.select", "cgcore.files.temporaries.withdraw"):
                stack.enter_context(mock.patch(place, getattr(done, place.rpartition(".")[2])))
            interrupts._watch(reader)
        os.close(reader)
        os.close(writer)
        asked = [mock.call.isatty(2), *([mock.call.select([], [2], [], 0)] if terminal_there else [])]
        shown = [mock.call.write(2, CURSOR)] if terminal_there and ready else []
        known = [mock.call.withdraw(PATIENCE), *asked, *shown, mock.call._exit(128 + number)]
        at = f"signal {number}, terminal: {terminal_there}, ready: {ready}"
        yield equal(at, str(list(done.mock_calls)), str(known))
    with mock.patch.dict(sys.modules):
        del sys.modules[temporaries.__name__]
        yield equal("temporary files where there are none", str(interrupts.withdraw()), "None")
        yield equal("temporary files where there are none, imported", temporaries.__name__ in sys.modules, False)


def _ended() -> Iterator[Row]:
    """What a program does in turn, and the code with which its process ends after all other clean-up."""
    ends: list[tuple[str, BaseException | None, int]] = [
        ("success", SystemExit(0), 0),
        ("a loss of convergence", SystemExit(1), 1),
        ("no code", SystemExit(), 0),
        ("a text", SystemExit("text"), 0),
        ("no end", None, 1),
    ]
    for name, error, code in ends:
        done, registered = mock.Mock(), list[Callable[[], None]]()
        done.main.side_effect = error
        with ExitStack() as stack:
            for place, made in (
                ("cgcore.cli.interrupts.install", done.signals),
                ("cgcore.cli.streams.install", done.streams),
                ("cgcore.cli.streams.flush", done.flush),
                ("cgcore.cli.main", done.main),
                ("os._exit", done.ended),
                ("atexit.register", registered.append),
            ):
                stack.enter_context(mock.patch(place, made))
            try:
                process.run()
            except SystemExit as end:
                done.raised(end.code)
            for ending in registered:
                ending()
        call = mock.call
        known = [call.signals(), call.streams(), call.main(), call.raised(code), call.flush(), call.ended(code)]
        yield equal(f"a program that ends with {name}", str(list(done.mock_calls)), str(known))
    with mock.patch("os._exit") as ended:
        process._Ending()()
    yield equal("a process that ends before its program", str(ended.call_args.args), "(1,)")


def _codes() -> Iterator[Row]:
    """Codes of commands that end by themselves with something else than a number, and how a command is named."""
    for end, code in ((SystemExit("text"), 0), (SystemExit(3), 3)):
        with mock.patch.object(cli, "main", side_effect=end):
            yield equal(f"a command that ends with {end.code!r}", program._run(), code)
    above = click.Context(cli, info_name="cgcore")
    usage = click.UsageError("No such option", click.Context(click.Command("fit"), info_name="fit", parent=above))
    for error, known in (
        (usage, "No such option (see cgcore fit --help)"),
        (
            OSError(5, "Broken", b"/a/\xc3\xa5"),
            "/a/å: Broken; check the path, its permissions and the room on the disk",
        ),
        (OSError(5, "Broken", 7), "Broken; check the path, its permissions and the room on the disk"),
    ):
        yield equal(f"a sentence for {error!r}", failures.sentence(error), known)


def _said() -> Iterator[Row]:
    """Lines, half lines, tracebacks, refusals, and why output was lost."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        terminal.begin()
        terminal.say("half", newline=False)
        terminal.say(" line")
        terminal.trace("Traceback\n  File \x1b\n")
        terminal.refuse("no\nfile")
        before = terminal.has_results()
        terminal.written("Written: a.npz")
        after = terminal.has_results()
    yield equal("text on standard output", out.getvalue(), "half line\nWritten: a.npz\n")
    yield equal("text on standard error", err.getvalue(), "Traceback\n  File \\x1b\ncgcore: no\\nfile\n")
    yield equal("results before and after files", str((before, after)), "(False, True)")
    reader, writer = os.pipe()
    for error, known in (
        (None, None),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
        (OSError(errno.EPIPE, "Broken pipe"), None),
        (OSError(errno.EBADF, "Bad file descriptor"), None),
    ):
        text: Any = streams._text(writer, "utf-8")
        text.buffer.raw.error = error
        terminal.begin()
        with redirect_stdout(text):
            terminal.say("text")
            yield equal(f"a stream with the error {error}, why output is lost", str(terminal.lost()), str(known))
    closed = io.StringIO()
    closed.close()
    terminal.begin()
    with redirect_stdout(closed), redirect_stderr(closed):
        terminal.say("text")
        terminal.note("text")
        lost = terminal.lost()
    yield equal("a stream that is closed, why output is lost", str(lost), "None")
    terminal.begin()
    os.close(reader)
    os.close(writer)
    broken, flushed = mock.Mock(), mock.Mock()
    for error in (ValueError("closed"), OSError(errno.ENOSPC, "No space left on device")):
        broken.flush.side_effect = error
        with mock.patch.object(sys, "stdout", broken), mock.patch.object(sys, "stderr", flushed):
            streams.flush()
    yield equal("streams that are flushed beside one that fails", flushed.flush.call_count, 2)
