"""The context of a run of checks: data, prior, and thoroughness."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cgcore

REFERENCE = Path(__file__).parent / "reference"
TWO_PROTEINS = REFERENCE / "two_proteins.npz"

MOST_ROWS = 300_000
"""Largest number of rows of the explicit matrix: 65 MB of float64 for 27 columns."""


@dataclass(frozen=True)
class Context:
    """Input of the checks.

    Arguments:
        data: frames to check.
        prior: weights and starting parameters.
        name: name of the data in the table.
        given: whether the data are a user's own; bundled data are then not used.
        quick: whether to use less data and fewer repetitions.
        reference: a user's script to compare with.
        record: folder in which the results of that script are recorded.
    """

    data: cgcore.Dataset
    prior: cgcore.Prior
    name: str = "chignolin"
    given: bool = False
    quick: bool = False
    reference: Path | None = None
    record: Path | None = None

    @classmethod
    def bundled(cls, *, quick: bool = False) -> Context:
        """The context for the data that come with the package."""
        return cls(cgcore.datasets.chignolin(), four_terms(cgcore.default_prior()), quick=quick)

    @cached_property
    def datasets(self) -> dict[str, cgcore.Dataset]:
        """Data sets by name: the user's own alone, or the bundled one and one with padding."""
        sets = {self.name: self.data}
        if not self.given:
            sets["two proteins"] = cgcore.read(TWO_PROTEINS)
        return {name: bounded(data) for name, data in sets.items()}

    def some(self, frames: int) -> cgcore.Dataset:
        """At most this number of frames, drawn with a fixed seed."""
        return bounded(self.data.subset(frames))

    @cached_property
    def small_prior(self) -> cgcore.Prior:
        """The prior with two harmonics in each series, for which ordinary data determine every direction well."""
        return with_harmonics(self.prior, 2, 2)


def context_of(data: str | None = None, units: str | None = None, config: str | None = None) -> Context:
    """The context for a data file or folder, the name of its units and a configuration file, as on the command line.

    Raises:
        InputError: one of them cannot be used, or units are given without data.
    """
    if units is not None and data is None:
        raise cgcore.InputError("--units belongs to --data; give the data")
    prior = cgcore.load_config(config).prior if config else cgcore.default_prior()
    if data is None:
        return Context(cgcore.datasets.chignolin(), prior if config else four_terms(prior))
    return Context(cgcore.read(data, units=units), prior, name=Path(data).name, given=True)


def unconstrained(**options: Any) -> cgcore.Options:
    """Options of a fit without constraints, truncated and not smoothed: the plain least-squares problem."""
    settings: dict[str, Any] = {"constraints": "none", "truncation": "auto"} | options
    return cgcore.Options(**settings)


def distinct(prior: cgcore.Prior) -> cgcore.Prior:
    """The prior with a different weight for each term, so that exchanged weights would be noticed."""
    weights = prior.weights._replace(bond=0.5, angle=0.25, dihedral=0.15, repulsive=0.9)
    if weights.excluded_volume is not None:
        weights = weights._replace(excluded_volume=0.8)
    return cgcore.Prior(weights, prior.params, prior.carried)


def four_terms(prior: cgcore.Prior) -> cgcore.Prior:
    """The prior without excluded volume, as in the recorded runs."""
    return prior.without_excluded_volume()


def five_terms(prior: cgcore.Prior) -> cgcore.Prior:
    """The prior with excluded volume, taken from the default prior if it has none."""
    if prior.weights.excluded_volume is not None:
        return prior
    default = cgcore.default_prior()
    params = {name: default.params[name] for name in ("epsilon_ex", "sigma_ex")}
    weights = prior.weights._replace(excluded_volume=0.8)  # neither that of another term nor the default
    return cgcore.Prior(weights, prior.params | params, prior.carried)


def with_harmonics(prior: cgcore.Prior, n_angle: int, n_dihedral: int) -> cgcore.Prior:
    """The prior reduced to its first harmonics."""
    count = {"a": n_angle, "b": n_angle, "k_dih": n_dihedral, "gamma_dih": n_dihedral}
    params = {k: v[: count[k]] if k in count else v for k, v in prior.params.items()}
    return cgcore.Prior(prior.weights, params, prior.carried)


def bounded(data: cgcore.Dataset) -> cgcore.Dataset:
    """A subset of the frames whose explicit matrix fits in memory."""
    return data.subset(max(1, MOST_ROWS // (3 * data.n_beads)))
