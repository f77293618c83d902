"""What every export asks of its arguments."""

from __future__ import annotations

import numpy as np

from cgcore.errors import InputError
from cgcore.physics.prior import Prior

MASS = 110.0
"""Of a bead, where none is given [g/mol]: the mean residue of a protein. Averages over configurations do not depend
on masses, only the speed of motion does."""


MOST_BEADS = 4096
"""Of a chain: the repulsion is a list of all pairs, of which these are 8 million."""

HEAVIEST = 1e9
"""Of a bead [g/mol]."""

LARGEST = 1e15
"""Of a coefficient of the energy, in Å, kcal/mol and radians: float32 holds it times any distance that LARGEST_LENGTH
allows, and no physics needs it."""

LARGEST_LENGTH = 1e6
"""Of r0 and sigma [Å]."""


def check_beads(beads: int) -> None:
    """Refuse what is no chain, or one whose pairs are too many.

    Raises:
        InputError: `beads` is not from 2 to `MOST_BEADS`.
    """
    if not 2 <= beads <= MOST_BEADS:
        raise InputError(
            f"beads is {beads}; give at least 2 and at most {MOST_BEADS}, the length of the chain to export"
        )


def check_mass(mass: float) -> None:
    """Refuse what is no mass.

    Raises:
        InputError: `mass` is not a finite number above 0, or more than `HEAVIEST` [g/mol].
    """
    if not 0 < mass <= HEAVIEST:
        raise InputError(f"mass is {mass}; give a finite number above 0, at most {HEAVIEST:g} g/mol")


def check_prior(prior: Prior) -> None:
    """Refuse parameters that no other program can compute with: products of them overflow.

    Raises:
        InputError: a coefficient of the energy, weight included, is above `LARGEST`, or a length above
            `LARGEST_LENGTH`; names the parameter.
    """
    p, w = {name: np.asarray(value) for name, value in prior.params.items()}, prior.weights
    for name in ("r0", "sigma", "sigma_ex"):
        if name in p and abs(p[name]) > LARGEST_LENGTH:
            raise InputError(f"{name} is {float(p[name]):g} Å; at most {LARGEST_LENGTH:g} Å can be exported")
    with np.errstate(over="ignore"):
        coefficients = {"kr": w.bond * p["kr"], "kr * r0": w.bond * p["kr"] * p["r0"]}
        coefficients |= {name: w.angle * p[name] for name in ("a", "b")}
        coefficients |= {"k_dih": w.dihedral * p["k_dih"], "gamma_dih": p["gamma_dih"]}
        coefficients["epsilon * sigma^4"] = w.repulsive * p["epsilon"] * p["sigma"] ** 4
        if w.excluded_volume is not None:
            coefficients["epsilon_ex * sigma_ex^4"] = w.excluded_volume * p["epsilon_ex"] * p["sigma_ex"] ** 4
        for name in ("epsilon", "epsilon_ex"):
            if name in p:
                coefficients[name] = p[name]
    for name, value in coefficients.items():
        if np.size(value) and (largest := np.max(np.abs(value))) > LARGEST:
            raise InputError(
                f"{name} is {largest:.6g}, its weight included; at most {LARGEST:g} can be exported, fit it again"
            )


def check_finite(name: str, values: np.ndarray) -> None:
    """Refuse numbers that are not: nothing that is written holds one.

    Raises:
        InputError: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise InputError(f"{name} would hold a number that is not finite; fit the parameters again")
