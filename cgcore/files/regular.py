"""Opening regular files only: opening a pipe blocks, a device has no end, and a folder cannot be read."""

from __future__ import annotations

import os
import stat
from io import BufferedReader

from cgcore.errors import InputError

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind_of(mode: int) -> str:
    """The kind of a file that is not regular, in words; empty for a regular file."""
    if stat.S_ISREG(mode):
        return ""
    return next((words for holds, words in _KINDS if holds(mode)), "no regular file")


def require_name(path: str | os.PathLike[str], what: str = "a path") -> None:
    """Refuse an empty path, which would silently mean the current folder.

    Arguments:
        path: the given path.
        what: name of the path in the message.

    Raises:
        InputError: the path is empty.
    """
    if not os.fspath(path):
        raise InputError(f"{what} is empty, as an unset shell variable is; give a name")


def open_regular(
    path: str | os.PathLike[str], remedy: str = "check the path", *, limit: int | None = None
) -> BufferedReader:
    """Open a regular file for reading bytes; anything else is refused at once.

    Arguments:
        path: path of the file; links are followed.
        remedy: what to do about an error; ends every message.
        limit: largest allowed size [bytes]; None for no limit.

    Raises:
        InputError: the path is empty, or the file does not exist, is not a regular file, is too large, or cannot be
            read.
    """
    require_name(path, "the path of a file to read")
    try:
        # Checked before opening, since opening a pipe blocks, and again on the open file.
        _require_regular(path, os.stat(path).st_mode, remedy)
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  (the caller closes it)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {remedy}") from error
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); {remedy}") from error
    try:
        status = os.fstat(file.fileno())
        _require_regular(path, status.st_mode, remedy)
        if limit is not None and status.st_size > limit:
            raise InputError(f"{path}: has {status.st_size} bytes, and at most {limit} are read; {remedy}")
    except InputError:
        file.close()
        raise
    return file


def reason(error: OSError | ValueError) -> str:
    """The operating system's own message for an error."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _require_regular(path: str | os.PathLike[str], mode: int, remedy: str) -> None:
    if kind := kind_of(mode):
        raise InputError(f"{path}: is {kind}, not a file; {remedy}")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
