"""The forms in which tools write one-bead data are all read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import helpers
import numpy as np
import pytest

from cgcore.data import Dataset, from_arrays, read
from cgcore.data.npz import EXTRA_LIMIT
from cgcore.errors import InputError

BEADS, FRAMES = 7, 4
DATA = helpers.frames(np.random.default_rng(2), [BEADS] * FRAMES, BEADS)
NAMES = ["GLY", "HSD", "CYX", "TYR", "TYR", "ASP", "MSE"]
OWN = {name: k for k, name in enumerate(sorted(set(NAMES)))}
SPECIES = np.tile([OWN[name] for name in NAMES], (FRAMES, 1))


def save(folder: Path, **more: Any) -> Path:
    arrays = {"R": DATA.R, "F": DATA.F, "species": SPECIES} | more
    kept: dict[str, Any] = {key: value for key, value in arrays.items() if value is not None}
    np.savez(folder / "a.npz", **kept)
    return folder / "a.npz"


def padded(array: np.ndarray, fill: float) -> np.ndarray:
    return np.concatenate([array, np.full((FRAMES, 3, *array.shape[2:]), fill, array.dtype)], axis=1)


PADDED: dict[str, Any] = {"R": padded(DATA.R, 0), "F": padded(DATA.F, 0), "species": padded(SPECIES, -1)}
MASK = np.arange(BEADS + 3) < BEADS


@pytest.mark.parametrize("save_as", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("mask", [MASK, MASK[None], MASK.astype(np.float32), np.tile(MASK, (FRAMES, 1)), None])
def test_one_mask_for_all_frames_or_species_below_zero(tmp_path: Path, mask: Any, save_as: Any) -> None:
    arrays = PADDED if mask is None else PADDED | {"mask": mask}
    save_as(tmp_path / "a.npz", **arrays)
    for data in (read(tmp_path / "a.npz"), from_arrays(**arrays)):
        batch = data.join()
        np.testing.assert_array_equal(batch.R[:, :BEADS], DATA.R)
        np.testing.assert_array_equal(batch.mask, np.tile(MASK, (FRAMES, 1)))
        np.testing.assert_array_equal(batch.species[:, :BEADS], SPECIES)
        assert data.sources[0].protein_names == (f"protein-{BEADS}-1",)


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_residues_named_pad_are_padding(dtype: str) -> None:
    names = np.array([*NAMES, "PAD", "pad", "PAD "], dtype)
    arrays = {key: PADDED[key] for key in "RF"}
    for resname in (names, np.tile(names, (FRAMES, 1))):
        (source,) = from_arrays(**arrays, resname=resname).sources
        assert source.lengths.tolist() == [BEADS] * FRAMES
        assert source.protein_names == ("GHCYYDM",)
    whole = from_arrays(DATA.R, DATA.F, resname=np.array(NAMES))
    assert whole.real_beads == BEADS * FRAMES


def test_one_row_of_species(tmp_path: Path) -> None:
    batch = read(save(tmp_path, species=SPECIES[0])).join()
    np.testing.assert_array_equal(batch.species, SPECIES)


def test_species_below_zero_inside_a_chain_is_a_kind() -> None:
    species = SPECIES.copy()
    species[:, 2] = -1
    data = from_arrays(DATA.R, DATA.F, None, species)
    assert data.real_beads == BEADS * FRAMES
    assert data.join().species[0, 2] == -1


def test_padding_of_all_but_one_bead_is_refused() -> None:
    species = SPECIES.copy()
    species[3, 1:] = -1
    with pytest.raises(InputError, match=r"'species' is -1, padding, .* at frame 3"):
        from_arrays(DATA.R, DATA.F, None, species)


@pytest.mark.parametrize(
    "table",
    [
        {"id_to_aa": np.array(sorted(OWN))},
        {"id_to_aa": np.array(sorted(OWN), "S")},
        {"aa_to_id": np.array(json.dumps(OWN))},
        {"id_to_aa": np.array(json.dumps({str(k): name for name, k in OWN.items()}))},
        {"aa_to_id": np.array([[name, str(k)] for name, k in OWN.items()])},
        {"resname": np.array(NAMES)},
        {"resname": np.tile(np.array(NAMES), (FRAMES, 1))},
    ],
)
def test_letters_come_from_names_that_can_be_read(tmp_path: Path, table: dict[str, Any]) -> None:
    assert read(save(tmp_path, **table)).sources[0].protein_names == ("GHCYYDM",)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"aa_to_id": np.array(OWN, object), "resname": np.array(NAMES, object)},
        {"id_to_aa": np.array("no JSON")},
        {"id_to_aa": np.array(["GLY"])},
        {"id_to_aa": np.array(json.dumps([1, 2]))},
        {"aa_to_id": np.array([["GLY", "HIS"]])},
    ],
)
def test_numbers_alone_are_no_sequence(tmp_path: Path, table: dict[str, Any]) -> None:
    data = read(save(tmp_path, **table))
    assert data.sources[0].protein_names == (f"protein-{BEADS}-1",)
    assert set(data.skipped_keys) == {key for key, value in table.items() if value.dtype.kind == "O"}


def test_one_name_is_one_protein_in_a_whole_folder(tmp_path: Path) -> None:
    other = SPECIES[:, ::-1]
    for name, species in {"a": SPECIES, "b": other, "c": SPECIES}.items():
        np.savez(tmp_path / f"{name}.npz", R=DATA.R, F=DATA.F, species=species)
    names = [source.protein_names for source in read(tmp_path).sources]
    assert names == [("protein-7-1",), ("protein-7-2",), ("protein-7-1",)]


# Bonds


def jumps(data: Dataset) -> list[int] | None:
    """Differences between the sites of the first frame's real beads."""
    sites = data.sites()
    return None if sites is None else np.diff(sites[0, : data.sources[0].lengths[0]]).tolist()


