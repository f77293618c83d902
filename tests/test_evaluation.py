"""Evaluation of a model's forces: every number against NumPy alone, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pipeline_helpers as h
import pytest
import yaml
from cli_helpers import assert_refused, bundled, run, save
from helpers import Frames, frames, np_energies, np_forces, prior
from test_splines import random_splines

from cgcore import InputError, evaluate, from_arrays
from cgcore.cli.evaluate import PICTURE, RECORD
from cgcore.data.residues import three_letters
from cgcore.evaluation import Evaluation
from cgcore.serialize import to_json, write_priors

EXACT = 1e-10
"""Relative tolerance: both sides are float64, with sums of about a thousand terms, and complex steps against
autodiff."""

LENGTHS = [8, 6] * 35
PRIOR = prior(np.random.default_rng(0))


@pytest.fixture(scope="module")
def data() -> Frames:
    """More frames of each length than fit in one batch, a species for each bead, and padding with NaN."""
    return frames(np.random.default_rng(1), LENGTHS, 9, fill=np.nan)


SPECIES = np.tile(np.array([3, 1, 2, 3, 1, 2, 7, 3, 0]), (len(LENGTHS), 1))


@pytest.fixture(scope="module")
def found(data: Frames) -> Evaluation:
    return evaluate(PRIOR, from_arrays(data.R, data.F, data.mask, SPECIES))


@pytest.mark.slow
def test_every_number_of_a_prior(data: Frames, found: Evaluation) -> None:
    predicted, own, energies = np.zeros_like(data.R), {}, {}
    for frame, n in enumerate(LENGTHS):
        predicted[frame, :n] = np_forces(PRIOR.weights, PRIOR.params, data.R[frame, :n])
        for name, energy in np_energies(PRIOR.weights, PRIOR.params, data.R[frame, :n]).items():
            alone = PRIOR.weights._replace(**{other: 0.0 for other in PRIOR.weights._fields if other != name})
            energies.setdefault(name, []).append(float(energy))
            own.setdefault(name, np.zeros_like(data.R))[frame, :n] = np_forces(alone, PRIOR.params, data.R[frame, :n])
    real = np.asarray(data.mask)
    F, P = data.F[real], predicted[real]
    e, squares = found.errors, np.sum((P - F) ** 2, axis=1)
    assert (found.frames, e.beads, found.model) == (len(LENGTHS), sum(LENGTHS), "prior")
    assert e.loss == pytest.approx(np.mean(squares), rel=EXACT)
    assert e.reference == pytest.approx(np.mean(np.sum(F**2, axis=1)), rel=EXACT)
    assert e.explained == pytest.approx(1 - np.sum(squares) / np.sum(F**2), rel=EXACT)
    assert e.rmse == pytest.approx(np.sqrt(np.mean((P - F) ** 2)), rel=EXACT)
    assert e.mae == pytest.approx(np.mean(np.abs(P - F)), rel=EXACT)
    cosines = np.sum(P * F, axis=1) / np.linalg.norm(P, axis=1) / np.linalg.norm(F, axis=1)
    assert e.cosine == pytest.approx(np.mean(cosines), rel=EXACT)
    assert list(found.terms) == list(PRIOR.weights._fields)
    for name, term in found.terms.items():
        force = own[name][real]
        assert term.force == pytest.approx(np.sum(force**2) / len(F), rel=EXACT)
        assert term.loss_without == pytest.approx(np.mean(np.sum((P - force - F) ** 2, axis=1)), rel=EXACT)
        cosine = np.sum(force * F) / np.sqrt(np.sum(force**2) * np.sum(F**2))
        assert term.cosine == pytest.approx(cosine, rel=1e-8)  # a small difference of large numbers
        values = np.array(energies[name])
        assert term.energy == pytest.approx((values.mean(), values.std(), values.min(), values.max()), rel=1e-9)
    np.testing.assert_allclose(found.energies, np.sum(list(energies.values()), axis=0), rtol=EXACT)

    for number, length in enumerate((8, 6)):
        protein, these = found.proteins[number], np.array(LENGTHS) == length
        assert (protein.frames, len(protein.residues)) == (35, length)
        assert protein.energy.mean == pytest.approx(float(np.mean(found.energies[these])), rel=EXACT)
        for k, residue in enumerate(protein.residues):
            error = predicted[these, k] - data.F[these, k]
            assert residue.errors.loss == pytest.approx(np.mean(np.sum(error**2, axis=1)), rel=EXACT)
            assert residue.errors.rmse == pytest.approx(np.sqrt(np.mean(error**2)), rel=EXACT)
            assert (residue.number, residue.species, residue.errors.beads) == (k + 1, SPECIES[0, k], 35)
    kinds = SPECIES[real]
    sums = {kind: float(np.mean(squares[kinds == kind])) for kind in np.unique(kinds).tolist()}
    assert len(found.types) == len(sums)
    assert sorted(t.loss for t in found.types.values()) == pytest.approx(sorted(sums.values()), rel=EXACT)


def test_a_perfect_model_explains_all(data: Frames) -> None:
    F = np.zeros_like(data.R)
    for frame, n in enumerate(LENGTHS):
        F[frame, :n] = np_forces(PRIOR.weights, PRIOR.params, data.R[frame, :n])
    found = evaluate(PRIOR, from_arrays(data.R, F, data.mask))
    assert found.errors.explained == pytest.approx(1, abs=EXACT)
    assert found.errors.cosine == pytest.approx(1, abs=EXACT)
    assert found.types == {} or all(t.explained == pytest.approx(1, abs=EXACT) for t in found.types.values())
    assert found.proteins[0].residues[0].species is None


@pytest.mark.slow
def test_where_every_reference_force_is_0_there_is_no_part_to_explain(data: Frames) -> None:
    F = np.array(data.F[:2])
    F[:, 0] = 0
    found = evaluate(PRIOR, from_arrays(data.R[:2], F, data.mask[:2]))
    parts = [residue.errors.explained for residue in found.proteins[0].residues]
    assert np.isnan(parts).tolist() == [True] + [False] * 7
    (line,) = [line for line in found.report().splitlines() if line.startswith("1  ")]
    assert line.split()[2] == "-"
    assert json.loads(to_json(found.as_dict()))["proteins"][0]["residues"][0]["explained"] is None


@pytest.mark.slow
def test_far_from_the_origin_float32_is_as_good() -> None:
    near, far = bundled(6), bundled(6)
    far["R"] = far["R"].astype(np.float64) + 1e5
    said = h.settings({"ml_model": "none"}, {"precision": "float32"})
    model = h.model(said, h.loader(6))
    params = model.initialize_params(jax.random.key(0))
    losses = [evaluate((model, params), from_arrays(d["R"], d["F"])).errors.loss for d in (near, far)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # float32 is accurate to 1e-7, which bonds amplify


def test_a_model_with_a_network_names_its_parts() -> None:
    loader = h.loader(6)
    model = h.model(h.settings(), loader)
    found = evaluate((model, model.initialize_params(jax.random.key(0))), loader.dataset)
    assert (found.model, list(found.terms)[-1]) == ("prior + allegro", "network")


@pytest.mark.slow
def test_two_chains_in_a_frame_are_not_bonded_to_each_other() -> None:
    """Each chain has its bonded energies as if alone; pairs of different chains repel each other."""
    rng, splines = np.random.default_rng(5), random_splines(0)
    one = frames(rng, [7], 7)
    R, F = np.concatenate([one.R, one.R + np.array([30.0, 0, 0])], axis=1), np.concatenate([one.F, one.F], axis=1)
    joined = from_arrays(R, F, species=np.tile([1, 2, 3, 0, 2, 1, 0], (1, 2)), chain=np.repeat([0, 1], 7))
    alone = from_arrays(one.R, one.F, species=np.array([[1, 2, 3, 0, 2, 1, 0]]))
    for model in (PRIOR, replace(PRIOR, splines=splines)):
        both, single = (evaluate(model, data).terms for data in (joined, alone))
        for name in ("bond", "angle", "dihedral", "excluded_volume"):
            assert both[name].energy.mean == pytest.approx(2 * single[name].energy.mean, rel=1e-9), name
        assert both["repulsive"].energy.mean > 2 * single["repulsive"].energy.mean


def test_what_cannot_be_evaluated() -> None:
    arrays = bundled(3)
    with pytest.raises(InputError, match="a dict cannot be evaluated"):
        evaluate({}, from_arrays(arrays["R"], arrays["F"]))


def test_codes_of_residues() -> None:
    assert three_letters("YW", 2) == ["TYR", "TRP"]
    assert three_letters("protein-2-1", 2) == ["UNK", "UNK"]


@pytest.fixture
def priors(tmp_path: Path) -> Path:
    write_priors(tmp_path / "priors.yaml", PRIOR, PRIOR.params)
    return tmp_path / "priors.yaml"


@pytest.mark.slow
def test_the_command(tmp_path: Path, priors: Path) -> None:
    named = bundled(60) | {"resname": np.array(three_letters("YYDPETGTWY", 10))}
    file, out = save(tmp_path / "d.npz", named), tmp_path / "out"
    ran = run("evaluate", priors, file, "--max-frames", 50, "--output", out)
    assert (ran.code, ran.err) == (0, "")
    for words in ("of the variance explained", "excluded_volume", "Residue type", "10 TYR"):
        assert words in ran.out
    assert sorted(path.name for path in out.iterdir()) == [RECORD, PICTURE]
    assert (out / PICTURE).stat().st_size > 10_000
    record = json.loads((out / RECORD).read_text())
    assert (record["frames"], record["real_beads"]) == (50, 500)
    assert len(record["proteins"][0]["residues"]) == 10
    assert record["loss"] == pytest.approx(record["reference"] * (1 - record["explained"]), rel=EXACT)
    assert set(record["terms"]) == set(PRIOR.weights._fields)
    assert record["config"]["max_frames"] == 50
    assert sum(stop - start for start, stop in record["data"]["used_frames"]["d.npz"]) == 50


@pytest.mark.slow
def test_a_configuration_names_the_data(tmp_path: Path, priors: Path) -> None:
    save(tmp_path / "d.npz", bundled(30))
    document = yaml.safe_load(priors.read_text()) | {"data": {"path": "d.npz", "max_frames": 20}, "seed": 4}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(document))
    ran = run("evaluate", tmp_path / "c.yaml", "--output", tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    record = json.loads((tmp_path / "out" / RECORD).read_text())
    assert (record["frames"], record["config"]["seed"]) == (20, 4)
    assert record["data"]["path"] == str(tmp_path / "d.npz")


def test_what_the_command_refuses(tmp_path: Path, priors: Path) -> None:
    assert_refused(run("evaluate", priors, tmp_path / "none.npz"), "none.npz")
    assert_refused(run("evaluate", tmp_path / "none.yaml"), "none.yaml")
    assert_refused(run("evaluate", priors, "--plot", tmp_path / "p.txt"), "p.txt")
    (tmp_path / "system.xml").write_text("<System/>")
    assert_refused(run("evaluate", tmp_path / "system.xml"), "give the priors.yaml")


def test_a_prior_without_terms_predicts_no_forces(data: Frames) -> None:
    found = evaluate(PRIOR.part([]), from_arrays(data.R[:4], data.F[:4], data.mask[:4]))
    assert found.errors.loss == pytest.approx(found.errors.reference, rel=EXACT)
    assert (found.terms, found.energy.mean) == ({}, 0.0)
