"""Factor files: loading gives exactly what was saved, or a refusal that names the file."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factor_helpers import WEIGHTS, factor_of, prior_of, random_chains, two_proteins

import cgcore
from cgcore import Factor, InputError, load_factor, save_factor
from cgcore.factor_file import NAMES, is_factor
from cgcore.files.arrays import checksum


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
        assert all(type(value) is str for value in (a.source, a.protein, a.sha256))
        assert a.sha256 == b.sha256
        np.testing.assert_array_equal(a.ranges, b.ranges, strict=True)
    for name, counts in expected.histograms.counts.items():
        np.testing.assert_array_equal(found.histograms.counts[name], counts, strict=True)
    for name, counts in expected.histograms.groups.items():
        np.testing.assert_array_equal(found.histograms.groups[name], counts, strict=True)
    assert found.temperatures == expected.temperatures


def test_round_trip(path: Path, factor: Factor) -> None:
    assert_equal(load_factor(path), factor)
    assert is_factor(path)


@pytest.mark.slow
def test_round_trip_of_other_settings(tmp_path: Path) -> None:
    prior = prior_of(3, WEIGHTS._replace(excluded_volume=0.1), n_dihedral=1)
    made = cgcore.compress(two_proteins().dataset("Å β.npz"), cgcore.Fingerprint.of(prior), blocks=2)
    save_factor(tmp_path / "a", made)
    assert_equal(load_factor(tmp_path / "a"), made)


def test_a_name_without_suffix_is_kept(tmp_path: Path, factor: Factor) -> None:
    save_factor(str(tmp_path / "factor"), factor)
    assert [entry.name for entry in tmp_path.iterdir()] == ["factor"]


def test_writing_again_replaces(path: Path, factor: Factor) -> None:
    other = replace(factor, blocks=factor.blocks[::-1])
    save_factor(path, other)
    assert_equal(load_factor(path), other)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_file_is_small(path: Path) -> None:
    assert path.stat().st_size < 25_000 + 10 * 16 * 16 * 8


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


@pytest.mark.slow
def test_a_flipped_bit_anywhere_changes_nothing_or_is_refused(path: Path, factor: Factor) -> None:
    """This includes headers, names and the directory of the archive, not only the numbers."""
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
    "sha256",
    "broken",
    "weight",
    "range_counts",
    "ranges",
    "histogram_bond",
    "histogram_angle",
    "histogram_dihedral",
    "histogram_groups",
    "temperatures",
    "checksum",
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


def of_angles(**change: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A change to the angle term in the fingerprint."""

    def changed(array: np.ndarray) -> np.ndarray:
        plain = json.loads(str(array))
        plain["terms"][1] |= change
        return np.array(json.dumps(plain))

    return changed


SPOILT: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "other format": ("format", lambda _: np.array("cgcore factor 0")),
    "format of numbers": ("format", lambda _: np.arange(3)),
    "no json": ("fingerprint", lambda _: np.array("{")),
    "json that is a list": ("fingerprint", lambda _: np.array("[1, 2]")),
    "json that is a number": ("fingerprint", lambda _: np.array("1")),
    "unknown key": ("fingerprint", fingerprint(colour="red")),
    "weights that are a list": ("fingerprint", of_angles(weight=[1, 2])),
    "other orders": ("fingerprint", of_angles(harmonics=5)),
    "orders that are text": ("fingerprint", of_angles(harmonics="four")),
    "terms that are numbers": ("fingerprint", fingerprint(terms=[1, 2])),
    "terms that are a dictionary": ("fingerprint", fingerprint(terms={})),
    "no terms": ("fingerprint", fingerprint(terms=[])),
    "a basis that there is not": ("fingerprint", of_angles(basis="wavelets")),
    "rows that are text": ("fingerprint", of_angles(rows="angles")),
    "groups that are text": ("fingerprint", of_angles(groups="central")),
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


@pytest.mark.parametrize("name", ["readme.txt", "colour.npy"])
def test_a_member_that_does_not_belong_there(path: Path, name: str) -> None:
    content = io.BytesIO()
    np.save(content, np.arange(3))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content.getvalue())
    refused(path, repr(name.removesuffix(".npy")), "is not expected here")


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_twice(path: Path, name: str) -> None:
    content = io.BytesIO()
    np.save(content, arrays_of(path)[name])
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{name}.npy", content.getvalue())
    refused(path, f"'{name}.npy' twice")


# Contents that no frames can produce are refused even if the checksum is right; other changes are found by the
# checksum.


def first(x: np.ndarray, value: Any) -> np.ndarray:
    changed = x.copy()
    changed.flat[0] = value
    return changed


def below_diagonal(S: np.ndarray) -> np.ndarray:
    changed = S.copy()
    changed[0, 5, 2] = 50.0
    return changed


