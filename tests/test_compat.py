"""Existing scripts run on cgcore: names, arguments, keys, and the numbers that its parts compute."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pipeline_helpers as h
import pytest
import yaml
from cli_helpers import bundled, save
from helpers import np_energies, np_forces
from helpers import prior as random_prior

import cgcore.compat
from cgcore import InputError, InputWarning
from cgcore.compat import (
    CombinedModel,
    ConfigManager,
    CoordinatePreprocessor,
    DatasetLoader,
    PriorEnergy,
    TopologyBuilder,
    Trainer,
)
from cgcore.compat.configuration import settings_from
from cgcore.compat.dataset_loader import loader_of
from cgcore.data.residues import three_letters
from cgcore.spline_file import write_splines

PRIORS = h.PRIORS | {
    "weights": {"bond": 0.5, "angle": 0.25, "dihedral": 0.25, "repulsive": 1.0, "excluded_volume": 0.7}
}
PRIORS |= {"epsilon_ex": 1.1, "sigma_ex": 3.4}
DOCUMENT: dict[str, Any] = {
    "seed": 5,
    "model": {**h.MODEL, "priors": PRIORS, "train_priors": False},
    "training": {
        **{"stage1_optimizer": "adam", "stage2_optimizer": None, "epochs_adam": 2, "pretrain_prior": True},
        **{"precision": "float64", "batch_per_device": 8},
    },
    "optimizer": {"adam": {"lr": 0.01}},
}


def document(model: Any = None, **training: Any) -> dict[str, Any]:
    return DOCUMENT | {"model": DOCUMENT["model"] | (model or {}), "training": DOCUMENT["training"] | training}


@pytest.fixture(autouse=True)
def tiny() -> Iterator[None]:
    with h.tiny_networks():
        yield


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Frames padded from 10 to 12 beads."""
    arrays = bundled(40)
    padded = {key: np.pad(arrays[key], ((0, 0), (0, 2)) + ((0, 0),) * (arrays[key].ndim - 2)) for key in ("R", "F")}
    padded |= {"species": np.pad(arrays["species"], ((0, 0), (0, 2)), constant_values=-1)}
    padded |= {"mask": np.repeat([1.0, 0.0], [10, 2]).astype(np.float32) * np.ones((40, 1), np.float32)}
    names = [*three_letters("YYDPETGTWY", 10), "PAD", "PAD"]
    more = {"resid": np.arange(12), "resname": np.tile(names, (40, 1)), "temperature": np.array(320.0)}
    return save(tmp_path / "data.npz", padded | more)


@pytest.fixture
def loader(data: Path) -> DatasetLoader:
    return DatasetLoader(npz_path=data, max_frames=None, seed=0)


def model_of(config: Any, loader: DatasetLoader, box: Any = None, **more: Any) -> CombinedModel:
    return CombinedModel(config, loader.R[0], box, loader.species[0], loader.N_max, **more)


class TheirManager:
    """A configuration object defined by a script."""

    def __init__(self, values: dict[str, Any], path: Path) -> None:
        self._config, self.config_path = values, path


def test_every_name_is_there() -> None:
    for name in dir(cgcore.compat):
        assert getattr(cgcore.compat, name) is not None
    with pytest.raises(AttributeError):
        _ = cgcore.compat.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_a_configuration_manager(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        yaml.safe_dump(DOCUMENT | {"data": {"path": "d.npz"}, "ensemble": {"n_models": 3}})
    )
    config = ConfigManager(tmp_path / "c.yaml")
    assert config.get("model", "cutoff") == 8.0
    assert config.get("model", "nothing", "deeper", default=7) == 7
    assert (config.get_seed(), config.get_data_path(), config.get_max_frames()) == (5, "d.npz", None)
    assert (config.use_priors(), config.pretrain_prior_enabled(), config.train_priors_enabled()) == (True, True, False)
    assert (config.get_epochs("adam"), config.get_epochs("yogi"), config.get_val_fraction()) == (2, 100, 0.1)
    assert config.get_ensemble_config() == {"enabled": False, "n_models": 3, "base_seed": 42, "save_all_models": False}
    assert (config.get_optimizer_config("adam"), config.get_allegro_config("large")) == (
        {"lr": 0.01},
        h.MODEL["allegro"],
    )
    assert config.use_spline_priors_enabled() is False
    assert {"get_seed", "get", "use_priors"} <= set(dir(config))
    config.to_dict()["seed"] = 9
    config.get_gammas()["F"] = 9
    assert (config.get_seed(), config.get_gammas()["F"]) == (5, 1.0)
    config.set_pretrain_prior_enabled(False)
    config.save(tmp_path / "again.yaml")
    assert ConfigManager(tmp_path / "again.yaml").pretrain_prior_enabled() is False
    with pytest.raises(AttributeError, match="no method 'get_nothing'"):
        config.get_nothing()


