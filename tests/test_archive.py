"""Archives that declare contents that they do not have or that cannot be read: one sentence, and no large
allocation."""

from __future__ import annotations

import io
import math
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcore import load_factor, read
from cgcore.archive import LOADED_LIMIT, MOST_MEMBERS, load_arrays, load_text, parse_json
from cgcore.errors import InputError
from cgcore.factor_file import is_factor
from cgcore.pipeline.parameters import read_params

READERS: dict[str, Callable[[Path], Any]] = {
    "data": read,
    "factor": load_factor,
    "parameters": read_params,
    "arrays": lambda path: load_arrays(path, "write it again."),
}
LITTLE = 30 * 10**6
"""Memory in bytes that a refusal may use."""


@pytest.fixture(autouse=True)
def nothing_large_is_allocated() -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LITTLE


def arrays() -> dict[str, Any]:
    R = np.cumsum(np.full((3, 4, 3), 2.2), axis=1)
    return {"R": R, "F": R + 1, "format": np.array("cgcore params 1"), "fingerprint": np.array("{}")}


def npy(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """An NPY file with this header, right or wrong."""
    text = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + data


def refused(path: Path, reader: str) -> str:
    with pytest.raises(InputError) as caught:
        READERS[reader](path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < len(str(path)) + 400
    return message


def in_directory(path: Path, key: str, offset: int, form: str, value: int) -> None:
    """Change a number in an entry of the archive's directory."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.start_dir
    entry = content.index(key.encode(), start) - 46
    assert content[entry : entry + 4] == b"PK\1\2"
    struct.pack_into(form, content, entry + offset, value)
    path.write_bytes(content)


DIRECTORY = {
    "version 99": (6, "<H", 99),
    "encrypted": (8, "<H", 1),
    "strongly encrypted": (8, "<H", 0x41),
    "patched": (8, "<H", 0x20),
    "an unknown method": (10, "<H", 77),
    "bzip2": (10, "<H", zipfile.ZIP_BZIP2),
    "lzma": (10, "<H", zipfile.ZIP_LZMA),
    "another checksum": (16, "<I", 1),
    "a larger size packed": (20, "<I", 2**32 - 2),
    "a larger size": (24, "<I", 2**32 - 2),
    "a smaller size": (24, "<I", 8),
    "no size": (24, "<I", 0),
    "a name without end": (28, "<H", 65535),
    "an extra field without end": (30, "<H", 65535),
    "elsewhere": (42, "<I", 2**32 - 2),
    "elsewhere in the file": (42, "<I", 7),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
@pytest.mark.parametrize("damage", DIRECTORY)
def test_a_damaged_directory(tmp_path: Path, damage: str, save: Any, reader: str) -> None:
    path = tmp_path / "x.npz"
    save(path, **arrays())
    in_directory(path, "R.npy", *DIRECTORY[damage])
    refused(path, reader)
    assert not is_factor(path)


HEADERS = {
    "a trillion elements": "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 4, 3), }",
    "more than can be counted": f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**30}, 4, 3), }}",
    "a wide text": "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (), }",
    "a wide void": "{'descr': '|V2000000000', 'fortran_order': False, 'shape': (1000,), }",
    "a negative length": "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4, 3), }",
    "true for a length": "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 4, 3), }",
    "no dictionary": "[" * 5000,
    "no dtype": "{'descr': 'colour', 'fortran_order': False, 'shape': (3, 4, 3), }",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (3, 4, 3), }",
    "an unknown key": "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4, 3), 'colour': 1, }",
    "a long header": "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4, 3), }" + " " * 60_000,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "compressed"])
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_lies(tmp_path: Path, header: str, method: int, reader: str) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **{key: array for key, array in arrays().items() if key != "R"})
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("R.npy", npy(HEADERS[header], bytes(3 * 4 * 3 * 8)))
    refused(path, reader)


@pytest.mark.parametrize("reader", READERS)
def test_a_header_of_an_unknown_version(tmp_path: Path, reader: str) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **{key: array for key, array in arrays().items() if key != "R"})
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4, 3), }"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("R.npy", npy(header, bytes(288), (9, 0)))
    refused(path, reader)


def zeros(path: Path, key: str, shape: tuple[int, ...]) -> None:
    """Add a compressed array of float32 zeros without creating it in memory."""
    header = npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}")
    left = 4 * math.prod(shape)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{key}.npy", "w") as member:
        member.write(header)
        while left > 0:
            left -= member.write(bytes(min(left, 2**20)))


@pytest.mark.parametrize("reader", READERS)
def test_a_small_archive_of_much(tmp_path: Path, reader: str) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **{key: array for key, array in arrays().items() if key not in "RF"})
    for key in "RF":
        zeros(path, key, (100_000, 80, 3))
    assert path.stat().st_size < 10**6
    message = refused(path, reader)
    assert ("R" in message and "96 MB" in message) or reader == "factor"


@pytest.mark.parametrize("reader", ["data", "arrays"])
def test_more_than_may_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    monkeypatch.setattr("cgcore.archive.LOADED_LIMIT", 500)
    np.savez_compressed(tmp_path / "x.npz", **arrays())
    message = refused(tmp_path / "x.npz", reader)
    assert "500 bytes are allowed" in message
    assert LOADED_LIMIT > 10**9


def test_uncompressed_frames_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcore.archive.LOADED_LIMIT", 0)
    np.savez(tmp_path / "x.npz", R=arrays()["R"], F=arrays()["F"])
    assert read(tmp_path / "x.npz").n_frames == 3


def test_a_mask_of_ones_may_pack_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcore.archive.RATIO_FREE", 1000)
    rng = np.random.default_rng(0)
    R = np.cumsum(rng.normal(size=(500, 5, 3)) + 2, axis=1)
    mask, species = np.ones((500, 5)), np.zeros((500, 5), int)
    np.savez_compressed(tmp_path / "x.npz", R=R, F=R, mask=mask, species=species)
    assert read(tmp_path / "x.npz").real_beads == 2500


def test_extras_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcore.data.npz.EXTRAS_LIMIT", 1000)
    extras: dict[str, Any] = {f"x{k}": np.zeros(50) for k in range(5)}
    np.savez(tmp_path / "x.npz", R=arrays()["R"], F=arrays()["F"], **extras)
    dataset = read(tmp_path / "x.npz")
    assert list(dataset.sources[0].extras) == ["x0", "x1"]
    assert dataset.skipped_keys == ("x2", "x3", "x4")


def test_a_large_extra_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, R=arrays()["R"], F=arrays()["F"])
    zeros(path, "more", (10_000_000,))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("more.npy").header_offset + 5_000
    content[place : place + 1000] = bytes(range(250)) * 4  # reading it would reveal damage
    path.write_bytes(content)
    assert read(path).skipped_keys == ("more",)


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_too_many_members(tmp_path: Path, reader: str) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(MOST_MEMBERS + 1):
            archive.writestr(f"{k}.npy", b"")
    assert "list of arrays" in refused(path, reader)


@pytest.mark.parametrize("reader", READERS)
def test_an_archive_without_members(tmp_path: Path, reader: str) -> None:
    zipfile.ZipFile(tmp_path / "x.npz", "w").close()
    assert "empty" in refused(tmp_path / "x.npz", reader)


@pytest.mark.parametrize("reader", READERS)
def test_members_that_overlap(tmp_path: Path, reader: str) -> None:
    """Two directory entries for the same bytes, a way to make an archive expand greatly."""
    path = tmp_path / "x.npz"
    np.savez(path, **arrays())
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("R.npy").header_offset
    in_directory(path, "F.npy", 42, "<I", place)
    refused(path, reader)


def test_text_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, format="hello", number=3.0)
    assert load_text(path, "format") == "hello"
    assert load_text(path, "number") is None
    assert load_text(path, "none") is None
    assert load_text(tmp_path / "none", "format") is None


@pytest.mark.parametrize("text", ["[" * 90_000, "1" * 100_001, "NaN", "[Infinity]", "{", "1" * 5000])
def test_json_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)
    assert parse_json('{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}


def test_a_member_in_memory_is_an_array(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    content = {"a": np.arange(6).reshape(2, 3), "b": np.asfortranarray(np.eye(3)[:2]), "c": np.array("text")}
    for save in (np.savez, np.savez_compressed):
        save(path, **content)
        found = load_arrays(path, "")
        assert found.keys() == content.keys()
        for key, array in content.items():
            np.testing.assert_array_equal(found[key], array, strict=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("d.txt", io.BytesIO(b"hello").getvalue())
    with pytest.raises(InputError, match=r"'d\.txt' is not expected here"):
        load_arrays(path, "write it again.")
