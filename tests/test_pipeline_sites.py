"""Training respects gaps and chains: its losses are those of the factor."""

from __future__ import annotations

import jax
import numpy as np
import pipeline_helpers as h
import pytest

import cgcore
from cgcore.data import from_arrays
from cgcore.pipeline.evaluation import evaluate
from cgcore.pipeline.loader import DatasetLoader, frame_arrays
from cgcore.pipeline.minibatch_loss import MinibatchLoss


def loader(frames: slice, gap: bool) -> DatasetLoader:
    """The bundled set, with two residues missing or whole."""
    arrays, kept = h.bundled(frames), np.r_[0:4, 6:10] if gap else np.r_[0:10]
    return DatasetLoader(from_arrays(arrays["R"][:, kept], arrays["F"][:, kept], resid=kept))


@pytest.mark.slow
@pytest.mark.parametrize("gaps", [(True, False), (True, True), (False, True)])
def test_losses_over_minibatches_are_those_of_the_factor(gaps: tuple[bool, bool]) -> None:
    train, held_out = (loader(frames, gap) for frames, gap in zip((slice(0, 13), slice(13, 20)), gaps, strict=True))
    said = h.settings({"ml_model": "none"})
    model = h.model(said, loader(slice(0, 1), False))
    assert model.prior is not None
    params = model.initialize_params(jax.random.key(0))
    prior = cgcore.Prior(model.prior.weights, {name: np.asarray(value) for name, value in params["prior"].items()})
    c = cgcore.to_coefficients(prior.params)
    losses = [
        cgcore.compress(part.dataset, cgcore.Fingerprint.of(prior), blocks=1).loss(c) for part in (train, held_out)
    ]
    with model.precision():
        arrays = [frame_arrays(part, model.N_max, None, model.dtype) for part in (train, held_out)]
        measured = MinibatchLoss(model, *arrays, per_device=4)
        placed = measured.place_params(params)
        assert measured.validation is not None
        # Both sum 400 squares in float64.
        assert measured.loss(placed, measured.train) == pytest.approx(losses[0], rel=1e-11)
        assert measured.loss(placed, measured.validation) == pytest.approx(losses[1], rel=1e-11)
    assert evaluate(model, params, train)["loss"] == pytest.approx(losses[0], rel=1e-11)
