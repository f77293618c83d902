"""Standard streams: pipes that are full, descriptors that are closed, and what compiled libraries write to them."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

from cgcore.cli import streams
from validation.check import Row, equal


def standard_streams() -> Iterator[Row]:
    """Streams that replace the standard ones, descriptors that are taken, and libraries beside them."""
    yield from _streams()
    yield from _descriptors()
    yield from _libraries()


def _read(reader: int, count: int = 1 << 20) -> bytes:
    os.set_blocking(reader, False)
    try:
        return os.read(reader, count)
    except BlockingIOError:
        return b""


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _streams() -> Iterator[Row]:
    """A pipe that is full for a while, an error that is kept, lines, and standard streams that are replaced."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    raw = streams.Surviving(writer, "wb", closefd=False)
    while True:
        try:
            os.write(writer, b"." * 65536)
        except BlockingIOError:
            break
    with mock.patch.object(select, "select", side_effect=lambda *_: _read(reader)) as waited:
        count = raw.write(b"abc")
    yield equal("a full pipe, bytes", str(count), "3")
    yield equal("a full pipe, waits for", str(waited.call_args), str(mock.call([], [raw], [])))
    while _read(reader):
        pass
    text = streams._text(writer, "utf-8")
    text.write("half")
    halves = [_read(reader)]
    text.write(" line\n")
    halves.append(_read(reader))
    yield equal("halves of a line", str(halves), str([b"", b"half line\n"]))
    del text
    yield equal("a stream that is gone, its descriptor is open", _is_open(writer), True)
    with (
        os.fdopen(os.dup(writer), "w", encoding="ascii") as plain,
        mock.patch("os.fstat"),
        mock.patch.object(sys, "stdout", plain),
        mock.patch.object(sys, "stderr", None),
    ):
        streams.install()
        made: Any = sys.stdout
        found = type(made.buffer.raw).__name__, made.encoding, made.fileno() == plain.fileno()
        sys.stdout.write("å\n")
        sys.stderr.write("nowhere\n")
        sys.stderr.close()
    yield equal("standard output, replaced", str(found), str(("Surviving", "ascii", True)))
    yield equal("standard output, replaced, what arrives", str(_read(reader)), str(b"\\xe5\n"))
    os.close(reader)
    os.close(writer)


def _descriptors() -> Iterator[Row]:
    """Descriptors of standard streams that are closed are taken, lest a file gets them."""
    for closed in ((), (1,), (0, 2), (0, 1, 2)):

        def state(descriptor: int, closed: tuple[int, ...] = closed) -> None:
            if descriptor in closed:
                raise OSError(errno.EBADF, "Bad file descriptor")

        with (
            mock.patch("os.fstat", side_effect=state),
            mock.patch("os.open") as taken,
            mock.patch.object(sys, "stdout", None),
            mock.patch.object(sys, "stderr", None),
        ):
            taken.side_effect = [9] * len(closed)
            opened = mock.patch("builtins.open", return_value=io.TextIOWrapper(io.BytesIO()))
            with opened:
                streams.install()
        known = [mock.call(os.devnull, os.O_RDWR)] * len(closed)
        yield equal(f"closed descriptors {closed}, taken", str(taken.call_args_list), str(known))


def _libraries() -> Iterator[Row]:
    """What libraries write to the descriptors of standard streams is dropped; what Python writes is not."""
    kept, pipes = [os.dup(1), os.dup(2)], [os.pipe(), os.pipe()]
    own = [io.TextIOWrapper(io.FileIO(descriptor, "wb", closefd=False), encoding="utf-8") for descriptor in (1, 2)]
    sys.stdout.flush()
    try:
        for descriptor, (_, writer) in zip((1, 2), pipes, strict=True):
            os.dup2(writer, descriptor)
        with mock.patch.object(sys, "stdout", own[0]), mock.patch.object(sys, "stderr", own[1]):
            own[0].write("begun, ")
            own[1].write("warned, ")
            descriptor = streams.keep_from_libraries()
            os.write(1, b"library")
            os.write(2, b"library")
            sys.stdout.write("out")
            sys.stderr.write("err")
            streams.flush()
            same = descriptor == sys.stderr.fileno()
            new = {sys.stdout.fileno(), sys.stderr.fileno()}
        found = [_read(reader) for reader, _ in pipes]
    finally:
        for descriptor, (saved, (reader, writer)) in enumerate(zip(kept, pipes, strict=True), 1):
            os.dup2(saved, descriptor)
            for each in (saved, reader, writer):
                os.close(each)
    for each in new - {1, 2}:
        os.close(each)
    yield equal("beside libraries, output and errors", str(found), str([b"begun, out", b"warned, err"]))
    yield equal("beside libraries, descriptor of errors", same, True)
