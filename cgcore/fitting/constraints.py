"""The physical constraints that make a prior admissible, as linear inequalities in the coefficients c.

All are stated for the weighted potentials, which act on the beads, and in kT at the temperature of the data. Sampled
ranges lie between the 0.1 and the 99.9 percentile, separately for each group of a term and for listed rows.

    kr                 bonds fluctuate by at most the sampled range: w kr >= kT / (longest - shortest)²
    r0                 within the sampled bond lengths
                       (if bonds lie outside 2 to 6 Å, where the histogram has no bins, kr is only kept at 0 or above,
                       and r0 has no bound on that side)
    walls              outside the sampled range, a potential of angles, or a non-parabolic one of bonds, rises at
                       least like a harmonic wall that reaches 4 kT after 10 degrees or, for bonds, after the width of
                       the sampled range, and beyond that with constant slope
    dihedral barrier   the energies of any two dihedrals differ by at most 20 kT
    contact            repulsion of at least 1 kT at the closest sampled approach, for the sum of all terms that act on
                       the same pairs; it also rises towards shorter distances or, if it is a single power of the
                       distance, is at least 13 kT where beads overlap, at 3 Å or at 80 % of the closest sampled
                       approach if that is shorter

The closest sampled approach is the distance below which the closest pair of a group is found in 1 % of the frames. In
extended chains, beads never meet; the distance is then limited to 6 Å, a contact in a folded protein, since a larger
one would forbid contacts merely because they were not sampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cgcore.constants import BOLTZMANN
from cgcore.factor.factor import Factor
from cgcore.fitting.contacts import contacts
from cgcore.fitting.ground import Constraint as Constraint
from cgcore.fitting.ground import Ground, Held
from cgcore.fitting.ground import Level as Level
from cgcore.fitting.walls import barrier, rest, stiffness, wall
from cgcore.physics.bases import Harmonic, Power


def constraints(
    level: Level, factor: Factor, temperature: float, fixed: Sequence[Held] = (), *, pooled: bool = False
) -> tuple[Constraint, ...]:
    """The constraints of a level.

    Arguments:
        level: "safe", all of them; "nonnegative", kr, epsilon and epsilon_ex at 0 or above; or "none".
        factor: factor of the data; terms that act on no data are not constrained.
        temperature: temperature [K].
        fixed: terms that are not fitted, with their coefficients; they contribute to the repulsion at contact.
        pooled: whether the fit holds the potentials of a term's groups together; walls are then outside the range that
            all groups of a term sampled.
    """
    if level == "none":
        return ()
    ground = Ground(factor, BOLTZMANN * temperature, tuple(fixed), pooled)
    found = _signs(ground) if level == "nonnegative" else _safe(ground)
    return tuple(constraint for constraint in found if constraint is not None)


def _safe(ground: Ground) -> Iterator[Constraint | None]:
    for term in ground.layout.terms:
        if term.rows.pairs or term.size == 0:
            continue
        for group in range(len(term.group_labels)):
            if term.coordinate == "bond" and isinstance(term.basis, Harmonic):
                yield from (stiffness(ground, term, group), rest(ground, term, group))
            elif term.coordinate == "dihedral":
                yield barrier(ground, term, group)
            else:
                yield from (wall(ground, term, group, -1.0), wall(ground, term, group, 1.0))
    yield from contacts(ground)


def _signs(ground: Ground) -> Iterator[Constraint | None]:
    """Signs of bond stiffnesses and of the strengths of powers."""
    for term in ground.layout.terms:
        if not (isinstance(term.basis, Power) or (term.coordinate == "bond" and isinstance(term.basis, Harmonic))):
            continue
        for group, label in enumerate(term.group_labels):
            if ground.feels(term, group):
                names = (
                    term.params
                    if term.parametrisation is not None
                    else (f"{term.name}[{label}]" if label else term.name,) * 2
                )
                name = names[isinstance(term.basis, Harmonic)]
                row = np.eye(1, term.basis.size)
                yield Constraint(name, f"{name} not negative", ground.rows(term, group, row), np.zeros(1))
