"""The fit: two objectives and two coordinate systems minimise the same loss, with a verdict that can be trusted.

The data are the first 60 frames of the bundled set, few enough to compile the direct objective quickly, with the same
condition number as the whole set.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from factor_helpers import (
    chignolin_chains,
    factor_of,
    prior_of,
    random_chains,
    rows_of,
    two_proteins,
    unconstrained,
)

import cgcore
from cgcore import Factor, FitResult, InputError, Options, Prior, Status, fit
from cgcore.fitting.certificate import OPTIMAL
from cgcore.fitting.fit import Callbacks
from cgcore.fitting.options import Coordinates, Objective

pytestmark = pytest.mark.numerical

PRIOR = prior_of(10)
START = cgcore.to_coefficients(PRIOR.params)
COMBINATIONS = [(o, c) for o in get_args(Objective) for c in get_args(Coordinates)]
WHITENED = [(o, t) for o in get_args(Objective) for t in ("auto", 0.01)] + [("compressed", 0)]


@cache
def factor() -> Factor:
    return factor_of(chignolin_chains(60), PRIOR)


@cache
def result(**options: Any) -> FitResult:
    return fit(chignolin_chains(60).dataset(), PRIOR, unconstrained(**options))


@cache
def direct_loss() -> Any:
    R, F, mask = (jnp.asarray(array) for array in chignolin_chains(60))
    return jax.jit(lambda params: cgcore.force_matching_loss(PRIOR, params, R, F, mask))


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "coordinates"), COMBINATIONS)
def test_one_loss_by_every_way(objective: str, coordinates: str) -> None:
    """Everything is in one test for each way, because every process that runs one compiles its program."""
    found, rows = result(objective=objective, coordinates=coordinates), rows_of(chignolin_chains(60), PRIOR)
    # The same start,
    assert found.loss_history[0] == pytest.approx(rows.loss(START), rel=1e-10)
    assert found.train_loss < found.loss_history[0]
    # the same loss at the end,
    c = cgcore.to_coefficients(found.fitted_params)
    assert found.train_loss == found.certificate.loss
    assert found.train_loss == pytest.approx(factor().loss(c), rel=1e-14)
    assert found.train_loss == pytest.approx(rows.loss(c), rel=1e-10)
    assert found.train_loss == pytest.approx(float(direct_loss()(found.fitted_params)), rel=1e-10)
    # in the canonical gauge.
    fitted = found.fitted_params
    assert list(fitted) == list(PRIOR.params)
    assert (fitted["k_dih"] >= 0).all()
    assert ((fitted["gamma_dih"] > -np.pi) & (fitted["gamma_dih"] <= np.pi)).all()
    assert fitted["sigma"] == PRIOR.params["sigma"]


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "truncation"), WHITENED)
def test_whitened_coordinates_end_at_the_optimum_in_a_few_steps(objective: str, truncation: Any) -> None:
    found = result(objective=objective, truncation=truncation)
    assert found.steps <= 5
    assert found.converged
    assert found.status == Status.GRADIENT
    assert abs(found.certificate.optimality_gap) <= 1e-10


@pytest.mark.slow
def test_the_direct_objective_along_every_direction() -> None:
    """The gradient is lost in rounding there; terms of 1e6 in forces of 20 limit the accuracy of the loss to about
    1e-9."""
    found = result(objective="direct", truncation=0)
    assert abs(found.certificate.optimality_gap) <= 1e-8


@pytest.mark.slow
def test_both_objectives_find_the_same_in_whitened_coordinates() -> None:
    first, second = result(), result(objective="direct")
    assert second.train_loss == pytest.approx(first.train_loss, rel=1e-12)
    for name, value in first.fitted_params.items():
        np.testing.assert_allclose(second.fitted_params[name], value, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_the_plain_algorithm_does_not_converge_and_says_so() -> None:
    found = result(objective="direct", coordinates="physical")
    assert found.status == Status.MAX_STEPS
    assert not found.converged
    assert found.steps == 200
    assert found.certificate.optimality_gap > 1e-8
    assert (found.cutoff, found.curve) == (None, None)
    # The same first steps as on the factor, all of them descending.
    np.testing.assert_allclose(found.loss_history[:5], result(coordinates="physical").loss_history[:5], rtol=1e-8)
    assert (np.diff(found.loss_history) <= 0).all()


# The verdict


@pytest.mark.parametrize("coordinates", get_args(Coordinates))
def test_a_point_that_is_not_optimal_is_not_called_converged(coordinates: str) -> None:
    """The solver's own criterion is met at once with this tolerance."""
    found = result(coordinates=coordinates, tol_grad=1e6)
    assert found.grad_norm < 1e6
    assert found.certificate.optimality_gap > OPTIMAL
    assert found.status == Status.SUBOPTIMAL
    assert not found.converged
    assert "exact optimum is lower" in found.message


