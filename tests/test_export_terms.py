"""Exports of priors with terms of every kind, with groups, and with splines from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import openmm
import pytest
from helpers import chain, relative
from term_examples import BEADS, KINDS, SPECIES, TERMS, prior_of_terms
from test_potentials import splines

from cgcore.config import default_prior
from cgcore.errors import InputError
from cgcore.export import export_energy, openmm_system, read_stablehlo, write_lammps, write_stablehlo
from cgcore.physics.bases import Fourier, Harmonic, Power
from cgcore.physics.energy import energy, term_energies
from cgcore.physics.groups import Groups
from cgcore.physics.prior import Prior
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from validation.engines.lammps_reader import Lammps

KJ, NM = 4.184, 0.1


def exact(given: Prior, R: np.ndarray, species: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Energies of the terms and forces, from the energy function."""
    mask = np.ones(len(R), bool)

    def total(R: Any) -> tuple[Any, dict[str, Any]]:
        each = term_energies(given, given.params, R, mask, species)
        return sum(each.values()), each

    with jax.enable_x64(True):
        (_, each), gradient = jax.jit(jax.value_and_grad(total, has_aux=True))(R)
    return {name: float(value) for name, value in each.items()}, -np.asarray(gradient)


@pytest.fixture(scope="module")
def of_every_term() -> tuple[Prior, np.ndarray, dict[str, float], np.ndarray]:
    """The prior with all terms, positions, and exact energies and forces; slow to compile."""
    given, R = prior_of_terms(), chain(np.random.default_rng(1), BEADS)
    return given, R, *exact(given, R, SPECIES)


def in_openmm(given: Prior, R: np.ndarray, species: np.ndarray | None) -> tuple[dict[str, float], np.ndarray]:
    """The same energies and forces from the System, read from XML, on the Reference platform (double precision)."""
    text = openmm.XmlSerializer.serialize(openmm_system(given, len(R), species=species))
    system: Any = openmm.XmlSerializer.deserialize(text)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(R * NM)
    groups = {force.getName(): force.getForceGroup() for force in system.getForces()}
    states: dict[str, Any] = {name: context.getState(energy=True, groups=1 << own) for name, own in groups.items()}
    every: Any = context.getState(forces=True)
    energies = {name: state.getPotentialEnergy()._value / KJ for name, state in states.items()}
    return energies, np.array(every.getForces(asNumpy=True)._value) * NM / KJ


@pytest.mark.slow
def test_openmm_has_every_term(of_every_term: tuple[Prior, np.ndarray, dict[str, float], np.ndarray]) -> None:
    given, R, energies, F = of_every_term
    found, forces_found = in_openmm(given, R, SPECIES)
    assert found.keys() == energies.keys()
    for name, energy_found in found.items():
        # User-defined functions are tabulated; all others are formulas.
        assert energy_found == pytest.approx(energies[name], rel=1e-8 if name == "own" else 1e-11, abs=1e-11), name
    assert relative(forces_found, F) < 1e-8


@pytest.mark.slow
def test_lammps_has_every_term(
    tmp_path: Path, of_every_term: tuple[Prior, np.ndarray, dict[str, float], np.ndarray]
) -> None:
    given, R, energies, F = of_every_term
    write_lammps(tmp_path, given, BEADS, species=SPECIES)
    engine = Lammps(tmp_path)
    found, forces_found = engine(R)
    # In tables of splines the slope of the force has corners at the knots.
    assert relative(forces_found, F) < 1e-6
    assert sum(found.values()) == pytest.approx(sum(energies.values()), rel=1e-8)
    bent = sum(energies[name] for name in ("angle", "angle_central", "angle_some", "angle_ends", "bend"))
    assert found["angle"] == pytest.approx(bent, rel=1e-8)
    assert found["dihedral"] == pytest.approx(sum(energies[name] for name in ("dihedral", "turn", "twist")), rel=1e-8)
    assert len(set(engine.types)) == 5  # inner beads of three species, and terminal beads of two
    bonded = {frozenset(pair) for _, *pair in engine.lists["Bonds"]}
    assert len(bonded) == len(engine.lists["Bonds"])
    assert {frozenset((1, 13)), frozenset((3, 9)), frozenset((2, 12))} <= bonded


@pytest.mark.slow
def test_splines_of_a_file_are_exported(tmp_path: Path) -> None:
    base = default_prior()
    given, R = replace(base, splines=splines(np.random.default_rng(0))), chain(np.random.default_rng(2), BEADS)
    energies, F = exact(given, R, SPECIES)
    found, forces_found = in_openmm(given, R, SPECIES)
    assert relative(forces_found, F) < 1e-12
    assert found == pytest.approx(energies, rel=1e-11, abs=1e-11)
    write_lammps(tmp_path, given, BEADS, species=SPECIES)
    energies_of_tables, forces_of_tables = Lammps(tmp_path)(R)
    assert relative(forces_of_tables, F) < 1e-4
    assert sum(energies_of_tables.values()) == pytest.approx(sum(energies.values()), rel=1e-6)


