"""Checksums computed by a separate thread."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

import numpy as np

from cgcore.data.checksums import Checksums


def test_members_one_by_one_and_the_whole() -> None:
    data = np.random.default_rng(0).bytes(100_000)
    head, first, second = data[:1000], data[1000:60_000], data[60_000:]
    with Checksums() as sums:
        sums.add_all([memoryview(head)])
        assert sums.crc() == zlib.crc32(head)
        for start in range(0, len(first), 7000):
            sums.add(memoryview(first)[start : start + 7000])
        assert sums.crc() == zlib.crc32(first)
        sums.add(memoryview(second)).result()
        assert sums.crc() == zlib.crc32(second)
        assert sums.sha256() == hashlib.sha256(data).hexdigest()


def test_pieces_of_one_buffer() -> None:
    """The next piece overwrites the previous one, which must have been processed by then."""
    data, buffer = np.random.default_rng(1).bytes(50_000), bytearray(1000)

    def pieces() -> Iterator[memoryview]:
        for start in range(0, len(data), 1000):
            buffer[:] = data[start : start + 1000]
            yield memoryview(buffer)

    with Checksums(whole=False) as sums:
        sums.add_all(pieces())
        assert sums.crc() == zlib.crc32(data)
