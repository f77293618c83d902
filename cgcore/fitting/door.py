"""Checks of the data before a fit: data that are certainly wrong are refused, unless read with `accept_faults`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcore.data import Dataset, locate_overlap
from cgcore.errors import InputError
from cgcore.factor.block import counted_twice
from cgcore.factor.factor import Factor
from cgcore.factor.triangle import target
from cgcore.judging import Judgement, judge
from cgcore.physics.space import Displacement, free

EXACT = 1e-3
"""Largest unexplained fraction of the squared forces for which forces count as exactly those of a prior. For mapped
forces, the best prior leaves nine tenths."""


@dataclass(frozen=True)
class Door:
    """The findings about the data of a fit.

    Arguments:
        judged: judgements of the frames to fit to, then of held-out frames; factors are not judged.
    """

    judged: tuple[tuple[Dataset, Judgement], ...]

    def require_right(self) -> None:
        """Refuse wrong frames that no factor is made of, unless read with `accept_faults`.

        Raises:
            InputError: the frames are certainly wrong, or forces have the wrong unit or sign.
        """
        for dataset, judgement in self.judged:
            if not dataset.accept_faults:
                judgement.require_right()

    def said(self, factor: Factor) -> tuple[str, ...]:
        """All findings about the data, as sentences, once their factor is known.

        If the factor shows that the forces are exactly those of a prior, the frames need not be sampled with them, and
        equipartition is not required.

        Raises:
            InputError: forces certainly have the wrong unit or sign.
        """
        forces = target(factor.S)
        exact = bool(forces[-1] ** 2 <= EXACT * np.sum(forces**2))
        said: dict[str, None] = {}
        for dataset, found in self.judged:
            judgement = found.without_equipartition() if exact else found
            if not dataset.accept_faults:
                judgement.require_right()
            said |= dict.fromkeys(str(finding) for finding in judgement.findings)
        return tuple(said)


def door(
    data: Dataset | Factor,
    validation: Dataset | Factor | None,
    temperature: float | None,
    displacement: Displacement = free,
) -> Door:
    """Judge the frames of a fit.

    Raises:
        InputError: the frames are certainly wrong, however they were sampled.
    """
    parts = [part for part in (data, validation) if isinstance(part, Dataset)]
    judged = tuple((part, judge(part, temperature, displacement)) for part in parts)
    for dataset, judgement in judged:
        if not dataset.accept_faults and (certain := judgement.without_equipartition()).wrong:
            # Two beads at the same place explain a broken bond better.
            if (overlap := locate_overlap(dataset)) is not None:
                raise InputError(overlap)
            certain.require_right()
    return Door(judged)


def fitted_to(factor: Factor, held_out: Factor | None) -> tuple[str, ...]:
    """A sentence for each source with held-out frames that are also fitted to."""
    if held_out is None:
        return ()
    before = set(counted_twice(factor.blocks)) | set(counted_twice(held_out.blocks))
    shared = [x for x in counted_twice((*factor.blocks, *held_out.blocks)) if x not in before]
    return tuple(f"validation is among the data fitted to, so its loss says nothing new: {x}" for x in shared)
