"""All output to standard output and standard error. Commands continue even if these streams fail."""

from __future__ import annotations

import errno
import sys
from contextlib import suppress

import click

_NO_LOSS = (errno.EPIPE, errno.EBADF)
"""Errors that lose no wanted output: the reader closed the pipe, or the stream was closed on purpose."""

_error: OSError | None = None
_results = False


def begin() -> None:
    """Reset the state left by an earlier command."""
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
    """Print to standard error: information about the results that is not part of them."""
    with suppress(OSError, ValueError):  # standard error itself has failed
        click.echo(_one_line(text), err=True)


def trace(text: str) -> None:
    """Print the lines of a traceback to standard error."""
    for line in text.splitlines():
        note(line)


def refuse(sentence: str) -> None:
    """Print why the command fails, as one line on standard error."""
    note(f"cgcore: {sentence}")


def written(text: str) -> None:
    """Name completed files. From then on the command counts as having results, even if nobody can read the output."""
    global _results
    _results = True
    say(text)


def has_results() -> bool:
    """Whether the command has written files."""
    return _results


def lost() -> str | None:
    """Why some of standard output could not be written; None if it could, or if the reader closed it."""
    error = _error or getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "error", None)
    return None if error is None or error.errno in _NO_LOSS else error.strerror or str(error)


def _one_line(text: str) -> str:
    """Escape control characters, which file names may contain, and leave everything else unchanged."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
