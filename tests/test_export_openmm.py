"""The OpenMM System, read back from its XML and run on the Reference platform (double precision)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest
from factor_helpers import four_term_prior
from helpers import ALL_ON, TERMS, chain, forces, np_energies, np_forces, prior, relative

from cgcore.config import default_prior
from cgcore.data import Batch
from cgcore.errors import InputError
from cgcore.export.openmm import openmm_system, write_openmm
from cgcore.physics.prior import Prior, Weights

KJ_PER_KCAL = 4.184
ANGSTROM_PER_NM = 10.0


class Engine:
    """OpenMM for a file: takes positions in Å, returns kcal/mol and kcal/mol/Å."""

    def __init__(self, path: Path) -> None:
        self.system = openmm.XmlSerializer.deserialize(path.read_text(encoding="utf-8"))
        platform = openmm.Platform.getPlatformByName("Reference")
        self.context = openmm.Context(self.system, openmm.VerletIntegrator(0.001), platform)

    def __call__(self, R: np.ndarray, groups: int = -1) -> tuple[float, np.ndarray]:
        self.context.setPositions(np.asarray(R, np.float64) / ANGSTROM_PER_NM)
        state: Any = self.context.getState(energy=True, forces=True, groups=groups)
        unit: Any = openmm.unit
        kj = unit.kilojoule_per_mole
        E = state.getPotentialEnergy().value_in_unit(kj) / KJ_PER_KCAL
        F = state.getForces(asNumpy=True).value_in_unit(kj / unit.nanometer)
        return E, np.array(F) / (KJ_PER_KCAL * ANGSTROM_PER_NM)


def exported(path: Path, given: Prior, beads: int, **more: Any) -> Engine:
    write_openmm(path, given, beads, **more)
    return Engine(path)


@pytest.mark.slow
def test_forces_on_real_frames(tmp_path: Path, chignolin: Batch) -> None:
    base = default_prior()
    every = Prior(base.weights._replace(excluded_volume=0.6), base.params | {"epsilon_ex": 0.8, "sigma_ex": 3.5})
    R = chignolin.R[::10].astype(np.float64)
    for given in (four_term_prior(), base, every):
        engine = exported(tmp_path / "system.xml", given, 10)
        found = [engine(frame) for frame in R]
        expected = [forces(given.weights, given.params, frame, np.ones(10, bool)) for frame in R]
        assert relative([F for _, F in found], np.array(expected)) < 1e-8
        total = sum(np_energies(given.weights, given.params, R).values())
        assert relative([E for E, _ in found], total) < 1e-8


@pytest.mark.parametrize("beads", [2, 3, 4, 6, 7, 8, 20])
def test_each_term_is_a_group_of_its_own(tmp_path: Path, beads: int) -> None:
    rng = np.random.default_rng(beads)
    given = prior(rng, *rng.integers(0, 12, size=2))
    engine, R = exported(tmp_path / "system.xml", given, beads), chain(rng, beads)
    terms = np_energies(given.weights, given.params, R)
    groups = {force.getName(): force.getForceGroup() for force in engine.system.getForces()}
    assert tuple(groups) == TERMS
    for name, group in groups.items():
        assert engine(R, 1 << group)[0] == pytest.approx(float(terms[name]), rel=1e-10, abs=1e-12), name
    assert relative(engine(R)[1], np_forces(given.weights, given.params, R)) < 1e-10


def test_excluded_volume_is_an_option() -> None:
    given = prior(np.random.default_rng(0), weights=ALL_ON._replace(excluded_volume=None))
    assert [force.getName() for force in openmm_system(given, 9).getForces()] == list(TERMS[:-1])


def test_the_dihedral_is_iupacs(tmp_path: Path) -> None:
    given = Prior(Weights(0.0, 0.0, 1.0, 0.0), four_term_prior().params)
    R = np.array([[0, 0, 0], [3.8, 0, 0], [5, 3.6, 0], [8, 4.5, 2.0]], float)
    F, mirror = exported(tmp_path / "system.xml", given, 4)(R)[1], np.array([1, 1, -1])
    assert relative(F, np_forces(given.weights, given.params, R)) < 1e-10
    assert relative(F, np_forces(given.weights, given.params, R * mirror) * mirror) > 0.01


def test_masses(tmp_path: Path) -> None:
    for more, mass in (({}, 110.0), ({"mass": 57.05}, 57.05)):
        system: Any = exported(tmp_path / "system.xml", default_prior(), 10, **more).system
        masses = [system.getParticleMass(i).value_in_unit(openmm.unit.dalton) for i in range(system.getNumParticles())]
        assert masses == [mass] * 10
        assert not system.usesPeriodicBoundaryConditions()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"beads": 1}, "beads is 1; give at least 2"), ({"mass": -1.0}, r"mass is -1\.0; give a finite number above 0")],
)
def test_refusals(tmp_path: Path, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        write_openmm(tmp_path / "out.xml", default_prior(), **({"beads": 10} | arguments))
    with pytest.raises(InputError, match="it is a directory"):
        write_openmm(tmp_path, default_prior(), 10)
    assert list(tmp_path.iterdir()) == []


def test_without_openmm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openmm", None)
    with pytest.raises(InputError, match=r"openmm, which is not installed; pip install 'cgcore\[export\]'"):
        write_openmm(tmp_path / "out.xml", default_prior(), 10)
    assert list(tmp_path.iterdir()) == []
