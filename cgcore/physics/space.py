"""Displacement between two positions, in free space or in a periodic box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgcore.errors import InputError

Vector = Float[Array, "3"]
Displacement = Callable[[Vector, Vector], Vector]
"""jax-md's convention: `displacement(Ra, Rb)` is Ra - Rb, in a periodic box its nearest image."""


def free(Ra: Vector, Rb: Vector) -> Vector:
    """Displacement in free space [Å]."""
    return Ra - Rb


@dataclass(frozen=True)
class Periodic:
    """Ra - Rb to the nearest image in a box with these edges [Å].

    Equal and hashable by its lengths, so that compiled functions can depend on it.
    """

    lengths: tuple[float, float, float]

    def __call__(self, Ra: Vector, Rb: Vector) -> Vector:
        difference = Ra - Rb
        lengths = jnp.asarray(self.lengths, difference.dtype)
        return difference - lengths * jnp.round(difference / lengths)


def displacement_in(box: Any, cutoff: float | None) -> tuple[Displacement, str]:
    """The displacement of a box, and its name in a factor's fingerprint.

    Arguments:
        box: three lengths [Å]; None: free space.
        cutoff: of the network [Å]; None: no network.

    Raises:
        InputError: the box is not three lengths, or so small that the cutoff reaches a second image.
    """
    if box is None:
        return free, "free"
    lengths = np.asarray(box, np.float64)
    if lengths.shape != (3,) or not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise InputError(f"box is {lengths.tolist()}; give three lengths above 0, in Å, or None for free space")
    if cutoff is not None and cutoff > lengths.min() / 2:
        raise InputError(f"model.cutoff is {cutoff:g} Å, more than half of the box {lengths.tolist()}; lower it")
    x, y, z = lengths.tolist()
    return Periodic((x, y, z)), f"periodic {x:g} x {y:g} x {z:g} Å"
