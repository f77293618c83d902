"""Groups of rows: classes of beads, numbers and labels of groups, and refusals."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore import InputError
from cgcore.physics.bases import Harmonic
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from validation import explicit_terms

THREE = Groups.of_species("types", (4, 1, 7), ("a", "b", "c"))


def test_species_have_the_classes_of_their_order() -> None:
    species = np.array([1, 4, 7, 0, 9, -1])
    np.testing.assert_array_equal(THREE.classes(species, 6, None, 6), [0, 1, 2, -1, -1, -1])
    rest = Groups("types", ("a", "others"), (-1, 0), rest=1)
    np.testing.assert_array_equal(rest.classes(species, 6, None, 6), [0, 1, 1, -1, 1, 1])


def test_a_species_of_padding_has_no_class() -> None:
    with pytest.raises(InputError, match="species -1 means padding; give numbers from 0 on"):
        Groups.of_species("types", (-1, 0))


def test_without_species_all_are_0() -> None:
    np.testing.assert_array_equal(Groups.of_species("types", (0, 1)).classes(None, 3, None, 4), [0, 0, 0, 0])


def test_terminal_beads_are_the_ends_of_each_chain() -> None:
    groups = Groups("terminal")
    np.testing.assert_array_equal(groups.classes(None, 4, None, 6), [1, 0, 0, 1, 0, 0])
    sites = np.array([0, 1, 2, 1002, 1005, 2005, 2006])  # three chains, with a gap in the second
    np.testing.assert_array_equal(groups.classes(None, 7, sites, 7), [1, 0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(groups.classes(None, 5, sites, 7)[:5], [1, 0, 1, 1, 1])


@pytest.mark.parametrize("groups", [THREE, Groups("terminal")], ids=["types", "terminal"])
def test_jax_finds_the_same_classes(groups: Groups) -> None:
    species, sites = np.array([1, 4, 7, 0, 4]), np.array([0, 1, 1001, 1002, 1003])
    found = groups.classes(jnp.asarray(species), jnp.asarray(5), jnp.asarray(sites), 5, jnp)
    np.testing.assert_array_equal(found, groups.classes(species, 5, sites, 5))


LABELS = {
    "bonds": ("a-a", "a-b", "a-c", "b-a", "b-b", "b-c", "c-a", "c-b", "c-c"),
    "pairs": ("a-a", "a-b", "a-c", "b-b", "b-c", "c-c"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_pairs_have_no_order_and_bonds_have_one(kind: Any) -> None:
    assert Term("t", Rows(kind), Harmonic(), 1.0, THREE).group_labels == LABELS[kind]


def test_central_beads_of_angles_and_dihedrals() -> None:
    central = Groups.of_species("central", (0, 1), ("a", "b"))
    assert Term("t", Rows("angles"), Harmonic(), 1.0, central).group_labels == ("a", "b")
    assert Term("t", Rows("dihedrals"), Harmonic(), 1.0, central).group_labels == ("a-a", "a-b", "b-a", "b-b")


@settings(deadline=None, max_examples=80)
@given(
    kind=st.sampled_from(("bonds", "angles", "dihedrals", "pairs")),
    by=st.sampled_from(("central", "types", "terminal")),
    species=st.lists(st.integers(0, 4), min_size=5, max_size=9),
    jumps=st.lists(st.sampled_from((1, 1, 1, 2, 1000)), min_size=8, max_size=8),
    rest=st.integers(-1, 1),
)
def test_groups_of_rows_are_those_found_bead_by_bead(
    kind: Any, by: Any, species: list[int], jumps: list[int], rest: int
) -> None:
    if by == "central" and kind in ("bonds", "pairs"):
        return
    groups = Groups("terminal") if by == "terminal" else Groups(by, ("a", "b"), (1, -1, 0), rest)
    term, n = Term("t", Rows(kind), Harmonic(), 1.0, groups), len(species)
    sites = np.cumsum([0, *jumps])[:n]
    rows = term.rows.candidates(n, True)
    found = term.row_groups(groups.classes(np.array(species), n, sites, n), rows, np)
    expected = [explicit_terms.group_of(groups, kind, row, np.array(species), sites) for row in rows]
    np.testing.assert_array_equal(found, expected)
    assert list(term.group_labels) == explicit_terms.group_labels(groups, kind)
    assert term.size == 2 * len(term.group_labels)


REFUSED: dict[str, tuple[Any, str]] = {
    "another rule": (lambda: Groups("species", ("a",)), "give one of central, types, terminal"),  # type: ignore[arg-type]
    "no labels": (lambda: Groups("types", ()), "label"),
    "a class without label": (lambda: Groups("types", ("a",), (0, 1)), "label"),
    "rest without label": (lambda: Groups("types", ("a",), (0,), 1), "label"),
    "class -2": (lambda: Groups("types", ("a",), (-2,)), "label"),
    "a label twice": (lambda: Groups("types", ("a", "a"), (0, 1)), "the same label"),
    "three kinds of ends": (lambda: Groups("terminal", ("a", "b", "c")), "give two"),
    "centre of a bond": (lambda: Term("t", Rows("bonds"), Harmonic(), 1.0, Groups("central", ("a",))), "central bead"),
    "centre of a pair": (lambda: Term("t", Rows("pairs"), Harmonic(), 1.0, Groups("central", ("a",))), "central bead"),
    "a hundred kinds in dihedrals": (
        lambda: Term("t", Rows("dihedrals"), Harmonic(), 1.0, Groups.of_species("types", range(100))),
        "too many groups",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    make, word = REFUSED[case]
    with pytest.raises(InputError, match=word):
        make()
