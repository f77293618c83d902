"""Each term by hand."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from cgcore.physics.terms import cosine_dihedral, fourier_angle, harmonic_bond, soft_repulsion

pytestmark = pytest.mark.numerical

NONE = jnp.zeros(0)


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


def test_cosine_dihedral_sums_over_leading_axes() -> None:
    k, gamma = jnp.array([[2.0, 3.0], [5.0, 7.0]]), jnp.array([[0.1, 0.2], [0.3, 0.4]])
    apart = sum(float(cosine_dihedral(jnp.float64(0.9), *row)) for row in zip(k, gamma, strict=True))
    assert float(cosine_dihedral(jnp.float64(0.9), k, gamma)) == pytest.approx(apart, rel=1e-14)


def test_soft_repulsion() -> None:
    assert soft_repulsion(jnp.float64(2.0), jnp.float64(3.0), jnp.float64(4.0)) == 48
    # Beads that coincide are not hidden.
    assert soft_repulsion(jnp.float64(0.0), jnp.float64(3.0), jnp.float64(4.0)) == np.inf
