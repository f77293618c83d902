"""Bad input is refused when it is read, with one sentence that names file, key and place."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcore.data import from_arrays, read
from cgcore.errors import InputError


def good(n_frames: int = 4, n_beads: int = 5, dtype: str = "f4") -> dict[str, Any]:
    """Chains with bonds of 3.8 Å and one padded bead at the end of frame 1."""
    rng = np.random.default_rng(7)
    step = rng.normal(size=(n_frames, n_beads, 3))
    R = np.cumsum(3.8 * step / np.linalg.norm(step, axis=-1, keepdims=True), axis=1)
    mask = np.ones((n_frames, n_beads), np.float32)
    mask[1, -1] = 0
    species = np.tile(np.arange(n_beads), (n_frames, 1))
    F = rng.normal(size=(n_frames, n_beads, 3))
    return {"R": R.astype(dtype), "F": F.astype(dtype), "mask": mask, "species": species}


def changed(key: str, index: Any, value: Any) -> dict[str, Any]:
    arrays = good()
    arrays[key] = arrays[key].astype(np.float64) if key in ("mask", "species") else arrays[key]
    arrays[key][index] = value
    return arrays


def without(key: str) -> dict[str, Any]:
    arrays = good()
    del arrays[key]
    return arrays


def same_place(bead: int, other: int) -> dict[str, Any]:
    arrays = good()
    arrays["R"][2, bead] = arrays["R"][2, other]
    return arrays


ONE_BEAD = {key: value[:, :1] for key, value in good().items()}
NO_FRAMES = {key: value[:0] for key, value in good().items()}
NO_BEADS = {key: value[:, :0] for key, value in good().items()}

CASES = {
    "no R": (without("R"), ["'R' is missing", "F, mask, species"]),
    "no F": (without("F"), ["'F' is missing"]),
    "R with two axes": ({**good(), "R": np.zeros((4, 15))}, ["'R'", "(4, 15)"]),
    "R in two dimensions": ({**good(), "R": np.zeros((4, 5, 2))}, ["'R'", "(4, 5, 2)"]),
    "F of other shape": ({**good(), "F": np.zeros((4, 6, 3))}, ["'F'", "(4, 6, 3)", "(4, 5, 3)"]),
    "mask of other shape": ({**good(), "mask": np.ones(4)}, ["'mask'", "(4,)", "(4, 5)"]),
    "species of other shape": ({**good(), "species": np.ones((5, 4), int)}, ["'species'", "(5, 4)"]),
    "complex R": ({**good(), "R": good()["R"] + 0j}, ["'R'", "complex"]),
    "bool F": ({**good(), "F": good()["F"] > 0}, ["'F'", "bool"]),
    "strings R": ({**good(), "R": good()["R"].astype(str)}, ["'R'", "<U"]),
    "strings species": ({**good(), "species": np.full((4, 5), "ALA")}, ["'species'", "<U3"]),
    "complex mask": ({**good(), "mask": np.ones((4, 5), complex)}, ["'mask'", "complex"]),
    "NaN in R": (changed("R", (2, 3, 1), np.nan), ["'R' is nan", "frame 2, bead 3", "0-based"]),
    "inf in R": (changed("R", (0, 0, 0), -np.inf), ["'R' is -inf", "frame 0, bead 0"]),
    "NaN in F": (changed("F", (3, 4, 2), np.nan), ["'F' is nan", "frame 3, bead 4"]),
    "inf in F": (changed("F", (1, 3, 2), np.inf), ["'F' is inf", "frame 1, bead 3"]),
    "mask of a half": (changed("mask", (1, 2), 0.5), ["'mask' is 0.5", "frame 1, bead 2"]),
    "mask of two": (changed("mask", (3, 0), 2), ["'mask' is 2.0", "frame 3, bead 0"]),
    "mask of NaN": (changed("mask", (3, 4), np.nan), ["'mask' is nan", "frame 3, bead 4"]),
    "mask with a gap": (changed("mask", (2, 1), 0), ["'mask' at frame 2", "before a real bead"]),
    "mask with padding first": (changed("mask", (2, 0), 0), ["'mask' at frame 2", "before a real bead"]),
    "frame of padding": (changed("mask", 2, 0), ["'mask' at frame 2", "all beads are padding"]),
    "one real bead": (changed("mask", (2, slice(1, None)), 0), ["'mask' at frame 2", "fewer than two"]),
    "one bead": (ONE_BEAD, ["'R'", "fewer than two beads"]),
    "no beads": (NO_BEADS, ["'R'", "fewer than two beads"]),
    "no frames": (NO_FRAMES, ["'R'", "zero frames"]),
    "bond of length zero": (same_place(3, 2), ["'R'", "beads 2 and 3", "frame 2", "same position"]),
    "species of a half": (changed("species", (1, 2), 1.5), ["'species' is 1.5", "frame 1, bead 2"]),
    "species NaN": (changed("species", (3, 4), np.nan), ["'species' is nan", "frame 3, bead 4"]),
    "species inf": (changed("species", (0, 4), np.inf), ["'species' is inf", "frame 0, bead 4"]),
    "species too large": (changed("species", (0, 4), 2.0**31), ["'species'", "frame 0, bead 4"]),
    "pm as Å": ({**good(), "R": good()["R"] * 100}, ["'R'", "looks like pm", "nm"]),
    "no forces": ({**good(), "F": 0 * good()["F"]}, ["'F' is zero everywhere", "reference forces"]),
    "forces of rounding": ({**good(), "F": 1e-200 * good()["F"]}, ["'F' is zero everywhere"]),
    "forces in padding alone": (
        {**good(), "F": good()["F"] * (1 - good()["mask"])[..., None]},
        ["'F' is zero everywhere"],
    ),
    "nm as Å": ({**good(), "R": good()["R"] / 10}, ["'R'", "looks like nm", "--units nm-kj"]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_file_refused(tmp_path: Path, case: str, save: Any) -> None:
    arrays, expected = CASES[case]
    path = tmp_path / "case.npz"
    save(path, **arrays)
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    for text in [str(path), *expected]:
        assert text in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("case", [case for case in CASES if case not in ("no R", "no F")])
def test_arrays_refused(case: str) -> None:
    arrays, expected = CASES[case]
    with pytest.raises(InputError) as caught:
        from_arrays(**arrays, name="mine")
    for text in ["mine", *expected]:
        assert text in str(caught.value)


@pytest.mark.parametrize("value", [6, 5.5, "5", [5, 5], np.nan])
def test_n_max_must_agree(tmp_path: Path, value: Any) -> None:
    np.savez(tmp_path / "a.npz", **good(), N_max=value)
    with pytest.raises(InputError, match=r"a\.npz: key 'N_max' is .* 5 beads"):
        read(tmp_path / "a.npz")
    for right in (5, [5], 5.0, [5] * 5, [5] * 4):
        np.savez(tmp_path / "a.npz", **good(), N_max=right)
        assert "N_max" in read(tmp_path / "a.npz").sources[0].extras


def test_angstrom_given_as_nm(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **good())
    with pytest.raises(InputError, match=r"a\.npz: key 'R' looks like Å.*--units angstrom-kcal"):
        read(tmp_path / "a.npz", units="nm-kj")
    with pytest.raises(InputError, match="'R' looks like pm"):
        from_arrays(good()["R"] * 100, good()["F"], units="nm-kj")
    with pytest.raises(InputError, match="'R' is not in nm"):
        from_arrays(good()["R"] / 1000, good()["F"], units="nm-kj")


def test_unknown_units(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **good())
    with pytest.raises(InputError, match=r"'furlong' are not known.*angstrom-kcal, nm-kj"):
        read(tmp_path / "a.npz", units="furlong")


def test_ragged_list() -> None:
    with pytest.raises(InputError, match="'R' is not an array"):
        from_arrays([[1.0], [2.0, 3.0]], good()["F"])


def test_a_value_too_large_for_its_dtype_is_refused_without_a_warning() -> None:
    arrays = good(dtype="f8")
    arrays["R"] = arrays["R"] / 10
    arrays["R"][2, 4] = 1e308
    with pytest.raises(InputError, match="'R' is inf at frame 2, bead 4"):
        from_arrays(**arrays, units="nm-kj")
    arrays = good(dtype="g")
    arrays["F"][2, 4, 0] = np.finfo(np.longdouble).max
    if np.finfo(np.longdouble).max > np.finfo(np.float64).max:
        with pytest.raises(InputError, match="'F' is inf at frame 2, bead 4"):
            from_arrays(**arrays)


class Bomb:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("key", ["R", "F", "mask", "species"])
def test_needed_object_array_is_refused_and_not_unpickled(tmp_path: Path, key: str) -> None:
    arrays = {**good(), key: np.array([Bomb(tmp_path / "ran")], dtype=object)}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=rf"a\.npz: key '{key}' is an object array"):
        read(tmp_path / "a.npz")
    assert not (tmp_path / "ran").exists()


def test_other_object_array_is_skipped_and_not_unpickled(tmp_path: Path) -> None:
    bomb = np.array(Bomb(tmp_path / "ran"), dtype=object)
    np.savez(tmp_path / "a.npz", **good(), aa_to_id=bomb, temperature=320.0)
    dataset = read(tmp_path / "a.npz")
    assert dataset.skipped_keys == ("aa_to_id",)
    assert set(dataset.sources[0].extras) == {"temperature"}
    assert not (tmp_path / "ran").exists()


def test_object_array_given_in_memory() -> None:
    with pytest.raises(InputError, match="'F' has dtype object"):
        from_arrays(good()["R"], good()["F"].astype(object))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.npz", tmp_path / "none" / "a.npz"):
        with pytest.raises(InputError, match="no such file or folder"):
            read(path)
    with pytest.raises(InputError, match="cannot be read"):
        read("zero\0byte.npz")


def test_folder_without_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / ".hidden.npz", **good())
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(InputError, match=r"holds no \*\.npz"):
        read(tmp_path)


def test_folder_with_half_of_a_pair_says_which_half_is_missing(tmp_path: Path) -> None:
    np.save(tmp_path / "a_coords.npy", good()["R"])
    with pytest.raises(InputError, match=r"file of forces is missing; put a_forces\.npy"):
        read(tmp_path)


def test_directory_named_npz(tmp_path: Path) -> None:
    (tmp_path / "a.npz").mkdir()
    with pytest.raises(InputError, match=r"a\.npz: the folder holds no"):
        read(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"a\.npz: is a directory, not a file"):
        read(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(InputError, match="is a pipe, not a file"):
        read(tmp_path / "a.npz")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", **good())

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    # Simulated, since root may read everything.
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        with pytest.raises(InputError, match=r"a\.npz: cannot be read \(Permission denied\)"):
            read(tmp_path / "a.npz")
    with monkeypatch.context() as patch:
        patch.setattr("os.listdir", refuse)
        with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
            read(tmp_path)


def test_not_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for content in (b"", b"hello", b"\x80\x04N."):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.npz: is not an NPZ archive"):
            read(path)
    with open(path, "wb") as file:
        np.save(file, good()["R"])
    with pytest.raises(InputError, match="not an NPZ archive"):
        read(path)


def test_archives_without_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path)
    with pytest.raises(InputError, match="archive is empty"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("note.txt", "R and F")
    with pytest.raises(InputError, match="'R' is missing"):
        read(path)


def test_key_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **good())
    member = io.BytesIO()
    np.save(member, good()["R"])
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("R.npy", member.getvalue())
    with pytest.raises(InputError, match=r"'R\.npy' twice"):
        read(path)


def test_header_that_lies_about_the_size(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    member = io.BytesIO()
    np.save(member, good(n_frames=8)["R"])
    np.savez(path, **without("R"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("R.npy", member.getvalue()[:-100])
    with pytest.raises(InputError, match="'R' does not have the size its header says"):
        read(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_truncated_anywhere(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "a.npz"
    save(path, **good())
    content = path.read_bytes()
    for size in range(0, len(content), 37):
        path.write_bytes(content[:size])
        with pytest.raises(InputError, match=r"a\.npz: (is not an NPZ|the archive is truncated)"):
            read(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_bit_flip_in_any_member(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "a.npz"
    save(path, **good(), temperature=np.full(40, 320.0))
    content = path.read_bytes()
    for key in ("R", "F", "mask", "species", "temperature"):
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{key}.npy")
        place = info.header_offset + 30 + len(info.filename) + 20 + info.compress_size // 2
        flipped = bytearray(content)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(InputError, match=rf"a\.npz: key '{key}' is damaged"):
            read(path)
        path.write_bytes(content)
    read(path)


@pytest.mark.slow
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_one_flipped_bit_never_changes_the_data(tmp_path: Path, save: Any) -> None:
    """A flipped bit, also in headers, is refused unless it is in a byte without meaning (a date) and all data are
    equal.

    zipfile alone would let a flipped bit in the directory hide the mask.
    """
    path = tmp_path / "a.npz"
    save(path, **good(n_frames=2))
    expected = read(path).join()
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
    rng = np.random.default_rng(3)
    places = [*rng.integers(0, directory, 150), *range(directory, len(content))]
    for place in places:
        for bit in rng.choice(8, 2, replace=False):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                dataset = read(path)
            except InputError:
                continue
            for found, wanted in zip(dataset.join(), expected, strict=True):
                np.testing.assert_array_equal(found, wanted)
