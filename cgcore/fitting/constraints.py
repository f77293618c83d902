"""What makes a prior admissible, in physical words, as linear inequalities in the coefficients c.

All are stated for the weighted potentials, which act on the beads, and in kT of the data's temperature. Sampled ranges
are those between the 0.1 and the 99.9 percentile.

    kr                 bonds fluctuate by no more than the sampled range: w kr >= kT / (longest - shortest)²
    r0                 within the sampled bond lengths
                       (bonds beyond 2 to 6 Å, where none is counted apart, leave kr at 0 or above, and r0 free there)
    angle walls        outside the sampled range the potential rises towards 0 and towards pi, at least as a harmonic
                       wall that reaches 4 kT after 10 degrees, and beyond these with the slope that it has there
    dihedral barrier   at most 20 kT between any two dihedrals
    contact            repulsion, and excluded volume, of at least 1 kT at the closest sampled approach

The closest sampled approach is the distance below which the closest pair of 1 % of the frames is. Chains that were
sampled extended never meet; 6 Å, a contact in a folded protein, is then taken in its place, since a larger one would
forbid what the data just did not show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, design
from cgcore.physics.constants import BOLTZMANN

Level = Literal["safe", "nonnegative", "none"]

TAILS = (0.1, 99.9)
"""Percentiles that bound the sampled range: single frames beyond them do not move a wall."""

WALL, WALL_WIDTH = 4.0, np.radians(10.0)
"""Height [kT] of an angle's wall at this distance [rad] from the sampled range: exp(-4) is 2 % of what is at its
foot."""

LEAST_STEPS = 180
"""Angles at which slopes are constrained, over half a turn; 18 for each harmonic where there are more than ten."""

BARRIER = 20.0
"""Largest difference of the dihedral potential [kT]: crossed once in exp(20) attempts, hardly ever in a simulation."""

CONTACT = 1.0
CONTACT_PERCENT = 1.0
FARTHEST_CONTACT = 6.0


@dataclass(frozen=True)
class Constraint:
    """One inequality in physical words, which is one or several rows of numbers.

    Arguments:
        name: of the constraint, "repulsion", say.
        text: what must hold, with its numbers.
        normals: rows g of g . c >= bound.
        bounds: [kcal/mol, or kcal/mol/rad for slopes, or as the coefficient itself].
    """

    name: str
    text: str
    normals: Float[np.ndarray, "rows n"]
    bounds: Float[np.ndarray, " rows"]


def constraints(level: Level, factor: Factor, temperature: float) -> tuple[Constraint, ...]:
    """The constraints of a level.

    Arguments:
        level: "safe", all of them; "nonnegative", kr, epsilon and epsilon_ex at 0 or above; or "none".
        factor: the data; a term that they do not feel is not constrained.
        temperature: [K].
    """
    if level == "none":
        return ()
    make = _Maker(factor, BOLTZMANN * temperature)
    if level == "nonnegative":
        found: Iterator[Constraint | None] = make.signs()
    else:
        found = (build() for build in (make.kr, make.r0, make.low_wall, make.high_wall, make.barrier, *make.contacts()))
    return tuple(constraint for constraint in found if constraint is not None)


class _Maker:
    """Builds each constraint; None where the data do not feel its term, or have sampled nothing that it needs."""

    def __init__(self, factor: Factor, kT: float) -> None:
        self.factor, self.kT = factor, kT
        self.layout, self.weights = factor.fingerprint.layout, factor.fingerprint.weights
        self._felt = np.linalg.norm(design(factor.S), axis=0) > 0

    def kr(self) -> Constraint | None:
        lengths = self._sampled("bond")
        if lengths is None or not self._feels("bond"):
            return None
        if not np.isfinite(lengths).all():
            text = "kr not negative; how far bonds fluctuate is not known, as some are beyond 2 to 6 Å"
            return self._constraint("kr", text, [{0: 1.0}], [0.0])
        least = self.kT / (lengths[1] - lengths[0]) ** 2 / self.weights.bond
        text = f"kr at least {least:.3g} kcal/mol/Å²: bonds fluctuate by less than the sampled range"
        return self._constraint("kr", text, [{0: 1.0}], [least])

    def r0(self) -> Constraint | None:
        lengths = self._sampled("bond")
        if lengths is None or not self._feels("bond"):
            return None
        shortest, longest = lengths
        rows = [
            row
            for end, row in ((shortest, {0: -shortest, 1: 1.0}), (longest, {0: longest, 1: -1.0}))
            if np.isfinite(end)
        ]
        if not rows:
            return None
        text = f"r0 within the sampled bond lengths, {shortest:.2f} to {longest:.2f} Å"
        return self._constraint("r0", text, rows, [0.0] * len(rows))

    def low_wall(self) -> Constraint | None:
        return self._wall("angle wall, low", lambda low, high: low, -1.0)

    def high_wall(self) -> Constraint | None:
        return self._wall("angle wall, high", lambda low, high: high, 1.0)

    def barrier(self) -> Constraint | None:
        if not self._feels("dihedral"):
            return None
        n = np.arange(1, self.layout.n_dihedral + 1)
        phi = np.linspace(-np.pi, np.pi, max(60, 18 * self.layout.n_dihedral), endpoint=False)[:, None]
        values = self.weights.dihedral * np.hstack([np.cos(n * phi), np.sin(n * phi)])
        most = BARRIER / 2 * self.kT
        text = f"dihedral potential within {BARRIER / 2:g} kT ({most:.3g} kcal/mol) of its mean"
        rows = [self._of("dihedral", sign * row) for row in values for sign in (1.0, -1.0)]
        return Constraint("dihedral barrier", text, np.array(rows), np.full(len(rows), -most))

    def contacts(self) -> Iterator[Callable[[], Constraint | None]]:
        for term, name in (("repulsive", "repulsion"), ("excluded_volume", "excluded volume")):
            if term in self.layout.terms:
                yield lambda term=term, name=name: self._contact(term, name)

    def signs(self) -> Iterator[Constraint | None]:
        names = {"bond": ("kr", 0)}
        names |= {
            term: (name, self.layout.terms[term].start)
            for term, name in (("repulsive", "epsilon"), ("excluded_volume", "epsilon_ex"))
            if term in self.layout.terms
        }
        for term, (name, column) in names.items():
            if self._feels(term):
                yield self._constraint(name, f"{name} not negative", [{column: 1.0}], [0.0])

    def _contact(self, term: str, name: str) -> Constraint | None:
        sampled = self.factor.closest.percentile(term, CONTACT_PERCENT)
        if sampled is None or not self._feels(term):
            return None
        distance = min(sampled, FARTHEST_CONTACT)
        least = CONTACT * self.kT
        where = "the closest sampled approach" if distance == sampled else "contact, which the data do not sample"
        text = f"{name} of at least {CONTACT:g} kT ({least:.3g} kcal/mol) at {distance:.2f} Å, {where}"
        column = self.layout.terms[term].start
        return self._constraint(name, text, [{column: getattr(self.weights, term) / distance**4}], [least])

    def _wall(self, name: str, end: Callable[[float, float], float], sign: float) -> Constraint | None:
        """Slopes of the angle potential from the end of the sampled range to 0, or to pi."""
        sampled = self._sampled("angle")
        if sampled is None or not self._feels("angle"):
            return None
        foot, turn = end(*sampled), np.pi if sign > 0 else 0.0
        steps = max(int(np.ceil(abs(turn - foot) / np.pi * self._steps(self.layout.n_angle))), 1)
        theta = np.linspace(foot, turn, steps + 1)[:, None]
        n = np.arange(1, self.layout.n_angle + 1)
        slopes = sign * self.weights.angle * np.hstack([-n * np.sin(n * theta), n * np.cos(n * theta)])
        steepest = 2 * WALL * self.kT / WALL_WIDTH
        least = steepest * np.minimum(np.abs(theta[:, 0] - foot) / WALL_WIDTH, 1.0)
        height, width = WALL * self.kT, np.degrees(WALL_WIDTH)
        text = (
            f"angle potential rises {'above' if sign > 0 else 'below'} {np.degrees(foot):.1f}°, "
            f"by {WALL:g} kT ({height:.3g} kcal/mol) in the first {width:g}°"
        )
        return Constraint(name, text, np.array([self._of("angle", row) for row in slopes]), least)

    def _steps(self, harmonics: int) -> int:
        return max(LEAST_STEPS, 18 * harmonics)

    def _sampled(self, name: str) -> tuple[float, float] | None:
        low, high = (self.factor.histograms.percentile(name, percent) for percent in TAILS)
        return None if low is None or high is None or low == high else self.factor.histograms.known(name, (low, high))

    def _feels(self, term: str) -> bool:
        return bool(self._felt[self.layout.terms[term]].any())

    def _of(self, term: str, values: np.ndarray) -> Coefficients:
        row = np.zeros(self.layout.size)
        row[self.layout.terms[term]] = values
        return row

    def _constraint(
        self, name: str, text: str, rows: Sequence[dict[int, float]], bounds: Sequence[float]
    ) -> Constraint:
        normals = np.zeros((len(rows), self.layout.size))
        for row, entries in zip(normals, rows, strict=True):
            for column, value in entries.items():
                row[column] = value
        return Constraint(name, text, normals, np.array(bounds, np.float64))
