"""Which factors may be merged, and the result."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factor_helpers import (
    WEIGHTS,
    Chains,
    chignolin_chains,
    factor_of,
    prior_of,
    random_coefficients,
    two_proteins,
)

import cgcore
from cgcore import Factor, Fingerprint, InputError, Layout, merge
from cgcore.errors import InputWarning
from cgcore.factor.block import counted_twice
from cgcore.physics.topology import RULE

pytestmark = pytest.mark.numerical

HERE = Fingerprint.of(prior_of(4))

OTHERS = {
    "a weight": (prior_of(4, WEIGHTS._replace(angle=0.1)).terms, "weight of angle: 0.25", "0.1"),
    "harmonics of angles": (prior_of(10).terms, "harmonics of angle: 4", "10"),
    "harmonics of dihedrals": (prior_of(4, n_dihedral=1).terms, "harmonics of dihedral: 2", "1"),
    "one term more": (
        prior_of(4, WEIGHTS._replace(excluded_volume=0.2)).terms,
        "terms: bond, angle, dihedral, repulsive",
        "bond, angle, dihedral, repulsive, excluded_volume",
    ),
    "another order": (
        prior_of(4).terms[::-1],
        "terms: bond, angle, dihedral, repulsive",
        "repulsive, dihedral, angle, bond",
    ),
    "fixed": ("splines 0a1b", "fixed: nothing", "splines 0a1b"),
    "displacement": ("periodic 50 Å", "displacement: free", "periodic 50 Å"),
    "topology": ("ring", f"topology: {RULE}", "ring"),
    "units": ("nm, kJ/mol, rad", "units: Å, kcal/mol, rad", "nm, kJ/mol, rad"),
}


def with_other(name: str) -> Fingerprint:
    field = name if name in {field.name for field in fields(Fingerprint)} else "terms"
    return replace(HERE, **{field: OTHERS[name][0]})


def test_all_fields_are_tried() -> None:
    assert set(OTHERS) >= {field.name for field in fields(Fingerprint)} - {"terms"}


def test_of_a_prior() -> None:
    assert Fingerprint.of(prior_of(4)) == HERE
    assert Fingerprint.of(prior_of(4), "periodic") == replace(HERE, displacement="periodic")
    excluded = prior_of(3, WEIGHTS._replace(excluded_volume=0.2), n_dihedral=1)
    assert Fingerprint.of(excluded).layout == Layout.of(excluded) == Layout(excluded.terms)
    assert Fingerprint.of(excluded).layout.size == 2 + 2 * 3 + 2 * 1 + 2
    # Starting values do not belong to it: a factor can be used for any of them.
    moved = cgcore.Prior(WEIGHTS, prior_of(4).params | {"kr": 1.0, "sigma": 9.0})
    assert Fingerprint.of(moved) == HERE


@pytest.mark.parametrize("fingerprint", [HERE, *(with_other(name) for name in OTHERS)])
def test_round_trip_through_plain_values(fingerprint: Fingerprint) -> None:
    assert Fingerprint.from_dict(json.loads(json.dumps(fingerprint.as_dict()))) == fingerprint


@pytest.mark.parametrize("spoil", ["missing", "unknown", "unknown of a term", "unknown of its rows"])
def test_wrong_keys_are_a_type_error(spoil: str) -> None:
    plain = HERE.as_dict()
    if spoil == "missing":
        del plain["terms"]
    elif spoil == "unknown":
        plain["colour"] = "red"
    elif spoil == "unknown of a term":
        plain["terms"][1] |= {"colour": 1.0}
    else:
        plain["terms"][1]["rows"] |= {"colour": 1.0}
    with pytest.raises(TypeError):
        Fingerprint.from_dict(plain)


def test_the_same_is_not_refused() -> None:
    HERE.require(Fingerprint.of(prior_of(4)))


@pytest.mark.parametrize("name", OTHERS)
def test_a_difference_is_refused_with_both_values(name: str) -> None:
    _, mine, theirs = OTHERS[name]
    with pytest.raises(InputError, match="different settings") as caught:
        HERE.require(with_other(name), "the two")
    assert str(caught.value).startswith("the two ")
    assert mine in str(caught.value)
    assert f"against {theirs}" in str(caught.value) or theirs in str(caught.value).split(" against ")[1]


@pytest.mark.parametrize("name", OTHERS)
def test_factors_that_differ_do_not_merge(name: str, parts: list[Factor]) -> None:
    _, mine, theirs = OTHERS[name]
    with pytest.raises(InputError) as caught:
        merge(parts[0], parts[1], replace(parts[2], fingerprint=with_other(name)))
    assert mine in str(caught.value)
    assert theirs in str(caught.value)


def test_nothing_to_merge() -> None:
    with pytest.raises(InputError, match="nothing to merge"):
        merge()


CUTS = ((0, 20), (20, 60), (60, 100))


@pytest.fixture(scope="module")
def parts() -> list[Factor]:
    """Three files that make up `two_proteins`."""
    chains = two_proteins()
    return [factor_of(chains.take(slice(start, stop)).dataset(f"part{start}"), prior_of(), 4) for start, stop in CUTS]


def scaled(S: np.ndarray) -> np.ndarray:
    S = S / np.linalg.norm(S, axis=0)
    return S.T @ S


def test_merged_equals_the_factor_of_the_joined_data(parts: list[Factor]) -> None:
    merged, joined = merge(*parts), factor_of(two_proteins(), prior_of())
    assert np.abs(scaled(merged.S) - scaled(joined.S)).max() < 1e-13
    for c in random_coefficients(prior_of(), 10):
        assert merged.loss(c) == pytest.approx(joined.loss(c), rel=1e-12)
    assert (merged.beads, merged.frames) == (joined.beads, joined.frames) == (40 * 9 + 60 * 12, 100)
    assert merged.fingerprint == joined.fingerprint
    for name, counts in joined.histograms.counts.items():
        np.testing.assert_array_equal(merged.histograms.counts[name], counts)


def test_merged_keeps_all_blocks(parts: list[Factor]) -> None:
    merged = merge(*parts)
    assert merged.blocks == tuple(block for part in parts for block in part.blocks)
    assert len(merged.blocks) == 16  # 4 of each protein in each file; the second file contains both
    assert merged.proteins == ("protein-9-1", "protein-12-1")


def test_merging_in_any_order_and_any_grouping(parts: list[Factor]) -> None:
    points = random_coefficients(prior_of(), 4)
    expected = [merge(*parts).loss(c) for c in points]
    grouped = [merge(merge(a, b), c) for a, b, c in permutations(parts)]
    grouped += [merge(a, merge(b, c)) for a, b, c in permutations(parts)]
    for factor in grouped:
        np.testing.assert_allclose([factor.loss(c) for c in points], expected, rtol=1e-12)


@pytest.mark.slow
def test_real_data_merge() -> None:
    chains, prior = chignolin_chains(120), prior_of()
    joined = factor_of(chains, prior)
    merged = merge(*(factor_of(Chains(*(x[k::3] for x in chains)), prior) for k in range(3)))
    assert np.abs(scaled(merged.S) - scaled(joined.S)).max() < 1e-13
    for c in random_coefficients(prior, 4):
        assert merged.loss(c) == pytest.approx(joined.loss(c), rel=1e-12)


def test_one_alone_merges_to_itself(parts: list[Factor]) -> None:
    assert merge(parts[0]).blocks == parts[0].blocks


# The same frames more than once


def test_a_factor_merged_with_itself_is_said_by_name(parts: list[Factor]) -> None:
    with pytest.warns(InputWarning, match="part0 is given more than once: 20 frames are counted twice") as caught:
        doubled = merge(parts[0], parts[1], parts[0])
    assert len(caught) == 1
    assert doubled.frames == 80  # frames are used as given


@pytest.mark.slow
def test_frames_that_overlap_in_part_are_counted() -> None:
    whole, prior = two_proteins().dataset("run.npz"), prior_of()
    train, validation = whole.split(0.25)
    assert validation is not None
    pieces = [factor_of(part, prior, 3) for part in (whole, train, validation)]
    assert counted_twice(merge(pieces[1], pieces[2]).blocks) == []
    with pytest.warns(InputWarning, match=rf"run\.npz .* {validation.n_frames} frames are counted twice"):
        merge(pieces[0], pieces[2])
    drawn = factor_of(whole.subset(17, seed=3), prior, 2)
    with pytest.warns(InputWarning, match=r"run\.npz .* 17 frames are counted twice"):
        merge(drawn, pieces[0])


def test_a_copy_under_another_name_is_seen(tmp_path: Path) -> None:
    """An identical file is recognised by its checksum, a rewritten (compressed) one by its sums."""
    chains, prior = two_proteins(), prior_of()
    arrays: dict[str, Any] = {"R": chains.R, "F": chains.F, "mask": chains.mask}
    np.savez(tmp_path / "a.npz", **arrays)
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes())
    np.savez_compressed(tmp_path / "c.npz", **arrays)
    a, b, c = (factor_of(cgcore.read(tmp_path / f"{name}.npz"), prior, 4) for name in "abc")
    with pytest.warns(InputWarning, match=r"a\.npz and b\.npz hold the same frames: 100 frames are counted twice"):
        merge(a, b)
    with pytest.warns(InputWarning, match=r"b\.npz and c\.npz hold the same frames: 100 frames are counted twice"):
        merge(b, c)


def test_different_data_are_not_said_to_be_the_same(parts: list[Factor]) -> None:
    assert counted_twice(merge(*parts).blocks) == []  # warnings are errors
