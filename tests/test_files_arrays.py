"""Declared arrays in an NPZ: their checksum, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cgcore.files.arrays import CHECKSUM, Field, checksum, write_arrays

LENGTHS = Field("lengths", "f", ("bonds",), lambda stored: stored)


def test_a_checksum_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    arrays = {"a": np.arange(3), "b": np.array("text")}
    write_arrays(tmp_path / "plain.npz", arrays)
    write_arrays(tmp_path / "summed.npz", arrays, ("b", "a"))
    with np.load(tmp_path / "plain.npz") as plain, np.load(tmp_path / "summed.npz") as summed:
        assert plain.files == ["a", "b"]
        assert summed.files == ["a", "b", CHECKSUM]
        assert str(summed[CHECKSUM]) == checksum(arrays, ("b", "a"))


def test_a_checksum_depends_on_all_of_an_array() -> None:
    array = np.arange(4)
    others = [array + 1, array.astype(np.int32), array.reshape(2, 2)]
    sums = {checksum({"a": one}, "a") for one in (array, *others)} | {checksum({"b": array}, "b")}
    assert len(sums) == 5


def test_values_become_those_of_the_declared_type() -> None:
    assert LENGTHS.array([1, 2]).dtype == np.float64


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3, np.float32), "lengths has dtype float32, not float64"),
        (np.array("three"), "lengths has dtype <U5, not float64"),
        (np.zeros((3, 1)), r"lengths has shape \(3, 1\), not \(bonds\)"),
        (np.zeros(4), r"lengths has shape \(4,\); bonds is 3"),
        (np.array([0, 1, np.nan]), "lengths is not finite"),
    ],
)
def test_another_array_is_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LENGTHS.check(array, {"bonds": 3})


def test_an_axis_is_as_long_as_the_first_array_that_has_it() -> None:
    lengths: dict[str, int] = {}
    LENGTHS.check(np.zeros(2), lengths)
    assert lengths == {"bonds": 2}
