"""What makes a prior admissible, in physical words, as linear inequalities in the coefficients c.

All are stated for the weighted potentials, which act on the beads, and in kT of the data's temperature. Sampled ranges
are those between the 0.1 and the 99.9 percentile, of each group of a term by itself, and of listed rows.

    kr                 bonds fluctuate by no more than the sampled range: w kr >= kT / (longest - shortest)²
    r0                 within the sampled bond lengths
                       (bonds beyond 2 to 6 Å, where none is counted apart, leave kr at 0 or above, and r0 free there)
    walls              outside the sampled range a potential of angles, or of bonds that is no parabola, rises, at least
                       as a harmonic wall that reaches 4 kT after 10 degrees, or after the width of the sampled range of
                       bonds, and beyond these with the slope that it has there
    dihedral barrier   at most 20 kT between any two dihedrals
    contact            repulsion of at least 1 kT at the closest sampled approach: of all terms together that act on the
                       same pairs, and where these are more than powers of the distance, rising towards shorter ones

The closest sampled approach is the distance below which the closest pair of a group is in 1 % of the frames. Chains
that were sampled extended never meet; 6 Å, a contact in a folded protein, is then taken in its place, since a larger
one would forbid what the data just did not show.
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


def constraints(level: Level, factor: Factor, temperature: float, fixed: Sequence[Held] = ()) -> tuple[Constraint, ...]:
    """The constraints of a level.

    Arguments:
        level: "safe", all of them; "nonnegative", kr, epsilon and epsilon_ex at 0 or above; or "none".
        factor: the data; a term that they do not feel is not constrained.
        temperature: [K].
        fixed: terms that are not fitted, with their coefficients: what they do at contact counts.
    """
    if level == "none":
        return ()
    ground = Ground(factor, BOLTZMANN * temperature, tuple(fixed))
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
    """Stiffnesses of bonds and strengths of powers."""
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
