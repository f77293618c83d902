"""Checksums of a file that is read in pieces, in a thread of their own: hashing and checking take about the same time,
and neither needs the interpreter for most of it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

PIECE = 2**19
"""Bytes handed over at once: few enough to stay in the caches of a core while they are hashed and checked, and enough
that handing them over costs little."""


class Checksums:
    """SHA-256 of all bytes and CRC-32 of those of a member; a context, at whose end the thread ends.

    Arguments:
        whole: whether the SHA-256 is wanted.
    """

    def __init__(self, whole: bool = True) -> None:
        self._digest = hashlib.sha256() if whole else None
        self._crc = 0
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Checksums:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def add(self, piece: memoryview) -> Future[None]:
        """The next bytes, which must not change until the result is there."""
        return self._thread.submit(self._add, piece)

    def add_all(self, pieces: Iterable[memoryview]) -> None:
        """The next bytes, in pieces that are valid until the next one."""
        for piece in pieces:
            self.add(piece).result()

    def crc(self) -> int:
        """CRC-32 of the bytes since this was last asked for."""
        return self._thread.submit(self._taken).result()

    def sha256(self) -> str:
        """SHA-256 of all bytes, in hexadecimal digits."""
        assert self._digest is not None
        return self._thread.submit(self._digest.hexdigest).result()

    def _add(self, piece: memoryview) -> None:
        self._crc = zlib.crc32(piece, self._crc)
        if self._digest is not None:
            self._digest.update(piece)

    def _taken(self) -> int:
        crc, self._crc = self._crc, 0
        return crc
