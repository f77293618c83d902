"""Frozen terms and splines: the fit is to the reference forces minus theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from factor_helpers import WEIGHTS, Chains, prior_of, random_chains

import cgcore
from cgcore import InputError, Options, Prior
from cgcore.fitting.frozen import Freedom
from cgcore.physics.coefficients import Layout
from validation import explicit

FREE = Options(constraints="none", truncation=0.0)


@pytest.fixture(scope="module")
def chains() -> Chains:
    return random_chains(60, [9, 12], 12, seed=3)


@pytest.fixture(scope="module")
def prior() -> Prior:
    return replace(prior_of(3, WEIGHTS._replace(excluded_volume=0.7)), frozen=frozenset({"bond", "repulsive"}))


def left(chains: Chains, prior: Prior) -> Chains:
    """The chains with the reference forces minus those of a prior's frozen terms, by the explicit matrix."""
    layout, F = Layout.of(prior), chains.F.copy()
    held = np.zeros(layout.size)
    for name in prior.frozen:
        held[layout.slices[name]] = cgcore.to_coefficients(prior.params)[layout.slices[name]]
    for length in np.unique(chains.lengths):
        of = np.flatnonzero(chains.lengths == length)
        F[of, :length] -= explicit.matrix(chains.R[of, :length], prior.weights, prior.params) @ held
    return chains._replace(F=F)


@pytest.mark.numerical
def test_the_fit_is_that_to_the_remaining_forces(chains: Chains, prior: Prior) -> None:
    # Directions that rounding determines are not compared.
    kept = replace(FREE, truncation=1e-6)
    found = cgcore.fit(chains.dataset(), prior, kept)
    rest = left(chains, prior)
    remaining = cgcore.from_arrays(rest.R, rest.F, rest.mask, accept_faults=True)
    wanted = cgcore.fit(remaining, prior.part(["angle", "dihedral", "excluded_volume"]), kept)
    assert found.train_loss == pytest.approx(wanted.train_loss, rel=1e-12)
    # Coefficients are compared as far as the data determine them: the loss may leave a direction to rounding.
    for name, value in wanted.fitted_params.items():
        np.testing.assert_allclose(found.fitted_params[name], value, rtol=1e-6, atol=1e-8)
    for name in ("r0", "kr", "epsilon", "sigma"):
        assert found.fitted_params[name] == prior.params[name]


@pytest.mark.slow
def test_the_direct_objective_has_the_same_loss(chains: Chains, prior: Prior) -> None:
    on_factor = cgcore.fit(chains.dataset(), prior, replace(FREE, truncation=1e-3))
    direct = cgcore.fit(chains.dataset(), prior, replace(FREE, truncation=1e-3, objective="direct"))
    assert direct.train_loss == pytest.approx(on_factor.train_loss, rel=1e-9)  # L-BFGS stops at its gradient tolerance


@pytest.mark.slow
def test_the_factor_of_all_terms_serves_whatever_is_frozen(chains: Chains, prior: Prior) -> None:
    whole = cgcore.compress(chains.dataset(), cgcore.Fingerprint.of(prior))
    for frozen in (frozenset(), frozenset({"angle"}), frozenset({"bond", "dihedral"})):
        chosen = replace(prior, frozen=frozen)
        on_frames, on_factor = (cgcore.fit(data, chosen, FREE) for data in (chains.dataset(), whole))
        assert on_factor.train_loss == on_frames.train_loss
        assert Freedom.of(chosen).factor(whole).beads == whole.beads


def test_contact_counts_what_is_frozen(chains: Chains, prior: Prior) -> None:
    """If a frozen repulsion satisfies the contact by itself, a weaker one beside it is not constrained."""
    term = cgcore.Term("more", cgcore.Rows("pairs", 6), cgcore.bases.Power(6))
    strong = replace(prior, params={**prior.params, "epsilon": 1000.0}).with_terms([term])
    result = cgcore.fit(chains.dataset(), strong, Options(smoothness=1e-3))
    together = next(one for one in result.certificate.constraints if "contact of more" in one.name)
    assert together.name == "repulsion + contact of more" or together.name == "contact of more + repulsion"
    c = cgcore.to_coefficients(result.fitted_params, terms=result.prior.terms)
    assert np.isfinite(c).all()
    assert result.converged


def test_nothing_is_left_to_fit() -> None:
    prior = cgcore.default_prior()
    with pytest.raises(InputError, match="all terms are frozen"):
        cgcore.fit("none.npz", replace(prior, frozen=frozenset(term.name for term in prior.terms)))
    with pytest.raises(InputError, match="no term 'angel' to freeze; the prior's terms are bond, angle"):
        replace(prior, frozen=frozenset({"angel"}))
