"""NetCDF files of the classic formats, written number by number, and what is read from them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from validation.check import Row, at_most, says
from validation.explicit import Array
from validation.tolerances import relative

MOST_HEADER = 2**20
"""Largest size of a header that is read [bytes]."""

MOST_LISTED = 10_000
"""Largest number of dimensions, attributes or variables."""

DIMENSION, VARIABLE, ATTRIBUTE = 0xA, 0xB, 0xC
FLOAT, TEXT = 6, 2
"""Tags of lists, and numbers of the types float64 and text."""


def written(
    version: int, arrays: Mapping[str, Array], text: int = 0, dimensions: int = 0, attributes: int = 0
) -> bytes:
    """A file of frames along an unlimited dimension, by "The NetCDF Classic Format Specification".

    Arguments:
        version: 1; 2, with places of 64 bits; or 5, with counts of 64 bits, too.
        arrays: variables (frames, beads, 3), all of the same shape.
        text: number of characters of an attribute beside them.
        dimensions: number of further dimensions, which nothing uses.
        attributes: number of further attributes.
    """
    frames, beads, xyz = next(iter(arrays.values())).shape

    def count(n: int) -> bytes:
        return struct.pack(">q" if version == 5 else ">i", n)

    def padded(content: bytes) -> bytes:
        return content + bytes(-len(content) % 4)

    def name(word: str) -> bytes:
        return count(len(word)) + padded(word.encode())

    def listed(tag: int, entries: list[bytes]) -> bytes:
        return struct.pack(">i", tag if entries else 0) + count(len(entries)) + b"".join(entries)

    sizes = {"frame": 0, "atom": beads, "spatial": xyz} | {f"more{k}": 1 for k in range(dimensions)}
    said = [name("said") + struct.pack(">i", TEXT) + count(text) + padded(b"a" * text)] * (text > 0)
    said += [name(f"x{k}") + struct.pack(">i", TEXT) + count(1) + padded(b"b") for k in range(attributes)]
    row = 8 * beads * xyz

    def header(first: int) -> bytes:
        variables = [
            name(key)
            + count(3)
            + b"".join(map(count, range(3)))
            + listed(ATTRIBUTE, [])
            + struct.pack(">i", FLOAT)
            + count(row)
            + struct.pack(">i" if version == 1 else ">q", first + k * row)
            for k, key in enumerate(arrays)
        ]
        lists = [
            listed(DIMENSION, [name(key) + count(n) for key, n in sizes.items()]),
            listed(ATTRIBUTE, said),
            listed(VARIABLE, variables),
        ]
        return b"CDF" + bytes([version]) + count(frames) + b"".join(lists)

    start = header(len(header(0)))
    return start + np.stack(list(arrays.values()), axis=1).astype(">f8").tobytes()


def versions(path: Path, R: Array, F: Array) -> Iterator[Row]:
    """Every version of the format, and headers at the limits of their sizes."""
    damaged, arrays = "the header is truncated or damaged", {"coordinates": R, "forces": F}
    for version in (1, 2, 5):
        path.write_bytes(written(version, arrays, text=7))
        yield says(f"NetCDF {version}", partial(cgcore.read, path), "accepted")
        found = cgcore.read(path).join()
        yield at_most(f"NetCDF {version}, positions", relative(found.R, R), 0, "relative")
        yield at_most(f"NetCDF {version}, forces", relative(found.F, F), 0, "relative")
        plain = len(written(version, arrays, text=4)) - F.nbytes - R.nbytes - 4
        cases: dict[str, tuple[dict[str, Any], str]] = {
            "a header of a megabyte": ({"text": MOST_HEADER - plain}, "accepted"),
            "a header of four bytes more": ({"text": MOST_HEADER - plain + 4}, damaged),
            "the most dimensions": ({"dimensions": MOST_LISTED - 3}, "accepted"),
            "a dimension more": ({"dimensions": MOST_LISTED - 2}, damaged),
            "the most attributes": ({"attributes": MOST_LISTED}, "accepted"),
            "an attribute more": ({"attributes": MOST_LISTED + 1}, damaged),
        }
        for case, (given, words) in cases.items():
            path.write_bytes(written(version, arrays, **given))
            yield says(f"NetCDF {version}, {case}", partial(cgcore.read, path), words)
    content = written(1, arrays)
    for other in (0, 3, 4, 6):
        path.write_bytes(b"CDF" + bytes([other]) + content[4:])
        words = "is not a NetCDF file of the classic formats (1, 2 or 5)"
        yield says(f"NetCDF {other}", partial(cgcore.read, path), words)