def test_every_kind_of_configuration_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(DOCUMENT))
    kinds = [
        tmp_path / "c.yaml",
        DOCUMENT,
        ConfigManager(tmp_path / "c.yaml"),
        TheirManager(DOCUMENT, tmp_path / "c.yaml"),
    ]
    found = [settings_from(kind) for kind in kinds]
    for settings in found:
        assert settings.model == found[0].model
        assert (settings.training, settings.optimizers) == (found[0].training, found[0].optimizers)
    assert settings_from(found[0]) is found[0]
    assert found[2].name == str(tmp_path / "c.yaml")
    with pytest.raises(InputError, match="config is a int"):
        settings_from(3)


def test_a_manager_finds_what_lies_beside_its_file(tmp_path: Path) -> None:
    from test_splines import random_splines

    write_splines(tmp_path / "s.npz", random_splines(0))
    values = document({"priors": PRIORS | {"spline_file": "s.npz"}})
    prior = PriorEnergy(TheirManager(values, tmp_path / "c.yaml"))
    assert prior.uses_splines
    assert prior.prior.splines == random_splines(0)


def test_frames(data: Path, loader: DatasetLoader) -> None:
    arrays = np.load(data)
    assert (loader.n_frames, len(loader), loader.n_atoms, loader.N_max, loader.n_species) == (40, 40, 12, 12, 7)
    np.testing.assert_array_equal(loader.R[:, :10], arrays["R"][:, :10])
    np.testing.assert_array_equal(loader.mask, arrays["mask"])
    assert [x.dtype.name for x in loader.get_all().values()] == ["float32", "float32", "float32", "int32"]
    assert loader.aa_to_id["TYR"] == loader.species[0, 0]
    assert loader.id_to_aa[int(loader.species[0, 2])] == "ASP"
    assert (loader.resid is not None, loader.Z, loader.box) == (True, None, None)
    np.testing.assert_array_equal(loader.get_batch(3, 5)[1], loader.F[3:5])
    np.testing.assert_array_equal(loader.get_frame(3)["species"], loader.species[3])
    assert "Frames: 40" in loader.summary()
    with pytest.raises(InputError, match="max_frames is 0"):
        DatasetLoader(data, max_frames=0)


def test_frames_are_drawn_and_held_out_as_before(data: Path) -> None:
    """Frames are drawn as in the code that scripts come from, which determines the held-out frames."""
    arrays, order = np.load(data), np.random.RandomState(3).permutation(40)[:20]
    loader = DatasetLoader(data, max_frames=20, seed=3)
    np.testing.assert_array_equal(loader.R[:, :10], arrays["R"][order, :10])
    train, held_out = loader.split_train_val(val_fraction=0.25)
    assert (len(train), len(held_out)) == (15, 5)
    np.testing.assert_array_equal(held_out.R, loader.R[15:])
    for part, rows in ((train, order[:15]), (held_out, order[15:])):
        own = part.pipeline_loader()
        assert own is not None
        np.testing.assert_array_equal(own.R[:, :10], arrays["R"][np.sort(rows), :10])
        assert own.dataset.temperatures == (320.0,)
    assert loader.split_train_val(0)[1].pipeline_loader() is None
    with pytest.raises(InputError, match="val_fraction is 1"):
        loader.split_train_val(1)


def test_arrays_that_were_replaced_are_used(loader: DatasetLoader) -> None:
    shifted, box, _ = CoordinatePreprocessor(8.0).process_dataset(loader.R, loader.mask)
    train, _ = loader.split_train_val(0.25)
    before = train.R
    train.R = shifted[: len(train)]
    own = train.pipeline_loader()
    assert own is not None
    np.testing.assert_array_equal(own.R[:, :10], shifted[:30, :10])
    assert own.dataset.temperatures == (320.0,)
    assert ((shifted > 0) & (shifted < box)).all()
    real = loader.mask[:30] > 0
    moved = (shifted[:30] - before)[real]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-4)  # float32 of about 50 Å


def test_other_forms_of_frames(loader: DatasetLoader) -> None:
    chains = SimpleNamespace(_chains=[loader.get_all()])
    plain = SimpleNamespace(R=loader.R, F=loader.F, mask=loader.mask)
    for form in (loader.get_all(), chains, plain, loader, loader.pipeline_loader()):
        found = loader_of(form)
        assert found is not None
        np.testing.assert_array_equal(found.R[:, :10], loader.R[:, :10])
    assert loader_of(None) is None
    with pytest.raises(InputError, match="val_loader: holds no R and F"):
        loader_of({"R": loader.R}, "val_loader")


