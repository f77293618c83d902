"""The factor of a data set: all that a fit needs to know about the data, in 28 x 28 numbers per block."""

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
    """The factors of disjoint blocks of data, and what the frames sampled.

    Factors are compared by identity; to compare their contents, compare their fields.

    Arguments:
        blocks: runs of frames, each with its triangular factor.
        fingerprint: terms and weights of the prior for which the blocks were computed.
        histograms: bond lengths, angles and dihedrals of all frames, and distances of closest pairs.
        temperatures: temperatures that the data state [K], ascending; empty if there are none.
        path: file or folder from which it was read; empty for a factor that was merged in memory.
        sha256: checksum of that file.
    """

    blocks: tuple[Block, ...]
    fingerprint: Fingerprint
    histograms: Histograms
    temperatures: tuple[float, ...] = ()
    path: str = ""
    sha256: str = ""

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

    def loss(self, c: Coefficients) -> float:
        """The exact force-matching loss [(kcal/mol/Å)²] at coefficients c (n,)."""
        return float(residual(self.S, c)) / max(self.beads, 1)


def merge(*factors: Factor) -> Factor:
    """Join the factors of disjoint data sets.

    If frames are contained more than once, an `InputWarning` names their source.

    Arguments:
        factors: one or more factors with the same fingerprint.

    Returns:
        Exactly the factor of the joined data, unless frames have weights: in each of the given factors, weights were
        scaled to the mean 1. Compress data together if their weights relate to each other.

    Raises:
        InputError: no factor was given, or the fingerprints differ; the message shows both.

    Examples:
        >>> import cgcore
        >>> prior = cgcore.default_prior()
        >>> parts = cgcore.datasets.chignolin().split(0.5)
        >>> first, second = (cgcore.compress(part, cgcore.Fingerprint.of(prior)) for part in parts)
        >>> both = cgcore.merge(first, second)
        >>> both.frames
        1000
        >>> print(f"{cgcore.fit(both, prior).train_loss:.0f}")
        1420
    """
    if not factors:
        raise InputError("there is nothing to merge; give at least one factor")
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
        temperatures=tuple(sorted({kelvin for factor in factors for kelvin in factor.temperatures})),
    )
