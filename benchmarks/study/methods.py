"""Ways to get a prior, as functions of the training data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np

import cgcore
from benchmarks.study.boltzmann import inverted
from benchmarks.study.proteins import Protein

BLOCKS = 4
"""Number of blocks in each run of frames, used for cross-validation."""


class Part:
    """A run of frames of one protein, and its factors.

    Arguments:
        protein: the protein.
        rows: rows of its frames.
        force_map: force map whose forces are fitted.
    """

    def __init__(self, protein: Protein, rows: slice, force_map: str) -> None:
        self.protein, self.rows, self.force_map = protein, rows, force_map
        self._factors: dict[cgcore.Fingerprint, cgcore.Factor] = {}

    @property
    def R(self) -> np.ndarray:
        """Positions (frames, beads, 3) [Å]."""
        return self.protein.R[self.rows]

    def factor(self, prior: cgcore.Prior) -> cgcore.Factor:
        """The factor for the terms of a prior."""
        fingerprint = cgcore.Fingerprint.of(prior)
        if fingerprint not in self._factors:
            data = self.protein.frames(self.force_map, self.rows)
            self._factors[fingerprint] = cgcore.compress(data, fingerprint, blocks=BLOCKS)
        return self._factors[fingerprint]


class Training:
    """The training data of a prior.

    Arguments:
        parts: runs of frames.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)

    @property
    def temperature(self) -> float:
        """The highest temperature of the parts [K]."""
        return max(part.protein.temperature for part in self.parts)

    def factor(self, prior: cgcore.Prior) -> cgcore.Factor:
        """The factor of all parts together, for the terms of a prior."""
        return cgcore.merge(*(part.factor(prior) for part in self.parts))

    @cached_property
    def inverted(self) -> cgcore.Prior:
        """The prior obtained by Boltzmann inversion."""
        return inverted([part.R for part in self.parts], self.temperature)

    def fitted(self, start: cgcore.Prior, options: cgcore.Options) -> cgcore.Prior:
        """The prior obtained by force matching."""
        return cgcore.fit(self.factor(start), start, options).fitted_prior


INITIAL, INVERSION, SAME_TERMS = "initial", "Boltzmann inversion", "forces, terms of the inversion"
PLAIN, EXACT, SAFE = "plain L-BFGS, 200 steps", "exact minimum", "safe (default)"
TYPED, SPLINES = "safe, angles by residue type", "safe, splines"

KINDS = 21
"""Species of beads that `cgcore map` writes: 20 amino acids, and all others."""


def typed() -> cgcore.Prior:
    """The default terms, with the series of angles by the type of the central residue."""
    prior = cgcore.default_prior()
    groups = cgcore.Groups.of_species("central", range(KINDS))
    series = cgcore.bases.Fourier(len(prior.params["a"]))
    return prior.with_terms([cgcore.Term("angle", cgcore.Rows("angles"), series, prior.weights.angle, groups)])


def splined() -> cgcore.Prior:
    """Cubic splines instead of the series of angles and dihedrals, and of the distance of beads three or more apart."""
    prior = cgcore.default_prior()

    def knots(first: float, last: float, intervals: int) -> tuple[float, ...]:
        return tuple(np.linspace(first, last, intervals + 1).tolist())

    angle, dihedral, contact = (
        cgcore.bases.BSpline(knots(0, np.pi, 20)),
        cgcore.bases.BSpline(knots(-np.pi, np.pi, 24), ends="periodic"),
        cgcore.bases.BSpline(knots(3, 15, 16), ends="cutoff"),
    )
    return prior.with_terms(
        [
            cgcore.Term("angle", cgcore.Rows("angles"), angle, prior.weights.angle),
            cgcore.Term("dihedral", cgcore.Rows("dihedrals"), dihedral, prior.weights.dihedral),
            cgcore.Term("contact", cgcore.Rows("pairs", 3), contact),
        ]
    )


METHODS: Mapping[str, Callable[[Training], cgcore.Prior]] = {
    INITIAL: lambda training: cgcore.default_prior(),
    INVERSION: lambda training: training.inverted,
    SAME_TERMS: lambda training: training.fitted(training.inverted, cgcore.Options(constraints="none")),
    PLAIN: lambda training: training.fitted(cgcore.default_prior(), cgcore.Options(coordinates="physical")),
    EXACT: lambda training: training.fitted(cgcore.default_prior(), cgcore.Options(constraints="none", truncation=0)),
    SAFE: lambda training: training.fitted(cgcore.default_prior(), cgcore.Options()),
    TYPED: lambda training: training.fitted(typed(), cgcore.Options()),
    SPLINES: lambda training: training.fitted(splined(), cgcore.Options()),
}
"""The second and the third method share their terms, the last two have their own, and the others the default ones."""


def loss(prior: cgcore.Prior, parts: Sequence[Part]) -> float:
    """Loss of a prior on these frames, per real bead [(kcal/mol/Å)²]."""
    c = cgcore.to_coefficients(prior.params, terms=prior.terms)
    return cgcore.merge(*(part.factor(prior) for part in parts)).loss(c)