def test_rows() -> None:
    rows = TopologyBuilder(N_max=9, min_repulsive_sep=6)
    bonds, angles = rows.get_bonds_and_angles()
    assert (len(bonds), len(angles), len(rows.get_dihedrals()), len(rows.get_repulsive_pairs())) == (8, 7, 6, 6)
    assert len(rows.get_excluded_volume_pairs()) == 7 + 6 + 5 + 4
    with pytest.raises(InputError, match="min_repulsive_sep is 4"):
        TopologyBuilder(9, 4)


@pytest.mark.slow
def test_the_prior_by_their_names() -> None:
    own = random_prior(np.random.default_rng(0))
    R = bundled(1)["R"][0].astype(float)
    prior = PriorEnergy(own, TopologyBuilder(10))
    assert (len(prior.bonds), len(prior.rep_pairs), prior.uses_splines) == (9, 10, False)
    expected = np_energies(own.weights, own.params, R)
    found = jax.jit(prior.compute_energy)(R, np.ones(10))
    assert set(found) == {*(f"E_{name}" for name in expected), "E_total"}
    for name, value in expected.items():
        assert float(found[f"E_{name}"]) == pytest.approx(float(value), rel=1e-10)
    assert float(found["E_total"]) == pytest.approx(sum(map(float, expected.values())), rel=1e-10)
    for name in ("bond", "angle", "dihedral", "repulsive", "excluded_volume"):
        alone = jax.jit(getattr(prior, f"compute_{name}_energy"))(R, np.ones(10))
        assert float(alone) * getattr(own.weights, name) == pytest.approx(float(expected[name]), rel=1e-10)
    doubled = {"kr": 2 * own.params["kr"]}
    total = jax.jit(prior.compute_total_energy_from_params)(doubled, R, np.ones(10), species=np.zeros(10, int))
    assert float(total) == pytest.approx(float(found["E_total"]) + float(expected["bond"]), rel=1e-10)
    gradient = jax.jit(jax.grad(prior.compute_total_energy))(R, np.ones(10))
    np.testing.assert_allclose(-gradient, np_forces(own.weights, own.params, R), rtol=1e-8, atol=1e-9)
    with pytest.raises(InputError, match=r"model\.use_priors is false"):
        PriorEnergy(document({"use_priors": False}))


@pytest.mark.slow
def test_components_by_both_names(loader: DatasetLoader) -> None:
    model = model_of(DOCUMENT, loader)
    params = model.initialize_params(jax.random.PRNGKey(0))
    frame = loader.R[0].astype(float), loader.mask[0], np.where(loader.mask[0] > 0, loader.species[0], -1)
    found = jax.jit(model.compute_components)(params, *frame)
    for name in ("bond", "angle", "dihedral", "repulsive", "excluded_volume"):
        assert float(found[name]) == float(found[f"E_{name}"]) != 0
    assert float(found["network"]) == float(found["E_allegro"]) != 0
    assert model.prior is not None
    own = model.prior.prior
    of_prior = float(sum(np_energies(own.weights, own.params, frame[0][:10]).values()))
    assert float(found["E_prior_total"]) == pytest.approx(of_prior, rel=1e-10)
    assert float(found["E_total"]) == pytest.approx(of_prior + float(found["E_allegro"]), rel=1e-10)
    total = jax.jit(partial(model.compute_energy, neighbor=None))(params, *frame)
    assert float(total) == pytest.approx(float(found["E_total"]), rel=1e-10)
    R, mask, species = frame
    templated = jax.jit(lambda params, R: model.energy_fn_template(params)(R, None, mask=mask, species=species))
    assert float(templated(params, R)) == pytest.approx(float(found["E_total"]), rel=1e-10)
    forces = jax.jit(model.compute_force_components)(params, *frame)
    np.testing.assert_allclose(forces["F_total"], forces["F_prior_total"] + forces["F_allegro"], rtol=1e-9, atol=1e-9)

    alone = model_of(DOCUMENT, loader, prior_only=True)
    found = jax.jit(alone.compute_components)({}, *frame)
    assert float(found["E_allegro"]) == 0
    assert float(found["E_total"]) == pytest.approx(of_prior, rel=1e-10)
    without = model_of(document({"use_priors": False}), loader)
    found = jax.jit(without.compute_components)(without.initialize_params(jax.random.key(0)), *frame)
    assert set(found) == {"network", "E_allegro", "E_total"}
    with pytest.raises(InputError, match="the model has no energy"):
        model_of(document({"use_priors": False}), loader, prior_only=True)


