"""Exports read back by other programs' rules: LAMMPS's, OpenMM's, and JAX's own of StableHLO."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.export import export_energy, read_stablehlo, write_lammps, write_openmm, write_stablehlo
from validation.check import Row, at_most, check
from validation.checks.engines import with_every_term
from validation.context import Context
from validation.geometries import by_term, geometries
from validation.lammps_reader import Lammps
from validation.tolerances import relative

Make = Callable[[Path, cgcore.Prior, int], Callable[[np.ndarray], np.ndarray]]
"""Exports into a folder a prior for so many beads, and reads it back: a function from positions to forces."""

KJ, NM = 4.184, 0.1

LAMMPS, OPENMM = 1e-5, 1e-8
PRECISIONS = {"float32": 1e-5, "float64": 1e-12}
"""All of the largest force. Seen are 2e-11, 3e-14, 1e-6 and 6e-16."""


@check("export-lammps", quick=True, data_driven=True)
def lammps(context: Context) -> Iterator[Row]:
    """LAMMPS tables, settings and data file, interpolated and excluded as LAMMPS does."""

    def make(folder: Path, prior: cgcore.Prior, beads: int) -> Callable[[np.ndarray], np.ndarray]:
        write_lammps(folder, prior, beads)
        engine = Lammps(folder)
        return lambda R: engine(R)[1]

    yield from _compared(context, (make, LAMMPS, ""))


@check("export-openmm", quick=True, data_driven=True, needs=("openmm",))
def openmm(context: Context) -> Iterator[Row]:
    """The OpenMM System from its XML, on the Reference platform."""

    def make(folder: Path, prior: cgcore.Prior, beads: int) -> Callable[[np.ndarray], np.ndarray]:
        import openmm

        write_openmm(folder / "system.xml", prior, beads)
        system = openmm.XmlSerializer.deserialize((folder / "system.xml").read_text(encoding="utf-8"))
        platform = openmm.Platform.getPlatformByName("Reference")
        engine = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)

        def force(R: np.ndarray) -> np.ndarray:
            engine.setPositions(R * NM)
            state: Any = engine.getState(forces=True)
            return np.array(state.getForces(asNumpy=True)._value) * (NM / KJ)

        return force

    yield from _compared(context, (make, OPENMM, ""))


@check("export-stablehlo", needs=("flatbuffers",))
def stablehlo(context: Context) -> Iterator[Row]:
    """The prior's StableHLO from its file, in both precisions."""

    def make(folder: Path, prior: cgcore.Prior, beads: int, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
        def energy(params: Any, R: Any, mask: Any, species: Any) -> Any:
            return cgcore.energy(prior, params, R, mask)

        write_stablehlo(folder / "prior", export_energy(energy, prior.params, beads, dtype=dtype))
        evaluate = read_stablehlo(folder / "prior")
        return lambda R: evaluate(R[None], np.ones((1, beads), bool), np.zeros((1, beads), int))[1][0]

    in_precisions = [(functools.partial(make, dtype=d), t, f" in {d}") for d, t in PRECISIONS.items()]
    yield from _compared(context, *in_precisions)


def _compared(context: Context, *engines: tuple[Make, float, str]) -> Iterator[Row]:
    """Forces of what is made for each length of chain, on real frames and on distorted ones."""
    prior = with_every_term(context.prior)
    name, data = list(context.datasets.items())[-1]  # with chains of two lengths, where there is a choice
    # Centred and rounded: what float32 makes of positions far from the origin is not the export's.
    sets = {
        kind: [(R - R.mean(axis=0)).astype(np.float32).astype(float) for R in chains]
        for kind, chains in geometries(data, 5 if context.quick else 25).items()
    }
    every = iter(by_term(prior, [R for chains in sets.values() for R in chains]))
    ours = {kind: [sum(F for _, F in next(every).values()) for _ in chains] for kind, chains in sets.items()}
    for make, tolerance, label in engines:
        with tempfile.TemporaryDirectory() as folder:
            engine = functools.cache(functools.partial(make, Path(folder), prior))
            for kind, chains in sets.items():
                theirs = [engine(len(R))(R) for R in chains]
                difference = relative(np.concatenate(theirs), np.concatenate(ours[kind]))
                yield at_most(f"{name}, {kind}, force{label}", difference, tolerance, "relative")
