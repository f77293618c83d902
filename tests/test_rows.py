"""Rows of beads, with and without sites, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore import InputError
from cgcore.physics.rows import Rows, chain_numbers
from validation import explicit_terms

KINDS = ("bonds", "angles", "dihedrals", "pairs")


def counted(rows: Rows, sites: np.ndarray) -> list[tuple[int, ...]]:
    """The rows that count, found as in all force computations: candidates, then a test of their sites."""
    found = rows.candidates(len(sites), True)
    if rows.listed is not None or not len(found):
        return [tuple(row) for row in found.tolist()]
    first, last = sites[found[:, 0]], sites[found[:, -1]]
    if not rows.pairs:
        return [tuple(row) for row in found[last - first == rows.beads - 1].tolist()]
    chains = chain_numbers(sites, np)
    return [tuple(row) for row in found[rows.count(first, last, chains[found[:, 0]] != chains[found[:, 1]])].tolist()]


@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from(KINDS),
    nearest=st.integers(1, 5),
    beyond=st.none() | st.integers(0, 9),
    chains=st.sampled_from(("any", "within", "between")),
    jumps=st.lists(st.sampled_from((1, 1, 1, 3, 1000, 1200)), max_size=11),
)
def test_rows_are_those_found_bead_by_bead(
    kind: Any, nearest: int, beyond: int | None, chains: Any, jumps: list[int]
) -> None:
    farthest = None if beyond is None else nearest + beyond
    rows = Rows(kind, nearest, farthest, chains) if kind == "pairs" else Rows(kind)
    sites = np.cumsum([0, *jumps])
    assert counted(rows, sites) == explicit_terms.rows_of(rows, sites)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7])
def test_one_chain_needs_no_sites(kind: Any, n: int) -> None:
    rows = Rows(kind, 2, 4) if kind == "pairs" else Rows(kind)
    found = rows.candidates(n, False)
    assert found.shape[1] == rows.beads
    assert [tuple(row) for row in found.tolist()] == explicit_terms.rows_of(rows, np.arange(n))


def test_one_chain_has_no_pairs_of_two() -> None:
    assert Rows("pairs", chains="between").candidates(9, False).shape == (0, 2)


def test_listed_rows_beyond_the_chain_are_left_out() -> None:
    rows = Rows("angles", listed=((0, 5, 2), (3, 4, 9)))
    assert rows.candidates(9, False).tolist() == [[0, 5, 2]]
    assert rows.candidates(10, True).tolist() == [[0, 5, 2], [3, 4, 9]]
    assert rows.candidates(3, False).shape == (0, 3)


@pytest.mark.parametrize(
    ("rows", "needs"),
    [(Rows("bonds"), 2), (Rows("dihedrals"), 4), (Rows("pairs", 3), 4), (Rows("pairs", listed=((7, 2),)), 8)],
)
def test_how_long_a_chain_has_to_be(rows: Rows, needs: int) -> None:
    assert rows.needs == needs


REFUSED: dict[str, Any] = {
    "separation 0": lambda: Rows("pairs", 0),
    "separations that descend": lambda: Rows("pairs", 5, 4),
    "half a separation": lambda: Rows("pairs", 1.5),  # type: ignore[arg-type]
    "a separation that no integer of 32 bits holds": lambda: Rows("pairs", 10**12),
    "a farthest of that size": lambda: Rows("pairs", 1, 10**12),
    "another kind": lambda: Rows("impropers"),  # type: ignore[arg-type]
    "other chains": lambda: Rows("pairs", chains="some"),  # type: ignore[arg-type]
    "a bead twice in a row": lambda: Rows("angles", listed=((1, 2, 1),)),
    "a row too short": lambda: Rows("angles", listed=((1, 2),)),
    "a bead before the first": lambda: Rows("pairs", listed=((-1, 2),)),
    "half a bead": lambda: Rows("pairs", listed=((0.5, 2),)),  # type: ignore[arg-type]
    "a bead of text": lambda: Rows("pairs", listed=(("0", "2"),)),  # type: ignore[arg-type]
    "a trillionth bead": lambda: Rows("pairs", listed=((0, 10**12),)),
    "a row twice": lambda: Rows("pairs", listed=((0, 2), (0, 2))),
    "a row and its reverse": lambda: Rows("angles", listed=((0, 5, 2), (2, 5, 0))),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    with pytest.raises(InputError, match=r"give|list each once"):
        REFUSED[case]()
