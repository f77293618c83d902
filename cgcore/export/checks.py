"""Checks of arguments that all exports share."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int

from cgcore.errors import InputError
from cgcore.export.potentials import potentials
from cgcore.physics.parametrisations import AmplitudesAndPhases, CosinesAndSines, Stiffness
from cgcore.physics.prior import SPLINED, Params, Prior
from cgcore.physics.term import Term

MASS = 110.0
"""Default mass of a bead [g/mol]: that of an average protein residue. Averages over configurations do not depend on
masses, only the dynamics do."""


MOST_BEADS = 4096
"""Largest number of beads: the repulsion is a list of all pairs, 8 million for this length."""

HEAVIEST = 1e9
"""Largest mass of a bead [g/mol]."""

LARGEST = 1e15
"""Largest coefficient of the energy, in Å, kcal/mol and radians, far beyond physical values; its product with any
distance that LARGEST_LENGTH allows fits into float32."""

LARGEST_LENGTH = 1e6
"""Largest r0 and sigma [Å]."""


def check_beads(beads: int) -> None:
    """Refuse a number of beads that is not a chain, or that gives too many pairs.

    Raises:
        InputError: `beads` is not between 2 and `MOST_BEADS`.
    """
    if not 2 <= beads <= MOST_BEADS:
        raise InputError(
            f"beads is {beads}; give at least 2 and at most {MOST_BEADS}, the length of the chain to export"
        )


def check_mass(mass: float) -> None:
    """Refuse an invalid mass.

    Raises:
        InputError: `mass` is not a finite number above 0, or is above `HEAVIEST` [g/mol].
    """
    if not 0 < mass <= HEAVIEST:
        raise InputError(f"mass is {mass}; give a finite number above 0, at most {HEAVIEST:g} g/mol")


def check_prior(prior: Prior) -> None:
    """Refuse parameters whose products overflow in other programs.

    Raises:
        InputError: a coefficient of the energy, weight included, is above `LARGEST`, or a length is above
            `LARGEST_LENGTH`; the message names the parameter.
    """
    p = {name: np.asarray(value) for name, value in prior.params.items()}
    for name in ("r0", "sigma", "sigma_ex"):
        if name in p and abs(p[name]) > LARGEST_LENGTH:
            raise InputError(f"{name} is {float(p[name]):g} Å; at most {LARGEST_LENGTH:g} Å can be exported")
    coefficients: dict[str, np.ndarray] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for term in prior.terms:
            coefficients |= {name: term.weight * value for name, value in _coefficients(term, p).items()}
    coefficients |= {name: p[name] for name in ("gamma_dih", "epsilon", "epsilon_ex") if name in p}
    if prior.splines is not None:
        named = {name: getattr(prior.splines, name).coefficients for name in SPLINED}
        coefficients |= {f"the spline {name!r}": value for name, value in named.items()}
    for name, value in coefficients.items():
        if np.size(value) and not (largest := np.max(np.abs(value))) <= LARGEST:
            raise InputError(
                f"{name} is {largest:.6g}, weight included; at most {LARGEST:g} can be exported, so fit the prior again"
            )


def _coefficients(term: Term, params: Params) -> dict[str, np.ndarray]:
    """The coefficients that the forces are linear in, by parameter name."""
    way = term.parametrisation
    if way is None:
        return {term.name: params[term.name]}
    if isinstance(way, CosinesAndSines):
        return {name: params[name] for name in way.names}
    if isinstance(way, AmplitudesAndPhases):
        return {way.names[0]: params[way.names[0]]}
    if isinstance(way, Stiffness):
        r0, kr = way.names
        return {kr: params[kr], f"{kr} * {r0}": params[kr] * params[r0]}
    return {" * ".join(way.names) + "^4": way.coefficients(params, np)}


def check_species(prior: Prior, beads: int, species: Any) -> Int[np.ndarray, " beads"] | None:
    """Check the species of a chain's beads, if the prior depends on them.

    Raises:
        InputError: the species are missing, or are not one integer per bead.
    """
    if species is None:
        if (name := named_by_species(prior)) is not None:
            raise InputError(
                f"term {name!r} of the prior differs by species; give the species of the {beads} beads (--species)"
            )
        return None
    found = np.asarray(species)
    if found.shape != (beads,) or found.dtype.kind not in "iu":
        raise InputError(f"species are {found.dtype} of shape {found.shape}; give {beads} whole numbers, one per bead")
    return found


def named_by_species(prior: Prior) -> str | None:
    """The first term that depends on the species of the beads; None if there is none."""
    return next((one.term.name for one in potentials(prior) if one.needs_species), None)


def check_finite(name: str, values: np.ndarray) -> None:
    """Refuse values that are not finite, before they are written.

    Raises:
        InputError: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise InputError(f"{name} would hold a number that is not finite; fit the parameters again")