RESID = np.array([3, 4, 5, 9, 10, 11, 12])
FAR = 1000


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"resid": np.arange(1, 8)}, None),
        ({"resid": np.zeros(BEADS)}, None),
        ({"resid": RESID}, [1, 1, 4, 1, 1, 1]),
        ({"resid": RESID.astype(float)}, [1, 1, 4, 1, 1, 1]),
        ({"resid": RESID.astype(str)}, [1, 1, 4, 1, 1, 1]),
        ({"resid": np.tile(RESID, (FRAMES, 1))}, [1, 1, 4, 1, 1, 1]),
        ({"resid": np.array(["5", "6", "6A", "6B", "7", "8", "9"])}, None),
        ({"resid": np.array([5, 6, 7, 1, 2, 3, 4])}, [1, 1, FAR, 1, 1, 1]),
        ({"chain": np.array(list("AAABBBB"))}, [1, 1, FAR, 1, 1, 1]),
        ({"chain": np.array([0, 0, 0, 1, 1, 1, 1])}, [1, 1, FAR, 1, 1, 1]),
        ({"chain_id": np.array([b"A", b"A", b"A", b"B", b"B", b"B", b"B"])}, [1, 1, FAR, 1, 1, 1]),
        ({"chain": np.array("A")}, None),
        ({"chain": np.array(list("AAABBBB")), "resid": RESID}, [1, 1, FAR, 1, 1, 1]),
        ({"chain": np.zeros(BEADS, int), "resid": RESID}, [1, 1, 4, 1, 1, 1]),
        ({"bonds": np.array([[0, 1], [2, 1], [3, 4], [4, 5], [5, 6], [-1, -1]])}, [1, 1, FAR, 1, 1, 1]),
        ({"bonds": np.array([[0, 1, 3, 4, 5], [1, 2, 4, 5, 6]])}, [1, 1, FAR, 1, 1, 1]),
        ({"bonds": np.array([[0, 1], [1, 2], [3, 4], [4, 5], [5, 6]]), "resid": RESID}, [1, 1, 4, 1, 1, 1]),
        ({"bonds": np.stack([np.arange(6), np.arange(1, 7)], 1), "resid": RESID}, None),
    ],
)
def test_chain_resid_and_bonds_say_what_is_bonded(
    tmp_path: Path, keys: dict[str, Any], expected: list[int] | None
) -> None:
    data = read(save(tmp_path, **keys))
    assert jumps(data) == expected
    assert jumps(from_arrays(DATA.R, DATA.F, None, SPECIES, **keys)) == expected
    assert data.notes == ()