@pytest.mark.slow
@pytest.mark.parametrize("max_steps", [1, 2, 3])
@pytest.mark.parametrize("tol_grad", [0.0, 1e-6, 1e-2, 1e2])
def test_converged_means_a_small_gap(max_steps: int, tol_grad: float) -> None:
    found = result(max_steps=max_steps, tol_grad=tol_grad)
    assert found.converged == (found.status in (Status.GRADIENT, Status.PRECISION_FLOOR))
    assert not found.converged or found.certificate.optimality_gap <= 1e-8
    assert found.steps <= max_steps


def test_max_steps_is_not_converged() -> None:
    assert result(max_steps=1, tol_grad=0.0).status == Status.MAX_STEPS


# min_steps


@pytest.mark.parametrize("objective", get_args(Objective))
def test_explicit_min_steps_are_taken_and_do_no_harm(objective: str) -> None:
    plain, longer = result(objective=objective), result(objective=objective, min_steps=30)
    assert plain.steps < 10
    assert longer.steps >= 30
    assert longer.converged
    assert abs(longer.certificate.optimality_gap) <= 1e-10
    assert longer.train_loss == pytest.approx(plain.train_loss, rel=1e-12)
    assert len(longer.loss_history) == longer.steps


def test_min_steps_are_10_in_physical_coordinates() -> None:
    assert result(coordinates="physical", tol_grad=1e6).steps == 10


# Precision


@pytest.mark.slow
def test_float32() -> None:
    found = result(precision="float32")
    assert found.train_loss == pytest.approx(result().train_loss, rel=1e-6)
    assert found.train_loss == pytest.approx(factor().loss(cgcore.to_coefficients(found.fitted_params)), rel=1e-14)
    assert found.loss_history[0] == np.float32(found.loss_history[0])
    assert abs(found.certificate.optimality_gap) < 1e-5
    assert all(value.dtype == np.float64 for value in found.fitted_params.values())


def test_the_setting_of_jax_is_left_as_it_was() -> None:
    with jax.enable_x64(False):
        found = fit(factor(), PRIOR, unconstrained())
        assert jnp.arange(1.0).dtype == np.float32
    assert found.train_loss == result().train_loss


# Reproducibility


@pytest.mark.parametrize("options", [{}, {"coordinates": "physical"}, {"objective": "direct"}])
def test_the_same_again_bit_for_bit(options: dict[str, Any]) -> None:
    first, second = result(**options), fit(chignolin_chains(60).dataset(), PRIOR, unconstrained(**options))
    assert second.loss_history == first.loss_history
    assert second.certificate == first.certificate
    for name, value in first.fitted_params.items():
        np.testing.assert_array_equal(second.fitted_params[name], value, strict=True)


# Input and output


def test_a_factor_in_place_of_data() -> None:
    found = fit(factor(), PRIOR, unconstrained())
    assert found.certificate == result().certificate
    assert found.loss_history == result().loss_history


def test_the_direct_objective_needs_frames() -> None:
    with pytest.raises(InputError, match="direct objective needs frames"):
        fit(factor(), PRIOR, Options(objective="direct"))


def test_a_factor_of_another_prior_is_refused_with_both_values() -> None:
    with pytest.raises(InputError, match=r"harmonics of angle: 10 against 4"):
        fit(factor(), prior_of(4))
    with pytest.raises(InputError, match="displacement: free against periodic"):
        fit(factor(), PRIOR, displacement=lambda a, b: a - b, displacement_name="periodic")


def test_held_out_frames_are_judged_and_not_fitted() -> None:
    data, held = chignolin_chains(60), chignolin_chains(120).take(slice(60, None))
    by_frames = fit(data.dataset(), PRIOR, unconstrained(), validation=held.dataset())
    by_factor = fit(factor(), PRIOR, unconstrained(), validation=factor_of(held, PRIOR))
    expected = rows_of(held, PRIOR).loss(cgcore.to_coefficients(by_frames.fitted_params))
    assert by_frames.val_loss == pytest.approx(expected, rel=1e-10)
    assert by_factor.val_loss == pytest.approx(expected, rel=1e-10)
    before = rows_of(held, PRIOR).loss(START)
    assert by_frames.initial_val_loss == by_factor.initial_val_loss == pytest.approx(before, rel=1e-10)
    assert before != pytest.approx(by_frames.certificate.initial_loss, rel=1e-3)
    assert by_frames.certificate == result().certificate
    assert (result().val_loss, result().initial_val_loss) == (None, None)


