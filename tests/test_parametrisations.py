"""Energies of the parametrisations, computed by hand."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from cgcore.physics.bases import Fourier, Harmonic, Power
from cgcore.physics.parametrisations import AmplitudesAndPhases, CosinesAndSines, Stiffness, StrengthAndLength

pytestmark = pytest.mark.numerical

NONE = jnp.zeros(0)


def harmonic_bond(x: Any, *params: Any) -> Any:
    return Stiffness(("r0", "kr")).energy(Harmonic(), x, dict(zip(("r0", "kr"), params, strict=True)))


def fourier_angle(x: Any, *params: Any) -> Any:
    return CosinesAndSines(("a", "b")).energy(Fourier(len(params[0])), x, dict(zip("ab", params, strict=True)))


def cosine_dihedral(x: Any, *params: Any) -> Any:
    return AmplitudesAndPhases(("k", "gamma")).energy(
        Fourier(len(params[0])), x, dict(zip(("k", "gamma"), params, strict=True))
    )


def soft_repulsion(x: Any, *params: Any) -> Any:
    return StrengthAndLength(("epsilon", "sigma")).energy(
        Power(4), x, dict(zip(("epsilon", "sigma"), params, strict=True))
    )


def test_harmonic_bond() -> None:
    # kr/2, not kr.
    assert harmonic_bond(jnp.float64(4.0), jnp.float64(3.5), jnp.float64(100.0)) == 12.5


def test_fourier_angle_counts_from_one() -> None:
    theta = np.pi / 3
    value = fourier_angle(jnp.float64(theta), jnp.array([2.0, 3.0]), jnp.array([5.0, 7.0]))
    root = np.sqrt(3) / 2
    assert float(value) == pytest.approx(2 * 0.5 + 3 * -0.5 + 5 * root + 7 * root)
    assert fourier_angle(jnp.float64(theta), NONE, NONE) == 0


def test_cosine_dihedral_subtracts_its_phase() -> None:
    value = cosine_dihedral(jnp.float64(np.pi / 2), jnp.array([2.0, 3.0]), jnp.array([np.pi / 2, np.pi]))
    assert float(value) == pytest.approx(2 * 2 + 3 * 2)
    assert float(cosine_dihedral(jnp.float64(0.3), jnp.array([2.0]), jnp.array([0.3 - np.pi]))) == pytest.approx(0)
    assert cosine_dihedral(jnp.float64(0.3), NONE, NONE) == 0


def test_soft_repulsion() -> None:
    assert soft_repulsion(jnp.float64(2.0), jnp.float64(3.0), jnp.float64(4.0)) == 48
    # Coincident beads are not hidden.
    assert soft_repulsion(jnp.float64(0.0), jnp.float64(3.0), jnp.float64(4.0)) == np.inf
