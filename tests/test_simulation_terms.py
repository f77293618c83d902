"""Priors with additional terms are simulated by both engines, with the species of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simulation_helpers import TARGET, bundled, sound_prior
from term_examples import even

import cgcore
from cgcore.export.openmm import openmm_system
from cgcore.physics.bases import BSpline, Gaussian, Harmonic
from cgcore.physics.groups import Groups
from cgcore.physics.prior import Prior
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from cgcore.simulation import prior_potential
from cgcore.simulation.reference import reference

DATA = bundled()
SPECIES = reference(DATA).species


def prior() -> Prior:
    """Bonds by types and splines of pairs instead of formulas, for a stable chain."""
    kinds = sorted(set(SPECIES.tolist()))
    bond = Term("bond", Rows("bonds"), Harmonic(), 0.5, Groups.of_species("types", kinds))
    angle = Term("bent", Rows("angles"), Harmonic(), 1.0, Groups.of_species("central", kinds))
    contact = Term("contact", Rows("pairs", 3), BSpline(even(3.0, 14.0, 6), 3, "cutoff"))
    near = Term("near", Rows("pairs", 2, 3), Gaussian((4.0,), 0.5), 1.0, Groups("terminal"))
    given = {
        "bond": np.tile([350.0, 350.0 * 3.86], (len(bond.group_labels), 1)),
        "bent": np.outer(np.linspace(10, 20, len(angle.group_labels)), [1.0, TARGET]),
        "contact": 8.0 * 0.5 ** np.arange(contact.size),
        "near": np.ones(near.shape),
    }
    return sound_prior().with_terms((bond, angle, contact, near), given)


@pytest.mark.slow
def test_both_engines_keep_it_whole_and_agree() -> None:
    settings: dict[str, Any] = {"temperature": 320.0, "replicas": 8, "time": "10ps", "friction": 5.0, "interval": 0.5}
    system = openmm_system(prior(), len(SPECIES), species=SPECIES)
    ours, theirs = (cgcore.simulate(model, DATA, **settings) for model in (prior(), system))
    assert (ours.engine, theirs.engine) == ("jax", "openmm CPU")
    assert ours.whole
    assert theirs.whole
    for name in ("bond", "angle"):
        a, b = ours.observables[name].simulation, theirs.observables[name].simulation
        assert a.mean is not None
        assert b.mean is not None
        assert abs(a.mean - b.mean) < 5 * np.hypot(a.error or np.nan, b.error or np.nan), name


def test_species_are_part_of_what_is_resumed() -> None:
    same, other = prior_potential(prior(), SPECIES), prior_potential(prior(), SPECIES[::-1].copy())
    assert same.identity == prior_potential(prior(), SPECIES.copy()).identity != other.identity
    assert same.stiffness == pytest.approx(0.5 * 350.0)