def test_what_stands_in_padding_does_not_count() -> None:
    for fill in (-1, 0, 99):
        resid = np.append(RESID, [fill] * 3)
        assert jumps(from_arrays(**PADDED, mask=MASK, resid=resid)) == [1, 1, 4, 1, 1, 1]
        assert jumps(from_arrays(**PADDED, mask=MASK, resid=np.append(np.arange(7), [fill] * 3))) is None


def test_proteins_of_one_length_differ_by_their_gaps() -> None:
    resid = np.array([RESID, np.arange(7), RESID, RESID])
    data = from_arrays(DATA.R, DATA.F, resid=resid)
    assert data.sources[0].protein.tolist() == [0, 1, 0, 0]
    assert data.sources[0].protein_names == ("protein-7-1", "protein-7-2")
    sites = data.sites()
    assert sites is not None
    np.testing.assert_array_equal(np.diff(sites), np.diff(resid))
    (alone,) = data.subset(1, seed=1).sources
    np.testing.assert_array_equal(
        alone.sites_of(int(alone.protein[0])) + resid[alone.rows, :1][0], resid[alone.rows][0]
    )


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"resid": np.arange(5)}, r"'resid' has shape \(5,\)"),
        ({"chain": np.zeros((2, BEADS))}, r"'chain' has shape \(2, 7\)"),
        ({"resid": np.linspace(0, 1, BEADS)}, "'resid' does not hold residue numbers"),
        ({"resid": np.array(list("abcdefg"))}, "'resid' does not hold residue numbers"),
        (
            {"bonds": np.array([[i, i + 1] for i in range(6)] + [[0, 6]])},
            "'bonds' joins beads 0 and 6, which are not neighbours in the row: no term",
        ),
    ],
)
def test_what_cannot_be_used_is_noted(tmp_path: Path, keys: dict[str, Any], words: str) -> None:
    data = read(save(tmp_path, **keys))
    assert data.sites() is None
    (note,) = data.notes
    assert note.startswith(str(tmp_path / "a.npz"))
    assert re.search(words, note)


@pytest.mark.parametrize(
    ("bonds", "words"),
    [
        (np.array([[1, 2], [6, 7]]), "contains bead 7, but beads are numbered 0 to 6; count from 0"),
        (np.array([[-2, 2]]), "contains bead -2"),
        (np.array([[0, 2], [2, 4]]), "mostly joins beads that are not neighbours"),
        (np.zeros((4, 3), int), r"has shape \(4, 3\)"),
        (np.zeros((4, 2)), "dtype float64"),
    ],
)
def test_bonds_that_are_none_are_refused(bonds: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=f"'bonds'.*{words}"):
        from_arrays(DATA.R, DATA.F, bonds=bonds)


def test_large_arrays_that_say_what_is_bonded_are_never_skipped(tmp_path: Path) -> None:
    frames = EXTRA_LIMIT // (8 * BEADS) + 1
    R = np.broadcast_to(DATA.R[:1].astype(np.float32), (frames, BEADS, 3))
    np.savez(tmp_path / "a.npz", R=R, F=R, resid=np.tile(RESID, (frames, 1)))
    data = read(tmp_path / "a.npz")
    assert data.skipped_keys == ()
    assert jumps(data.subset(2)) == [1, 1, 4, 1, 1, 1]
