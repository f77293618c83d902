"""Cubic splines in the place of the formulas for bonds, angles and dihedrals: fixed, never fitted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from cgcore.errors import InputError

MOST_KNOTS = 10_000

Scalar = Float[Any, ""]


class Spline(NamedTuple):
    """Piecewise cubic energy [kcal/mol] of a length [Å] or an angle [rad].

    Between knots k and k+1 it is c0 + c1 d + c2 d² + c3 d³ with d = x - knots[k].
    """

    knots: Float[np.ndarray, " knots"]
    coefficients: Float[np.ndarray, "intervals 4"]

    def largest_curvature(self) -> float:
        """The largest second derivative, which is at a knot: the stiffness of a bond where it is stiffest."""
        second, third = 2 * self.coefficients[:, 2], 6 * self.coefficients[:, 3]
        return float(np.max(np.maximum(second, second + third * np.diff(self.knots))))


class TypedSplines(NamedTuple):
    """A spline for each species, all of as many knots; one that has none of its own takes the shared one."""

    knots: Float[np.ndarray, "types knots"]
    coefficients: Float[np.ndarray, "types intervals 4"]
    own: Bool[np.ndarray, " types"]


@dataclass(frozen=True, eq=False)
class Splines:
    """The potentials of bonds, angles and dihedrals, to be weighted as the formulas are. Equal where all numbers are.

    Arguments:
        bond: of the length [Å]; outside the knots' range the energy is constant and the force 0.
        angle: of the angle [rad]; likewise.
        dihedral: of the dihedral [rad], of period 2 pi from its first knot on, in this package's sign (minus IUPAC's).
        angle_types: of the species of an angle's central bead; None: `angle` for all.

    Raises:
        InputError: knots do not increase, a shape is wrong, or a number is not finite.
    """

    bond: Spline
    angle: Spline
    dihedral: Spline
    angle_types: TypedSplines | None = None

    def __post_init__(self) -> None:
        for name in ("bond", "angle", "dihedral"):
            object.__setattr__(self, name, Spline(*_checked(name, *getattr(self, name))))
        if (types := self.angle_types) is not None:
            knots, coefficients, own = (np.asarray(x) for x in types)
            if knots.ndim != 2 or coefficients.ndim != 3 or not own.shape == knots.shape[:1] == coefficients.shape[:1]:
                raise InputError(
                    f"angle_type_knots has shape {knots.shape}, angle_type_coeffs {coefficients.shape} and "
                    f"angle_type_mask {own.shape}; give (types, knots), (types, knots - 1, 4) and (types,)"
                )
            own = own.astype(bool)
            # What stands in the place of a spline that is not there may be anything.
            knots = np.where(own[:, None], knots, np.arange(knots.shape[1]))
            coefficients = np.where(own[:, None, None], coefficients, 0.0)
            named = enumerate(zip(knots, coefficients, strict=True))
            each = [_checked(f"angle of species {k}", *spline) for k, spline in named]
            typed = TypedSplines(np.stack([k for k, _ in each]), np.stack([c for _, c in each]), own)
            object.__setattr__(self, "angle_types", typed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Splines) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all numbers."""
        digest = hashlib.sha256()
        for name, array in self.arrays().items():
            digest.update(f"{name} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def arrays(self) -> dict[str, np.ndarray]:
        """All numbers, by the names that they have in users' files."""
        named = {"bond": self.bond, "angle": self.angle, "dih": self.dihedral}
        arrays = {f"{name}_knots": spline.knots for name, spline in named.items()}
        arrays |= {f"{name}_coeffs": spline.coefficients for name, spline in named.items()}
        arrays["residue_specific_angles"] = np.array(self.angle_types is not None)
        if self.angle_types is not None:
            knots, coefficients, own = self.angle_types
            arrays |= {"angle_n_types": np.array(len(own)), "angle_type_knots": knots}
            arrays |= {"angle_type_coeffs": coefficients, "angle_type_mask": own.astype(np.float64)}
        return arrays


def _checked(name: str, knots: Any, coefficients: Any) -> tuple[np.ndarray, np.ndarray]:
    """Knots and coefficients of one spline, in float64."""
    knots, coefficients = np.asarray(knots), np.asarray(coefficients)
    if knots.dtype.kind not in "fiu" or coefficients.dtype.kind not in "fiu":
        raise InputError(f"the {name} spline holds {knots.dtype} and {coefficients.dtype}; give numbers")
    knots, coefficients = knots.astype(np.float64), coefficients.astype(np.float64)
    if knots.ndim != 1 or not 2 <= len(knots) <= MOST_KNOTS or coefficients.shape != (len(knots) - 1, 4):
        raise InputError(
            f"the {name} spline has knots of shape {knots.shape} and coefficients of shape {coefficients.shape}; give "
            f"(n,) and (n - 1, 4), n from 2 to {MOST_KNOTS}"
        )
    if not (np.isfinite(knots).all() and np.isfinite(coefficients).all()):
        raise InputError(f"the {name} spline is not finite; give finite knots and coefficients")
    if not (np.diff(knots) > 0).all():
        raise InputError(f"the knots of the {name} spline do not increase; sort them, and give each once")
    return knots, coefficients


def spline_energy(name: str, splines: Splines, x: Scalar, species: Int[Any, ""]) -> Scalar:
    """The energy of a bond of length x [Å], of an angle [rad] by the species of its central bead, the shared spline's
    where no other is of it, or of a dihedral [rad] in the sign of `geometry.dihedral`."""
    import jax.numpy as jnp  # late: reading and writing priors needs no JAX

    if name == "dihedral":  # of period 2 pi from the first knot on
        first = jnp.asarray(splines.dihedral.knots[0], x.dtype)
        return cubic(first + jnp.mod(x - first, 2 * np.pi), *splines.dihedral)
    shared = cubic(x, *getattr(splines, name))
    if name == "bond" or splines.angle_types is None:
        return shared
    knots, coefficients, own = (jnp.asarray(part) for part in splines.angle_types)
    known = (species >= 0) & (species < len(own))
    kind = jnp.where(known, species, 0)
    return jnp.where(known & own[kind], cubic(x, knots[kind], coefficients[kind]), shared)


def cubic(x: Scalar, knots: Float[Any, " knots"], coefficients: Float[Any, "intervals 4"]) -> Scalar:
    """A spline at x, see `Spline`; outside the knots' range the value at its end, whose derivative is 0."""
    import jax.numpy as jnp

    knots, coefficients = jnp.asarray(knots, x.dtype), jnp.asarray(coefficients, x.dtype)
    inside = jnp.clip(x, knots[0], knots[-1])
    # Few knots and many rows: comparing with all of them vectorises, a bisection does not.
    k = jnp.clip(jnp.searchsorted(knots, inside, side="right", method="compare_all") - 1, 0, len(coefficients) - 1)
    d, c = inside - knots[k], coefficients[k]
    return c[0] + d * (c[1] + d * (c[2] + d * c[3]))
