"""Frames for training: read by the core, split, padded, with energies if there are any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pipeline_helpers as h
import pytest
from cli_helpers import BUNDLED, bundled, save

from cgcore.data import read
from cgcore.errors import InputError
from cgcore.pipeline.loader import DatasetLoader, frame_arrays


def test_all_frames_or_some() -> None:
    whole = DatasetLoader(BUNDLED)
    assert (whole.n_frames, whole.N_max) == (1000, 10)
    np.testing.assert_array_equal(whole.R, read(BUNDLED).join().R)
    some = DatasetLoader(str(BUNDLED), max_frames=7, seed=3)
    assert some.n_frames == 7
    np.testing.assert_array_equal(some.F, DatasetLoader(read(BUNDLED), 7, 3).F)
    assert not np.array_equal(some.F, DatasetLoader(BUNDLED, 7, 4).F)


def test_the_last_frames_are_held_out() -> None:
    train, validation = DatasetLoader(BUNDLED).split_train_val(0.25)
    assert validation is not None
    np.testing.assert_array_equal(np.concatenate([train.R, validation.R]), DatasetLoader(BUNDLED).R)
    assert validation.n_frames == 250
    assert DatasetLoader(BUNDLED).split_train_val(0.0)[1] is None


def test_arrays_of_a_larger_model() -> None:
    frames = h.loader(4, lengths=[10, 7])
    arrays = frame_arrays(frames, 12, 20, "float32")
    assert arrays.R.shape == (4, 12, 3)
    assert {arrays.R.dtype, arrays.F.dtype, arrays.U.dtype} == {np.dtype("float32")}
    assert arrays.mask.sum(axis=1).tolist() == [10, 7, 10, 7]
    np.testing.assert_array_equal(arrays.R[:, :10], frames.R.astype(np.float32))
    assert not arrays.R[:, 10:].any()


def test_a_smaller_model_is_refused() -> None:
    with pytest.raises(InputError, match="frames have 10 beads, but N_max of the model is 9"):
        frame_arrays(h.loader(4), 9, None, "float32")


def test_species_out_of_range_name_their_place(tmp_path: Path) -> None:
    arrays = bundled(4)
    arrays["species"][2, 3] = 25
    path = save(tmp_path / "odd.npz", arrays)
    with pytest.raises(InputError, match=r"odd\.npz: species is 25 at frame 2, bead 3 .* 0 to 19: raise"):
        frame_arrays(DatasetLoader(path), 10, 20, "float32")
    frame_arrays(DatasetLoader(path), 10, 26, "float32")
    frame_arrays(DatasetLoader(path), 10, None, "float32")


def test_energies_follow_their_frames(tmp_path: Path) -> None:
    path = save(tmp_path / "u.npz", {**bundled(20), "U": np.arange(20.0)})
    some = DatasetLoader(path, max_frames=5, seed=1)
    energies = some.U
    assert energies is not None
    for R, U in zip(some.R, energies, strict=True):
        np.testing.assert_array_equal(R, bundled(20)["R"][int(U)])
    np.testing.assert_array_equal(frame_arrays(some, 10, 20, "float32").U, energies)
    assert h.loader(4).U is None


def test_energies_in_other_units(tmp_path: Path) -> None:
    arrays = bundled(3)
    arrays["R"] /= 10
    path = save(tmp_path / "u.npz", {**arrays, "U": np.full((3, 1), 4.184)})
    np.testing.assert_allclose(np.asarray(DatasetLoader(path, units="nm-kj").U), 1.0, rtol=1e-15)


@pytest.mark.parametrize("energies", [np.zeros(4), np.array(["a", "b", "c"]), np.array([0, np.nan, 1])])
def test_energies_that_are_none(tmp_path: Path, energies: np.ndarray) -> None:
    path = save(tmp_path / "u.npz", {**bundled(3), "U": energies})
    with pytest.raises(InputError, match=r"u\.npz: key 'U' .* give 3 finite energies"):
        _ = DatasetLoader(path).U
