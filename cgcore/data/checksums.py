"""Checksums of a file that is read in pieces, computed in a separate thread: hashing and checking take about the same
time, and both release the interpreter lock for most of it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

PIECE = 2**19
"""Number of bytes hashed at a time: small enough to stay in the caches of a core while they are hashed and checked, and
large enough that passing them to the thread costs little."""


class Checksums:
    """SHA-256 of all bytes, and CRC-32 of those of a member; a context that ends the thread when it exits.

    Arguments:
        whole: whether to compute the SHA-256.
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
        """Add the next bytes, which must not change until the result is available."""
        return self._thread.submit(self._add, piece)

    def add_all(self, pieces: Iterable[memoryview]) -> None:
        """Add the next bytes in pieces, each of which is valid only until the next one."""
        for piece in pieces:
            self.add(piece).result()

    def crc(self) -> int:
        """CRC-32 of the bytes added since the last call."""
        return self._thread.submit(self._taken).result()

    def sha256(self) -> str:
        """SHA-256 of all bytes, as hexadecimal digits."""
        assert self._digest is not None
        return self._thread.submit(self._digest.hexdigest).result()

    def _add(self, piece: memoryview) -> None:
        self._crc = zlib.crc32(piece, self._crc)
        if self._digest is not None:
            self._digest.update(piece)

    def _taken(self) -> int:
        crc, self._crc = self._crc, 0
        return crc
