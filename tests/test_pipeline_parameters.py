"""Parameter files: plain arrays, nothing unpickled, damaged or foreign files refused by name."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from cgcore.errors import InputError
from cgcore.pipeline.parameters import from_named, named_arrays, read_params, require_same, save_params

TREE = {"prior": {"r0": jnp.array(3.8), "a": jnp.zeros(0)}, "allegro": {"layers": [{"w": jnp.ones((2, 3))}, {}]}}
NAMES = {"prior/r0", "prior/a", "allegro/layers/0/w"}


def test_there_and_back(tmp_path: Path) -> None:
    assert set(named_arrays(TREE)) == NAMES
    save_params(tmp_path / "p.npz", TREE, {"kind": ["allegro", None, 2.5]}, 12)
    arrays, fingerprint, beads, _ = read_params(tmp_path / "p.npz")
    assert beads == 12
    assert fingerprint == {"kind": ["allegro", None, 2.5]}
    assert set(arrays) == NAMES
    again = from_named(TREE, arrays, "p.npz")
    assert again["allegro"]["layers"][1] == {}
    np.testing.assert_array_equal(again["allegro"]["layers"][0]["w"], np.ones((2, 3)))
    assert again["prior"]["a"].shape == (0,)


def test_the_dtype_is_that_of_the_model(tmp_path: Path) -> None:
    save_params(tmp_path / "p.npz", {"x": jnp.array(0.1, jnp.float32)}, {})
    saved = read_params(tmp_path / "p.npz")
    assert saved.beads is None
    assert from_named({"x": jnp.array(0.0)}, saved.arrays, "")["x"].dtype == np.float64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("prior/r0"), "it lacks the parameter prior/r0"),
        (lambda arrays: arrays.update(more=np.ones(1)), "it has the parameter more"),
        (lambda arrays: arrays.update({"prior/r0": np.ones(2)}), r"prior/r0 has shape \(2,\)"),
        (lambda arrays: arrays.update({"prior/r0": np.array("x")}), "prior/r0 has shape .* dtype <U1"),
    ],
)
def test_parameters_that_do_not_fit(change: Callable[[dict[str, np.ndarray]], object], words: str) -> None:
    arrays = named_arrays(TREE)
    change(arrays)
    with pytest.raises(InputError, match=f"file: belongs to another model: .*{words}"):
        from_named(TREE, arrays, "file")


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    cases = {
        "no such file": lambda: None,
        "is not an NPZ archive": lambda: path.write_bytes(b"no archive"),
        "p.npz: is not an NPZ archive": lambda: path.write_bytes(pickle.dumps(TREE["prior"]["r0"].item())),
        "of this version": lambda: np.savez(path, R=np.ones(3)),
        "not a parameter file": lambda: np.savez(path, format="cgcore params 1", fingerprint="[" * 200_000),
        "p.npz: not a parameter file": lambda: np.savez(path, format="cgcore params 1", fingerprint="{}", beads=np.inf),
        "parameter file of this version": lambda: np.savez(
            path, format="cgcore params 1", fingerprint="{}", beads=10**9
        ),
        "not finite": lambda: save_params(path, {"x": jnp.array(jnp.nan)}, {}),
    }
    for words, write in cases.items():
        write()
        with pytest.raises(InputError, match=words):
            read_params(path)
    with pytest.raises(InputError, match="is a directory"):
        read_params(tmp_path)


def test_what_differs_is_named() -> None:
    mine = {"network": {"cutoff": 8.0, "layers": (1, 2)}, "prior": None}
    require_same(mine, {"network": {"cutoff": 8.0, "layers": [1, 2]}, "prior": None}, "f", "another model")
    for theirs, words in (
        ({"network": {"cutoff": 9.0, "layers": [1, 2]}, "prior": None}, "network.cutoff is 9.0 there and 8.0 here"),
        ({"network": None, "prior": None}, "network is null there and .* here"),
        ({"network": {"cutoff": 8.0, "layers": [1, 2]}, "prior": None, "more": 1}, "more is 1 there and null here"),
        (None, "it is null there"),
    ):
        with pytest.raises(InputError, match=f"f: belongs to another model: .*{words}"):
            require_same(mine, theirs, "f", "another model")
