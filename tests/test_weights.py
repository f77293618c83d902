"""Weights of frames and beads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factor_helpers import Chains, design_rows, prior_of, random_chains

import cgcore
from cgcore import InputError
from cgcore.factor import compress as compressing
from cgcore.factor.factor import Factor

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def chains() -> Chains:
    return random_chains(40, [8, 11], 11, seed=8)


def read(folder: Path, chains: Chains, **more: Any) -> cgcore.Dataset:
    path = folder / "weighted.npz"
    np.savez(path, R=chains.R, F=chains.F, mask=chains.mask, **more)
    return cgcore.read(path, accept_faults=True)


def squares(factor: Factor) -> np.ndarray:
    """[X | F]^T [X | F] per bead, normalised."""
    products = factor.S.T @ factor.S / factor.beads
    size = np.sqrt(np.diag(products))
    return products / np.outer(size, size)


@pytest.mark.numerical
@pytest.mark.parametrize("few_rows", [10**9, 0], ids=["QR", "Gram"])
def test_whole_weights_are_repeated_frames(
    tmp_path: Path, chains: Chains, few_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressing, "FEW_ROWS", few_rows)
    # As many frames of either length as before, since programs are compiled for one shape.
    times = np.resize([0, 0, 1, 2, 3, 2, 0, 0], len(chains.R))
    prior = prior_of(2)
    fingerprint = cgcore.Fingerprint.of(prior)
    weighted = cgcore.compress(read(tmp_path, chains, frame_weights=times), fingerprint, blocks=1)
    repeated = cgcore.compress(
        read(tmp_path, chains.take(np.repeat(np.arange(len(times)), times))), fingerprint, blocks=1
    )
    # The mean weight is 1 over beads, not over frames, so that the losses agree and not only the optima.
    np.testing.assert_allclose(squares(weighted), squares(repeated), atol=1e-9)
    c = cgcore.to_coefficients(prior.params)
    assert weighted.loss(c) == pytest.approx(repeated.loss(c), rel=1e-12)


@pytest.mark.numerical
@pytest.mark.parametrize("few_rows", [10**9, 0], ids=["QR", "Gram"])
def test_the_loss_is_the_weighted_mean(
    tmp_path: Path, chains: Chains, few_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressing, "FEW_ROWS", few_rows)
    prior, weights = prior_of(2), RNG.random(chains.mask.shape)
    data = read(tmp_path, chains, bead_weights=weights)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=3)
    c, real = cgcore.to_coefficients(prior.params), chains.mask > 0
    rows = design_rows(prior, chains.R, chains.F, chains.lengths)
    errors = np.sum((rows.X @ c - rows.F).reshape(-1, 3) ** 2, axis=1)
    wanted = float(np.sum(weights[real] * errors) / np.sum(weights[real]))
    assert factor.loss(c) == pytest.approx(wanted, rel=1e-12)
    path = tmp_path / "factor.npz"
    cgcore.save_factor(path, factor)
    assert [b.weight for b in cgcore.load_factor(path).blocks] == [b.weight for b in factor.blocks]
    assert sum(b.weight for b in factor.blocks) == pytest.approx(factor.beads)


@pytest.mark.numerical
@pytest.mark.parametrize("few_rows", [10**9, 0], ids=["QR", "Gram"])
def test_a_file_without_weights_beside_one_with_weights(
    tmp_path: Path, chains: Chains, few_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are 1, before those of all files are scaled to the mean 1."""
    monkeypatch.setattr(compressing, "FEW_ROWS", few_rows)
    prior, first = prior_of(2), np.arange(len(chains.R)) < 20
    whole = read(tmp_path, chains, frame_weights=np.where(first, 1.0, 3.0))
    sources = (*chains.take(first).dataset("without").sources, whole.sources[0].select(~first))
    both = cgcore.Dataset(sources, "both", "", (), "angstrom-kcal")
    ours, known = (cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=1) for data in (both, whole))
    np.testing.assert_allclose(squares(ours), squares(known), atol=1e-9)
    c = cgcore.to_coefficients(prior.params)
    assert ours.loss(c) == pytest.approx(known.loss(c), rel=1e-12)
    assert sum(block.weight for block in ours.blocks) == pytest.approx(ours.beads)


def test_a_chosen_part_keeps_its_weights(tmp_path: Path, chains: Chains) -> None:
    weights = np.arange(1.0, len(chains.R) + 1)
    part = read(tmp_path, chains, frame_weights=weights).sources[0].select(np.array([3, 7]))
    found = part.weights_of(slice(None))
    assert found is not None
    assert found[:, 0].tolist() == [4.0, 8.0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"frame_weights": np.ones(3)}, "key 'frame_weights' has shape"),
        ({"frame_weights": -np.ones(40)}, "the weights of frame 0 are negative"),
        ({"frame_weights": np.full(40, np.nan)}, "not finite"),
        ({"frame_weights": np.zeros(40)}, "all weights are 0"),
        ({"bead_weights": np.ones((40, 3))}, "key 'bead_weights' has shape"),
        ({"bead_weights": np.full(11, "x")}, "give numbers"),
    ],
)
def test_wrong_weights(tmp_path: Path, chains: Chains, more: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, chains, **more)


@pytest.mark.slow
@pytest.mark.parametrize("coordinates", ["physical", "whitened"])
def test_the_direct_objective_counts_them_alike(tmp_path: Path, chains: Chains, coordinates: Any) -> None:
    data = read(tmp_path, chains, frame_weights=RNG.random(len(chains.R)), bead_weights=RNG.random(chains.mask.shape))
    given: Any = {"constraints": "none", "truncation": 0.01, "coordinates": coordinates}
    settings = given | {"max_steps": 5, "min_steps": 0}
    direct, compressed = (
        cgcore.fit(data, prior_of(2), cgcore.Options(objective=objective, **settings))
        for objective in ("direct", "compressed")
    )
    # Rounding of the first few steps; later steps amplify it where the physical loss is ill conditioned.
    np.testing.assert_allclose(direct.loss_history[:3], compressed.loss_history[:3], rtol=1e-8)
    assert direct.loss_history[0] > direct.loss_history[1]
