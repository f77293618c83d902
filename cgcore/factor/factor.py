"""The factor of a data set: what a fit needs to know of it, in 28 x 28 numbers a block."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

from cgcore.errors import InputError, InputWarning
from cgcore.factor.block import Block, counted_twice
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.histogram import Histograms
from cgcore.factor.triangle import Coefficients, Triangle, merged, residual


@dataclass(frozen=True, eq=False)
class Factor:
    """Factors of disjoint blocks of data, and what all of them depend on.

    Two factors are equal only if they are the same object: compare what they hold.
    """

    blocks: tuple[Block, ...]
    fingerprint: Fingerprint
    histograms: Histograms

    @cached_property
    def S(self) -> Triangle:
        """Upper triangular factor of all blocks together."""
        return merged([block.S for block in self.blocks])

    @property
    def beads(self) -> int:
        """Number of real beads."""
        return sum(block.beads for block in self.blocks)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return sum(block.frames for block in self.blocks)

    @property
    def proteins(self) -> tuple[str, ...]:
        """Names of the proteins, in order of appearance."""
        return tuple(dict.fromkeys(block.protein for block in self.blocks))

    def __repr__(self) -> str:
        return (
            f"Factor({self.frames} frames, {self.beads} real beads, {len(self.blocks)} blocks of "
            f"{len(self.proteins)} proteins, {self.fingerprint.layout.size} coefficients)"
        )

    def require_meaning(self) -> None:
        """Refuse what no frames can have made.

        Raises:
            ValueError: says what is wrong.
        """
        if not self.blocks:
            raise ValueError("it has no blocks")
        for block in self.blocks:
            block.require_meaning()
        self.histograms.require_values_of(self.beads, self.frames)
        if not self.S[:, -1].any():
            raise ValueError("its reference forces are 0")

    def loss(self, c: Coefficients) -> float:
        """The force-matching loss at coefficients c [(kcal/mol/Å)²], exactly."""
        return residual(self.S, c) / max(self.beads, 1)


def merge(*factors: Factor) -> Factor:
    """The factor of the joined data.

    Warns with an `InputWarning` that names the source where frames are in it more than once.

    Raises:
        InputError: none were given, or their fingerprints differ; both are shown.
    """
    if not factors:
        raise InputError("nothing to merge; give at least one factor")
    first = factors[0]
    for other in factors[1:]:
        first.fingerprint.require(other.fingerprint)
    blocks = tuple(block for factor in factors for block in factor.blocks)
    for sentence in counted_twice(blocks):
        warnings.warn(sentence, InputWarning, stacklevel=2)
    return Factor(
        blocks=blocks,
        fingerprint=first.fingerprint,
        histograms=sum((factor.histograms for factor in factors), start=Histograms.empty()),
    )
