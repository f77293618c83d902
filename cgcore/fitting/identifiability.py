"""What the data do not determine, in terms of physical parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import design
from cgcore.fitting.spectrum import Spectrum
from cgcore.physics.coefficients import Layout
from cgcore.physics.parametrisations import StrengthAndLength

NAMED = 0.1
"""A coefficient is named if its squared loading in a direction is at least this; squared loadings add up to 1."""

MIXED = 3
"""Number of coefficients that are named if all loadings of a direction are small."""

NEARLY_DEPENDENT = 0.01
"""Relative singular value below which the coefficients of a direction are called nearly dependent."""


@dataclass(frozen=True)
class Direction:
    """A combination of coefficients that is not fitted.

    Arguments:
        singular_value: relative singular value, i.e. how much the force changes along the direction.
        resolved: whether float64 resolves the direction; if not, the data give no information about it.
        loadings: loadings of the scaled and centred coefficients by name, largest first.
    """

    singular_value: float
    resolved: bool
    loadings: dict[str, float]

    def __str__(self) -> str:
        named = [name for name, loading in self.loadings.items() if loading**2 >= NAMED]
        named = named or [*list(self.loadings)[:MIXED], "and others"]
        what = "weakly determined" if self.resolved else "not determined"
        return f"{compact(named)}: {what} (relative singular value {self.singular_value:.1e})"


@dataclass(frozen=True)
class Identifiability:
    """What the data determine, and what they do not.

    Arguments:
        singular_values: relative singular values, in descending order.
        kept: whether each direction is fitted.
        resolved: number of directions that float64 resolves.
        left: directions that are not fitted, strongest first, except those of terms without data.
        without_data: terms that act on no bead, and why.
        notes: what cannot be distinguished, as sentences.
    """

    singular_values: list[float]
    kept: list[bool]
    resolved: int
    left: list[Direction]
    without_data: dict[str, str]
    notes: list[str]

    def __repr__(self) -> str:
        kept, every = sum(self.kept), len(self.kept)
        empty = ", ".join(self.without_data) or "none"
        return f"Identifiability({kept} of {every} directions kept, {self.resolved} resolved, without data: {empty})"


def identify(factor: Factor, spectrum: Spectrum, kept: np.ndarray) -> Identifiability:
    """Describe the directions that are fitted, and those that are not."""
    layout = factor.fingerprint.layout
    empty = _without_data(factor)
    columns = design(factor.S)
    dead = np.linalg.norm(columns, axis=0) == 0
    left = []
    for k in np.nonzero(~kept)[0]:
        loadings = spectrum.V[k]
        if np.sum(loadings[dead] ** 2) > 0.5:  # a column of zeros: its term is named in `without_data`
            continue
        order = np.argsort(-np.abs(loadings))
        left.append(
            Direction(
                singular_value=float(spectrum.values[k]),
                resolved=bool(spectrum.values[k] > spectrum.resolution),
                loadings={layout.names[i]: float(loadings[i]) for i in order if loadings[i] ** 2 > 1e-3},
            )
        )
    return Identifiability(
        singular_values=spectrum.values.tolist(),
        kept=kept.tolist(),
        resolved=int(spectrum.kept().sum()),
        left=left,
        without_data=empty,
        notes=_notes(factor, layout, left, empty),
    )


def compact(names: Sequence[str]) -> str:
    """Names with runs of consecutive harmonics joined: a_7..a_10."""
    parsed = [re.fullmatch(r"(a|b)_(\d+)", name) for name in names]
    series = sorted((m[1], int(m[2])) for m in parsed if m)
    parts = []
    for letter, group in groupby(series, key=lambda pair: pair[0]):
        numbers = [n for _, n in group]
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            ends = [n for _, n in run]
            parts.append(f"{letter}_{ends[0]}" + (f"..{letter}_{ends[-1]}" if len(ends) > 1 else ""))
    return ", ".join(parts + [name for name, m in zip(names, parsed, strict=True) if not m])


def _without_data(factor: Factor) -> dict[str, str]:
    columns, layout = design(factor.S), factor.fingerprint.layout
    longest = max(block.beads // block.frames for block in factor.blocks)
    empty = {}
    for term, where in zip(layout.terms, layout.slices.values(), strict=True):
        if where.start == where.stop:
            empty[term.name] = "it has no harmonics"
        elif np.linalg.norm(columns[:, where]) == 0:
            needs = term.rows.needs
            empty[term.name] = (
                "its weight is 0"
                if term.weight == 0
                else "its forces are 0 in every frame, as in chains that are exactly straight"
                if longest >= needs and term.groups is None and term.rows.listed is None
                else "no frame has such rows of beads"
                if longest >= needs
                else f"no chain has the {needs} beads that it needs"
            )
        elif term.groups is not None:
            sizes = np.linalg.norm(columns[:, where], axis=0).reshape(len(term.group_labels), -1).max(axis=1)
            empty |= {
                f"{term.name}[{label}]": "no frame has such rows of beads"
                for label, size in zip(term.group_labels, sizes, strict=True)
                if size == 0
            }
    return empty


def _notes(factor: Factor, layout: Layout, left: Sequence[Direction], empty: dict[str, str]) -> list[str]:
    notes = []
    for term in layout.terms:
        if isinstance(term.parametrisation, StrengthAndLength) and term.name not in empty:
            epsilon, sigma = term.parametrisation.names
            scale = f", {epsilon} carries the scale" if term.name == "repulsive" else ""
            notes.append(f"{epsilon} and {sigma} enter only as {epsilon}*{sigma}^4: {sigma} is as given{scale}")
    weak = [direction for direction in left if direction.singular_value < NEARLY_DEPENDENT]
    series = {name for term in layout.terms if term.coordinate == "angle" for name in term.coefficient_names}
    angular = {name for d in weak for name, part in d.loadings.items() if part**2 >= NAMED and name in series}
    sampled = factor.histograms.sampled_range("angle")
    if angular and sampled:
        low, high = np.degrees(sampled)
        ordered = [name for name in layout.names if name in angular]
        notes.append(f"{compact(ordered)} nearly dependent over the sampled angles {low:.0f}..{high:.0f} degrees")
    return notes
