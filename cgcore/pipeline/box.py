"""The box of a model: a network must not reach a second image of a bead."""

from __future__ import annotations

from typing import Any

from cgcore.errors import InputError
from cgcore.physics.space import FREE, Displacement, free, periodic


def displacement_in(box: Any, cutoff: float | None) -> tuple[Displacement, str]:
    """The displacement of a box, and its name in a factor's fingerprint.

    Arguments:
        box: three lengths [Å]; None: free space.
        cutoff: of the network [Å]; None: no network.

    Raises:
        InputError: the box is not three lengths, or so small that the cutoff reaches a second image.
    """
    if box is None:
        return free, FREE
    displacement = periodic(box)
    if cutoff is not None and cutoff > min(displacement.lengths) / 2:
        shown = list(displacement.lengths)
        raise InputError(f"model.cutoff is {cutoff:g} Å, more than half of the box {shown}; lower it")
    return displacement, displacement.name
