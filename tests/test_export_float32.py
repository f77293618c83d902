"""A prior that loses its digits in float32 is not exported to a program that computes in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cgcore
from cgcore.export import write_lammps, write_openmm
from cgcore.judging.precision import PROMISE, float32_error, require_float32


def cancelling() -> cgcore.Prior:
    """Cosine and sine series with large coefficients that nearly cancel in the sampled range: a_1 + a_2 cos x ~ 0
    there."""
    default = cgcore.default_prior()
    a = np.array(default.params["a"])
    a[3] += 1e7
    return cgcore.Prior(default.weights, default.params | {"a": a})


def test_the_default_prior_keeps_its_digits() -> None:
    assert float32_error(cgcore.default_prior()) < PROMISE
    require_float32("prior", cgcore.default_prior())


def test_large_coefficients_are_refused_where_float32_computes(tmp_path: Path) -> None:
    prior = cancelling()
    assert float32_error(prior) > PROMISE
    with pytest.raises(cgcore.InputError, match="float32 are wrong by"):
        write_openmm(tmp_path / "system.xml", prior, 10)
    assert not (tmp_path / "system.xml").exists()
    assert write_lammps(tmp_path / "lammps", prior, 10), "LAMMPS computes in float64"
