"""Rows are read at their position in the file, and memory does not grow with the number of frames."""

from __future__ import annotations

import hashlib
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.data import read
from cgcore.data.npz import EXTRA_LIMIT, StoredArray, open_npz
from cgcore.errors import InputError


def chains(n_frames: int, n_beads: int) -> np.ndarray:
    step = np.random.default_rng(5).normal(size=(n_frames, n_beads, 3)).astype(np.float32)
    return np.cumsum(step * 3, axis=1, dtype=np.float32)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[StoredArray, np.ndarray]:
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    np.savez(path, F=np.ones((9, 4, 3)), R=chains(9, 4))
    array = open_npz(path).arrays["R"]
    assert isinstance(array, StoredArray)
    with np.load(path) as archive:
        return array, archive["R"]


@settings(deadline=None, derandomize=True)
@given(st.slices(9))
def test_slices_are_those_of_numpy(stored: tuple[StoredArray, np.ndarray], rows: slice) -> None:
    array, expected = stored
    np.testing.assert_array_equal(array[rows], expected[rows], strict=True)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(-9, 8)), st.booleans())
def test_rows_are_those_of_numpy(stored: tuple[StoredArray, np.ndarray], rows: list[int], in_order: bool) -> None:
    array, expected = stored
    index = np.array(sorted(rows) if in_order else rows, np.int32)
    np.testing.assert_array_equal(array.take(index), expected[index], strict=True)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array))[index], expected[index], strict=True)


def test_boolean_rows_and_rows_out_of_range(stored: tuple[StoredArray, np.ndarray]) -> None:
    array, expected = stored
    index = np.arange(9) % 3 == 1
    np.testing.assert_array_equal(array[index], expected[index], strict=True)
    for wrong in (np.array([9]), np.array([-10]), np.array([0.5]), np.ones(8, bool), np.zeros((1, 1), int)):
        with pytest.raises(IndexError):
            array.take(wrong)


@pytest.mark.parametrize("change", ["compressed", "fortran", "swapped", "mixed"])
def test_what_cannot_be_read_in_place_is_loaded(tmp_path: Path, change: str) -> None:
    R = chains(6, 4)
    F = -R
    saved = {
        "fortran": (np.asfortranarray(R), np.asfortranarray(F)),
        "swapped": (R.astype(R.dtype.newbyteorder()), F.astype(R.dtype.newbyteorder())),
        "mixed": (R.astype(R.dtype.newbyteorder()), F),
    }.get(change, (R, F))
    save = np.savez_compressed if change == "compressed" else np.savez
    save(tmp_path / "a.npz", R=saved[0], F=saved[1])
    assert isinstance(open_npz(tmp_path / "a.npz").arrays["R"], np.ndarray)
    frames = read(tmp_path / "a.npz").sources[0]
    for rows in (slice(1, 5, 2), np.array([4, 0, 4])):
        for found, expected in zip(frames.load(rows), (R[rows], F[rows]), strict=True):
            np.testing.assert_array_equal(found, expected, strict=True)
            assert found.dtype.isnative
            assert found.flags.c_contiguous


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("f2", "f2"), "f4"),
        (("f4", "f4"), "f4"),
        (("f4", "f8"), "f8"),
        (("i4", "f4"), "f8"),
        (("u1", "i8"), "f8"),
        (("g", "g"), "f8"),
    ],
)
def test_dtypes(tmp_path: Path, dtypes: tuple[str, str], expected: str) -> None:
    R = (np.arange(24).reshape(2, 4, 3) * 2).astype(dtypes[0])
    F = np.ones((2, 4, 3), dtypes[1])
    np.savez(tmp_path / "a.npz", R=R, F=F)
    batch = read(tmp_path / "a.npz").join()
    np.testing.assert_array_equal(batch.R, R.astype(expected), strict=True)
    np.testing.assert_array_equal(batch.F, F.astype(expected), strict=True)
    assert batch.mask.dtype == expected


def test_reading_does_not_load_the_frames(tmp_path: Path) -> None:
    n_frames = 20_000
    R = chains(n_frames, 100)
    np.savez(tmp_path / "a.npz", R=R, F=R, mask=np.ones((n_frames, 100), np.float32))
    assert os.path.getsize(tmp_path / "a.npz") > 50e6
    tracemalloc.start()
    try:
        dataset = read(tmp_path / "a.npz")
        rows = np.arange(17, n_frames, 400)
        frames = dataset.sources[0].select(np.arange(n_frames)[::-1])
        found, _ = frames.load(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10e6  # R alone is 24 MB
    np.testing.assert_array_equal(found, R[::-1][rows], strict=True)


def test_a_file_that_changed_or_vanished_after_the_check(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, R=chains(4, 3), F=chains(4, 3))
    frames = read(path).sources[0]
    np.savez(path, R=chains(5, 3), F=chains(5, 3))
    with pytest.raises(InputError, match=r"a\.npz: the file changed"):
        frames.load(slice(0, 1))
    path.unlink()
    with pytest.raises(InputError, match=r"a\.npz: cannot be read any more"):
        frames.load(slice(0, 1))


def test_a_relative_path_outlives_a_change_of_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", R=chains(4, 3), F=chains(4, 3))
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path)
    frames = read("a.npz").sources[0]
    monkeypatch.chdir(tmp_path / "below")
    np.testing.assert_array_equal(frames.load(slice(None))[0], chains(4, 3))


def test_archive_with_a_comment_and_bytes_before_it(tmp_path: Path) -> None:
    """Both are legal; the second shifts every offset in the directory."""
    path = tmp_path / "a.npz"
    np.savez(path, R=chains(4, 3), F=chains(4, 3))
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by a test"
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    np.testing.assert_array_equal(read(path).join().R, chains(4, 3))


def test_extras(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    extras: dict[str, Any] = {
        "Z": np.full((4, 3), 6),
        "resid": np.arange(3),
        "temperature": 320.0,
        "note": "hi",
    }
    np.savez(path, R=chains(4, 3), F=chains(4, 3), large=np.zeros(EXTRA_LIMIT // 8 + 1), **extras)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "no array")
    dataset = read(path)
    assert dataset.skipped_keys == ("large", "readme.txt")
    found = dataset.subset(2).sources[0].extras
    assert set(found) == set(extras)
    for key, value in extras.items():
        np.testing.assert_array_equal(found[key], value)


def test_sha256_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, R=chains(4, 3), F=chains(4, 3))
    assert read(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
