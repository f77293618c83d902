"""Contents of a source and a data set: units, padding, proteins, joined folders."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.data import from_arrays, locate_overlap, read
from cgcore.data.units import ANGSTROM_PER_NM, KJ_PER_KCAL

LENGTHS = np.array([3, 5, 4, 3, 2])
REAL = np.arange(5) < LENGTHS[:, None]


def chains(n_frames: int = 5, n_beads: int = 5, dtype: str = "f4") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    step = rng.normal(size=(n_frames, n_beads, 3))
    R = np.cumsum(3.8 * step / np.linalg.norm(step, axis=-1, keepdims=True), axis=1)
    return R.astype(dtype), rng.normal(size=R.shape).astype(dtype)


def test_counts() -> None:
    R, F = chains()
    dataset = from_arrays(R, F, REAL)
    frames = dataset.sources[0]
    assert (dataset.n_frames, dataset.n_beads, dataset.real_beads) == (5, 5, LENGTHS.sum())
    assert (frames.n_frames, frames.n_beads, frames.real_beads) == (5, 5, LENGTHS.sum())
    np.testing.assert_array_equal(frames.lengths, LENGTHS.astype(np.int32), strict=True)
    assert from_arrays(R, F).real_beads == 25


@settings(deadline=None, derandomize=True)
@given(
    st.sampled_from([0.0, 1.0, -1e30, 3e38, np.nan, np.inf, -np.inf]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from(["angstrom-kcal", "nm-kj"]),
)
def test_what_a_padded_bead_holds_does_not_matter(value: float, dtype: type, units: str) -> None:
    R, F = (array.astype(dtype) for array in chains())
    R = R / dtype(10) if units == "nm-kj" else R
    species = np.tile(np.arange(5.0), (5, 1))
    clean = from_arrays(R, F, REAL, species, units=units)
    for array in (R, F, species):
        array[~REAL] = value
    garbage = from_arrays(R.copy(), F, REAL, species, units=units)
    for found, expected in zip(garbage.join(), clean.join(), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)
        assert not found[~REAL].any()
    assert garbage.sources[0].protein_names == clean.sources[0].protein_names


def test_loading_leaves_given_arrays_alone() -> None:
    R, F = chains()
    before = R.copy()
    loaded, _ = from_arrays(R, F, REAL).sources[0].load(slice(0, 5))
    loaded[:] = 7
    np.testing.assert_array_equal(R, before)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_units(tmp_path: Path, dtype: str) -> None:
    R, F = chains(dtype=dtype)
    np.savez(
        tmp_path / "nm.npz",
        R=(R / ANGSTROM_PER_NM).astype(dtype),
        F=(F * KJ_PER_KCAL * ANGSTROM_PER_NM).astype(dtype),
    )
    dataset = read(tmp_path / "nm.npz", units="nm-kj")
    batch = dataset.join()
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(batch.R, R, rtol=rtol)
    np.testing.assert_allclose(batch.F, F, rtol=rtol)
    # Converted in float64 whatever the stored type, so that no value is rounded twice.
    stored = np.load(tmp_path / "nm.npz")
    np.testing.assert_array_equal(batch.R, stored["R"].astype(np.float64) * ANGSTROM_PER_NM)
    np.testing.assert_allclose(batch.F, stored["F"].astype(np.float64) / (KJ_PER_KCAL * ANGSTROM_PER_NM), rtol=1e-15)
    assert dataset.units == "nm-kj"
    # An energy is a force times a length: 1 kJ/mol/nm over 1 nm is 1/4.184 kcal/mol.
    one = from_arrays(np.array([[[0, 0, 0], [0.38, 0, 0]]]), np.ones((1, 2, 3)), units="nm-kj").join()
    assert one.F[0, 0, 0] * 10 == pytest.approx(1 / 4.184)
    assert one.R[0, 1, 0] == pytest.approx(3.8)


def test_selections_compose() -> None:
    R, F = chains(20)
    frames = from_arrays(R, F).sources[0]
    chosen = frames.select(np.arange(20) % 2 == 0).select(np.array([7, 1, 3]))
    np.testing.assert_array_equal(chosen.frame_numbers, [14, 2, 6])
    np.testing.assert_array_equal(chosen.load(slice(1, 3))[0], R[[2, 6]])
    np.testing.assert_array_equal(chosen.load(np.array([2, 0]))[1], F[[6, 14]])
    with pytest.raises(IndexError):
        chosen.load(np.array([3]))


def test_proteins_by_species() -> None:
    R, F = chains()
    lengths = np.array([3, 5, 3, 3, 3])
    mask = np.arange(5) < lengths[:, None]
    species = np.array([[0, 1, 2, 9, 9], [0, 1, 2, 3, 4], [0, 1, 3, 0, 0], [0, 1, 2, 7, 7], [0, 1, 99, 0, 0]])
    frames = from_arrays(R, F, mask, species).sources[0]
    assert frames.protein.tolist() == [0, 1, 2, 0, 3]
    assert frames.protein.dtype == np.int32
    assert frames.protein_names == ("protein-3-1", "protein-5-1", "protein-3-2", "protein-3-3")

    found = frames.species(np.array([4, 0]))
    assert found is not None
    np.testing.assert_array_equal(found, np.array([[0, 1, 99, 0, 0], [0, 1, 2, 0, 0]], np.int32), strict=True)


def test_proteins_by_length() -> None:
    frames = from_arrays(*chains(), REAL).sources[0]
    assert frames.protein.tolist() == [0, 1, 2, 0, 3]
    assert frames.protein_names == ("protein-3-1", "protein-5-1", "protein-4-1", "protein-2-1")
    assert frames.species(slice(0, 2)) is None


def test_labels_agree_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    R, F = chains(40)
    species = np.random.default_rng(1).integers(0, 2, (40, 1)) + np.zeros((40, 5), int)
    whole = from_arrays(R, F, None, species).sources[0]
    monkeypatch.setattr("cgcore.data.blocks.BLOCK_BYTES", 3 * 5 * 3 * 8)
    cut = from_arrays(R, F, None, species).sources[0]
    np.testing.assert_array_equal(cut.protein, whole.protein)
    assert cut.protein_names == whole.protein_names


@pytest.mark.parametrize("dtype", ["U3", "S3"])
def test_names_from_residues(tmp_path: Path, dtype: str) -> None:
    R, F = chains()
    one = np.array(["GLY", "ala", "TRP", "LYS", "VAL"], dtype)
    rows = np.tile(one, (5, 1))
    for resname, mask, expected in [
        (one, np.ones((5, 5)), ("GAWKV",)),
        (rows, REAL, ("GAW", "GAWKV", "GAWK", "GA")),
        (one, REAL, ("protein-3-1", "protein-5-1", "protein-4-1", "protein-2-1")),
        (np.array(["GLY", "ALA", "XXX", "LYS", "VAL"], dtype), np.ones((5, 5)), ("protein-5-1",)),
        (one[:4], np.ones((5, 5)), ("protein-5-1",)),
        (np.array(["HSD", "HIE", "CYX", "NALA", "g"], "U4"), np.ones((5, 5)), ("HHCAG",)),
        (np.array(["GLY", "ALA", "TRP", "PAD", "PAD"], dtype), np.tile([1, 1, 1, 0, 0], (5, 1)), ("GAW",)),
        (np.arange(5), np.ones((5, 5)), ("protein-5-1",)),
    ]:
        np.savez(tmp_path / "a.npz", R=R, F=F, mask=mask, resname=resname)
        assert read(tmp_path / "a.npz").sources[0].protein_names == expected


def test_folder(tmp_path: Path) -> None:
    R, F = chains(4, 5)
    small, small_F = chains(3, 4, "f8")
    np.savez(tmp_path / "b.npz", R=R, F=F, species=np.full((4, 5), 7))
    np.savez(tmp_path / "a.npz", R=small, F=small_F, aa_to_id=np.array({}, dtype=object))
    (tmp_path / ".c.npz.tmp").write_text("being written")
    (tmp_path / ".c.npz").write_text("being written")
    dataset = read(str(tmp_path))
    assert [frames.source for frames in dataset.sources] == ["a.npz", "b.npz"]
    assert (dataset.n_frames, dataset.n_beads, dataset.real_beads) == (7, 5, 32)
    assert dataset.skipped_keys == ("aa_to_id",)
    batch = dataset.join()
    np.testing.assert_array_equal(batch.R[:3, :4], small)
    np.testing.assert_array_equal(batch.F[3:], F)
    np.testing.assert_array_equal(batch.mask, [[1, 1, 1, 1, 0]] * 3 + [[1] * 5] * 4)
    np.testing.assert_array_equal(batch.species, [[0] * 5] * 3 + [[7] * 5] * 4)
    assert not batch.R[:3, 4].any()
    assert (batch.R.dtype, batch.F.dtype, batch.mask.dtype, batch.species.dtype) == ("f8", "f8", "f8", "i4")
    lines = [f"{name}\0{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}\n" for name in ("a.npz", "b.npz")]
    assert dataset.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_sha256_of_arrays() -> None:
    R, F = chains()
    expected = hashlib.sha256(R.tobytes() + F.tobytes()).hexdigest()
    assert from_arrays(R, F).sha256 == expected
    assert from_arrays(np.asfortranarray(R), F, name="mine").sha256 == expected


def test_locate_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcore.data.blocks.BLOCK_BYTES", 4 * 5 * 3 * 8)
    R, F = chains(30)
    assert locate_overlap(from_arrays(R, F)) is None
    # Padding at one position is no overlap, neither with other padding nor with a bead at the origin.
    R[3, 0] = 0
    mask = np.ones((30, 5))
    mask[3, 3:] = 0
    R[3, 3:] = 0
    assert locate_overlap(from_arrays(R, F, mask)) is None
    R[21, 4] = R[21, 1]
    R[25, 2] = R[25, 0]
    dataset = from_arrays(R, F, mask, name="mine")
    assert "mine: key 'R' has beads 1 and 4 of frame 21 (0-based)" in str(locate_overlap(dataset))
    _, end = dataset.split(0.25)
    assert end is not None
    assert "beads 0 and 2 of frame 25 " in str(locate_overlap(end))


def test_only_numpy_is_needed() -> None:
    """Reading data takes a fraction of a second, and also works where JAX cannot be loaded."""
    code = (
        "import sys, types, pathlib; p = types.ModuleType('cgcore'); "
        f"p.__path__ = [{str(Path(sys.modules['cgcore.data'].__file__ or '').parents[1])!r}]; "
        "sys.modules['cgcore'] = p; import cgcore.data; "
        "assert not {'jax', 'scipy', 'optax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
