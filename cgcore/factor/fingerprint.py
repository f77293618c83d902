"""What the numbers in a factor depend on besides the data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from cgcore.errors import InputError
from cgcore.physics.coefficients import Layout
from cgcore.physics.prior import MOST_HARMONICS, Prior, Weights
from cgcore.physics.topology import RULE


@dataclass(frozen=True)
class Fingerprint:
    """Terms, weights, orders, topology rule, units, and the displacement.

    Arguments:
        weights: factor of each term.
        n_angle: number of Fourier terms of the angle.
        n_dihedral: number of dihedral terms.
        displacement: "free", or the caller's name for another one.
        topology: the rule that rows of beads follow.
        units: of what is stored.
    """

    weights: Weights
    n_angle: int
    n_dihedral: int
    displacement: str = "free"
    topology: str = RULE
    units: str = "Å, kcal/mol, rad"

    @classmethod
    def of(cls, prior: Prior, displacement: str = "free") -> Fingerprint:
        """The fingerprint of factors made for this prior."""
        layout = Layout.of(prior)
        return cls(prior.weights, layout.n_angle, layout.n_dihedral, displacement)

    @property
    def layout(self) -> Layout:
        """The coefficients that the factor's columns stand for."""
        return Layout(self.n_angle, self.n_dihedral, self.weights.excluded_volume is not None)

    def require(self, other: Fingerprint, what: str = "these factors") -> None:
        """Refuse `other` unless it is the same.

        Raises:
            InputError: with both values of what differs.
        """
        differing = [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
        if differing:
            mine, theirs = self.as_dict(), other.as_dict()
            shown = "; ".join(f"{name}: {mine[name]} against {theirs[name]}" for name in differing)
            raise InputError(f"{what} were made with different settings and can't be used together: {shown}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file or a message."""
        return asdict(self) | {"weights": self.weights._asdict()}

    @classmethod
    def from_dict(cls, plain: Any) -> Fingerprint:
        """The inverse of `as_dict`.

        Raises:
            TypeError: a key is missing or unknown, or it is no dictionary.
            ValueError: a value is not one that a fingerprint can have.
        """
        if not isinstance(plain, dict) or not isinstance(plain.get("weights"), dict):
            raise TypeError("the fingerprint has no weights")
        others = {name: value for name, value in plain.items() if name != "weights"}
        made = cls(weights=Weights(**plain["weights"]), **others)
        for name, weight in made.weights._asdict().items():
            if not ((weight is None and name == "excluded_volume") or _number(weight)):
                raise ValueError(f"the weight of {name} is {weight!r:.40}")
        for name in ("n_angle", "n_dihedral"):
            if type(n := getattr(made, name)) is not int or not 0 <= n <= MOST_HARMONICS:
                raise ValueError(f"{name} is {n!r:.40}")
        for name in ("displacement", "topology", "units"):
            if not isinstance(value := getattr(made, name), str):
                raise ValueError(f"{name} is {value!r:.40}")
        return made


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