def test_keys_that_scripts_read() -> None:
    found = result()
    assert found.as_dict() == {
        "train_loss": found.train_loss,
        "val_loss": None,
        "steps": found.steps,
        "converged": True,
        "grad_norm": found.grad_norm,
        "loss_history": found.loss_history,
        "fitted_params": {name: value.tolist() for name, value in found.fitted_params.items()},
    }
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()
    assert len(found.loss_history) == found.steps
    assert found.initial_params is PRIOR.params
    assert found.prior is PRIOR
    assert found.options == unconstrained()
    assert found.cutoff in (found.curve.values if found.curve else [])
    assert found.seconds.run > 0


@pytest.mark.slow
def test_progress_of_frames_and_steps() -> None:
    frames: list[tuple[int, int]] = []
    steps: list[tuple[int, float]] = []
    told = Callbacks(lambda done, of: frames.append((done, of)), lambda done, loss: steps.append((done, loss)))
    found = fit(chignolin_chains(60).dataset(), PRIOR, Options(coordinates="physical", max_steps=25), progress=told)
    assert frames[-1] == (60, 60)
    assert [done for done, _ in steps] == [10, 20, 25]
    assert steps[-1][1] == pytest.approx(found.train_loss, rel=1e-10)
    assert steps[0][1] == pytest.approx(found.loss_history[10], rel=1e-14)


def test_starting_at_the_optimum_takes_no_step() -> None:
    again = fit(factor(), Prior(PRIOR.weights, result(truncation=0.01).fitted_params), unconstrained(truncation=0.01))
    assert again.steps <= 1
    assert again.converged
    assert again.train_loss == pytest.approx(result(truncation=0.01).train_loss, rel=1e-12)


def test_kr_of_zero_at_the_start() -> None:
    prior = Prior(PRIOR.weights, PRIOR.params | {"kr": 0.0})
    found = fit(factor(), prior, unconstrained(truncation=0.01))
    assert abs(found.certificate.optimality_gap) <= 1e-10
    direct = fit(chignolin_chains(60).dataset(), prior, unconstrained(truncation=0.01, objective="direct"))
    # The same steps on the frames, whose sums over frames are rounded in another order.
    assert direct.train_loss == pytest.approx(found.train_loss, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("length", [2, 3, 5])
@pytest.mark.parametrize("truncation", ["auto", 0])
def test_short_chains(length: int, truncation: Any) -> None:
    chains, prior = random_chains(60, [length], length, seed=length), prior_of()
    found = fit(chains.dataset(), prior, unconstrained(truncation=truncation))
    assert found.converged
    assert abs(found.certificate.optimality_gap) <= 1e-10
    # Parameters of terms without data keep their start, and all parameters are finite.
    assert found.fitted_params["epsilon"] == pytest.approx(prior.params["epsilon"], rel=1e-14)
    assert all(np.isfinite(value).all() for value in found.fitted_params.values())


@pytest.mark.slow
def test_two_proteins() -> None:
    found = fit(two_proteins().dataset(), prior_of(), unconstrained())
    assert found.converged
    assert abs(found.certificate.optimality_gap) <= 1e-10
    assert found.curve is not None
    assert found.curve.held_out_protein_loss is not None


def test_one_frame() -> None:
    chains = random_chains(1, [5], 5, seed=5)
    found = fit(chains.dataset(), prior_of(), unconstrained())
    assert found.curve is None
    assert found.certificate.loss == pytest.approx(
        rows_of(chains, prior_of()).loss(cgcore.to_coefficients(found.fitted_params)), rel=1e-9
    )


@pytest.mark.slow
def test_a_stall_at_the_optimum_is_called_convergence() -> None:
    """Rounding of the direct loss hides 1e-6 of the gradient along weak directions; the certificate does not depend
    on it."""
    result = cgcore.fit(cgcore.datasets.chignolin().subset(60), PRIOR, Options(objective="direct", truncation=0.0))
    assert abs(result.certificate.optimality_gap) < OPTIMAL
    assert result.converged
