"""Configuration files of the code that users come from: each is read, or everything that prevents it is reported."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pipeline_helpers as h
import pytest
import yaml
from cli_helpers import NAMES, Ran, assert_refused, bundled, run, save
from cli_helpers import forces as independent_forces

from cgcore.config import load_config, load_settings
from cgcore.config.comparison import Row, compare
from cgcore.errors import InputError
from cgcore.physics.energy import forces

FOLDER = Path(__file__).parent / "data" / "switching"
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
UNREAD = {"other_terms"}
"""Files with terms that cgcore does not have."""

UNTRAINED = UNREAD | {"mace", "fitted_priors"}
"""Files that request features that cgcore does not have, or that do not describe a network."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files, and the data that they name, with fewer frames than some of them request."""
    for name in FILES:
        shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
    save(tmp_path / "frames.npz", bundled(24))
    return tmp_path


def train(*arguments: object) -> Ran:
    with h.tiny_networks():
        return run("train", *arguments)


def rows(name: str, **more: Any) -> dict[str, Row]:
    document = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) | more
    return {row.key: row for row in compare(document, name).rows}


def test_there_are_a_dozen() -> None:
    assert len(FILES) >= 12


@pytest.mark.parametrize("name", FILES)
def test_check(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(folder)
    ran = run("check", f"{name}.yaml")
    assert re.match(
        rf"{name}\.yaml, dialect chemtrain: \d+ keys mean the same in their code, \d+ do not\nKey ", ran.out
    )
    assert ran.code == (2 if name in UNTRAINED else 0)
    assert all(
        re.search(" (same|different)$", line) for line in ran.out.splitlines()[3:] if not line.startswith("Data:")
    )


@pytest.mark.parametrize("name", [name for name in FILES if name not in UNREAD])
def test_the_fit_reads_each(folder: Path, name: str) -> None:
    config = load_config(folder / f"{name}.yaml", needs_data=True)
    assert config.data_path is None or Path(config.data_path).samefile(folder / "frames.npz")
    # Omitted weights get that code's defaults, including the weight of excluded volume.
    said = yaml.safe_load((folder / f"{name}.yaml").read_text())["model"].get("priors", {})
    weight = said.get("weights", {}).get("excluded_volume", 1.0)
    assert config.prior.weights.excluded_volume == (weight or None)
    if weight:
        assert config.prior.params["sigma_ex"] == said.get("sigma_ex", 3.5)


@pytest.mark.parametrize("both", [True, False])
def test_the_names_of_their_fitted_priors(folder: Path, both: bool) -> None:
    document = yaml.safe_load((folder / "fitted_priors.yaml").read_text())
    if not both:
        del document["model"]["priors"]["k_dih"], document["model"]["priors"]["gamma_dih"]
    (folder / "fitted_priors.yaml").write_text(yaml.safe_dump(document))
    config = load_config(folder / "fitted_priors.yaml")
    assert config.prior.params["k_dih"].tolist() == [0.3558, 0.797]
    assert config.prior.params["gamma_dih"].tolist() == [1.1852, 1.5226]
    assert config.prior.weights == (0.5, 0.1, 0.15, 0.25, 1.0)
    assert ("model.priors.k_dihedral" in config.unused) == both


@pytest.mark.slow
def test_forces_of_the_prior_are_those_of_independent_code(folder: Path) -> None:
    prior = load_config(folder / "template.yaml").prior
    weights = {"bond": 0.5, "angle": 0.25, "dihedral": 0.25, "repulsive": 1.0, "excluded_volume": 1.0}
    said = yaml.safe_load((folder / "template.yaml").read_text())["model"]["priors"]
    params = {name: said[name] for name in NAMES} | {"epsilon_ex": 1.0, "sigma_ex": 3.5}
    frames = bundled(3)
    R, real = frames["R"].astype(np.float64), np.ones(10, bool)
    ours = np.stack([forces(prior, prior.params, x, real) for x in R])
    np.testing.assert_allclose(ours, independent_forces(params, R, weights), rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_a_fit_of_the_data_that_the_file_names(folder: Path) -> None:
    ran = run("fit", "--config", folder / "pretrained.yaml")
    assert ran.code == 0
    words = r"^Data: .*frames\.npz, at most 20 frames drawn with seed 8951, 16 frames, 4 held out$"
    assert re.search(words, ran.out, re.M)
    (line,) = ran.err.splitlines()
    assert line.count("the fit does not use") == 1
    other = save(folder / "other.npz", bundled(12))
    assert re.search(
        r"^Data: .*other\.npz, .* 10 frames, 2 held out$",
        run("fit", "--config", folder / "pretrained.yaml", other).out,
        re.M,
    )


def test_a_fit_whose_data_are_not_there(folder: Path) -> None:
    (folder / "frames.npz").unlink()
    assert_refused(run("fit", "--config", folder / "pretrained.yaml"), r"data\.path is 'frames\.npz', which is not in")
    assert run("fit", "--config", folder / "template.yaml").out.startswith("[LBFGS] Skipped: training.pretrain_prior")


@pytest.mark.parametrize("name", [name for name in FILES if name not in UNTRAINED])
def test_settings_of_each(folder: Path, name: str) -> None:
    said = load_settings(folder / f"{name}.yaml")
    assert said.dialect == "chemtrain"
    assert len(said.unused) == len(set(said.unused))
    assert all(optimizer.schedule == "doubled" for optimizer in said.optimizers.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "template",
        "network_only",
        "prior_only",
        "prior_fixed",
        "stages",
        "rare_optimizers",
        "residual",
        "pretrained",
    ],
)
def test_a_training(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(folder)
    ran = train(f"{name}.yaml", "--output", "out")
    assert ran.code == 0, ran
    assert "keys mean the same in their code" in ran.out
    assert re.search(r"^Data: frames\.npz", ran.out, re.M)
    assert ran.err.count("the training does not use") == (1 if load_settings(f"{name}.yaml").unused else 0)
    stages = [int(number) for number in re.findall(r"^\[stage(\d)\] \w+, \d+ epochs$", ran.out, re.M)]
    plan = load_settings(f"{name}.yaml").training.plan.values()
    expected = [] if name == "prior_fixed" else [k for k, stage in enumerate(plan, 1) if stage is not None and stage[1]]
    assert stages == expected
    assert ("The same, mean over frames x N_max x 3" in ran.out) == bool(stages)


def test_all_that_is_in_the_way_is_in_one_message(folder: Path) -> None:
    (folder / "frames.npz").unlink()
    ran = run("train", folder / "other_terms.yaml")
    words = [r"weights\.wca is 1\.0", r"weights\.dh is 0\.3", "min_repulsive_sep is 4", "use_spline_priors is true"]
    words += [r"stages\[0\]\.optimizer is the text 'lamb'", "data.path is 'frames.npz'"]
    assert_refused(ran, "6 mistakes", *words)
    checked = run("check", folder / "mace.yaml")
    assert checked.code == 2
    assert re.search(
        "model.ml_model is the text 'mace'.*stage2_optimizer is the text 'lamb'.*`cgcore fit DATA", checked.err
    )


@pytest.mark.slow
def test_a_second_run_leaves_the_checkpoints_of_the_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    first, second = (train("prior_only_kept.yaml") for _ in _keep(folder))
    assert (first.code, second.code) == (0, 0)
    assert "checkpoints-2" not in first.err
    assert (
        "./checkpoints: holds checkpoints of an earlier run (--resume ./checkpoints); new ones go to ./checkpoints-2"
        in second.err
    )
    assert (folder / "checkpoints-2").is_dir()


def _keep(folder: Path) -> range:
    document = yaml.safe_load((folder / "prior_only.yaml").read_text())
    document["training"] |= {"checkpoint_path": "./checkpoints", "epochs_sgd_nesterov": 1}
    (folder / "prior_only_kept.yaml").write_text(yaml.safe_dump(document))
    return range(2)


@pytest.mark.slow
def test_going_on_by_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    _keep(folder)
    document = yaml.safe_load((folder / "prior_only_kept.yaml").read_text())
    document["training"]["resume"] = "auto"
    (folder / "auto.yaml").write_text(yaml.safe_dump(document))
    first, second = train("auto.yaml"), train("auto.yaml")
    assert (first.code, second.code) == (0, 0)
    assert "[stage1]" in first.out
    assert "[stage1]" not in second.out
    assert not (folder / "checkpoints-2").exists()


def test_rows_say_what_a_run_does() -> None:
    found = rows("template")
    assert found["optimizer.adabelief.grad_clip"][1:] == ("5", "2", "2", True)
    assert found["optimizer.adabelief.warmup_epochs"][1:] == ("15", "15", "15", True)
    assert found["training.keep"][1:] == ("left out", "those of its last epoch", "those of its last epoch", True)
    assert found["model.priors.weights.excluded_volume"][1:] == ("left out", "1", "1", True)
    assert not any(key.startswith("optimizer.adam.") for key in found)
    different = {key for key, row in found.items() if not row.same}
    assert different == {"model.train_priors", "model.ml_model", "model.core"}


def test_a_better_choice_is_a_difference() -> None:
    training = yaml.safe_load((FOLDER / "rare_optimizers.yaml").read_text())["training"]
    found = rows("rare_optimizers", training=training | {"keep": "best"})
    assert found["training.keep"][1:] == ("best", "those of its last epoch", "those of the lowest held-out loss", False)
    assert found["optimizer.polyak_sgd.rule"].same
    ours = rows("rare_optimizers", dialect="cgcore")
    for key, theirs in {
        "optimizer.polyak_sgd.rule": "gradient descent with momentum 0.9",
        "optimizer.schedule": "lr to peak_lr in so many steps, to end_lr at 2 x decay_steps",
        "training.hold_out": "the last rows of all; random ones where max_frames cuts",
        "training.force_loss_normalization": "over frames x N_max x 3, padding included",
        "model.cutoff": "10",
        "training.pretrain_prior": "L-BFGS until tol_grad or max_steps is met",
    }.items():
        assert (ours[key].theirs, ours[key].same) == (theirs, False), key


def test_what_is_left_alone_is_different_where_it_would_do_something() -> None:
    assert rows("pretrained")["ensemble"].same is False
    assert rows("template")["ensemble"].same is True
    assert rows("residual")["training.noised_residual_training"].same is False
    assert rows("residual")["training.dsm"].same is True
    assert rows("stages")["data.batch_mode"].same is False
    assert rows("stages")["training.param_dtype"].same is True
    unknown = rows("bare", something={"enabled": True})["something"]
    assert (unknown.theirs, unknown.same) == ("not known", False)


def test_an_unknown_dialect(folder: Path) -> None:
    with pytest.raises(InputError, match="dialect is the text 'theirs'; give one of: chemtrain, cgcore"):
        load_settings({"dialect": "theirs", "model": {"allegro": {}}})


def test_a_stage_without_its_optimizer() -> None:
    with pytest.raises(InputError, match=r"training\.stages\[0\]\.optimizer is missing; give one of: adabelief"):
        load_settings({"model": {"prior_only": True}, "training": {"stages": [{"epochs": 3}]}})


def test_slips_of_the_pen_are_still_mistakes(folder: Path) -> None:
    document = yaml.safe_load((folder / "template.yaml").read_text())
    document["optimizer"]["adabelief"]["warmup_step"] = 3
    document["model"]["allegro"]["num_layer"] = 3
    document["training"]["epochs_adabelif"] = 3
    with pytest.raises(InputError, match=r"3 mistakes: .*did you mean num_layers.*epochs_adabelif.*warmup_step"):
        load_settings(document)
    with pytest.raises(InputError, match=r"optimizer\.adabelif is unknown; did you mean adabelief"):
        load_settings({"model": {"allegro": {}}, "optimizer": {"adabelif": {}, "adamw": {}, "lr": 1}})
    assert load_settings({"model": {"allegro": {}}, "optimizer": {"adamw": {}, "lr": 1}}).unused == (
        "optimizer.adamw",
        "optimizer.lr",
    )
