"""NPZ archives, byte by byte: lists of arrays that lie, limits of sizes, and texts, against `zipfile` and `struct`."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cgcore import archive
from cgcore.factor_file import is_factor
from validation.check import Row, equal, says

MIB, GIB = 2**20, 2**30

CENTRAL = b"PK\1\2"
FLAGS, PACKED, UNPACKED, OFFSET = 8, 20, 24, 42
"""Where an entry of the list of arrays holds its flags, its sizes, and the place of its array."""

REMEDY = "write it again"


def members(*names: str, method: int = zipfile.ZIP_STORED, content: bytes | None = None) -> bytes:
    """A ZIP file of small arrays."""
    array, stored = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(400.0))
    with zipfile.ZipFile(stored, "w", method) as file:
        for name in names:
            file.writestr(name, array.getvalue() if content is None else content)
    return stored.getvalue()


def changed(content: bytes, at: int, form: str, value: int) -> bytes:
    """The archive with another value in the first entry of its list."""
    raw = bytearray(content)
    struct.pack_into(form, raw, content.index(CENTRAL) + at, value)
    return bytes(raw)


def overlapping() -> bytes:
    """Three entries for the same array."""
    content = members("a.npy")
    first, end = content.index(CENTRAL), content.index(b"PK\5\6")
    entries = b"".join(content[first:end].replace(b"a.npy", name) for name in (b"a.npy", b"b.npy", b"c.npy"))
    return content[:first] + entries + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 3, 3, len(entries), first, 0)


def lists_that_lie(path: Path) -> Iterator[Row]:
    """Archives whose list of arrays cannot be true, and others that are unusual but right."""
    plain = members("a.npy", "b.npy")
    packed = members("a.npy", "b.npy", method=zipfile.ZIP_DEFLATED)
    cases: dict[str, tuple[bytes, str]] = {
        "stored": (plain, "accepted"),
        "packed": (packed, "accepted"),
        "a folder": (members("a.npy", "folder/"), "accepted"),
        "no arrays": (members(), "the archive is empty"),
        "no archive": (b"a,b,c", "is not an NPZ archive"),
        "no bytes": (b"", "is not an NPZ archive"),
        "a start": (plain[:60], "the archive is truncated or damaged"),
        "one name twice": (plain.replace(b"b.npy", b"a.npy"), "the archive holds 'a.npy' twice"),
        "encrypted": (changed(plain, FLAGS, "<H", 1), "key 'a' is encrypted"),
        "strongly encrypted": (changed(plain, FLAGS, "<H", 0x40), "key 'a' is encrypted"),
        "another method": (members("a.npy", method=zipfile.ZIP_BZIP2), "key 'a' is compressed by method 12"),
        "stored, a byte more": (changed(plain, UNPACKED, "<I", 3329), "key 'a' declares more bytes than"),
        "stored, a byte less": (changed(plain, UNPACKED, "<I", 3327), "key 'a' declares more bytes than"),
        "packed, a gigabyte": (changed(packed, UNPACKED, "<I", GIB), "key 'a' declares more bytes than"),
        "packed, more than the file": (changed(packed, PACKED, "<I", len(packed)), "key 'a' declares more bytes than"),
        "beyond the file": (changed(plain, OFFSET, "<I", len(plain)), "key 'a' declares more bytes than"),
        "the same array three times": (overlapping(), "its arrays overlap"),
        "another name": (members("a.txt"), "key 'a.txt' is not expected here"),
        "an unknown name": (members("a.npy", "c.npy"), "key 'c' is not expected here"),
        "no array": (members("a.npy", content=b"x" * 300), "key 'a' is damaged"),
    }
    assert plain.count(b"b.npy") == 2
    for case, (content, words) in cases.items():
        path.write_bytes(content)
        work = partial(archive.load_arrays, path, REMEDY, {"a", "b", "a.txt"}.__contains__)
        yield says(f"archive, {case}", work, words)
        if words != "accepted":
            yield says(f"archive, {case}, the file is named", work, str(path))


def arrays_of_all_kinds(path: Path) -> Iterator[Row]:
    """Arrays in every version of their format and order of memory are read as they are."""
    wanted = {
        "order of columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big-endian": np.arange(5, dtype=">i4"),
        "text": np.array(["å", "bb"]),
        "nothing": np.zeros((0, 3)),
        "a number": np.array(3.5),
    }
    for version in ((1, 0), (2, 0), (3, 0)):
        with zipfile.ZipFile(path, "w") as file:
            for name, array in wanted.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, array, version)
                file.writestr(f"{name}.npy", content.getvalue())
        found = archive.load_arrays(path, REMEDY)
        wrong = [name for name, array in wanted.items() if not _same(found.get(name), array)]
        yield equal(f"arrays of version {version}, those that differ", ", ".join(wrong), "")
        with archive.opened(path, REMEDY) as file:
            headers = {archive.key_of(info): file.header(info) for info in file.members}
            content = path.read_bytes()
            at = {name: file.data_offset(header) for name, header in headers.items() if header is not None}
            stored = [content[at[name] :][: array.nbytes] == array.tobytes("A") for name, array in wanted.items()]
        yield equal(f"arrays of version {version}, where their numbers are", str(stored), str([True] * len(wanted)))


def _same(found: Any, known: np.ndarray) -> bool:
    return found is not None and found.dtype == known.dtype and np.array_equal(found, known)


def sizes(path: Path) -> Iterator[Row]:
    """Arrays that are too large in memory, or that no real numbers can be packed into, by their headers alone."""
    path.write_bytes(members("R.npy"))

    def header(size: int, packed: int, key: str = "R") -> archive.Header:
        member = zipfile.ZipInfo(f"{key}.npy")
        member.compress_size, member.file_size = packed, size
        return archive.Header(member, np.dtype(np.uint8), (size,), False, 128)

    free = 64 * MIB
    cases: dict[str, tuple[list[archive.Header], str]] = {
        "64 MiB of zeros": ([header(free, 10)], "accepted"),
        "50 times": ([header(2 * free, 2 * free // 50 + 1)], "accepted"),
        "51 times": ([header(free + 51, free // 51)], "unpacks to 67 MB from 1 MB, more than 50 times"),
        "51 times, the second": ([header(8, 8), header(free + 51, free // 51, "F")], "key 'F' unpacks to"),
        "51 times, which may be": ([header(free + 51, free // 51, "mask")], "accepted"),
        "4 GiB": ([header(2 * GIB, GIB), header(2 * GIB, GIB, "F")], "accepted"),
        "4 GiB and a byte": ([header(2 * GIB, GIB), header(2 * GIB + 1, GIB, "F")], "take 4 GB of memory, and 4 GB"),
        "a terabyte": ([header(2 * 10**12, 10**12)], "take 2 TB of memory"),
    }
    for case, (headers, words) in cases.items():
        with archive.opened(path, REMEDY) as file:
            yield says(f"arrays, {case}", lambda: file.require_loadable(headers, empty=("mask",)), words)  # noqa: B023


def texts(path: Path) -> Iterator[Row]:
    """Texts in an archive: found by their key, of limited length, and as strict JSON."""
    np.savez(
        path, x=np.arange(3), format=np.array("a format"), long=np.array("x" * 25_001), most=np.array("x" * 25_000)
    )
    cases: dict[str, Any] = {"format": "a format", "x": None, "long": None, "most": "x" * 25_000, "none": None}
    for key, known in cases.items():
        yield equal(f"text {key!r}", str(archive.load_text(path, key)), str(known))
    yield equal("text of no file", str(archive.load_text(path.with_name("none.npz"), "format")), "None")
    named = {"cgcore factor 6": True, "cgcore factor 1": True, "cgcore params 1": False, "factor": False}
    for words, known in named.items():
        np.savez(path, format=np.array(words))
        yield equal(f"format {words!r}, a factor", is_factor(path), known)
    good: dict[str, Any] = {"[1, null]": [1, None], '"x"': "x", json.dumps("x" * 99_998): "x" * 99_998}
    for text, known in good.items():
        for given in (text, np.array(text)):
            yield equal(f"JSON {text[:20]}, {type(given).__name__}", archive.parse_json(given) == known, True)
    deep = "[" * 49_000 + "]" * 49_000
    bad = {
        "a character more": json.dumps("x" * 99_999),
        "NaN": "[NaN]",
        "-Infinity": "-Infinity",
        "deep": deep,
        "x": "x",
    }
    for case, text in bad.items():
        yield equal(f"JSON, {case}", _outcome(lambda: archive.parse_json(text)), "ValueError")  # noqa: B023


def _outcome(work: Callable[[], object]) -> str:
    try:
        work()
    except ValueError:
        return "ValueError"
    except Exception as error:
        return type(error).__name__
    return "accepted"
