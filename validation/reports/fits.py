"""A fit to two proteins of unequal length and three species, and what its picture must show, restated in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.constants import BOLTZMANN
from cgcore.physics.bases import Fourier
from validation import explicit
from validation.check import Row, at_most, equal
from validation.context import TWO_PROTEINS, distinct, five_terms, with_harmonics
from validation.explicit import Array
from validation.reports.reading import band, behind, line
from validation.tolerances import relative

Potential = Callable[[Array], Array]

FRAMES = 600
"""Number of frames: too many force components for one picture, so that some of the frames are drawn."""

EXACT = 1e-9
"""Relative difference of drawn and restated numbers, which are float64 throughout."""

SPECIES = 3
KINDS = cgcore.Term(
    "kinds", cgcore.Rows("angles"), Fourier(1), 0.6, cgcore.Groups.of_species("central", range(SPECIES))
)
FINE = {"bond": (2.0, 6.0, 401), "angle": (0.0, np.pi, 181), "dihedral": (-np.pi, np.pi, 181)}
"""First and last edge, and number of edges, of the bins in which coordinates are counted."""

MOST_BINS, FEWEST_VALUES, LEAST_MOST = 80, 20, 5
"""A panel has at most 80 bins over the sampled range, and no more than 5 if these would have fewer than 20 values."""

CENTRAL = 0.998
"""The central fraction of the values, over which the least energy is the zero of energy."""

JACOBIANS: dict[str, Potential] = {"bond": np.square, "angle": np.sin, "dihedral": np.ones_like}


def every_term() -> cgcore.Prior:
    """Five terms, each with a weight of its own, and angles that depend on the species."""
    return with_harmonics(five_terms(distinct(cgcore.default_prior())), 2, 2).with_terms([KINDS])


@dataclass(frozen=True)
class Chains:
    """Frames without padding."""

    data: cgcore.Dataset

    @cached_property
    def every(self) -> list[tuple[Array, Array, Array]]:
        """R, F and species of each frame."""
        batch = self.data.join()
        lengths = np.asarray(batch.mask, bool).sum(axis=1)
        parts = zip(batch.R, batch.F, batch.species, lengths, strict=True)
        return [(np.asarray(R[:n], float), np.asarray(F[:n], float), np.asarray(kinds[:n])) for R, F, kinds, n in parts]

    def values(self, name: str) -> tuple[Array, Array]:
        """All bond lengths, angles or dihedrals, and the species of the second bead of each."""
        width = explicit.SPANS[name]
        found, kinds = [], []
        for n in {len(R) for R, _, _ in self.every}:
            own = [(R, species) for R, _, species in self.every if len(R) == n]
            R, rows = np.stack([one for one, _ in own]), n - width + 1
            found.append(explicit.value(name, np.stack([R[:, k : k + rows] for k in range(width)], axis=2)).ravel())
            kinds.append(np.stack([species[1 : 1 + rows] for _, species in own]).ravel())
        return np.concatenate(found), np.concatenate(kinds)

    def distances(self, rows: Array) -> Array:
        """Distances of all pairs with j - i >= 6 in these frames."""
        found = []
        for k in rows:
            R = self.every[k][0]
            i, j = np.triu_indices(len(R), 6)
            found.append(np.linalg.norm(R[i] - R[j], axis=1))
        return np.concatenate(found)

    def forces(self, rows: Array, prior: cgcore.Prior, params: Mapping[str, Any]) -> tuple[Array, Array]:
        """Components of the reference and of the prior's forces in these frames."""
        F, P, c = [], [], explicit.coefficients(params)
        for n in {len(self.every[k][0]) for k in rows}:
            own = [self.every[k] for k in rows if len(self.every[k][0]) == n]
            R, reference, species = (np.stack([one[part] for one in own]) for part in range(3))
            force = explicit.matrix(R, prior.weights, params) @ c
            local = np.stack([R[:, at : at + n - 2] for at in range(3)], axis=2)
            theta, gradient = explicit.value_and_gradient("angle", local)
            kinds = np.asarray(params["kinds"])[species[:, 1:-1]]
            slope = KINDS.weight * (kinds[..., 1] * np.cos(theta) - kinds[..., 0] * np.sin(theta))
            for at in range(3):
                force[:, at : at + n - 2] -= slope[..., None] * gradient[:, :, at]
            F.append(reference.ravel())
            P.append(force.ravel())
        return np.concatenate(F), np.concatenate(P)


