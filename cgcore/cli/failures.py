"""Turn any error into one sentence that says what happened, why, and what to do."""

from __future__ import annotations

import os
import sys
import traceback

from cgcore.cli import terminal
from cgcore.errors import InputError

_LONGEST = 400
"""Largest number of characters quoted from another library's message."""

_REPORT = "this is a fault of cgcore; please report it with what `cgcore --debug ...` shows"


def explain(error: BaseException, bad_input: int, interrupted: int) -> int:
    """Explain an error on standard error and return the exit code.

    Arguments:
        error: the error that ended a command.
        bad_input: exit code of a failure.
        interrupted: exit code if the user interrupted the command.
    """
    import click

    if isinstance(error, click.Abort):
        return interrupted
    if "--debug" in sys.argv[1:2]:
        terminal.trace("".join(traceback.format_exception(error)))
    terminal.refuse(sentence(error))
    return bad_input


def sentence(error: BaseException) -> str:
    """The sentence that explains an error that ended a command."""
    import click

    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "cgcore"
        # Click lists the choices of a missing option on separate lines.
        return f"{' '.join(error.format_message().split())} (see {command} --help)"
    if isinstance(error, InputError | click.ClickException):
        return str(error)
    said = " ".join(str(error).split())
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in said:
        return f"there is not enough memory ({said or 'MemoryError'}); use fewer frames, beads or harmonics"
    if isinstance(error, OSError) and error.strerror:
        place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return f"{place}{error.strerror}; check the path, its permissions and the room on the disk"
    if isinstance(error, ImportError):
        return f"a package is missing or damaged ({said}); install cgcore again"
    kind = type(error).__name__
    return f"{kind}{f' ({said})' if said else ''}: {_REPORT}"
