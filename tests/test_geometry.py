"""Internal coordinates: values, signs and gradients, also in degenerate geometries."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import chain, np_coordinates

from cgcore.physics.geometry import angle, dihedral, norm
from cgcore.physics.space import free

pytestmark = pytest.mark.numerical

bond_vectors_dihedral = jax.jit(jax.vmap(dihedral))

ROUNDING = 1e-14
"""A few units in the last place of pi, by which XLA's arctangents differ between processors."""


def iupac_dihedral(R: np.ndarray) -> float:
    """Projections of the outer bonds on the plane across the middle one, as in MDTraj and OpenMM."""
    b0, b1, b2 = R[0] - R[1], R[2] - R[1], R[3] - R[2]
    b1 = b1 / np.linalg.norm(b1)
    v, w = b0 - (b0 @ b1) * b1, b2 - (b2 @ b1) * b1
    return np.arctan2(np.cross(b1, v) @ w, v @ w)


def test_dihedral_by_hand_is_minus_iupac() -> None:
    # Seen along R1 -> R2 (+z) the front bond (x) turns clockwise into the rear bond (y), which is +90 degrees for
    # IUPAC.
    R = np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]])
    assert iupac_dihedral(R) == pytest.approx(np.pi / 2)
    assert float(dihedral(*jnp.diff(jnp.asarray(R), axis=0))) == pytest.approx(-np.pi / 2, abs=ROUNDING)


@pytest.mark.parametrize(("last", "phi"), [([1.0, 0, 1], 0.0), ([-1.0, 0, 1], np.pi)])
def test_cis_and_trans(last: list[float], phi: float) -> None:
    b1, b2, b3 = jnp.diff(jnp.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1], last]), axis=0)
    assert abs(float(dihedral(b1, b2, b3))) == pytest.approx(phi, abs=ROUNDING)


def test_dihedral_is_minus_iupac_on_random_chains() -> None:
    rng = np.random.default_rng(1)
    R = np.array([chain(rng, 4) for _ in range(50)])
    phi = bond_vectors_dihedral(*np.moveaxis(np.diff(R, axis=1), 1, 0))
    np.testing.assert_allclose(phi, [-iupac_dihedral(r) for r in R], atol=1e-12)
    np.testing.assert_allclose(phi, np_coordinates(R)["dihedral"][:, 0], atol=1e-12)
    # The conversion of a phase: k [1 + cos(n phi - gamma)] is k [1 + cos(n phi_IUPAC + gamma)].
    np.testing.assert_allclose(np.cos(3 * phi - 0.7), [np.cos(3 * iupac_dihedral(r) + 0.7) for r in R], atol=1e-11)


@pytest.mark.parametrize(
    ("u", "v", "theta"),
    [
        ([1.0, 0, 0], [0, 2.0, 0], np.pi / 2),
        ([1.0, 0, 0], [1.0, 1, 0], np.pi / 4),
        ([1.0, 0, 0], [-3.0, 0, 0], np.pi),
        ([1.0, 0, 0], [5.0, 0, 0], 0.0),
        ([1.0, 0, 0], [-1.0, 1e-9, 0], np.pi - 1e-9),  # arccos would lose eight digits here
    ],
)
def test_angle(u: list[float], v: list[float], theta: float) -> None:
    assert float(angle(jnp.array(u), jnp.array(v))) == pytest.approx(theta, abs=ROUNDING)


def test_norm_and_displacement() -> None:
    assert float(norm(jnp.array([2.0, 3.0, 6.0]))) == 7
    # jax-md's convention: Ra - Rb.
    np.testing.assert_array_equal(free(jnp.array([3.0, 0, 0]), jnp.array([1.0, 1, 0])), [2, -1, 0])


def test_gradients_are_zero_where_there_is_none() -> None:
    zero, x, z = np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    assert not np.any(jax.grad(norm)(zero))
    for u, v in [(x, -x), (x, 2 * x), (zero, x), (zero, zero)]:
        for g in jax.grad(angle, argnums=(0, 1))(u, v):
            assert not np.any(g), (u, v)
    # One or both normals vanish; coincident beads in the middle.
    for b in [(x, x, z), (z, x, x), (x, x, x), (x, zero, z), (zero, zero, zero)]:
        for g in jax.grad(dihedral, argnums=(0, 1, 2))(*b):
            assert not np.any(g), b
