"""Forces of terms of any kind, computed in three ways (matrix, chains at once, autodiff), against NumPy and SciPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from factor_helpers import random_chains

import cgcore
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import design_matrix
from cgcore.physics.term import Term
from cgcore.simulation.chain_forces import chain_forces
from validation import explicit_terms
from validation.term_problems import BOX, OWN, few_terms, many_terms, prior_of

EXACT = 1e-11
"""Tolerance relative to the largest force: complex steps on one side, analytic gradients and autodiff on the other."""

N = 9
SITES = np.array([0, 1, 2, 4, 5, 1005, 1006, 1007, 1008])
"""Sites with a gap and two chains."""

SPECIES = np.array([0, 1, 3, 1, 2, 0, 1, 1, 0])
SHORT = 7
"""Number of real beads in padded frames."""


@pytest.fixture(scope="module")
def R() -> np.ndarray:
    return random_chains(4, [N], N, seed=3).R


def terms() -> tuple[Term, ...]:
    """All example terms once, with distinct names."""
    return (*few_terms(), *(replace(term, name=f"{term.name}-again") for term in many_terms()))


def expected(term: Term, R: np.ndarray, sites: np.ndarray, box: np.ndarray | None = None) -> np.ndarray:
    """Columns (frames, beads, 3, n) for chains without padding."""
    return np.array(
        [explicit_terms.matrix(one, (term,), SPECIES[: len(one)], sites[: len(one)], box, OWN) for one in R]
    )


def found(
    each: tuple[Term, ...],
    R: np.ndarray,
    length: int,
    sites: np.ndarray | None,
    displacement: Any = cgcore.physics.space.free,
) -> np.ndarray:
    classes = tuple(None if t.groups is None else t.groups.classes(SPECIES, length, sites, len(SPECIES)) for t in each)
    along = None if sites is None else sites[:, None]
    made = jax.jit(lambda R: design_matrix(each, R, jnp.full(len(R), length), displacement, along, classes))(R)
    return np.asarray(made).transpose(3, 2, 1, 0)


def assert_close(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=EXACT * max(np.abs(theirs).max(), 1e-3))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["one chain", "gaps and two chains", "padding", "in a box"])
def test_the_design_matrix_is_that_of_the_declarations(R: np.ndarray, way: str) -> None:
    each, sites = terms(), SITES if way == "gaps and two chains" else None
    length = SHORT if way == "padding" else N
    box = BOX if way == "in a box" else None
    wrapped = R if box is None else np.mod(R + 0.5 * BOX - 8.0, BOX)
    displacement = cgcore.physics.space.free if box is None else cgcore.periodic(box)
    X = found(each, wrapped, length, sites, displacement)
    where = Layout(each).slices
    along = np.arange(N) if sites is None else sites
    for term in each:
        own = X[..., where[term.name]]
        assert not own[:, length:].any(), term.name
        assert_close(own[:, :length], expected(term, wrapped[:, :length], along, box))


@pytest.mark.slow
@pytest.mark.parametrize("sites", [None, SITES], ids=["one chain", "gaps and two chains"])
@pytest.mark.parametrize("make", [few_terms, many_terms], ids=["few columns", "many columns"])
def test_forces_of_chains_and_autodiff_are_the_matrix_times_the_coefficients(
    R: np.ndarray, make: Any, sites: np.ndarray | None
) -> None:
    prior = prior_of(make())
    c, along = cgcore.to_coefficients(prior.params, terms=prior.terms), np.arange(N) if sites is None else sites
    matrices = [expected(term, R, along) for term in prior.terms]
    theirs = np.concatenate(matrices, axis=-1) @ c
    if sites is None:
        of_chains = jax.jit(lambda R: chain_forces(Layout.of(prior), jnp.asarray(c), R, SPECIES))
        assert_close(np.asarray(of_chains(R.transpose(2, 1, 0))).transpose(2, 1, 0), theirs)
    autodiff = jax.jit(
        jax.vmap(lambda R: cgcore.forces(prior, prior.params, R, np.ones(N, bool), SPECIES, sites=sites))
    )
    assert_close(np.asarray(autodiff(R)), theirs)


@pytest.mark.parametrize("written_out", [True, False])
def test_sums_over_partners_are_the_same_in_both_ways(
    R: np.ndarray, monkeypatch: pytest.MonkeyPatch, written_out: bool
) -> None:
    """Both ways, written out as for few functions, and as a product with a matrix as for many."""
    from cgcore.physics import pair_forces

    monkeypatch.setattr(pair_forces, "WRITTEN_OUT", 99 if written_out else 0)
    (term,) = (one for one in few_terms() if one.name == "repulsive")
    assert_close(found((term,), R, N, SITES), expected(term, R, SITES))