MEANINGLESS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray], str]] = {
    "a number below the diagonal": ("S", below_diagonal, "upper triangular"),
    "rows reversed": ("S", lambda S: S[:, ::-1], "upper triangular"),
    "columns reversed": ("S", lambda S: S[:, :, ::-1], "upper triangular"),
    "transposed": ("S", lambda S: S.transpose(0, 2, 1), "upper triangular"),
    "negative": ("S", lambda S: -S, "upper triangular"),
    "zero": ("S", lambda S: 0 * S, "reference forces are 0"),
    "too large to be squared": ("S", lambda S: 1e200 * S, "upper triangular"),
    "integers": ("S", lambda S: S.astype(np.int64), "dtype"),
    "complex": ("S", lambda S: S + 0j, "dtype"),
    "big endian": ("S", lambda S: S.astype(">f8"), "dtype"),
    "more beads": ("beads", lambda x: 1000 * x, "histogram of bond"),
    "infinitely many beads": ("beads", lambda x: first(x.astype(float), np.inf), "dtype"),
    "very many beads": ("beads", lambda x: x * 0 + 2**62, "beads"),
    "half a bead": ("beads", lambda x: x + 0.5, "dtype"),
    "one bead more": ("beads", lambda x: x + 1, "beads"),
    "rows taken away": ("broken", lambda x: x + 1, "histogram of bond"),
    "rows given": ("broken", lambda x: x - 1, "gaps remove"),
    "narrow beads": ("beads", lambda x: x.astype(np.int32), "dtype"),
    "half a frame": ("frames", lambda x: x * 0 + 0.5, "dtype"),
    "no frames": ("frames", lambda x: x * 0, "0 frames"),
    "fewer frames": ("frames", lambda x: x * 0 + 1, "frames"),
    "numbers for names": ("source", lambda x: np.arange(len(x)), "dtype"),
    "bytes for names": ("protein", lambda x: np.char.encode(x), "dtype"),
    "ranges that are too long": ("ranges", lambda x: x + np.array([0, 4]), "range"),
    "ranges reversed": ("ranges", lambda x: x[:, ::-1], "ascending"),
    "ranges elsewhere": ("range_counts", lambda x: first(x, 2), "add up"),
    "negative range counts": ("range_counts", lambda x: first(x, -1) + np.eye(1, len(x), 1, int)[0] * 2, "add up"),
    "NaN in a histogram": ("histogram_angle", lambda x: first(x.astype(float), np.nan), "dtype"),
    "a histogram of halves": ("histogram_bond", lambda x: x / 2, "dtype"),
    "negative counts": ("histogram_bond", lambda x: first(first(x, -5)[::-1], x[-1] + x[0] + 5)[::-1], "histogram"),
    "no counts": ("histogram_dihedral", lambda x: 0 * x, "histogram of dihedral"),
    "counts twice": ("histogram_angle", lambda x: 2 * x, "histogram of angle"),
    "counts that overflow": ("histogram_angle", lambda x: x * 0 + 2**62, "histogram of angle"),
    "more closest pairs than frames": ("histogram_groups", lambda x: x + 1, "histogram of repulsive"),
    "negative closest pairs": ("histogram_groups", lambda x: first(x, -1), "histogram of repulsive"),
    "infinite temperature": ("temperatures", lambda x: np.array([np.inf]), "not finite"),
    "a temperature of text": ("temperatures", lambda x: np.array(["hot"]), "dtype"),
    "two hundred thousand brackets": ("fingerprint", lambda _: np.array("[" * 200_000), "JSON"),
    "deep brackets": ("fingerprint", lambda _: np.array("[" * 50_000), "JSON"),
    "NaN weight": ("fingerprint", lambda x: np.array(str(x).replace("0.5", "NaN")), "NaN"),
    "infinite weight": ("fingerprint", lambda x: np.array(str(x).replace("0.5", "1e999")), "weight of term 'bond'"),
    "negative weight": ("fingerprint", lambda x: np.array(str(x).replace("0.5", "-0.5")), "weight of term 'bond'"),
    "a billion harmonics": ("fingerprint", of_angles(harmonics=10**9), "harmonics"),
    "true harmonics": ("fingerprint", of_angles(harmonics=True), "harmonics"),
    "a number for units": ("fingerprint", lambda x: np.array(str(x).replace('"free"', "3")), "displacement"),
}


@pytest.mark.parametrize("spoil", MEANINGLESS)
@pytest.mark.parametrize("summed", [True, False], ids=["right checksum", "old checksum"])
def test_content_without_meaning(path: Path, spoil: str, summed: bool) -> None:
    name, change, word = MEANINGLESS[spoil]
    arrays = arrays_of(path)
    before = arrays[name]
    arrays[name] = change(before)
    assert arrays[name].tobytes() != before.tobytes()
    if summed:
        arrays["checksum"] = np.array(checksum(arrays, NAMES))
    np.savez(path, **arrays)
    refused(path, *([word] if summed else ["was changed"]))


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "format"])
def test_any_change_is_seen(path: Path, name: str) -> None:
    """A change that is still meaningful: another number, or another last letter of a text."""
    arrays = arrays_of(path)
    array = arrays[name]
    if not array.size:
        arrays[name] = np.ones(1, array.dtype)
    else:
        arrays[name] = np.char.add(array, "x") if array.dtype.kind == "U" else array + (array == array.max())
    np.savez(path, **arrays)
    refused(path, "was changed")


@pytest.mark.parametrize("former", ["cgcore factor 1", "cgcore factor 2", "cgcore factor 3", "cgcore factor 4"])
def test_a_file_of_a_former_format_is_refused_by_name(path: Path, former: str) -> None:
    arrays: dict[str, Any] = arrays_of(path) | {"format": np.array(former)}
    for name in ("checksum", "sha256", "ranges", "range_counts"):
        del arrays[name]
    np.savez(path, **arrays)
    assert is_factor(path)
    refused(path, repr(former), "'cgcore factor 6'", "cgcore compress")


def test_a_compressed_copy_is_a_factor_too(path: Path, factor: Factor) -> None:
    np.savez_compressed(path, **arrays_of(path))
    assert_equal(load_factor(path), factor)