def two_files(folder: Path) -> cgcore.Dataset:
    """Frames of two proteins, each in a file of its own."""
    batch = cgcore.read(TWO_PROTEINS).subset(FRAMES).join()
    mask = np.asarray(batch.mask, bool)
    species = np.tile((5 * np.arange(mask.shape[1]) // 3 + 1) % SPECIES, (len(mask), 1))
    for n in np.unique(mask.sum(axis=1)):
        own = mask.sum(axis=1) == n
        every = {"R": batch.R, "F": batch.F, "mask": batch.mask, "species": species}
        np.savez(folder / f"{n:.0f}.npz", **{name: part[own] for name, part in every.items()})
    return cgcore.read(folder)


def energy(name: str, prior: cgcore.Prior, params: Mapping[str, Any], group: int = 0) -> Potential:
    """The potential of a term, weight included."""
    p = {key: np.asarray(value, float) for key, value in params.items()}
    weight = KINDS.weight if name == KINDS.name else getattr(prior.weights, name)

    def at(x: Array) -> Array:
        match name:
            case "bond":
                return p["kr"] / 2 * (x - p["r0"]) ** 2
            case "angle":
                n = np.arange(1, len(p["a"]) + 1)[:, None]
                return p["a"] @ np.cos(n * x) + p["b"] @ np.sin(n * x)
            case "dihedral":
                n = np.arange(1, len(p["k_dih"]) + 1)[:, None]
                return p["k_dih"] @ (1 + np.cos(n * x - p["gamma_dih"][:, None]))
            case "repulsive":
                return p["epsilon"] * (p["sigma"] / x) ** 4
            case "excluded_volume":
                return p["epsilon_ex"] * (p["sigma_ex"] / x) ** 4
        return p["kinds"][group, 0] * np.cos(x) + p["kinds"][group, 1] * np.sin(x)

    return lambda x: weight * np.asarray(at(x))


@dataclass(frozen=True)
class Histogram:
    """Counts of one coordinate in the bins of a panel."""

    edges: Array
    counts: Array

    @classmethod
    def of(cls, values: Array, name: str) -> Histogram:
        """The finest bins over the sampled range that a panel may have."""
        every = np.linspace(*FINE[name])
        fine = np.histogram(values, every)[0]
        (filled,) = np.nonzero(fine)
        first, end = filled[0], filled[-1] + 1
        most = min(MOST_BINS, max(len(values) // FEWEST_VALUES, LEAST_MOST))
        starts = np.arange(first, end, int(np.ceil((end - first) / most)))
        ends = np.minimum(starts + starts[1:2] - starts[:1], len(fine))
        edges = np.append(every[starts], every[ends[-1]])
        return cls(edges, np.histogram(values, edges)[0])

    @property
    def centres(self) -> Array:
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def density(self) -> Array:
        return self.counts / (self.counts.sum() * np.diff(self.edges))

    def inverted(self, name: str, temperature: float) -> Array:
        """-kT ln(density / Jacobian) of bins that are not empty, whose least value is 0."""
        some = self.counts > 0
        found = -BOLTZMANN * temperature * np.log(self.density[some] / JACOBIANS[name](self.centres[some]))
        return found - found.min()

    def near(self, values: Array, x: Array) -> Array:
        """Which points lie in bins that hold, or lie between, the ends of the central values."""
        tail, ordered = (1 - CENTRAL) / 2 * len(values), np.sort(values)
        low, high = ordered[int(tail)], ordered[-int(tail) - 1]
        first, last = np.searchsorted(self.edges, [low, high], side="right") - 1
        return (x >= self.edges[first]) & (x <= self.edges[last + 1])


def potential(
    what: str,
    ax: Any,
    name: str,
    values: Array,
    temperature: float,
    fitted: list[list[Potential]],
    initial: list[Potential] | None = None,
    interval: Callable[[Array, Array], Any] | None = None,
) -> Iterator[Row]:
    """A panel of a potential: histogram, Boltzmann inversion, fitted potentials, the initial one, and the interval.

    Arguments:
        what: name of the rows.
        ax: the panel.
        name: the coordinate.
        values: sampled values.
        temperature: temperature of the inversion [K].
        fitted: the terms of each fitted potential, in the order of the lines.
        initial: the terms of the initial potential; None if it must not be drawn.
        interval: the errors of the potential at x, with the given weights of its zero; None for none.
    """
    known, scale = Histogram.of(values, name), 1.0 if name == "bond" else 180 / np.pi
    edges, heights = behind(ax)
    yield equal(f"{what}, number of bins", len(heights), len(known.counts))
    if len(heights) != len(known.counts):
        return
    yield at_most(f"{what}, edges of the bins", relative(edges, scale * known.edges), EXACT, "relative")
    yield at_most(f"{what}, densities", relative(heights, known.density), EXACT, "relative")
    x, inverted = line(ax, f"Boltzmann-inverted, {temperature:g} K")
    some = np.isfinite(inverted)
    yield equal(f"{what}, bins with values", some.tolist() == (known.counts > 0).tolist(), True)
    yield at_most(f"{what}, centres of the bins", relative(x, scale * known.centres), EXACT, "relative")
    off = relative(inverted[some], known.inverted(name, temperature))
    yield at_most(f"{what}, Boltzmann-inverted", off, EXACT, "relative")
    lines = [one for one in ax.lines if one.get_linestyle() == "-" and len(one.get_xdata()) == 400]
    yield equal(f"{what}, fitted potentials", len(lines), len(fitted))
    grid = np.linspace(known.edges[0], known.edges[-1], 400)
    near = known.near(values, grid)
    for k, (one, terms) in enumerate(zip(lines, fitted, strict=False)):
        shown, zero = np.asarray(one.get_ydata(), float), _shifted(terms, grid, near)
        yield at_most(f"{what}, fitted {k}", relative(shown, zero), EXACT, "relative")
        yield at_most(f"{what}, fitted {k}, at", relative(one.get_xdata(), scale * grid), EXACT, "relative")
    dashed = [one for one in ax.lines if one.get_label() == "initial"]
    yield equal(f"{what}, initial potentials", len(dashed), int(initial is not None))
    if initial is not None:
        off = relative(line(ax, "initial")[1], _shifted(initial, grid, near))
        yield at_most(f"{what}, initial", off, EXACT, "relative")
    yield equal(f"{what}, intervals", len(ax.collections), int(interval is not None))
    if interval is not None:
        errors = interval(grid, np.interp(grid, known.centres, known.density))
        yield from filled(what, ax.collections[0], scale * grid, _shifted(fitted[0], grid, near), errors)


def filled(what: str, fill: Any, x: Array, energy: Array, errors: Any) -> Iterator[Row]:
    """The ends of an interval around a potential, where the data determine it."""
    some = np.isfinite(errors.low)
    at, low, high = band(fill)
    yield equal(f"{what}, points of the interval", len(at), int(some.sum()))
    if len(at) == some.sum():
        yield at_most(f"{what}, interval at", relative(at, x[some]), EXACT, "relative")
        known = energy + errors.low - errors.value, energy + errors.high - errors.value
        off = max(relative(low, known[0][some]), relative(high, known[1][some]))
        yield at_most(f"{what}, ends of the interval", off, EXACT, "relative")


def _shifted(terms: list[Potential], x: Array, near: Array) -> Array:
    every = np.sum([term(x) for term in terms], axis=0)
    return every - every[near].min()
