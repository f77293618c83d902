"""Groups of a term's rows, each with coefficients of its own, formed by the classes of the rows' beads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Int

from cgcore.errors import InputError
from cgcore.physics.topology import CHAIN_JUMP

By = Literal["central", "types", "terminal"]

MOST_COMBINATIONS = 10_000
"""Largest number of combinations of classes in a row; more groups would exceed the coefficients that a prior can
have."""

Classes = Int[Any, " beads"]
"""Class of each bead, the same in all frames; -1 for a bead whose rows take no part in the term."""


@dataclass(frozen=True)
class Groups:
    """Which rows of a term share coefficients.

    Arguments:
        by: "central": the class of an angle's central bead, or of a dihedral's two central beads in their order along
            the chain; "types": the classes of all beads of a row in their order along the chain, and of a pair in
            either order; "terminal": whether a row contains the first or last bead of its chain.
        labels: names of the classes.
        table: class of each species number; -1 for none.
        rest: class of species beyond the table.

    Raises:
        InputError: there are no labels, a class has no label, or two labels are equal.

    Examples:
        >>> import cgcore
        >>> groups = cgcore.Groups.of_species("central", range(3))
        >>> groups.labels
        ('species 0', 'species 1', 'species 2')
    """

    by: By
    labels: tuple[str, ...] = ("inner", "terminal")
    table: tuple[int, ...] = ()
    rest: int = -1

    def __post_init__(self) -> None:
        if self.by not in get_args(By):
            raise InputError(f"groups by {self.by!r:.40} do not exist; give one of {', '.join(get_args(By))}")
        if not self.labels or any(not -1 <= one < len(self.labels) for one in (*self.table, self.rest)):
            raise InputError("groups need a label for each class of beads")
        if len(set(self.labels)) != len(self.labels):
            raise InputError("two classes of beads have the same label; give each class its own label")
        if self.by == "terminal" and len(self.labels) != 2:
            raise InputError(
                f"groups of terminal beads have {len(self.labels)} labels; give two, the one of inner rows first"
            )

    @classmethod
    def of_species(cls, by: By, species: Sequence[int], labels: Sequence[str] | None = None) -> Groups:
        """Groups with one class for each of these species; rows with beads of other species take no part.

        Raises InputError if a species is negative, which means padding.
        """
        kinds = sorted(set(species))
        if kinds and kinds[0] < 0:
            raise InputError(f"species {kinds[0]} means padding; give numbers from 0 on")
        table = tuple(kinds.index(one) if one in kinds else -1 for one in range(max(kinds, default=-1) + 1))
        return cls(by, tuple(labels or (f"species {kind}" for kind in kinds)), table)

    def classes(
        self,
        species: Int[Any, " beads"] | None,
        length: Any,
        sites: Int[Any, " beads"] | None,
        n_beads: int,
        xp: ModuleType = np,
    ) -> Classes:
        """The class of each bead of a frame (beads,).

        Arguments:
            species: species of each bead (beads,); None if all are 0.
            length: number of real beads.
            sites: sites of the beads (see `topology`); None if they form one chain.
            n_beads: number of beads, including padding.
            xp: NumPy, or jax.numpy where JAX is tracing.
        """
        if self.by != "terminal":
            kinds: Any = xp.zeros(n_beads, int) if species is None else xp.asarray(species)
            table = xp.asarray((*self.table, self.rest))
            return table[xp.clip(xp.where(kinds < 0, len(self.table), kinds), 0, len(self.table))]
        bead = xp.arange(n_beads)
        first, last = bead == 0, bead == length - 1
        if sites is not None:
            along: Any = xp.asarray(sites)
            ends = xp.concatenate([along[1:] - along[:-1] >= CHAIN_JUMP, xp.zeros(1, bool)])
            first, last = first | xp.roll(ends, 1), last | ends
        return (first | last).astype(int)

    def positions(self, beads: int, pairs: bool) -> tuple[int, ...]:
        """Places of the beads in a row whose classes determine its group.

        Raises:
            InputError: the row has no central bead.
        """
        if self.by != "central":
            return tuple(range(beads))
        if pairs or beads == 2:
            raise InputError(
                "only angles and dihedrals have a central bead; group bonds and pairs by types or terminal"
            )
        return tuple(range(1, beads - 1))

    def of_rows(self, beads: int, pairs: bool) -> tuple[np.ndarray, tuple[str, ...]]:
        """Table of group numbers, with one axis of classes for each of `positions`, and the labels of the groups."""
        return _numbered(self, len(self.positions(beads, pairs)), pairs)


@lru_cache(maxsize=64)
def _numbered(groups: Groups, axes: int, pairs: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    if len(groups.labels) ** axes > MOST_COMBINATIONS:
        raise InputError(f"{len(groups.labels)} classes of beads make too many groups; give fewer classes")
    table = np.empty((len(groups.labels),) * axes, np.int32)
    numbers: dict[tuple[int, ...], int] = {}
    for at in product(range(len(groups.labels)), repeat=axes):
        kind = (max(at),) if groups.by == "terminal" else min(at, at[::-1]) if pairs else at
        table[at] = numbers.setdefault(kind, len(numbers))
    return table, tuple("-".join(groups.labels[one] for one in kind) for kind in numbers)
