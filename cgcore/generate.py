"""All-atom frames with forces of a small peptide in implicit solvent, by OpenMM: data to try maps and fits on.

    python -m cgcore.generate --alanines 5 --frames 2000 -o ala5
    cgcore map ala5/topology.pdb ala5/trajectory.npz -o ala5.npz

Force field amber14 with OBC2 (or GBn2), Langevin dynamics, rigid bonds to hydrogen unless told otherwise. The peptide
is ACE-(ALA)n-NME, built here, or any that a PDB file holds. Needs `pip install 'cgcore[generate]'`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from cgcore.data.units import ANGSTROM_PER_NM, KJ_PER_KCAL
from cgcore.data.writing import write_arrays
from cgcore.errors import InputError
from cgcore.files import atomic_group, atomic_path

SOLVENTS = ("obc2", "gbn2")
TOPOLOGY, TRAJECTORY = "topology.pdb", "trajectory.npz"

_BONDS = {"N": 1.335, "CA": 1.449, "C": 1.522}
"""Å, from the atom before it in the backbone: C-N, N-CA, CA-C (Amber's equilibrium lengths)."""

_ANGLES = {"N": 116.6, "CA": 121.9, "C": 110.3}
"""Degrees, at the atom before it: CA-C-N, C-N-CA, N-CA-C."""

_PHI, _PSI, _OMEGA = -120.0, 140.0, 180.0
"""Degrees: an extended chain."""


@dataclass(frozen=True)
class Run:
    """How frames are made.

    Arguments:
        frames: number of them.
        every: steps between frames.
        temperature: K.
        solvent: one of `SOLVENTS`.
        rigid: bonds to hydrogen are constrained; steps are of 2 fs then, and of 1 fs otherwise.
        equilibration: steps before the first frame.
        seed: of the velocities and the noise.

    Raises:
        InputError: a value is out of range.
    """

    frames: int = 1000
    every: int = 250
    temperature: float = 300.0
    solvent: str = "obc2"
    rigid: bool = True
    equilibration: int = 5000
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("frames", "every", "temperature", "seed"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} is {getattr(self, name)}; give more than 0")
        if self.solvent not in SOLVENTS:
            raise InputError(f"the solvent {self.solvent!r} is not known; choose one of {', '.join(SOLVENTS)}")


def generate(output: Path, run: Run, alanines: int = 3, pdb: Path | None = None) -> None:
    """Simulate a peptide, and write `topology.pdb` and `trajectory.npz` (coords, Fs in Å and kcal/mol/Å, float32).

    Arguments:
        output: folder.
        run: how.
        alanines: residues of the peptide that is built, where `pdb` is None.
        pdb: the peptide, with or without its hydrogens.

    Raises:
        InputError: OpenMM is missing, cannot use the peptide, or a file cannot be written.
    """
    app, unit, mm = _openmm()
    if pdb is None and alanines < 2:
        raise InputError(f"alanines is {alanines}; give at least 2")
    try:
        topology, positions = _built(app, unit, alanines) if pdb is None else _read(app, pdb)
        forcefield = app.ForceField("amber14-all.xml", f"implicit/{run.solvent}.xml")
        model = app.Modeller(topology, positions)
        model.addHydrogens(forcefield)
        constraints = app.HBonds if run.rigid else None
        system = forcefield.createSystem(model.topology, nonbondedMethod=app.NoCutoff, constraints=constraints)
    except (ValueError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:150]
        raise InputError(f"{pdb or 'the peptide'}: OpenMM cannot use it ({reason}); give a whole peptide") from None
    integrator = mm.LangevinMiddleIntegrator(run.temperature, 1.0, 0.002 if run.rigid else 0.001)
    integrator.setRandomNumberSeed(run.seed)
    simulation = app.Simulation(model.topology, system, integrator, *_platform(mm))
    simulation.context.setPositions(model.positions)
    simulation.minimizeEnergy()
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
    """Positions [Å] and forces [kcal/mol/Å] of one frame after the other."""
    for _ in range(run.frames):
        simulation.step(run.every)
        state = simulation.context.getState(getPositions=True, getForces=True)
        R = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer) * ANGSTROM_PER_NM
        F = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
        yield R, F / (KJ_PER_KCAL * ANGSTROM_PER_NM)


