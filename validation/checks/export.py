"""Exports read back by the rules of other programs: LAMMPS, OpenMM, and JAX for StableHLO."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.export import export_energy, read_stablehlo, write_lammps, write_openmm, write_stablehlo
from cgcore.export.openmm import read_openmm
from validation import explicit_terms
from validation.check import Row, at_most, check, equal, says
from validation.checks.engines import with_every_term
from validation.context import Context, distinct
from validation.engines.lammps_reader import Lammps
from validation.geometries import by_term, geometries
from validation.splined import drawn
from validation.term_problems import OWN, exported_terms, far_terms, species_of
from validation.tolerances import relative

Make = Callable[[Path, cgcore.Prior, np.ndarray], Callable[[np.ndarray], np.ndarray]]
"""Exports a prior into a folder for beads of these species, and reads it back as a function from positions to
forces."""

KJ, NM = 4.184, 0.1

STRAIGHT = 179.7
"""An angle [degrees]."""

LAMMPS, OPENMM = 1e-5, 1e-8
LAMMPS_SPLINES = 1e-3
"""Tolerance for splines: the slope of their force has corners at the knots, which a table cuts off."""
TABULATED = 1e-7
"""Tolerance for functions of a user, which are tabulated for every program (observed: 5e-9)."""
PRECISIONS = {"float32": 1e-5, "float64": 1e-12}
"""Tolerances relative to the largest force. Observed: 2e-11, 3e-14, 1e-6 and 6e-16."""
ROUNDINGS = 4
"""Near 180 degrees the direction of a force is a difference that is divided by the sine of the angle, which magnifies
this number of roundings (observed: 1)."""


@check("export-lammps", quick=True, data_driven=True)
def lammps(context: Context) -> Iterator[Row]:
    """LAMMPS tables, settings and data file, with interpolation and exclusions as in LAMMPS."""

    def make(
        folder: Path, prior: cgcore.Prior, species: np.ndarray, cutoff: float = 60.0
    ) -> Callable[[np.ndarray], np.ndarray]:
        write_lammps(folder, prior, len(species), species=species, cutoff=cutoff)
        engine = Lammps(folder)
        return lambda R: engine(R)[1]

    yield from _compared(context, (make, LAMMPS, ""))
    yield from _by_kinds(context, functools.partial(make, cutoff=30.0), LAMMPS_SPLINES)  # beyond all forces


@check("export-openmm", quick=True, data_driven=True, needs=("openmm",))
def openmm(context: Context) -> Iterator[Row]:
    """The OpenMM System read from its XML, on the Reference platform."""

    def make(folder: Path, prior: cgcore.Prior, species: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        import openmm

        write_openmm(folder / "system.xml", prior, len(species), species=species)
        system = openmm.XmlSerializer.deserialize((folder / "system.xml").read_text(encoding="utf-8"))
        platform = openmm.Platform.getPlatformByName("Reference")
        engine = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)

        def force(R: np.ndarray) -> np.ndarray:
            engine.setPositions(R * NM)
            state: Any = engine.getState(forces=True)
            return np.array(state.getForces(asNumpy=True)._value) * (NM / KJ)

        return force

    yield from _compared(context, (make, OPENMM, ""))
    yield from _by_kinds(context, make, OPENMM)
    yield from _read_back(context.prior)


def _read_back(prior: cgcore.Prior) -> Iterator[Row]:
    """The file of a system, and of something else that OpenMM writes."""
    import openmm

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "system.xml"
        write_openmm(path, prior, 7, mass=95.0)
        system: Any = read_openmm(path)
        masses = [system.getParticleMass(k)._value for k in range(system.getNumParticles())]
        yield equal("read back, masses", str(masses), str([95.0] * 7))
        words = "is not the XML of an OpenMM System"
        for name, text in (
            ("an integrator", openmm.XmlSerializer.serialize(openmm.VerletIntegrator(0.001))),
            ("half of a system", path.read_text(encoding="utf-8")[:200]),
            ("nothing", ""),
        ):
            path.write_text(text, encoding="utf-8")
            yield says(f"read back, {name}", functools.partial(read_openmm, path), words)


@check("export-stablehlo", needs=("flatbuffers",))
def stablehlo(context: Context) -> Iterator[Row]:
    """The prior's StableHLO read from its file, in both precisions."""

    def make(folder: Path, prior: cgcore.Prior, species: np.ndarray, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
        beads = len(species)

        def energy(params: Any, R: Any, mask: Any, species: Any) -> Any:
            return cgcore.energy(prior, params, R, mask)

        write_stablehlo(folder / "prior", export_energy(energy, prior.params, beads, dtype=dtype))
        evaluate = read_stablehlo(folder / "prior")
        return lambda R: evaluate(R[None], np.ones((1, beads), bool), np.zeros((1, beads), int))[1][0]

    in_precisions = [(functools.partial(make, dtype=d), t, f" in {d}") for d, t in PRECISIONS.items()]
    magnified = {f" in {d}": ROUNDINGS * np.finfo(d).eps / np.sin(np.radians(180 - STRAIGHT)) for d in PRECISIONS}
    yield from _compared(context, *in_precisions, straight=magnified)


def _compared(context: Context, *engines: tuple[Make, float, str], straight: Mapping[str, float] = {}) -> Iterator[Row]:
    """Forces of an export made for each chain length, on real and on distorted frames.

    Arguments:
        context: data and prior.
        engines: exports, each with its tolerance and a label.
        straight: larger tolerances for a nearly straight angle, by label.
    """
    prior = with_every_term(context.prior)
    name, data = list(context.datasets.items())[-1]  # the data set with chains of two lengths if there is a choice
    # Centred and rounded, because float32 errors of positions far from the origin are not errors of the export.
    sets = {
        kind: [(R - R.mean(axis=0)).astype(np.float32).astype(float) for R in chains]
        for kind, chains in geometries(data, 5 if context.quick else 25).items()
    }
    sets["nearly straight"] = [_straightened(R) for R in sets["real"][:1]]
    every = iter(by_term(prior, [R for chains in sets.values() for R in chains]))
    ours = {kind: [sum(F for _, F in next(every).values()) for _ in chains] for kind, chains in sets.items()}
    for make, tolerance, label in engines:
        with tempfile.TemporaryDirectory() as folder:
            engine = functools.cache(lambda beads, m=make, f=folder: m(Path(f), prior, np.zeros(beads, int)))
            for kind, chains in sets.items():
                theirs = [engine(len(R))(R) for R in chains]
                difference = relative(np.concatenate(theirs), np.concatenate(ours[kind]))
                most = max(tolerance, straight.get(label, 0.0)) if kind == "nearly straight" else tolerance
                yield at_most(f"{name}, {kind}, force{label}", difference, most, "relative")


def _straightened(R: np.ndarray) -> np.ndarray:
    """The chain with an angle of 179.7 degrees in its middle, which is in the last interval of any table of angles."""
    k, out = len(R) // 2, R.copy()
    along = (R[k] - R[k - 1]) / np.linalg.norm(R[k] - R[k - 1])
    aside = np.cross(along, R[k + 1] - R[k])
    bend = np.radians(180 - STRAIGHT)
    direction = np.cos(bend) * along + np.sin(bend) * aside / np.linalg.norm(aside)
    out[k + 1 :] += R[k] + np.linalg.norm(R[k + 1] - R[k]) * direction - R[k + 1]
    return out


def _by_kinds(context: Context, make: Make, tolerance: float) -> Iterator[Row]:
    """Splines from a file that differ by species, terms with groups, and terms of far pairs, against their formulas."""
    if context.given:  # these terms do not depend on the user's prior
        return
    made = drawn()
    chains = [R[0] for R in geometries(context.data, 1).values()]
    species = species_of(np.ones((1, len(chains[0]))))[0]
    prior = distinct(context.prior)
    cases = {"splines and groups by species": (replace(prior, splines=made.given), exported_terms(), tolerance)}
    if not context.quick:  # many types of pairs, which take seconds
        cases["far pairs"] = (prior.part([]), far_terms(), max(tolerance, TABULATED))
    for name, (base, terms, most) in cases.items():
        rng = np.random.default_rng(4)
        coefficients = {term.name: rng.normal(size=term.shape) for term in terms}
        c = np.concatenate([coefficients[term.name].ravel() for term in terms])
        with tempfile.TemporaryDirectory() as folder:
            engine = make(Path(folder), base.with_terms(terms, coefficients), species)
            for kind, R in zip(("real", "distorted"), chains, strict=True):
                along = np.arange(len(R))
                ours = explicit_terms.matrix(R, terms, species, along, None, OWN) @ c
                if base.splines is not None:
                    ours = ours + made.forces(R, base.weights, species, along)
                yield at_most(f"{name}, {kind}, force", relative(engine(R), ours), most)
