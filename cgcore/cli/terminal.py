"""All output to standard output and standard error. Commands continue even if these streams fail."""

from __future__ import annotations

import errno
import sys
from contextlib import suppress

import click

_NO_LOSS = (errno.EPIPE, errno.EBADF)
"""A reader that has seen enough, and a stream that was closed on purpose."""

_error: OSError | None = None
_results = False


def begin() -> None:
    """Forget what a command before this one met."""
    global _error, _results
    _error, _results = None, False


def say(text: str = "", *, newline: bool = True) -> None:
    """Print to standard output."""
    global _error
    try:
        click.echo(text, nl=newline)
    except OSError as error:
        _error = error
    except ValueError:  # the stream was closed
        pass


def note(text: str) -> None:
    """Print to standard error: what a reader of the results should know, and is no part of them."""
    with suppress(OSError, ValueError):  # there is no place left to say it
        click.echo(_one_line(text), err=True)


def trace(text: str) -> None:
    """Print the lines of a traceback to standard error."""
    for line in text.splitlines():
        note(line)


def refuse(sentence: str) -> None:
    """Print why nothing comes of it, as one line."""
    note(f"cgcore: {sentence}")


def written(text: str) -> None:
    """Say which files are complete: these are the results, even if nobody reads this."""
    global _results
    _results = True
    say(text)


def has_results() -> bool:
    """Whether the command has written files."""
    return _results


def lost() -> str | None:
    """Why not all of standard output could be written; None where it could, or where nobody wanted it."""
    error = _error or getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "error", None)
    return None if error is None or error.errno in _NO_LOSS else error.strerror or str(error)


def _one_line(text: str) -> str:
    """With file names as they are, but for what a terminal would take for a command."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
