"""Settings of the pipeline: accepted content, defaults for omitted keys, and refusals by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cgcore.config import Settings, load_settings
from cgcore.config.networks import AllegroSettings, NequipSettings
from cgcore.errors import InputError

OURS = {"dialect": "cgcore", "model": {"allegro": {}}}
"""The defaults of cgcore, which also refuse unknown names."""

USERS_FILE = """\
seed: 193749
data: {path: dataset.npz, max_frames: 2500, val_fraction: 0.5}
preprocessing: {buffer_multiplier: 2.0}
model:
  ml_model: allegro
  use_priors: true
  train_priors: false
  cutoff: 10.0
  dr_threshold: 0.5
  allegro_size: med
  allegro: {num_layers: 9}
  allegro_med:
    max_ell: 1
    num_layers: 2
    n_radial_basis: 8
    envelope_p: 6
    embed_n_hidden: [16, 32]
    species_embed: 8
    mlp_n_hidden: 24
    mlp_n_layers: 3
    avg_num_neighbors: 12.5
  priors: {r0: 3.84}
optimizer:
  grad_clip: 2.0
  adabelief:
    lr: 0.001
    peak_lr: 0.003
    end_lr: 1e-4
    warmup_steps: 20
    decay_steps: 1000
    beta1: 0.95
    beta2: 0.999
    eps: 1.0e-8
    grad_clip: 5.0
    weight_decay: 1e-4
  yogi: {learning_rate: 2e-3, warmup_epochs: 15}
training:
  pretrain_prior: true
  pretrain_prior_max_steps: 300
  stage1_optimizer: adabelief
  stage2_optimizer: yogi
  epochs_adabelief: 80
  epochs_yogi: 0
  epochs_adam: 7
  val_fraction: 0.2
  batch_per_device: 4
  batch_cache: 10
  gammas: {F: 2.0, U: 0.5}
  checkpoint_freq: 3
  checkpoint_path: checkpoints
  export_path: exported
