"""The factor of a data set: what a fit needs to know of it, in 28 x 28 numbers a block."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from cgcore.errors import InputError
from cgcore.factor.closest import ClosestPairs
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.histogram import Histograms
from cgcore.factor.triangle import Coefficients, Triangle, merged, residual


@dataclass(frozen=True)
class Block:
    """A run of consecutive frames of one protein in one source.

    Arguments:
        S: its upper triangular factor.
        beads: number of real beads.
        frames: number of frames.
        source: name of the file.
        protein: name of the protein.
        index: position of the block among those of its source and protein, in time.
    """

    S: Triangle
    beads: int
    frames: int
    source: str
    protein: str
    index: int


@dataclass(frozen=True)
class Factor:
    """Factors of disjoint blocks of data, what all of them depend on, and what the frames sampled.

    Arguments:
        blocks: runs of frames.
        fingerprint: terms, weights and orders of the prior that the blocks were made for.
        histograms: bond lengths, angles and dihedrals of all frames.
        closest: distances of the frames' closest pairs.
        temperatures: those that the data name [K], ascending; empty where they name none.
    """

    blocks: tuple[Block, ...]
    fingerprint: Fingerprint
    histograms: Histograms
    closest: ClosestPairs = field(default_factory=ClosestPairs.empty)
    temperatures: tuple[float, ...] = ()

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

    def loss(self, c: Coefficients) -> float:
        """The force-matching loss at coefficients c [(kcal/mol/Å)²], exactly."""
        return residual(self.S, c) / max(self.beads, 1)


def merge(*factors: Factor) -> Factor:
    """The factor of the joined data.

    Raises:
        InputError: none were given, or their fingerprints differ; both are shown.
    """
    if not factors:
        raise InputError("nothing to merge; give at least one factor")
    first = factors[0]
    for other in factors[1:]:
        first.fingerprint.require(other.fingerprint)
    return Factor(
        blocks=tuple(block for factor in factors for block in factor.blocks),
        fingerprint=first.fingerprint,
        histograms=sum((factor.histograms for factor in factors), start=Histograms.empty()),
        closest=sum((factor.closest for factor in factors), start=ClosestPairs.empty()),
        temperatures=tuple(sorted({kelvin for factor in factors for kelvin in factor.temperatures})),
    )
