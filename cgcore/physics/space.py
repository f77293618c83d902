"""Displacement between two positions, in free space or in a periodic box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError

Vector = Float[Any, "3"]
Displacement = Callable[[Vector, Vector], Vector]
"""jax-md's convention: `displacement(Ra, Rb)` is Ra - Rb, in a periodic box for the nearest image."""

FREE = "free"
"""Name of free space in a factor's fingerprint."""


def free(Ra: Vector, Rb: Vector) -> Vector:
    """Displacement in free space [Å]."""
    return Ra - Rb


@dataclass(frozen=True)
class Periodic:
    """Displacement Ra - Rb to the nearest image in a periodic box with edges `lengths` [Å]; see `periodic`."""

    lengths: tuple[float, float, float]

    @property
    def name(self) -> str:
        """Name in a factor's fingerprint; different boxes have different names."""
        return "periodic " + " x ".join(np.format_float_positional(edge, trim="-") for edge in self.lengths) + " Å"

    def __call__(self, Ra: Vector, Rb: Vector) -> Vector:
        difference = Ra - Rb
        lengths = jnp.asarray(self.lengths, difference.dtype)
        return difference - lengths * jnp.round(difference / lengths)


def periodic(box: Any) -> Periodic:
    """The displacement in a periodic box, to the nearest image.

    Equal boxes give equal displacements, so functions are not compiled again, and a factor can name them.

    Arguments:
        box: three lengths [Å], or one length of a cube.

    Returns:
        A displacement function in jax-md's convention: it takes two positions (3,) [Å] and returns their difference.

    Raises:
        InputError: the box is not one length or three lengths above 0.

    Examples:
        >>> import cgcore, jax.numpy as jnp
        >>> displacement = cgcore.periodic([20.0, 20.0, 20.0])
        >>> displacement(jnp.array([1.0, 0.0, 0.0]), jnp.array([19.0, 0.0, 0.0])).tolist()
        [2.0, 0.0, 0.0]
    """
    try:
        lengths = np.asarray(box, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"box is {box!r:.60}; give three lengths above 0, in Å") from None
    if lengths.ndim == 0:
        lengths = np.repeat(lengths, 3)
    if lengths.shape != (3,) or not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise InputError(f"box is {lengths.tolist()}; give three lengths above 0, in Å, or None for free space")
    x, y, z = lengths.tolist()
    return Periodic((x, y, z))


def displacement_name(displacement: Displacement, given: str | None = None) -> str:
    """Name of a displacement in a factor's fingerprint; only factors with equal names can be merged.

    Arguments:
        displacement: displacement function in jax-md's convention.
        given: the caller's name for it; None for its own name.

    Raises:
        InputError: it is neither `free` nor a `Periodic` and has no name, or it has the name of free space and is not
            `free`.
    """
    own = FREE if displacement is free else displacement.name if isinstance(displacement, Periodic) else None
    name = own if given is None else given
    if not name or (name == FREE) != (own == FREE):
        raise InputError(
            f"the displacement is {'unnamed' if not name else f'named {name!r}'}, and factors made with different ones "
            "must not be merged; use cgcore.periodic(box), or give displacement_name, a name for this one alone"
        )
    return name
