"""Priors with which no program could compute are refused before anything is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcore.config import default_prior
from cgcore.errors import InputError
from cgcore.export import export_energy, write_lammps, write_openmm
from cgcore.export.checks import LARGEST, MOST_BEADS, check_beads, check_mass, check_prior
from cgcore.physics.energy import energy
from cgcore.physics.prior import Prior

WITH_EXCLUDED_VOLUME = Prior(
    default_prior().weights._replace(excluded_volume=1.0),
    {"epsilon_ex": 1.0, "sigma_ex": 3.0} | default_prior().params,
)


def prior(**more: Any) -> Prior:
    return dataclasses.replace(WITH_EXCLUDED_VOLUME, params=WITH_EXCLUDED_VOLUME.params | more)


ABSURD = {
    "kr": {"kr": 1e308},
    "kr ": {"kr": -1e16 / WITH_EXCLUDED_VOLUME.weights.bond},
    r"kr \* r0": {"kr": 1e12, "r0": 1e5},
    "r0": {"r0": 1e7},
    "a": {"a": [0.0, 1e200], "b": [0.0, 0.0]},
    "b": {"a": [0.0, 1.0], "b": [1e30, 0.0]},
    "k_dih": {"k_dih": [1e308], "gamma_dih": [0.0]},
    "gamma_dih": {"k_dih": [1.0], "gamma_dih": [1e17]},
    r"epsilon \* sigma\^4": {"epsilon": 1e10, "sigma": 100.0},
    "sigma": {"sigma": 1e100},
    "epsilon": {"epsilon": 1e200, "sigma": 1e-100},
    r"epsilon_ex \* sigma_ex\^4": {"epsilon_ex": 1e16},
    "sigma_ex": {"sigma_ex": -1e9},
}


@pytest.mark.parametrize(("name", "more"), ABSURD.items(), ids=[name.strip() for name in ABSURD])
def test_numbers_that_overflow(tmp_path: Path, name: str, more: dict[str, Any]) -> None:
    writers: list[Callable[[Prior], object]] = [
        check_prior,
        lambda p: write_lammps(tmp_path / "lammps", p, 10),
        lambda p: write_openmm(tmp_path / "system.xml", p, 10),
    ]
    for write in writers:
        with pytest.raises(InputError, match=f"^{name.strip()} is .*can be exported"):
            write(prior(**more))
    assert list(tmp_path.iterdir()) == []


def test_the_largest_numbers_that_are_allowed_give_finite_tables(tmp_path: Path) -> None:
    weights = WITH_EXCLUDED_VOLUME.weights
    large = prior(
        r0=1e6, kr=LARGEST / 1e6 / weights.bond, a=[LARGEST / weights.angle] * 3, b=[-LARGEST / weights.angle] * 3,
        k_dih=[LARGEST / weights.dihedral], gamma_dih=[LARGEST], 
        epsilon=LARGEST, sigma=1.0, epsilon_ex=LARGEST, sigma_ex=1.0,
    )  # fmt: skip
    paths = write_lammps(tmp_path, large, 10)
    assert not [path for path in paths if "inf" in path.read_text().split() or "nan" in path.read_text().split()]


def test_a_constant_that_the_precision_cannot_hold() -> None:
    def of_frame(params: Any, R: Any, mask: Any, species: Any) -> Any:
        return energy(WITH_EXCLUDED_VOLUME, params, R, mask)

    with pytest.raises(InputError, match="kr in float32 would hold a number that is not finite"):
        export_energy(of_frame, prior(kr=1e100).params, 4)


def test_beads_and_masses() -> None:
    for beads in (2, MOST_BEADS):
        check_beads(beads)
    for beads in (-1, 1, MOST_BEADS + 1, 200_000, 10**30):
        with pytest.raises(InputError, match=f"beads is {beads}; give at least 2 and at most {MOST_BEADS}"):
            check_beads(beads)
    check_mass(110.0)
    for mass in (0.0, -1.0, np.nan, np.inf, 1e10, 1e308):
        with pytest.raises(InputError, match=r"mass is .*; give a finite number above 0"):
            check_mass(mass)