def _openmm() -> tuple[Any, Any, Any]:
    try:
        import openmm
        from openmm import app, unit
    except ImportError as error:
        raise InputError("data are generated by OpenMM, which is missing; pip install 'cgcore[generate]'") from error
    return app, unit, openmm


def _platform(mm: Any) -> tuple[Any, ...]:
    """The fastest platform; of the CPU one thread, as a peptide has no work for more."""
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


def _built(app: Any, unit: Any, alanines: int) -> tuple[Any, Any]:
    """Heavy atoms of ACE-(ALA)n-NME in an extended chain."""
    topology = app.Topology()
    chain, atoms, places = topology.addChain(), {}, []

    def add(name: str, residue: Any, place: np.ndarray) -> None:
        atoms[residue.index, name] = topology.addAtom(name, app.Element.getBySymbol(name[0]), residue)
        places.append(place)

    cap = topology.addResidue("ACE", chain)
    trace = [np.zeros(3), np.array([1.522, 0.0, 0.0])]  # CH3, C; the third atom is placed in the plane
    add("CH3", cap, trace[0])
    add("C", cap, trace[1])
    trace.append(_placed([np.array([0.0, 1.0, 0.0]), *trace], _BONDS["N"], _ANGLES["N"], 180.0))
    add("O", cap, _placed([trace[2], trace[0], trace[1]], 1.229, 120.5, 180.0))
    for _ in range(alanines):
        residue = topology.addResidue("ALA", chain)
        add("N", residue, trace[-1])
        trace.append(_placed(trace[-3:], _BONDS["CA"], _ANGLES["CA"], _OMEGA))
        add("CA", residue, trace[-1])
        trace.append(_placed(trace[-3:], _BONDS["C"], _ANGLES["C"], _PHI))
        add("C", residue, trace[-1])
        n, ca, c = trace[-3:]
        add("CB", residue, _placed([c, n, ca], 1.526, 109.7, -122.5))
        trace.append(_placed([n, ca, c], _BONDS["N"], _ANGLES["N"], _PSI))
        add("O", residue, _placed([trace[-1], ca, c], 1.229, 120.5, 180.0))
    cap = topology.addResidue("NME", chain)
    add("N", cap, trace[-1])
    add("C", cap, _placed(trace[-3:], _BONDS["CA"], _ANGLES["CA"], _OMEGA))
    topology.createStandardBonds()
    return topology, unit.Quantity(np.array(places) / ANGSTROM_PER_NM, unit.nanometer)


def _placed(before: Sequence[np.ndarray], length: float, angle: float, dihedral: float) -> np.ndarray:
    """The atom behind three others by its bond [Å], angle and dihedral (IUPAC) [degrees]."""
    a, b, c = before
    theta, phi = math.radians(angle), math.radians(dihedral)
    along = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, along)
    normal /= np.linalg.norm(normal)
    side = np.cross(normal, along)
    turned = math.cos(phi) * side + math.sin(phi) * normal
    return c + length * (-math.cos(theta) * along + math.sin(theta) * turned)


@click.command(help=__doc__)
@click.option("--alanines", type=int, default=3, show_default=True, metavar="N", help="Residues of the peptide.")
@click.option("--pdb", type=click.Path(path_type=Path), metavar="FILE", help="Another peptide.")
@click.option("--frames", type=int, default=1000, show_default=True, metavar="N")
@click.option("--every", type=int, default=250, show_default=True, metavar="N", help="Steps between frames.")
@click.option("--temperature", type=float, default=300.0, show_default=True, metavar="K")
@click.option("--solvent", type=click.Choice(SOLVENTS), default=SOLVENTS[0], show_default=True)
@click.option("--rigid/--flexible", default=True, show_default=True, help="Constrain bonds to hydrogen.")
@click.option("--seed", type=int, default=1, show_default=True, metavar="N")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR")
def main(alanines: int, pdb: Path | None, output: Path, **settings: Any) -> None:
    """See the module."""
    try:
        generate(output, Run(**settings), alanines, pdb)
    except InputError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"Written: {output / TOPOLOGY}, {output / TRAJECTORY}")


if __name__ == "__main__":
    main()
