"""Factors in files: what comes back is what was written, bit by bit, or a refusal that names the file."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factor_helpers import WEIGHTS, factor_of, prior_of, random_chains, two_proteins

import cgcore
from cgcore import Factor, InputError, load_factor, save_factor
from cgcore.factor.storage import is_factor


@pytest.fixture(scope="module")
def factor() -> Factor:
    return factor_of(two_proteins(), prior_of(), 5)


@pytest.fixture
def path(tmp_path: Path, factor: Factor) -> Path:
    path = tmp_path / "some.factor.npz"
    save_factor(path, factor)
    return path


def arrays_of(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def refused(path: Path, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_factor(path)
    message = str(caught.value)
    assert str(path) in message
    for word in words:
        assert word in message


def assert_equal(found: Factor, expected: Factor) -> None:
    assert found.fingerprint == expected.fingerprint
    assert len(found.blocks) == len(expected.blocks)
    for a, b in zip(found.blocks, expected.blocks, strict=True):
        assert a.S.tobytes() == b.S.tobytes()
        assert (a.beads, a.frames, a.source, a.protein, a.index) == (b.beads, b.frames, b.source, b.protein, b.index)
        assert all(type(value) is int for value in (a.beads, a.frames, a.index))
        assert all(type(value) is str for value in (a.source, a.protein))
    for name, counts in expected.histograms.counts.items():
        np.testing.assert_array_equal(found.histograms.counts[name], counts, strict=True)


def test_round_trip(path: Path, factor: Factor) -> None:
    assert_equal(load_factor(path), factor)
    assert is_factor(path)


def test_round_trip_of_other_settings(tmp_path: Path) -> None:
    prior = prior_of(3, WEIGHTS._replace(excluded_volume=0.1), n_dihedral=1)
    made = cgcore.compress(two_proteins().dataset("Å β.npz"), cgcore.Fingerprint.of(prior), blocks=2)
    save_factor(tmp_path / "a", made)
    assert_equal(load_factor(tmp_path / "a"), made)


def test_a_name_without_suffix_is_kept(tmp_path: Path, factor: Factor) -> None:
    save_factor(str(tmp_path / "factor"), factor)
    assert [entry.name for entry in tmp_path.iterdir()] == ["factor"]


def test_writing_again_replaces(path: Path, factor: Factor) -> None:
    other = cgcore.merge(factor, factor)
    save_factor(path, other)
    assert_equal(load_factor(path), other)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_file_is_small(path: Path) -> None:
    assert path.stat().st_size < 20_000 + 10 * 16 * 16 * 8


def test_what_is_written_is_plain(path: Path) -> None:
    for array in arrays_of(path).values():
        assert array.dtype.kind in "Uif"


# Damage


def test_no_such_file(tmp_path: Path) -> None:
    refused(tmp_path / "none.npz", "no such file", "cgcore compress")
    assert not is_factor(tmp_path / "none.npz")


def test_a_folder_is_no_factor(tmp_path: Path) -> None:
    refused(tmp_path, "folder")
    assert not is_factor(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04K\x01.", b"PK\x03\x04", b"\x93NUMPY", bytes(1000)])
def test_not_a_zip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    refused(path)
    assert not is_factor(path)


def test_a_single_array(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.eye(3))
    refused(path)
    assert not is_factor(path)


def test_frames(tmp_path: Path) -> None:
    chains = random_chains(3, [5], 5, seed=0)
    path = tmp_path / "frames.npz"
    np.savez(path, R=chains.R, F=chains.F)
    refused(path, "not a factor")
    assert not is_factor(path)


def test_truncated_anywhere(path: Path) -> None:
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:length])
        refused(path)
        assert not is_factor(path)


def test_a_flipped_bit_anywhere_in_the_numbers(path: Path, factor: Factor) -> None:
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("S.npy").header_offset + 30 + len("S.npy")
    stop = start + np.stack([block.S for block in factor.blocks]).nbytes
    for place in np.linspace(start + 200, stop, 80).astype(int):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(place % 8)
        path.write_bytes(damaged)
        refused(path)


def test_a_flipped_bit_anywhere_changes_nothing_or_is_refused(path: Path, factor: Factor) -> None:
    """Not in the numbers alone: headers, names and the directory of the archive as well."""
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(len(whole), size=150):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(place % 8)
        path.write_bytes(damaged)
        is_factor(path)
        try:
            found = load_factor(path)
        except InputError:
            refused(path)
        else:
            assert_equal(found, factor)


ARRAYS = (
    "format",
    "fingerprint",
    "S",
    "beads",
    "frames",
    "index",
    "source",
    "protein",
    "histogram_bond",
    "histogram_angle",
    "histogram_dihedral",
)


def test_all_arrays_are_tried(path: Path) -> None:
    assert set(ARRAYS) == set(arrays_of(path))


@pytest.mark.parametrize("name", ARRAYS)
def test_missing_array(path: Path, name: str) -> None:
    arrays = arrays_of(path)
    del arrays[name]
    np.savez(path, **arrays)
    refused(path, *([name] if name != "format" else []))


@pytest.mark.parametrize("name", ARRAYS)
def test_object_array(path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = arrays_of(path)
    arrays[name] = np.array([{"a": 1}], dtype=object)
    np.savez(path, **arrays)

    def unpickled(*_: Any, **__: Any) -> None:
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(pickle, "load", unpickled)
    monkeypatch.setattr(pickle, "loads", unpickled)
    refused(path)
    assert is_factor(path) == (name != "format")


def fingerprint(**change: Any) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.array(json.dumps(json.loads(str(array)) | change))


SPOILT: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "other format": ("format", lambda _: np.array("cgcore factor 0")),
    "format of numbers": ("format", lambda _: np.arange(3)),
    "no json": ("fingerprint", lambda _: np.array("{")),
    "json that is a list": ("fingerprint", lambda _: np.array("[1, 2]")),
    "json that is a number": ("fingerprint", lambda _: np.array("1")),
    "unknown key": ("fingerprint", fingerprint(colour="red")),
    "weights that are a list": ("fingerprint", fingerprint(weights=[1, 2])),
    "other orders": ("fingerprint", fingerprint(n_angle=5)),
    "orders that are text": ("fingerprint", fingerprint(n_angle="four")),
    "NaN": ("S", lambda S: np.where(np.arange(16) == 3, np.nan, S)),
    "infinite": ("S", lambda S: np.where(np.arange(16) == 3, np.inf, S)),
    "float32": ("S", lambda S: S.astype(np.float32)),
    "not square": ("S", lambda S: S[:, :-1]),
    "flat": ("S", lambda S: S.ravel()),
    "a scalar": ("S", lambda S: np.array(1.0)),
    "no blocks": ("S", lambda S: S[:0]),
    "one block less": ("S", lambda S: S[1:]),
    "one number less": ("beads", lambda x: x[1:]),
    "text for numbers": ("beads", lambda x: np.array(["many"] * len(x))),
    "a scalar for a column": ("frames", lambda x: np.array(3)),
    "other bins": ("histogram_angle", lambda x: x[1:]),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_wrong_values(path: Path, spoil: str) -> None:
    name, change = SPOILT[spoil]
    arrays = arrays_of(path)
    arrays[name] = change(arrays[name])
    np.savez(path, **arrays)
    refused(path)


@pytest.mark.parametrize("column", ["beads", "frames", "index"])
def test_negative_counts(path: Path, column: str) -> None:
    arrays = arrays_of(path)
    arrays[column] = -arrays[column] - 1
    np.savez(path, **arrays)
    refused(path)


def test_no_blocks_at_all(path: Path) -> None:
    arrays = arrays_of(path)
    np.savez(path, **{name: a[:0] if a.ndim and not name.startswith("hist") else a for name, a in arrays.items()})
    refused(path)


def test_a_member_that_is_no_array(path: Path, factor: Factor) -> None:
    buffer = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("readme.txt", "hello")
    path.write_bytes(buffer.getvalue())
    assert_equal(load_factor(path), factor)


def test_a_compressed_copy_is_a_factor_too(path: Path, factor: Factor) -> None:
    np.savez_compressed(path, **arrays_of(path))
    assert_equal(load_factor(path), factor)
