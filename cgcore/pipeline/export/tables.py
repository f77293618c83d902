"""The prior's terms as tables in the formats of LAMMPS: energy, minus its derivative, and the slopes at both ends.

Weights are folded in. Lengths in Å, angles in degrees, energies in kcal/mol, as LAMMPS's `units real` wants them.
LAMMPS lays cubic splines through energy and force, each by itself. Their relative error is about (h q''/q)²/384 with
the spacing h, so that the spacings below leave at most 1e-9 of a series and, of a repulsion, 4 (h/r)⁴ in a table over r
and (h/r²)⁴ in one over r².
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgcore.physics import terms
from cgcore.physics.prior import Prior

BOND_POINTS = 3001
"""Of both tables over bond lengths: `bond_style table` has one length for all."""

PER_HARMONIC = 180
"""Spacings in half a turn, for each harmonic of a series: 1 degree of the highest one's own phase."""

INNER = 1.0
"""Where a repulsion's table begins [Å]: below, LAMMPS stops with an error."""

RSQ_SPACING = 0.2
"""Of the table over r² [Å²]: forces are right to 2e-8 at 4 Å, and to 6e-6 at 2 Å."""

_UNFELT = 1e-9
"""Strength of a repulsion [kcal/mol at 1 Å] that counts as none: what a fit that presses it to 0 leaves."""

_HARMLESS = 1e-3
"""Where a table of zeros over r² begins [Å]: it must be above 0, and beads that nothing keeps apart may meet."""

Term = Callable[[Float[Array, ""]], Float[Array, ""]]


@dataclass(frozen=True, eq=False)
class Table:
    """One section of a table file.

    Arguments:
        keyword: its name.
        parameters: the line below the name, but for N.
        x: where it is tabulated [Å or degrees].
        energy: there [kcal/mol].
        force: minus the derivative of the energy in x.
    """

    keyword: str
    parameters: str
    x: Float[np.ndarray, " n"]
    energy: Float[np.ndarray, " n"]
    force: Float[np.ndarray, " n"]

    def text(self) -> str:
        """The section; every number comes back as the very same float64."""
        rows = zip(self.x.tolist(), self.energy.tolist(), self.force.tolist(), strict=True)
        lines = [f"{i} {x!r} {e!r} {f!r}" for i, (x, e, f) in enumerate(rows, start=1)]
        return "\n".join([self.keyword, f"N {len(lines)} {self.parameters}".rstrip(), "", *lines, ""])


def bond_tables(prior: Prior) -> list[Table]:
    """BOND, over 0 to ten bond lengths (30 Å at least), and what beads 2 to 5 apart have: EXCLUDED_VOLUME or NONE."""
    p = prior.params
    reach = max(30.0, 10 * abs(float(p["r0"])))
    # Without EQ, LAMMPS takes the lowest energy of EXCLUDED_VOLUME, its far end, for a bond length, and warns.
    rest = f"EQ {float(p['r0'])!r}"
    bond = _table(
        "BOND",
        lambda r: prior.weights.bond * terms.harmonic_bond(r, p["r0"], p["kr"]),
        np.linspace(0.0, reach, BOND_POINTS),
        rest,
    )
    weight = prior.weights.excluded_volume
    energy = None if weight is None else _repulsion(weight, p["epsilon_ex"], p["sigma_ex"])
    if energy is None:
        return [bond, _table("NONE", jnp.zeros_like, np.linspace(0.0, 100 * reach, BOND_POINTS), rest)]
    return [bond, _table("EXCLUDED_VOLUME", energy, np.linspace(INNER, INNER + reach, BOND_POINTS), rest)]


def angle_table(prior: Prior) -> Table:
    """ANGLE, over 0 to 180 degrees."""
    p = prior.params
    return _table(
        "ANGLE",
        lambda x: prior.weights.angle * terms.fourier_angle(jnp.deg2rad(x), p["a"], p["b"]),
        np.linspace(0.0, 180.0, PER_HARMONIC * max(1, len(p["a"])) + 1),
    )


def dihedral_table(prior: Prior) -> Table:
    """DIHEDRAL, over a turn. LAMMPS's dihedral is IUPAC's, MINUS the prior's."""
    p = prior.params
    n = 2 * PER_HARMONIC * max(1, len(p["k_dih"]))
    return _table(
        "DIHEDRAL",
        lambda x: prior.weights.dihedral * terms.cosine_dihedral(-jnp.deg2rad(x), p["k_dih"], p["gamma_dih"]),
        -180.0 + 360.0 * np.arange(n) / n,  # LAMMPS closes the circle itself
        "DEGREES",
        slopes=None,
    )


def pair_table(prior: Prior, cutoff: float) -> Table:
    """REPULSIVE, evenly over r² from `INNER` to the cutoff [Å]."""
    p = prior.params
    energy = _repulsion(prior.weights.repulsive, p["epsilon"], p["sigma"])
    inner = _HARMLESS if energy is None else INNER
    points = math.ceil((cutoff**2 - inner**2) / RSQ_SPACING) + 1
    r = np.sqrt(np.linspace(inner**2, cutoff**2, points))
    return _table("REPULSIVE", energy or jnp.zeros_like, r, f"RSQ {inner!r} {cutoff!r}", slopes="FPRIME")


def _repulsion(weight: float, epsilon: Any, sigma: Any) -> Term | None:
    """None where there is none to feel."""
    if abs(weight * epsilon * sigma**4) < _UNFELT:
        return None
    return lambda r: weight * terms.soft_repulsion(r, epsilon, sigma)


def _table(
    keyword: str, energy: Term, x: Float[np.ndarray, " n"], parameters: str = "", slopes: str | None = "FP"
) -> Table:
    """The term at x; `slopes` is what the style calls the force's own slopes at both ends."""
    with jax.enable_x64(True):
        values, gradients = jax.vmap(jax.value_and_grad(energy))(jnp.asarray(x, jnp.float64))
        ends = -jax.vmap(jax.grad(jax.grad(energy)))(jnp.asarray(x[[0, -1]], jnp.float64))
    if slopes:
        parameters += " ".join(["", slopes, *map(repr, np.asarray(ends).tolist())])
    return Table(keyword, parameters.strip(), x, np.asarray(values), -np.asarray(gradients))
