"""Standard streams that tolerate a closed pipe, a full disk or a terminal that is gone."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO


class Surviving(io.FileIO):
    """A file descriptor to write to. After its first error all that is written is dropped, and `error` says why."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        if self.error is None:
            try:
                while (count := super().write(data)) is None:  # set to non-blocking by another program
                    select.select([], [self], [])
                return count
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes


def install() -> None:
    """Replace sys.stdout and sys.stderr by surviving ones, and let no file of ours get the number of a closed one."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdout, sys.stderr = _surviving(sys.stdout), _surviving(sys.stderr)


def keep_from_libraries() -> int:
    """Drop what compiled libraries write to the standard streams themselves; Python's own lead where they led.

    Returns the descriptor that leads to standard error.
    """
    flush()
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        kept = os.dup(descriptor)
        encoding = getattr(getattr(sys, name), "encoding", "utf-8")
        setattr(sys, name, _text(kept, encoding))
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), descriptor)
    return sys.stderr.fileno()


def flush() -> None:
    """Bring out what is still held back."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # another library may have put its own stream there
            stream.flush()


def _surviving(stream: TextIO | None) -> TextIO:
    if stream is None:  # closed before Python started
        return open(os.devnull, "w", encoding="utf-8")
    return _text(stream.fileno(), stream.encoding)


def _text(descriptor: int, encoding: str) -> TextIO:
    raw = Surviving(descriptor, "wb", closefd=False)
    # Escapes instead of an error where the terminal's encoding lacks a sign, such as Å.
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=True)
