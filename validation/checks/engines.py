"""Energies and forces of each term against OpenMM and jax-md."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np

import cgcore
from validation.check import Row, at_least, at_most, check
from validation.context import Context
from validation.engines.jax_md_terms import jax_md_terms
from validation.engines.openmm_terms import OpenMM
from validation.geometries import by_term, force_difference, geometries
from validation.tolerances import relative

ENERGY = 1e-8
FORCE = 1e-6
"""Tolerance of the median of 2|dF|/(|F1|+|F2|). Both sides compute in double precision (observed: 1e-15 for energies
and forces)."""

Engine = Callable[[np.ndarray], dict[str, tuple[float, np.ndarray]]]


@check("engines-openmm", quick=True, needs=("openmm",))
def openmm(context: Context) -> Iterator[Row]:
    """Energies and forces of each term, and the sign of phi, against OpenMM's custom forces."""
    prior = with_every_term(context.prior)
    name, data = list(context.datasets.items())[-1]  # the data set with padding if there is a choice

    def engine(convert_gamma: bool) -> Engine:
        of_length = functools.cache(lambda beads: OpenMM(beads, prior, convert_gamma=convert_gamma))
        return lambda R: of_length(len(R))(R)

    sets = Sets(name, prior, geometries(data, 5 if context.quick else 25))
    yield from sets.compare(engine(convert_gamma=True))
    # OpenMM measures the IUPAC dihedral, so it needs -gamma; with +gamma it must disagree.
    ours = [frame["dihedral"][1] for frame in sets.ours["real"]]
    theirs = [engine(convert_gamma=False)(R)["dihedral"][1] for R in sets.chains["real"]]
    wrong = force_difference(ours, theirs)
    yield at_least("gamma not negated for OpenMM, forces of the dihedrals differ by", wrong, 0.01, "relative, median")


@check("engines-jax-md", needs=("jax_md",))
def jax_md(context: Context) -> Iterator[Row]:
    """Energies and forces of bonds and dihedrals against jax-md."""
    sets = Sets(context.name, context.prior, geometries(context.data, 25))
    yield from sets.compare(jax_md_terms(context.prior))


def with_every_term(prior: cgcore.Prior) -> cgcore.Prior:
    """The prior with excluded volume."""
    if prior.weights.excluded_volume is not None:
        return prior
    params = prior.params | {"epsilon_ex": 0.8, "sigma_ex": 3.5}
    return cgcore.Prior(prior.weights._replace(excluded_volume=0.6), params, prior.carried)


class Sets:
    """Chains of several kinds, with cgcore's energies and forces."""

    def __init__(self, name: str, prior: cgcore.Prior, chains: dict[str, list[np.ndarray]]) -> None:
        self.name, self.chains = name, chains
        every = iter(by_term(prior, [R for part in chains.values() for R in part]))
        self.ours = {kind: [next(every) for _ in part] for kind, part in chains.items()}

    def compare(self, engine: Engine) -> Iterator[Row]:
        """Rows for each term that the engine has, over all geometries."""
        for kind, chains in self.chains.items():
            theirs = [engine(R) for R in chains]
            for term in theirs[0]:
                E = relative([frame[term][0] for frame in self.ours[kind]], [frame[term][0] for frame in theirs])
                F = [[frame[term][1] for frame in side] for side in (self.ours[kind], theirs)]
                label = f"{self.name}, {kind}, {term}"
                yield at_most(f"{label}, energy", E, ENERGY, "relative")
                yield at_most(f"{label}, force", force_difference(*F), FORCE, "relative, median")
