"""Rows of beads on which a term acts: bonds, angles, dihedrals, pairs, or listed rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Int

from cgcore.errors import InputError
from cgcore.numbers import is_whole
from cgcore.physics.topology import CHAIN_JUMP

Kind = Literal["bonds", "angles", "dihedrals", "pairs"]
Chains = Literal["any", "within", "between"]
BEADS = {"bonds": 2, "angles": 3, "dihedrals": 4, "pairs": 2}
"""Number of beads in a row of each kind."""

FARTHEST = 10**6
"""Largest separation and bead number: no chain is as long, and sites are 32-bit integers."""

FEW_SEPARATIONS = 8
"""Up to this number of separations, pairs are computed one separation at a time."""


@dataclass(frozen=True)
class Rows:
    """The rows of beads on which a term acts.

    Arguments:
        kind: "bonds", "angles" and "dihedrals" consist of consecutive beads, "pairs" of any two beads.
        nearest: smallest separation of a pair along the chain.
        farthest: largest separation; None for no limit. Beads of different chains are further apart than any
            separation.
        chains: pairs within one chain, between two chains, or any.
        listed: beads of each row, counted from 0, instead of all rows; `kind` then says what is measured.

    Raises:
        InputError: a separation is below 1, or a listed row does not have the right number of different beads.

    Examples:
        >>> import cgcore
        >>> cgcore.Rows("pairs", nearest=3).beads
        2
    """

    kind: Kind
    nearest: int = 1
    farthest: int | None = None
    chains: Chains = "any"
    listed: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in BEADS or self.chains not in get_args(Chains):
            raise InputError(
                f"rows of {self.kind!r:.40} with chains {self.chains!r:.40} do not exist; give "
                f"{', '.join(BEADS)}, and one of {', '.join(get_args(Chains))}"
            )
        farthest = self.nearest if self.farthest is None else self.farthest
        if not (is_whole(self.nearest) and is_whole(farthest) and 1 <= self.nearest <= farthest <= FARTHEST):
            raise InputError(
                f"separations from {self.nearest!r:.40} to {self.farthest!r:.40} are not allowed; "
                "give whole numbers of at least 1, ascending"
            )
        for row in self.listed or ():
            beads = all(is_whole(bead) and 0 <= bead < FARTHEST for bead in row)
            if not beads or len(set(row)) != len(row) or len(row) != self.beads:
                raise InputError(
                    f"{list(row)} is not a row of {self.kind}; give {self.beads} different beads, from 0 on"
                )
        # A row and its reverse are the same row.
        if self.listed is not None and len({min(row, row[::-1]) for row in self.listed}) != len(self.listed):
            raise InputError("a row of beads is listed twice; list each once")

    @property
    def beads(self) -> int:
        """Number of beads in a row."""
        return BEADS[self.kind]

    @property
    def pairs(self) -> bool:
        """Whether rows are pairs, in which the order of the two beads has no meaning."""
        return self.kind == "pairs"

    @property
    def needs(self) -> int:
        """Smallest number of beads with which a chain has a row."""
        if self.listed is not None:
            return 1 + max(max(row) for row in self.listed) if self.listed else 1
        return self.nearest + 1 if self.pairs else self.beads

    @property
    def few(self) -> bool:
        """Whether the pairs are of few separations within a chain."""
        return self.farthest is not None and self.farthest - self.nearest < FEW_SEPARATIONS and self.chains != "between"

    def candidates(self, n_beads: int, sites: bool) -> Int[np.ndarray, "rows beads"]:
        """All rows (rows, beads per row) that can occur in a frame with `n_beads` beads, with or without sites."""
        if self.listed is not None:
            inside = [row for row in self.listed if max(row) < n_beads]
            return np.array(inside, np.int32).reshape(-1, self.beads)
        if not self.pairs:
            return (np.arange(max(n_beads - self.beads + 1, 0))[:, None] + np.arange(self.beads)).astype(np.int32)
        if not sites and self.chains == "between":
            return np.zeros((0, 2), np.int32)
        # Sites increase along the array by at least 1 per bead, so neighbours across a gap can have any separation.
        i, j = np.triu_indices(n_beads, k=1 if sites else self.nearest)
        found = np.stack([i, j], axis=1).astype(np.int32)
        return found if self.farthest is None else found[j - i <= self.farthest]

    def count(self, first: Any, last: Any, crossing: Any) -> Bool[Any, ...]:
        """Which rows exist.

        Arguments:
            first, last: sites of the first and of the last bead of each row.
            crossing: whether the two beads belong to different chains.
        """
        if not self.pairs:
            return last - first == self.beads - 1
        apart = abs(last - first)
        counted = apart >= self.nearest
        if self.farthest is not None:
            counted = counted & (apart <= self.farthest)
        if self.chains != "any":
            counted = counted & (crossing if self.chains == "between" else ~crossing)
        return counted


def chain_numbers(sites: Any, xp: Any) -> Any:
    """Number of each bead's chain, from sites along the first axis."""
    jumps = sites[1:] - sites[:-1] >= CHAIN_JUMP
    return xp.concatenate([xp.zeros_like(sites[:1]), xp.cumsum(jumps, axis=0).astype(sites.dtype)])
