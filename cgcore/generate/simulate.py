"""OpenMM simulation of a peptide in implicit solvent, with positions and forces of all atoms."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.units import ANGSTROM_PER_NM, KJ_PER_KCAL
from cgcore.data.writing import write_arrays
from cgcore.errors import InputError
from cgcore.files import atomic_group, atomic_path
from cgcore.generate.heavy_atoms import heavy_atoms
from cgcore.generate.peptides import Peptide
from cgcore.generate.solvent import native_solvent
from cgcore.generate.soundness import require_bonds, require_stereochemistry

SOLVENTS = ("obc2", "gbn2")
TOPOLOGY, TRAJECTORY = "topology.pdb", "trajectory.npz"


@dataclass(frozen=True)
class Run:
    """Settings of a simulation.

    Arguments:
        frames: number of frames.
        every: number of steps between frames.
        temperature: temperature [K].
        solvent: implicit solvent, one of `SOLVENTS`.
        rigid: whether bonds to hydrogen are constrained.
        step: time step [fs]; None for 2 with rigid bonds and 1 otherwise.
        hydrogen_mass: mass of each hydrogen [amu], with the difference taken from the atom that it is bonded to; None
            for its real mass. 3 allows steps of 4 fs with rigid bonds (Hopkins et al., J. Chem. Theory Comput. 2015,
            11, 1864). Masses do not change the distribution of positions and forces.
        equilibration: number of steps before the first frame.
        seed: seed of the velocities and the noise.

    Raises:
        InputError: a value is out of range.
    """

    frames: int = 1000
    every: int = 250
    temperature: float = 300.0
    solvent: str = "obc2"
    rigid: bool = True
    step: float | None = None
    hydrogen_mass: float | None = None
    equilibration: int = 5000
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("frames", "every", "temperature", "seed", "step", "hydrogen_mass"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"{name} is {value}; give a number above 0")
        if self.solvent not in SOLVENTS:
            raise InputError(f"the solvent {self.solvent!r} is not known; choose one of {', '.join(SOLVENTS)}")


def generate(output: Path, run: Run, peptide: Peptide | Path) -> None:
    """Simulate a peptide, and write `topology.pdb` and `trajectory.npz` (coords, Fs in Å and kcal/mol/Å, float32).

    Arguments:
        output: output folder.
        run: settings of the simulation.
        peptide: the peptide to build, or a PDB file that contains it, with or without hydrogens.

    Raises:
        InputError: OpenMM or PeptideBuilder is not installed, OpenMM cannot use the peptide, or a file cannot be
            written.
    """
    app, unit, mm = _openmm()
    name = str(peptide) if isinstance(peptide, Path) else peptide.sequence
    try:
        topology, positions = _read(app, peptide) if isinstance(peptide, Path) else heavy_atoms(app, peptide)
        forcefield = app.ForceField("amber14-all.xml", f"implicit/{run.solvent}.xml")
        model = app.Modeller(topology, positions)
        with _seeded(run.seed):
            model.addHydrogens(forcefield, platform=mm.Platform.getPlatformByName("Reference"))
        system = forcefield.createSystem(
            model.topology,
            nonbondedMethod=app.NoCutoff,
            constraints=app.HBonds if run.rigid else None,
            hydrogenMass=run.hydrogen_mass,
        )
        if run.solvent == "obc2":
            native_solvent(mm, system)
    except (ValueError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:150]
        raise InputError(f"{name}: OpenMM cannot use it ({reason}); give a whole peptide") from None
    step = run.step or (2.0 if run.rigid else 1.0)
    integrator = mm.LangevinMiddleIntegrator(run.temperature, 1.0, step / 1000)
    integrator.setRandomNumberSeed(run.seed)
    simulation = app.Simulation(model.topology, system, integrator, *_platform(mm))
    simulation.context.setPositions(model.positions)
    simulation.minimizeEnergy()
    R, _ = _state(simulation, unit)
    require_bonds(name, mm, system, R)
    if isinstance(peptide, Peptide):
        require_stereochemistry(name, model.topology, R)
    simulation.context.setVelocitiesToTemperature(run.temperature, run.seed)
    simulation.step(run.equilibration)
    shape = (run.frames, system.getNumParticles(), 3)
    R, F = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for k, (positions, forces) in enumerate(_frames(simulation, unit, run)):
        R[k], F[k] = positions, forces
    with atomic_group():
        with atomic_path(output / TOPOLOGY) as path, path.open("w") as file:
            app.PDBFile.writeFile(model.topology, R[0].astype(float), file, keepIds=True)
        write_arrays(output / TRAJECTORY, {"coords": R, "Fs": F, "temperature": np.array(run.temperature)})


def _frames(simulation: Any, unit: Any, run: Run) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions [Å] and forces [kcal/mol/Å], frame by frame."""
    for _ in range(run.frames):
        simulation.step(run.every)
        yield _state(simulation, unit)


def _state(simulation: Any, unit: Any) -> tuple[np.ndarray, np.ndarray]:
    """Current positions [Å] and forces [kcal/mol/Å]."""
    state = simulation.context.getState(getPositions=True, getForces=True)
    R = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer) * ANGSTROM_PER_NM
    F = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    return R, F / (KJ_PER_KCAL * ANGSTROM_PER_NM)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """A context with seeded random numbers of Python, which OpenMM uses to place hydrogens."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _openmm() -> tuple[Any, Any, Any]:
    try:
        import openmm
        from openmm import app, unit
    except ImportError as error:
        raise InputError(
            "generating data needs OpenMM, which is not installed; pip install 'cgcore[generate]'"
        ) from error
    return app, unit, openmm


def _platform(mm: Any) -> tuple[Any, ...]:
    """The fastest platform; for the CPU with one thread, since a peptide is too small for more."""
    names = [mm.Platform.getPlatform(k).getName() for k in range(mm.Platform.getNumPlatforms())]
    for name in ("CUDA", "CPU", "Reference"):
        if name in names:
            options = ({"Threads": "1"},) if name == "CPU" else ()
            return (mm.Platform.getPlatformByName(name), *options)
    return ()


def _read(app: Any, path: Path) -> tuple[Any, Any]:
    from cgcore.files import open_regular

    with open_regular(path):
        pass
    found = app.PDBFile(str(path))
    return found.topology, found.positions
