"""Terms with every kind of rows, basis and groups, and a prior with all of them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from cgcore.config import default_prior
from cgcore.physics.bases import BSpline, DebyeHueckel, Fourier, Function, Gaussian, Harmonic, Power
from cgcore.physics.groups import Groups
from cgcore.physics.prior import Prior
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term

KINDS = (0, 1, 2)
SPECIES = np.array([0, 1, 2, 2, 0, 1, 1, 0, 2, 1, 0, 0, 2, 1])
BEADS = len(SPECIES)


def even(first: float, last: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(first, last, count).tolist())


def uneven(first: float, last: float, count: int) -> tuple[float, ...]:
    return tuple((first + (last - first) * np.linspace(0, 1, count) ** 1.3).tolist())


def own_functions(x: Any) -> Any:
    return jnp.stack([jnp.sin(x) / x, jnp.exp(-x)])


TERMS = (
    Term("bond_spline", Rows("bonds"), BSpline(even(2.0, 7.0, 8)), 0.7),
    Term("bond_types", Rows("bonds"), Harmonic(), 0.7, Groups.of_species("types", KINDS)),
    Term("angle_central", Rows("angles"), BSpline(even(0, np.pi, 9)), 1.0, Groups.of_species("central", KINDS)),
    Term("angle_some", Rows("angles"), Fourier(2), 1.0, Groups.of_species("types", KINDS[:2])),
    Term("angle_ends", Rows("angles"), Harmonic(), 1.0, Groups("terminal")),
    Term("turn", Rows("dihedrals"), BSpline(even(-np.pi, np.pi, 9), 3, "periodic"), 1.0,
         Groups.of_species("central", (0, 2))),
    Term("contact", Rows("pairs", 4), BSpline(uneven(2, 14, 10), 3, "cutoff"), 0.9),
    Term("contact_types", Rows("pairs", 3), BSpline(even(2, 14, 6), 4, "cutoff"), 0.9,
         Groups.of_species("types", KINDS)),
    Term("pair_some", Rows("pairs", 4), Gaussian((4.0, 6.0), 1.0), 0.9, Groups.of_species("types", KINDS[:2])),
    Term("pair_ends", Rows("pairs", 3), Power(6), 1.0, Groups("terminal")),
    Term("near", Rows("pairs", 2, 4), Gaussian((3.0, 5.0, 7.0), 0.8), 1.0, Groups.of_species("types", (0, 2))),
    Term("charge", Rows("pairs", 3), DebyeHueckel(8.0)),
    Term("own", Rows("pairs", 3), Function("mine", 2, own_functions)),
    Term("native", Rows("pairs", listed=((0, 5), (3, 9), (12, 2))), BSpline(even(2, 30, 6), 2, "cutoff")),
    Term("network", Rows("bonds", listed=((0, 5), (9, 3), (1, 13))), Harmonic()),
    Term("twist", Rows("dihedrals", listed=((0, 5, 2, 7), (9, 3, 2, 1))), Fourier(2)),
    Term("bend", Rows("angles", listed=((0, 5, 2), (9, 3, 1))), BSpline(even(0, np.pi, 6)), 1.0,
         Groups.of_species("central", KINDS)),
    Term("within", Rows("pairs", 3, None, "within"), Power(4.5)),
    Term("between", Rows("pairs", 1, None, "between"), Power(4)),
)  # fmt: skip


def prior_of_terms(terms: tuple[Term, ...] = TERMS, seed: int = 0) -> Prior:
    """The default prior with these terms in addition to its own, and random coefficients."""
    rng = np.random.default_rng(seed)
    return default_prior().with_terms(terms, {term.name: rng.normal(size=term.shape) for term in terms})
