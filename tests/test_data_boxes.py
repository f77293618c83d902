"""Frames that were wrapped into their box are read as whole chains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import helpers
import numpy as np
import pytest

import cgcore
from cgcore.data import from_arrays, read
from cgcore.data.boxes import box_vectors
from cgcore.errors import InputError

BEADS, FRAMES = 9, 5
CHAINS = helpers.frames(np.random.default_rng(4), [BEADS] * FRAMES, BEADS + 2)
LENGTHS = np.array([31.0, 42.5, 37.25])
TRICLINIC = np.array([[40.0, 0, 0], [12.0, 38.0, 0], [-9.0, 11.0, 35.0]])
RESID = np.array([0, 1, 2, 5, 6, 7, 8, 9, 10, 0, 0])
CHAIN = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0])


def wrapped(R: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Positions with every bead in the cell around the origin."""
    R = R - R[:, 4:5]  # so that the box cuts the chain
    return R - np.floor(R @ np.linalg.inv(vectors)) @ vectors


def distances(R: np.ndarray) -> np.ndarray:
    return np.linalg.norm(R[:, :BEADS, None] - R[:, None, :BEADS], axis=-1)


@pytest.mark.parametrize("extras", [{}, {"resid": RESID}, {"chain": CHAIN}], ids=["one chain", "gap", "two chains"])
@pytest.mark.parametrize("box", [LENGTHS, TRICLINIC, np.stack([np.diag(LENGTHS) * s for s in (1, 1.1, 1.2, 1.3, 1)])])
def test_wrapped_equals_unwrapped(tmp_path: Path, box: np.ndarray, extras: dict[str, Any]) -> None:
    vectors = np.broadcast_to(np.diag(box) if box.ndim == 1 else box, (FRAMES, 3, 3))
    cut = wrapped(CHAINS.R, vectors)
    assert np.linalg.norm(np.diff(cut[:, :BEADS], axis=1), axis=-1).max() > 10
    mask = CHAINS.mask
    np.savez(tmp_path / "a.npz", R=cut, F=CHAINS.F, mask=mask, box=box, **extras)
    sets = [read(tmp_path / "a.npz")]
    if len(box) == 3:  # one box for all frames, which can also be given beside the arrays
        sets.append(from_arrays(cut, CHAINS.F, mask, box=box, **extras))
    for data in sets:
        R = data.join().R
        # Positions of about 40 Å move by box vectors and back: a few roundings of 1e-14.
        np.testing.assert_allclose(distances(R), distances(CHAINS.R), atol=1e-12)
        assert not R[:, BEADS:].any()
        # Any rows in any order.
        few, _ = data.sources[0].load(np.array([3, 1]))
        np.testing.assert_array_equal(few, R[[3, 1]])
        np.testing.assert_array_equal(data.subset(2, seed=3).join().R, R[data.subset(2, seed=3).sources[0].rows])


def test_what_is_whole_stays_as_it_is() -> None:
    for dtype in (np.float32, np.float64):
        R = (CHAINS.R[:, :BEADS] + 100).astype(dtype)
        data = from_arrays(R, CHAINS.F[:, :BEADS].astype(dtype), box=LENGTHS)
        np.testing.assert_array_equal(data.join().R, R, strict=True)


@pytest.mark.slow
def test_the_same_fit_comes_of_both(tmp_path: Path) -> None:
    chains = helpers.frames(np.random.default_rng(6), [BEADS] * 30, BEADS)
    prior = helpers.prior(np.random.default_rng(1), 1, 1)
    fingerprint = cgcore.Fingerprint.of(prior)
    c = cgcore.to_coefficients(prior.params)
    np.savez(tmp_path / "whole.npz", R=chains.R, F=chains.F)
    np.savez(tmp_path / "cut.npz", R=wrapped(chains.R, np.diag(LENGTHS)), F=chains.F)
    whole = cgcore.compress(read(tmp_path / "whole.npz"), fingerprint)
    cut = cgcore.compress(read(tmp_path / "cut.npz", box=LENGTHS), fingerprint)
    assert cut.loss(c) == pytest.approx(whole.loss(c), rel=1e-12)
    assert cut.fingerprint == whole.fingerprint


def test_a_box_in_nm_belongs_to_positions_in_nm(tmp_path: Path) -> None:
    cut = wrapped(CHAINS.R[:, :BEADS], np.diag(LENGTHS))
    np.savez(tmp_path / "a.npz", R=cut / 10, F=CHAINS.F[:, :BEADS], box=LENGTHS / 10)
    data = read(tmp_path / "a.npz", units="nm-kj")
    np.testing.assert_allclose(distances(data.join().R), distances(CHAINS.R), atol=1e-12)
    # The same box with positions in Å cannot be intended.
    np.savez(tmp_path / "a.npz", R=cut, F=CHAINS.F[:, :BEADS], box=LENGTHS / 10)
    data = read(tmp_path / "a.npz")
    assert data.sources[0].box is None
    assert "'box' is only 3.1 Å thick" in data.notes[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (30.0, np.eye(3) * 30),
        ([30, 40, 50], np.diag([30.0, 40, 50])),
        ([30, 40, 50, 90, 90, 90], np.diag([30.0, 40, 50])),
        ([[30, 0, 0], [0, 40, 0], [0, 0, 50]], np.diag([30.0, 40, 50])),
        # A truncated octahedron: all angles have a cosine of -1/3.
        (
            [30, 30, 30, *[np.degrees(np.arccos(-1 / 3))] * 3],
            30 * np.array([[1, 0, 0], [-1 / 3, np.sqrt(8) / 3, 0], [-1 / 3, -np.sqrt(2) / 3, np.sqrt(2 / 3)]]),
        ),
    ],
)
def test_forms_of_a_box(value: Any, expected: np.ndarray) -> None:
    vectors = box_vectors("box", value)
    assert vectors is not None
    np.testing.assert_allclose(vectors, expected[None], atol=1e-13)


def test_rows_of_lengths_and_rows_of_vectors() -> None:
    lengths = np.array([[30.0, 40, 50], [31, 41, 51], [32, 42, 52]])
    per_frame = box_vectors("box", lengths, 3)
    np.testing.assert_array_equal(per_frame, np.eye(3) * lengths[:, None])
    np.testing.assert_array_equal(box_vectors("box", TRICLINIC, 3), TRICLINIC[None])
    assert box_vectors("box", np.zeros((4, 3, 3)), 4) is None


@pytest.mark.parametrize(
    "value",
    [
        *(-3.0, [30, 40], [np.nan] * 3, "wide", [6.0, 6, 6], [30, 30, 0], np.ones((2, 3, 3))),
        *(-30.0, np.inf, [30, -30, 30], [30, 30, -30, 90, 90, 90]),
    ],
)
def test_what_is_no_box_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match=r"^box"):
        from_arrays(CHAINS.R, CHAINS.F, CHAINS.mask, box=value)