@pytest.mark.slow
def test_stablehlo_takes_species(tmp_path: Path) -> None:
    terms = tuple(term for term in TERMS if term.name in ("angle_central", "contact_types", "turn"))
    given, R = prior_of_terms(terms), chain(np.random.default_rng(3), BEADS)

    def of_frame(params: Any, R: Any, mask: Any, species: Any) -> Any:
        return energy(given, params, R, mask, species)

    write_stablehlo(tmp_path / "prior", export_energy(of_frame, given.params, BEADS, dtype=np.float64))
    for species in (SPECIES, SPECIES[::-1].copy()):
        energies, F = exact(given, R, species)
        E, found = read_stablehlo(tmp_path / "prior")(R[None], np.ones((1, BEADS), bool), species[None])
        assert E[0] == pytest.approx(sum(energies.values()), rel=1e-12)
        assert relative(found[0], F) < 1e-12


def test_without_bonds_of_a_formula(tmp_path: Path) -> None:
    # A term that replaces the standard one removes r0 and kr.
    bond = Term("bond", Rows("bonds"), Harmonic(), 0.5)
    given = default_prior().with_terms([bond], {"bond": [200.0, 760.0]})
    R = chain(np.random.default_rng(4), 6)
    write_lammps(tmp_path, given, 6)
    found = Lammps(tmp_path)(R)[1]
    assert relative(found, in_openmm(given, R, None)[1]) < 1e-8


def test_rows_named_by_beads_beyond_the_chain_are_left_out(tmp_path: Path) -> None:
    given = prior_of_terms((Term("network", Rows("bonds", listed=((0, 3), (0, 30))), Harmonic()),))
    write_lammps(tmp_path, given, 8)
    types = [kind for kind, i, j in Lammps(tmp_path).lists["Bonds"] if (i, j) == (0, 3)]
    assert len(types) == 1


@pytest.mark.parametrize("write", [write_lammps, lambda _, *a, **k: openmm_system(*a, **k)], ids=["lammps", "openmm"])
def test_species_are_asked_for(tmp_path: Path, write: Any) -> None:
    typed = prior_of_terms((Term("t", Rows("bonds"), Harmonic(), 1.0, Groups.of_species("types", KINDS)),))
    fixed = replace(default_prior(), splines=splines(np.random.default_rng(0)))
    for given, name in ((typed, "t"), (fixed, "angle")):
        with pytest.raises(
            InputError, match=f"term '{name}' of the prior differs by species; give the species of the 8"
        ):
            write(tmp_path / "out", given, 8)
    with pytest.raises(InputError, match=r"species are int64 of shape \(7,\); give 8 whole numbers"):
        write(tmp_path / "out", typed, 8, species=np.zeros(7, int))
    ends = prior_of_terms((Term("t", Rows("bonds"), Harmonic(), 1.0, Groups("terminal")),))
    write(tmp_path / "out", ends, 8)


def test_separations_that_lammps_cannot_leave_out(tmp_path: Path) -> None:
    for rows in (Rows("pairs", 17), Rows("pairs", 3, 16)):
        given = prior_of_terms((Term("far", rows, Power(4)),))
        with pytest.raises(InputError, match=r"term 'far' has beads 16 apart .* with a cutoff of 60 Å .* up to 15"):
            write_lammps(tmp_path / "out", given, 30)
        write_lammps(tmp_path / "long", given, 30, cutoff=70)
    assert not (tmp_path / "out").exists()


def test_tables_of_one_style_are_of_one_length(tmp_path: Path) -> None:
    waves = Term("waves", Rows("angles"), Fourier(7), 1.0, Groups.of_species("central", (0,)))
    write_lammps(tmp_path, prior_of_terms((waves,)), BEADS, species=SPECIES)
    most = max(7, len(default_prior().params["a"]))
    assert Lammps(tmp_path).lengths["angle"] == most * 180 + 1


@pytest.mark.parametrize("terms", [TERMS[1:2], TERMS[7:8]], ids=["bonds", "pairs"])
def test_coefficients_that_overflow(tmp_path: Path, terms: tuple[Term, ...]) -> None:
    (term,) = terms
    given = default_prior().with_terms(terms, {term.name: np.full(term.shape, 1e20)})
    with pytest.raises(InputError, match=f"{term.name} is .*can be exported"):
        write_lammps(tmp_path / "out", given, BEADS, species=SPECIES)
