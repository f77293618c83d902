"""The box of a model, which must be large enough that a network does not reach a second image of a bead."""

from __future__ import annotations

from typing import Any

from cgcore.errors import InputError
from cgcore.physics.space import FREE, Displacement, free, periodic


def displacement_in(box: Any, cutoff: float | None) -> tuple[Displacement, str]:
    """The displacement function of a box, and its name in a factor's fingerprint.

    Arguments:
        box: three lengths [Å]; None for free space.
        cutoff: cutoff of the network [Å]; None for no network.

    Raises:
        InputError: the box is not three lengths, or is so small that the cutoff reaches a second image.
    """
    if box is None:
        return free, FREE
    displacement = periodic(box)
    if cutoff is not None and cutoff > min(displacement.lengths) / 2:
        shown = list(displacement.lengths)
        raise InputError(f"model.cutoff is {cutoff:g} Å, more than half of the box {shown}; lower it")
    return displacement, displacement.name
