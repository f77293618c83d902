"""Cubic splines that replace the formulas for bonds, angles and dihedrals. They are fixed and never fitted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from cgcore.errors import InputError

MOST_KNOTS = 10_000


class Spline(NamedTuple):
    """Piecewise cubic energy [kcal/mol] as a function of a length [Å] or an angle [rad].

    Between knots k and k+1 it is c0 + c1 d + c2 d² + c3 d³ with d = x - knots[k].
    """

    knots: Float[np.ndarray, " knots"]
    coefficients: Float[np.ndarray, "intervals 4"]

    def largest_curvature(self) -> float:
        """The largest second derivative, i.e. the largest stiffness of a bond. It occurs at a knot."""
        second, third = 2 * self.coefficients[:, 2], 6 * self.coefficients[:, 3]
        return float(np.max(np.maximum(second, second + third * np.diff(self.knots))))


class TypedSplines(NamedTuple):
    """A spline for each species, all with the same number of knots. Species with `own` false use the shared spline."""

    knots: Float[np.ndarray, "types knots"]
    coefficients: Float[np.ndarray, "types intervals 4"]
    own: Bool[np.ndarray, " types"]


@dataclass(frozen=True, eq=False)
class Splines:
    """Potentials of bonds, angles and dihedrals, weighted like the formulas. Splines with the same numbers are equal.

    Arguments:
        bond: function of the length [Å]; outside the knots the energy is constant and the force 0.
        angle: function of the angle [rad], with the same rule outside the knots.
        dihedral: function of the dihedral [rad], with period 2 pi from its first knot, in this package's sign (minus
            IUPAC's).
        angle_types: splines by the species of an angle's central bead; None to use `angle` for all.

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
            # Entries of species without a spline may hold anything.
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
        """All numbers, under the names that users' files give them."""
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
    """Knots and coefficients of one spline in float64, checked."""
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