"""


def read(text: str, folder: Path) -> Settings:
    path = folder / "config.yaml"
    path.write_text(text)
    return load_settings(path)


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        load_settings(document)
    message = str(caught.value)
    assert message.startswith("config: ")
    assert "\n" not in message
    return message


def test_a_users_file(tmp_path: Path) -> None:
    said = read(USERS_FILE, tmp_path)
    assert said.model.prior is not None
    assert said.model.prior.params["r0"] == 3.84
    assert said.model.train_priors is False
    network = said.model.network
    assert network is not None
    assert (network.kind, network.cutoff, network.n_species) == ("allegro", 10.0, 20)
    assert network.allegro == AllegroSettings(1, 2, 8, 6, (16, 32), 8, 24, 3, 12.5)
    first, second = said.optimizers["adabelief"], said.optimizers["yogi"]
    assert (first.start, first.peak, first.end_lr) == (1e-3, 3e-3, 1e-4)
    assert (first.warmup_steps, first.decay_steps, first.grad_clip, first.weight_decay) == (20, 1000, 2.0, 1e-4)
    assert first.hyperparameters == {"b1": 0.95, "b2": 0.999, "eps": 1e-8, "eps_root": 1e-16}
    assert (second.start, second.peak, second.end, second.warmup_epochs) == (2e-3, 2e-3, 2e-4, 15)
    training = said.training
    assert training.plan == {"stage1": ("adabelief", 80), "stage2": ("yogi", 0)}
    assert (training.val_fraction, training.batch_per_device, training.seed) == (0.2, 4, 193749)
    assert (training.gammas.F, training.gammas.U) == (2.0, 0.5)
    assert (training.checkpoint_path, training.checkpoint_freq) == ("checkpoints", 3)
    assert training.pretrain_prior_max_steps == 300
    assert (said.data.path, said.data.max_frames) == ("dataset.npz", 2500)
    assert said.unused == (
        *("preprocessing", "model.dr_threshold", "training.batch_cache", "training.export_path", "data.val_fraction"),
    )


def test_what_is_left_out() -> None:
    said = load_settings({"dialect": "cgcore", "model": {"allegro": None}})
    assert said.model.train_priors is False
    assert said.model.network is not None
    assert said.model.network.allegro == AllegroSettings()
    assert said.training.plan == {"stage1": ("adabelief", 100), "stage2": ("yogi", 100)}
    assert (said.training.val_fraction, said.training.keep, said.training.precision) == (0.1, "best", "float32")
    assert said.optimizers["adabelief"].grad_clip is None
    assert load_settings(said) is said


def test_other_networks_and_none() -> None:
    assert load_settings({"model": {"ml_model": "none"}}).model.network is None
    assert load_settings({"model": {"ml_model": None}}).model.network is None
    nequip = load_settings({"model": {"ml_model": "nequip", "nequip": {"num_layers": 3}}}).model.network
    assert nequip is not None
    assert nequip.nequip == NequipSettings(num_layers=3)
    only = load_settings({"model": {"use_priors": False, "allegro_large": {}, "allegro_size": "large"}})
    assert only.model.prior is None


@pytest.mark.parametrize("name", ["stage1_optimizer", "stage2_optimizer"])
@pytest.mark.parametrize("none", [None, "none"])
def test_a_stage_may_be_left_out(name: str, none: str | None) -> None:
    stages = load_settings({"model": {"allegro": {}}, "training": {name: none}}).training.plan
    assert [stage is None for stage in stages.values()] == [name == "stage1_optimizer", name == "stage2_optimizer"]


def test_train_priors_may_stand_in_training() -> None:
    assert load_settings({"model": {"allegro": {}}, "training": {"train_priors": True}}).model.train_priors


def test_no_clipping_for_one_optimizer() -> None:
    said = load_settings(OURS | {"optimizer": {"grad_clip": 3, "adam": {"grad_clip": 0}}})
    assert (said.optimizers["adam"].grad_clip, said.optimizers["lion"].grad_clip) == (None, 3.0)


@pytest.mark.parametrize("dialect", ["cgcore", "chemtrain"])
def test_a_last_rate_of_null_is_a_tenth(dialect: str) -> None:
    said = load_settings(OURS | {"dialect": dialect, "optimizer": {"adam": {"lr": 2e-3, "end_lr": None}}})
    assert said.optimizers["adam"].end == 2e-4


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({}, "model.allegro is missing, and model.allegro_size is default; .*ml_model: none"),
        ({"allegro": {}, "allegro_size": "large"}, "model.allegro_large is missing.*: default"),
        ({"allegro_med": {}, "allegro_size": "large"}, "model.allegro_large is missing.*: med"),
        ({"allegro": {}, "allegro_size": 3}, "model.allegro_size is a whole number; write the name"),
        ({"allegro": {}, "cutoff": -1.0}, "model.cutoff is -1.0; give above 0, at most 1000"),
        ({"allegro": {}, "cutoff": "far"}, "model.cutoff is the text 'far'"),
        ({"allegro": {}, "n_species": 0}, "model.n_species is 0; give 1 or more"),
        ({"allegro": {"max_el": 2}}, "model.allegro.max_el is unknown; did you mean max_ell"),
        ({"allegro": {"max_ell": -2}}, "model.allegro.max_ell is -2; give 1 or more, at most 6"),
        (
            {"allegro_size": "med", "allegro_med": {"mlp_n_hidden": 1.5}},
            "model.allegro_med.mlp_n_hidden is the number 1.5; write a whole number",
        ),
        ({"allegro": {"embed_n_hidden": 32}}, "model.allegro.embed_n_hidden is a whole number; write a list of widths"),
        ({"allegro": [3]}, "model.allegro is a list"),
        ({"ml_model": "allegr", "allegro": {}}, "model.ml_model is the text 'allegr'; did you mean allegro"),
        ({"ml_model": "mace"}, "model.ml_model is the text 'mace'; give one of: allegro, nequip, none"),
        ({"ml_model": "none", "use_priors": False}, "model.ml_model is none and model.use_priors false"),
        ({"allegro": {}, "train_prior": True}, "model.train_prior is unknown; did you mean model.train_priors"),
        ({"allegro": {}, "cutof": 9}, "model.cutof is unknown; did you mean model.cutoff"),
        ({"allegro": {}, "priors": {"r_0": 3}}, "model.priors.r_0 is unknown; did you mean r0"),
        ({"allegro": {}, "train_priors": "yes"}, "model.train_priors is the text 'yes'; write true or false"),
    ],
)
def test_models_that_are_refused(model: dict[str, Any], words: str) -> None:
    assert re.search(words, refusal({"dialect": "cgcore", "model": model}))


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"stage1_optimizer": "adamm"}, "training.stage1_optimizer is the text 'adamm'; did you mean adam"),
        ({"stage2_optimizer": "sgd"}, "training.stage2_optimizer is the text 'sgd'.*sgd_nesterov"),
        ({"epochs_adamm": 3}, "training.epochs_adamm names no optimizer; known: adabelief"),
        ({"epochs_adabelief": -3}, "training.epochs_adabelief is -3; give 0 or more"),
        ({"epochs_adabelief": 2.5}, "training.epochs_adabelief is the number 2.5; write a whole number"),
        ({"val_fraction": 1.0}, "training.val_fraction is 1.0; give 0 or more, below 1"),
        ({"batch_per_device": 0}, "training.batch_per_device is 0; give 1 or more, at most 65536"),
        ({"batch_per_devise": 2}, "training.batch_per_devise is unknown; did you mean training.batch_per_device"),
        ({"gammas": {"F": -1}}, "training.gammas.F is -1; give 0 or more"),
        ({"gammas": {"E": 1}}, "training.gammas.E is unknown"),
        ({"gammas": {"F": 0}}, "training.gammas are all 0"),
        ({"keep": "first"}, "training.keep is the text 'first'; give one of: best, last"),
        ({"precision": "float16"}, "training.precision is the text 'float16'"),
        ({"seed": -1}, "training.seed is -1; give 0 or more"),
        ({"checkpoint_path": 3}, "training.checkpoint_path is a whole number; write a path"),
        ({"checkpoint_freq": -1}, "training.checkpoint_freq is -1; give 0 or more"),
        ({"pretrain_prior_maxsteps": 3}, "training.pretrain_prior_maxsteps is unknown; did you mean"),
    ],
)
def test_trainings_that_are_refused(training: dict[str, Any], words: str) -> None:
    assert re.search(words, refusal({"model": {"allegro": {}}, "training": training}))


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        ({"adamm": {}}, "optimizer.adamm is unknown; did you mean adam"),
        ({"adam": {"lrr": 1}}, "optimizer.adam.lrr is unknown; did you mean lr"),
        ({"adam": {"momentum": 0.9}}, "optimizer.adam.momentum is unknown"),
        ({"adam": {"lr": 0}}, "optimizer.adam.lr is 0; give a learning rate above 0"),
        ({"adam": {"lr": 1, "learning_rate": 1}}, "optimizer.adam.learning_rate is given as lr, too"),
        ({"adam": {"b1": 0.9, "beta1": 0.9}}, "optimizer.adam.beta1 is given as b1, too"),
        (
            {"adam": {"warmup_steps": 3, "warmup_epochs": 1}},
            "optimizer.adam.warmup_steps is given beside warmup_epochs",
        ),
        ({"adam": {"warmup_fraction": 1}}, "optimizer.adam.warmup_fraction is 1; give 0 or more, below 1"),
        ({"adam": {"weight_decay": -1}}, "optimizer.adam.weight_decay is -1; give 0 or more"),
        ({"adam": {"decay_steps": 0}}, "optimizer.adam.decay_steps is 0; give 1 or more"),
        ({"adam": 0.1}, "optimizer.adam is the number 0.1; write a block"),
        ({"grad_clip": "much"}, "optimizer.grad_clip is the text 'much'"),
    ],
)
def test_optimizers_that_are_refused(optimizer: dict[str, Any], words: str) -> None:
    assert re.search(words, refusal(OURS | {"optimizer": optimizer}))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"optimizer": {"adam": {"b1": 1.5}}}, "optimizer.adam.b1 is 1.5; give 0 or more, below 1"),
        ({"optimizer": {"adam": {"beta2": 1}}}, "optimizer.adam.b2 is 1; give 0 or more, below 1"),
        ({"optimizer": {"sgd_nesterov": {"momentum": -0.1}}}, "momentum is -0.1; give 0 or more, below 1"),
        ({"training": {"batch_per_device": 2**31 - 1}}, "batch_per_device is 2147483647; .* at most 65536"),
        ({"training": {"epochs_adabelief": 10**9}}, "epochs_adabelief is 1000000000; .* at most 1000000"),
        ({"model": {"allegro": {"mlp_n_hidden": 2_000_000_000}}}, "mlp_n_hidden is 2000000000; .* at most 4096"),
        ({"model": {"allegro": {"embed_n_hidden": [32, 10**7]}}}, r"embed_n_hidden\[1\] is 10000000; .* at most 4096"),
        ({"model": {"allegro": {}, "priors": {"a": [0.1] * 65}}}, "model.priors.a has 65 values; give 0 to 64"),
        ({"model": {"allegro": {}, "cutoff": 1e9}}, "model.cutoff is 1000000000.0; give above 0, at most 1000"),
    ],
)
def test_limits(document: dict[str, Any], words: str) -> None:
    assert re.search(words, refusal(OURS | document))


def test_keys_in_the_wrong_place() -> None:
    message = refusal({"model": {"allegro": {}, "batch_per_device": 4}, "training": {"cutoff": 9.0}, "keep": "last"})
    assert "model.batch_per_device is in the wrong place; write it as training.batch_per_device" in message
    assert "training.cutoff is in the wrong place; write it as model.cutoff" in message
    assert ") keep is in the wrong place; write it as training.keep" in message


def test_mistakes_of_all_blocks_are_in_one_message() -> None:
    message = refusal(
        {
            "dialect": "cgcore",
            "model": {"allegro": {"max_ell": 0}, "cutoff": -1, "ml_model": "allegro"},
            "optimizer": {"adamm": {}, "adam": {"b1": 2}, "grad_clip": "much"},
            "training": {"epochs_adamm": 3, "seed": -1},
            "data": {"max_frames": 0},
        }
    )
    assert "8 mistakes" in message


def test_both_places_of_train_priors() -> None:
    document = {"model": {"allegro": {}, "train_priors": True}, "training": {"train_priors": True}}
    assert "training.train_priors is given in model, too" in refusal(document)


def test_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.yaml: model\.allegro\.max_ell is 0; give"):
        read(yaml.safe_dump({"model": {"allegro": {"max_ell": 0}}}), tmp_path)