def test_a_box_is_said_not_to_be_used(loader: DatasetLoader) -> None:
    with pytest.warns(InputWarning, match=r"box \[50\. *, 50\. *, 50\. *\] is not used.*free space"):
        model = model_of(DOCUMENT, loader, np.full(3, 50.0))
    assert model.model.box is None


def test_padding_of_the_first_frame_counts_for_nothing(loader: DatasetLoader) -> None:
    said = document({"allegro": {}, "ml_model": "allegro"})
    counts = []
    for fill in (0.0, 500.0, np.nan):
        R0 = np.where(loader.mask[0][:, None] > 0, loader.R[0], fill)
        model = CombinedModel(said, R0, None, loader.species[0], 12)
        network = model.settings.model.network
        assert network is not None
        counts.append(network.avg_num_neighbors)
    real = CombinedModel(said, loader.R[0, :10], None, loader.species[0, :10], 12).settings.model.network
    assert real is not None
    assert counts == [real.avg_num_neighbors] * 3


@pytest.mark.slow
def test_the_whole_script(loader: DatasetLoader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, held_out = DatasetLoader(loader.npz_path, max_frames=30, seed=1).split_train_val(0.25)
    trainer = Trainer(model_of(DOCUMENT, train), DOCUMENT, train, held_out, train_data=train.get_all(), seed=3)
    results, out = trainer.train_full_pipeline(), capsys.readouterr().out
    assert trainer.trainer.settings.training.seed == 3
    assert trainer.trainer.fit_loader is None  # train_data are the loader's frames
    assert list(results) == ["prior_pretrain", "stage1"]
    fit = results["prior_pretrain"]
    keys = ("train_loss", "val_loss", "steps", "converged", "grad_norm", "loss_history", "fitted_params")
    assert all(key in fit for key in keys)
    assert isinstance(fit["loss_history"], np.ndarray)
    assert isinstance(fit["fitted_params"]["a"], np.ndarray)
    for line in (
        "Prior Pre-Training (LBFGS, max_steps=200)",
        "[LBFGS] Starting optimization...",
        f"[LBFGS] Completed: {fit['steps']} steps",
        f"[LBFGS] Final loss: {fit['train_loss']:.6e}",
        "[LBFGS] Converged: True",
        "[LBFGS] Fitted parameters:",
        f"  r0: {float(fit['fitted_params']['r0']):.6f}",
    ):
        assert line in out.splitlines(), line
    assert results["stage1"]["val_loss"] > 0
    prior = trainer.model.prior
    assert prior is not None
    assert float(prior.params["r0"]) == pytest.approx(float(fit["fitted_params"]["r0"]), rel=1e-12)
    assert h.equal(trainer.get_best_params(), trainer.params)

    frame = trainer.evaluate_frame(2)
    assert set(frame) == {"energy_components", "force_rmse", "force_mae"}
    assert frame["energy_components"]["E_total"] == pytest.approx(
        frame["energy_components"]["E_prior_total"] + frame["energy_components"]["E_allegro"], rel=1e-9
    )
    assert frame["force_rmse"] >= frame["force_mae"] > 0
    energy = jax.jit(trainer.model.compute_energy)(
        trainer.params, train.R[2].astype(float), train.mask[2], train.species[2]
    )
    assert frame["energy_components"]["E_total"] == pytest.approx(float(energy), rel=1e-9)
    assert trainer.save_params(tmp_path / "best.pkl") == tmp_path / "best.npz"
    again = Trainer(trainer.model, DOCUMENT, trainer.train_loader)
    again.load_params(tmp_path / "best.pkl")
    assert h.equal(again.get_best_params(), jax.tree.map(np.asarray, trainer.get_best_params()))


@pytest.mark.slow
def test_stages_one_by_one(loader: DatasetLoader, tmp_path: Path) -> None:
    said = document(checkpoint_path=str(tmp_path / "checkpoints"))
    trainer = Trainer(model_of(said, loader), said, loader)
    assert trainer.train_stage("adam", 2, start_epoch=2) == {"train_loss": 0.0, "val_loss": 0.0, "skipped": True}
    assert trainer.best_params is None
    result = trainer.train_stage("adam", epochs=3, start_epoch=1, checkpoint_freq=1)
    assert (result["epochs"], len(result["loss_history"])) == (2, 2)
    assert result["val_loss"] == result["train_loss"]
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["stage_adam_epoch2.npz", "stage_adam_epoch3.npz"]
    assert trainer.trainer.settings.training.checkpoint_freq == 0
    trainer.load_params(tmp_path / "checkpoints" / "stage_adam_epoch2.npz")
    nowhere = Trainer(trainer.model, DOCUMENT, loader)
    with pytest.raises(InputError, match=r"checkpoint_freq is given, but training\.checkpoint_path is not set"):
        nowhere.train_stage("adam", 1, checkpoint_freq=1)


@pytest.mark.slow
def test_a_script_that_is_run_again_keeps_what_is_there(
    loader: DatasetLoader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = document({"use_priors": False}, epochs_adam=1, checkpoint_path=str(tmp_path / "c"))
    model = model_of(said, loader)
    first = Trainer(model, said, loader).train_full_pipeline()
    assert Trainer(model, said, loader).train_full_pipeline()["stage1"]["train_loss"] == first["stage1"]["train_loss"]
    assert f"new ones go to {tmp_path / 'c-2'}" in capsys.readouterr().out
    resumed = Trainer(model, said, loader).train_full_pipeline(resume_from="auto")
    assert resumed["stage1"]["train_loss"] == first["stage1"]["train_loss"]
    assert {path.name for path in tmp_path.iterdir()} == {"c", "c-2", "data.npz"}


def test_without_a_prior_pretraining_gives_zeros(loader: DatasetLoader, capsys: pytest.CaptureFixture[str]) -> None:
    said = document({"use_priors": False}, epochs_adam=0)
    trainer = Trainer(model_of(said, loader), said, loader)
    assert trainer.pretrain_prior() == {"train_loss": 0.0, "val_loss": 0.0, "converged": True}
    assert "use_priors=False" in capsys.readouterr().out
    assert trainer.train_full_pipeline() == {}


@pytest.mark.slow
def test_other_frames_for_the_fit(loader: DatasetLoader) -> None:
    train, other = loader.split_train_val(0.5)
    trainer = Trainer(model_of(DOCUMENT, loader), DOCUMENT, train, train_data=other.get_all())
    found = trainer.pretrain_prior(max_steps=50)
    own = other.pipeline_loader()
    assert own is not None
    expected = cgcore.fit(cgcore.from_arrays(own.R, own.F, own.mask), trainer.model.prior.prior)  # pyright: ignore[reportOptionalMemberAccess]
    assert found["train_loss"] == pytest.approx(expected.train_loss, rel=1e-9)
    assert found["val_loss"] == found["train_loss"]


def test_what_a_trainer_refuses(loader: DatasetLoader) -> None:
    model = model_of(DOCUMENT, loader)
    with pytest.raises(InputError, match="train_loader holds no frames"):
        Trainer(model, DOCUMENT, loader.split_train_val(0)[1])
    with pytest.raises(InputError, match=r"model is a cgcore\.pipeline\.model\.CombinedModel"):
        Trainer(model.model, DOCUMENT, loader)


@pytest.mark.parametrize("replaced", [False, True])
def test_weights_and_energies_of_several_files_are_kept(tmp_path: Path, replaced: bool) -> None:
    """They were lost if the frames came from several files, or if an array had been replaced."""
    arrays, U, weights = bundled(12), np.arange(12.0), np.linspace(1, 2, 12)
    for k, rows in enumerate(np.array_split(np.arange(12), 3)):
        own = {key: arrays[key][rows] for key in ("R", "F")}
        save(tmp_path / f"{k}.npz", own | {"U": U[rows], "frame_weights": weights[rows]})
    loader = DatasetLoader(tmp_path, max_frames=8, seed=1)
    rows = np.random.RandomState(1).permutation(12)[:8]
    if replaced:
        loader.R = loader.R + 1
    found = loader.pipeline_loader()
    assert found is not None
    assert found.U is not None
    rows = rows if replaced else np.sort(rows)
    np.testing.assert_array_equal(found.U, U[rows])
    np.testing.assert_array_equal(found.dataset.weights(), np.broadcast_to(weights[rows, None], found.mask.shape))
    np.testing.assert_allclose(found.R, arrays["R"][rows] + replaced, rtol=1e-6)


def test_other_frames_in_place_of_those_with_weights_are_refused(tmp_path: Path) -> None:
    arrays = bundled(12)
    save(tmp_path / "d.npz", {"R": arrays["R"], "F": arrays["F"], "frame_weights": np.linspace(1, 2, 12)})
    loader = DatasetLoader(tmp_path / "d.npz")
    loader.R, loader.F, loader.mask, loader.species = (x[:5] for x in loader.get_batch(0, 12))
    with pytest.raises(InputError, match="5 frames are in place of 12, and weights belong to the frames of the file"):
        loader.pipeline_loader()
