"""Standard streams that tolerate a closed pipe, a full disk or a closed terminal."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO


class Surviving(io.FileIO):
    """A writable file descriptor. After its first error, kept in `error`, all further output is dropped."""

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
    """Replace sys.stdout and sys.stderr by surviving streams, and reserve descriptors 0 to 2 if they are closed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    sys.stdout, sys.stderr = _surviving(sys.stdout), _surviving(sys.stderr)


def keep_from_libraries() -> int:
    """Drop what compiled libraries write to descriptors 1 and 2; sys.stdout and sys.stderr keep their destinations.

    Returns the new descriptor of standard error.
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
    """Flush standard output and standard error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # another library may have replaced the stream
            stream.flush()


def _surviving(stream: TextIO | None) -> io.TextIOWrapper:
    if stream is None:  # closed before Python started
        return open(os.devnull, "w", encoding="utf-8")
    return _text(stream.fileno(), stream.encoding)


def _text(descriptor: int, encoding: str) -> io.TextIOWrapper:
    raw = Surviving(descriptor, "wb", closefd=False)
    # Characters that the terminal's encoding lacks, such as Å, are escaped instead of raising an error.
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=True)
