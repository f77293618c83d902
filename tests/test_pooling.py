"""Partial pooling of a term's groups."""

from __future__ import annotations

import re
from dataclasses import replace

import jax
import numpy as np
import pytest
from factor_helpers import random_chains

import cgcore
from cgcore import Dataset, Options, Prior
from cgcore.fitting.constraints import constraints
from cgcore.fitting.pooling import pooling_rows
from cgcore.physics.energy import compiled_frame_forces

SPECIES = (0, 1, 2)
GROUPS = cgcore.Groups.of_species("central", (*SPECIES, 9))


def angles(groups: cgcore.Groups | None) -> cgcore.Term:
    return cgcore.Term("angle", cgcore.Rows("angles"), cgcore.bases.Fourier(2), 1.0, groups)


def data(spread: float, noise: float = 5.0, *, frames: int = 300, beads: int = 10, seed: int = 1) -> Dataset:
    """Chains with the reference forces of angles by species, which differ by `spread`, plus noise."""
    chains = random_chains(frames, [beads], beads, seed=4)
    rng = np.random.default_rng(seed)
    species = np.tile(np.arange(beads) % 3, (len(chains.R), 1))
    shared = np.array([20.0, -10.0, 5.0, 8.0])
    c = shared + spread * rng.normal(size=(len(GROUPS.labels), 4))
    truth = cgcore.default_prior().part([]).with_terms([angles(GROUPS)], {"angle": c})
    with jax.enable_x64(True):
        forces = compiled_frame_forces(truth, truth.params, chains.R, chains.mask, species)
    F = np.asarray(forces) + noise * rng.normal(size=chains.R.shape)
    return cgcore.from_arrays(chains.R, F, species=species, accept_faults=True)


def prior(groups: cgcore.Groups | None = GROUPS) -> Prior:
    return cgcore.default_prior().part([]).with_terms([angles(groups)])


def options(pooling: float | None = None) -> Options:
    return Options(constraints="none", smoothness=1e-6, pooling=pooling)


@pytest.mark.slow
@pytest.mark.numerical
def test_between_each_group_by_itself_and_the_shared_potential() -> None:
    frames = data(spread=10.0)
    apart, together = (cgcore.fit(frames, prior(), options(pooling=strength)) for strength in (0.0, 1e6))
    shared = cgcore.fit(frames, prior(None), options())
    # At 1e6 the groups differ from the shared fit by 1e-6 of what the data require; both have a little smoothness.
    assert together.train_loss == pytest.approx(shared.train_loss, rel=1e-4)
    assert apart.train_loss < together.train_loss
    losses = [cgcore.fit(frames, prior(), options(pooling=s)).train_loss for s in (1e-3, 1e-1, 10.0)]
    assert losses == sorted(losses)


@pytest.mark.slow
def test_a_group_without_data_has_the_shared_potential() -> None:
    result = cgcore.fit(data(spread=10.0), prior(), options(pooling=1.0))
    c = result.fitted_params["angle"]
    rows = pooling_rows(result.factor)
    parts = np.sum(np.linalg.norm(result.factor.S[:, :-1], axis=0).reshape(4, 4) ** 2, axis=1)
    assert parts[3] == 0
    np.testing.assert_allclose(c[3], parts @ c / parts.sum(), rtol=1e-6)
    assert "angle[species 9]" in result.identifiability.without_data
    assert np.allclose(rows @ np.tile([1.0, 2.0, 3.0, 4.0], 4), 0, atol=1e-9 * np.abs(rows).max())


@pytest.mark.slow
def test_held_out_frames_decide() -> None:
    """Similar groups are pooled, different ones are not."""
    alike, different = (cgcore.fit(data(spread, noise=20.0), prior(), options()) for spread in (0.0, 20.0))
    assert alike.pooling is not None
    assert different.pooling is not None
    assert alike.pooling.curve is not None
    assert alike.pooling.strength > 10 * different.pooling.strength
    assert "How alike groups are" in alike.report()


@pytest.mark.slow
@pytest.mark.parametrize("alike", [True, False])
def test_with_several_proteins_held_out_proteins_decide(alike: bool) -> None:
    """Species differ within each protein, either in the same way in all proteins or differently in each."""
    proteins = [data(20.0, frames=100, beads=9 + k, seed=1 if alike else 1 + k) for k in range(4)]
    fingerprint = cgcore.Fingerprint.of(prior())
    factor = cgcore.merge(*(cgcore.compress(protein, fingerprint) for protein in proteins))
    found = cgcore.fit(factor, prior(), options())
    assert found.pooling is not None
    assert found.pooling.curve is not None
    assert (found.pooling.curve.held, found.pooling.curve.folds) == ("protein", 4)
    assert "4 folds, one for each protein" in found.report()
    # Held-out frames would let the species differ in both cases.
    assert found.pooling.strength <= 0.1 if alike else found.pooling.strength >= 10


def narrow() -> Dataset:
    """Frames in which the only bead of species 1 has angles of 100 to 115 degrees, all others of 80 to 155."""
    chains = random_chains(1000, [6], 6, seed=4)
    back, on = chains.R[:, 1] - chains.R[:, 2], chains.R[:, 3] - chains.R[:, 2]
    cosines = np.sum(back * on, axis=1) / np.linalg.norm(back, axis=1) / np.linalg.norm(on, axis=1)
    kept = np.abs(np.degrees(np.arccos(cosines)) - 107.5) < 7.5
    species = np.tile([0, 0, 1, 0, 0, 0], (int(kept.sum()), 1))
    return cgcore.from_arrays(chains.R[kept], chains.F[kept], species=species, accept_faults=True)


def test_walls_of_pooled_groups_stand_where_the_data_of_all_groups_end() -> None:
    factor = cgcore.compress(narrow(), cgcore.Fingerprint.of(prior()))
    for pooled, walled in ((False, SPECIES[:2]), (True, (*SPECIES, 9))):
        found = {one.name: one.text for one in constraints("safe", factor, 300.0, pooled=pooled)}
        high = {kind: found.get(f"angle wall, high of angle[species {kind}]", "") for kind in (*SPECIES, 9)}
        assert tuple(kind for kind, text in high.items() if text) == walled
        feet = {kind: float(re.findall(r"above ([0-9.]+)°", high[kind])[0]) for kind in walled}
        assert all(feet[kind] == feet[0] for kind in walled) if pooled else feet[1] < 116 < feet[0]


@pytest.mark.slow
def test_a_group_of_few_angles_does_not_wall_in_those_that_it_is_pooled_with() -> None:
    safe = replace(options(1e3), constraints="safe")
    shared, pooled = (cgcore.fit(narrow(), prior(groups), safe) for groups in (None, GROUPS))
    # Walls at the ends of its own range would increase the loss of the forces several times.
    assert pooled.train_loss == pytest.approx(shared.train_loss, rel=1e-2)


@pytest.mark.slow
def test_without_groups_nothing_changes() -> None:
    frames = data(spread=0.0)
    found = [cgcore.fit(frames, prior(None), replace(options(), pooling=strength)) for strength in (None, 10.0)]
    assert found[0].pooling is None
    assert found[0].train_loss == found[1].train_loss


def test_settings() -> None:
    with pytest.raises(cgcore.InputError, match="pooling is -1"):
        Options(pooling=-1)
    with pytest.raises(cgcore.InputError, match="pooling needs the factor"):
        Options(pooling=0.1, objective="direct")
