"""Configuration files: accepted content, defaults for omitted keys, and refusals."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.config import Config, default_prior, load_config
from cgcore.errors import InputError
from cgcore.physics.prior import Weights

USERS_FILE = """\
seed: 7
optimizer: {adam: {learning_rate: 1.0e-3}}
ensemble: {size: 4}
model:
  cutoff: 12.0
  ml_model: allegro
  allegro_size: small
  use_priors: true
  priors:
    weights: {bond: 0.5, angle: 0.25, dihedral: 0.25, repulsive: 1.0}
    r0: 3.84
    kr: 154
    a: [0.1, -2]
    b: [0.0, 1e-6]
    epsilon: 1.0
    sigma: 3.0
    k_dih: [0.4]
    gamma_dih: [1.3]
    theta0: 1.6
    k_theta: 10
training:
  train_priors: true
  epochs_adamw: 100
  batch_per_device: 8
  val_fraction: 0.1
  checkpoint_freq: 10
  checkpoint_path: out
  stage1_optimizer: adamw
  stage2_optimizer: yogi
  gammas: {F: 1.0}
  pretrain_prior: true
  pretrain_prior_max_steps: 300
  pretrain_prior_tol_grad: 1e-6
  pretrain_prior_min_steps: 10
"""


def read(folder: Path, text: str | bytes) -> Config:
    path = folder / "config.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(path)


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    message = str(caught.value)
    assert message.startswith(str(folder / "config.yaml"))
    assert "\n" not in message
    return message


def test_a_users_file(tmp_path: Path) -> None:
    config = read(tmp_path, USERS_FILE)
    assert config.prior.weights == Weights(0.5, 0.25, 0.25, 1.0, 1.0)
    assert config.prior.params["kr"] == 154.0
    np.testing.assert_array_equal(config.prior.params["a"], [0.1, -2.0])
    np.testing.assert_array_equal(config.prior.params["b"], [0.0, 1e-6])
    assert config.prior.carried == {"theta0": 1.6, "k_theta": 10.0}
    assert (config.max_steps, config.min_steps, config.tol_grad) == (300, 10, 1e-6)
    assert config.val_fraction == 0.1
    assert config.skip_reason is None
    assert config.seed == 7
    assert config.unused == (
        *("optimizer", "ensemble", "model.cutoff", "model.ml_model", "model.allegro_size"),
        *("training.train_priors", "training.epochs_adamw", "training.batch_per_device"),
        *("training.checkpoint_freq", "training.checkpoint_path", "training.stage1_optimizer"),
        *("training.stage2_optimizer", "training.gammas"),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "model:\ntraining:\n", "model: {cutoff: 5}\n", "other: 1\n"])
def test_without_a_priors_block_the_default_prior(tmp_path: Path, text: str) -> None:
    config = read(tmp_path, f"dialect: cgcore\n{text}")
    assert config.prior.weights == default_prior().weights
    for name, value in default_prior().params.items():
        np.testing.assert_array_equal(config.prior.params[name], value)
    assert (config.max_steps, config.min_steps, config.tol_grad, config.val_fraction) == (None,) * 4


def test_without_a_priors_block_in_their_dialect_an_empty_one(tmp_path: Path) -> None:
    assert read(tmp_path, "model: {cutoff: 5}\n").prior == read(tmp_path, "model: {priors: {}}").prior


def test_the_default_prior_is_that_of_the_recorded_reference_and_excluded_volume() -> None:
    prior = default_prior()
    assert prior.weights == Weights(bond=0.5, angle=0.25, dihedral=0.25, repulsive=1.0, excluded_volume=1.0)
    assert (prior.params["epsilon_ex"], prior.params["sigma_ex"]) == (1.0, 3.5)
    assert prior.params["kr"] == 154.50629422490843
    assert [len(prior.params[name]) for name in ("a", "b", "k_dih", "gamma_dih")] == [10, 10, 2, 2]
    # Sums of the recorded values, which show a typing error in any of them.
    sums = {name: float(np.sum(value)) for name, value in prior.params.items() if np.ndim(value)}
    assert sums == pytest.approx(
        {"a": -1.61985063, "b": -1.14650081, "k_dih": 1.4198826611098865, "gamma_dih": 2.9970831963},
        abs=1e-12,
    )


def test_an_empty_priors_block_stands_for_its_own_defaults(tmp_path: Path) -> None:
    prior = read(tmp_path, "model: {priors: {}}").prior
    assert prior.weights == Weights(bond=0.5, angle=0.1, dihedral=0.15, repulsive=0.25, excluded_volume=1.0)
    values = {name: np.asarray(value).tolist() for name, value in prior.params.items()}
    assert values == {
        **{"r0": 3.8, "kr": 150.0, "a": [0.0], "b": [0.0], "epsilon": 1.0, "sigma": 3.0},
        **{"k_dih": [0.5], "gamma_dih": [0.0], "epsilon_ex": 1.0, "sigma_ex": 3.5},
    }
    assert prior.carried == {}


def test_a_weight_left_out_has_its_default(tmp_path: Path) -> None:
    weights = read(tmp_path, "model: {priors: {weights: {dihedral: 2}}}").prior.weights
    assert weights == Weights(bond=0.5, angle=0.1, dihedral=2.0, repulsive=0.25, excluded_volume=1.0)


@pytest.mark.parametrize(("given", "other"), [("a", "b"), ("b", "a"), ("k_dih", "gamma_dih"), ("gamma_dih", "k_dih")])
def test_the_other_series_of_a_pair_is_zeros(tmp_path: Path, given: str, other: str) -> None:
    params = read(tmp_path, f"model: {{priors: {{{given}: [1, 2.5, -3]}}}}").prior.params
    np.testing.assert_array_equal(params[given], [1.0, 2.5, -3.0])
    np.testing.assert_array_equal(params[other], [0.0, 0.0, 0.0])


@pytest.mark.parametrize("weight", ["0", "0.0", "null", ""])
def test_excluded_volume_is_off_when_its_weight_is_0(tmp_path: Path, weight: str) -> None:
    text = f"model:\n  priors:\n    sigma_ex: 4\n    weights:\n      bond: 1\n      excluded_volume: {weight}\n"
    prior = read(tmp_path, text).prior
    assert prior.weights.excluded_volume is None
    assert "sigma_ex" not in prior.params


def test_excluded_volume_is_on_unless_its_weight_is_0(tmp_path: Path) -> None:
    prior = read(tmp_path, "model: {priors: {weights: {excluded_volume: 0.3}, sigma_ex: 4}}").prior
    assert prior.weights.excluded_volume == 0.3
    assert (prior.params["epsilon_ex"], prior.params["sigma_ex"]) == (1.0, 4.0)
    left_out = read(tmp_path, "model: {priors: {weights: {bond: 1}}}").prior
    assert left_out.weights.excluded_volume == 1.0
    assert (left_out.params["epsilon_ex"], left_out.params["sigma_ex"]) == (1.0, 3.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model: {use_priors: false}", "model.use_priors is false"),
        ("training: {pretrain_prior: no}", "training.pretrain_prior is false"),
    ],
)
def test_what_skips_the_fit(tmp_path: Path, text: str, reason: str) -> None:
    assert read(tmp_path, text).skip_reason == reason


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-6", 1e-6),
        ("1.0e-06", 1e-6),
        ("1E-6", 1e-6),
        ("1.e6", 1e6),
        (".5e1", 5.0),
        ("2e+3", 2000.0),
        ("1", 1.0),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, written: str, value: float) -> None:
    assert read(tmp_path, f"training: {{pretrain_prior_tol_grad: {written}}}").tol_grad == value


def test_a_whole_number_with_an_exponent(tmp_path: Path) -> None:
    config = read(tmp_path, "training: {pretrain_prior_max_steps: 5.0e2, pretrain_prior_min_steps: 3.}")
    assert (config.max_steps, config.min_steps) == (500, 3)
    assert isinstance(config.max_steps, int)


def test_a_merge_key_is_no_duplicate(tmp_path: Path) -> None:
    text = "base: &base {r0: 3.7, kr: 100}\nmodel: {priors: {<<: *base, kr: 120}}"
    params = read(tmp_path, text).prior.params
    assert (params["r0"], params["kr"]) == (3.7, 120.0)


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("model: {priors: {r_0: 1}}", "model.priors.r_0 is unknown", "did you mean r0?"),
        ("model: {priors: {gama_dih: [1]}}", "model.priors.gama_dih", "did you mean gamma_dih?"),
        ("model: {priors: {bond: 1}}", "model.priors.bond", "write it as model.priors.weights.bond"),
        ("model: {priors: {1: 1}}", "model.priors.1", "did you mean"),
        ("model: {priors: {weights: {bonds: 1}}}", "model.priors.weights.bonds", "did you mean bond?"),
        ("model: {prior: {r0: 1}}", "model.prior ", "did you mean model.priors?"),
        ("model: {USE_PRIORS: true}", "model.USE_PRIORS", "did you mean model.use_priors?"),
        ("model: {prior_weights: 1}", "model.prior_weights", "did you mean model.priors?"),
        ("model: {pretrain_prior: false}", "model.pretrain_prior", "write it as training.pretrain_prior"),
        (
            "training: {pretrain_prior_maxsteps: 3}",
            "training.pretrain_prior_maxsteps",
            "pretrain_prior_max_steps?",
        ),
        (
            "training: {pretrain_prior_patience: 3}",
            "training.pretrain_prior_patience",
            "did you mean training.p",
        ),
        (
            "training: {pretrain_priors: true}",
            "training.pretrain_priors",
            "did you mean training.pretrain_prior?",
        ),
        ("training: {val_fracton: 0.1}", "training.val_fracton", "did you mean training.val_fraction?"),
        ("models: {}", "models", "did you mean model?"),
        ("Training: {}", "Training", "did you mean training?"),
        ("priors: {r0: 1}", "priors is in the wrong place", "write it as model.priors"),
    ],
)
def test_a_misspelt_or_misplaced_key_is_refused(tmp_path: Path, text: str, key: str, remedy: str) -> None:
    message = refusal(tmp_path, text)
    assert f": {key}" in message
    assert remedy in message


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("- 1", "the top level is a list", "block"),
        ("just text", "the top level", "block"),
        ("model: 3", "model is a whole number", "block"),
        ("training: []", "training is a list", "block"),
        ("model: {priors: }", "model.priors is empty", "block"),
        ("model: {priors: {weights: 1}}", "model.priors.weights", "block"),
        ("model: {priors: {weights: {bond: -1}}}", "model.priors.weights.bond is -1", "0 or more"),
        ("model: {priors: {weights: {bond: true}}}", "model.priors.weights.bond is true", "one number"),
        ("model: {priors: {r0: '3'}}", "model.priors.r0 is the text '3'", "without quotes"),
        ("model: {priors: {r0: '1e-6'}}", "model.priors.r0 is the text", "without quotes"),
        ("model: {priors: {r0: [3.8]}}", "model.priors.r0 is a list", "one number"),
        ("model: {priors: {r0: .nan}}", "model.priors.r0 is not finite", "finite"),
        ("model: {priors: {kr: 1e999}}", "model.priors.kr is not finite", "finite"),
        (f"model: {{priors: {{kr: 1{'0' * 400}}}}}", "model.priors.kr is not finite", "finite"),
        ("model: {priors: {theta0: 2020-01-01}}", "model.priors.theta0 is the text '2020-01-01'", "one number"),
        ("model: {priors: {a: 0.5}}", "model.priors.a is the number 0.5", "such as [0.5]"),
        ("model: {priors: {a: [1, x]}}", "model.priors.a[1] is the text 'x'", "one number"),
        ("model: {priors: {a: [1, .inf]}}", "model.priors.a[1] is not finite", "finite"),
        ("model: {priors: {a: [1, 2], b: [1]}}", "model.priors.b has 1 values and a 2", "one of each"),
        ("model: {use_priors: 1}", "model.use_priors is a whole number", "true or false"),
        ("training: {pretrain_prior: 'false'}", "training.pretrain_prior is the text", "true or false"),
        (
            "training: {pretrain_prior_max_steps: 0}",
            "training.pretrain_prior_max_steps is 0",
            "1 or more",
        ),
        ("training: {pretrain_prior_max_steps: 3000000000}", "training.pretrain_prior_max_steps", "at most"),
        (
            f"training: {{pretrain_prior_max_steps: 0x{'f' * 5000}}}",
            "training.pretrain_prior_max_s",
            "at most",
        ),
        (f"model: {{use_priors: 0x{'f' * 5000}}}", "model.use_priors is a whole number", "true or false"),
        ("training: {pretrain_prior_max_steps: 2.5}", "training.pretrain_prior_max_steps", "whole number"),
        ("training: {pretrain_prior_max_steps: 1.0e300}", "training.pretrain_prior_max_s", "at most"),
        ("training: {pretrain_prior_max_steps: true}", "training.pretrain_prior_max_steps", "whole number"),
        (
            "training: {pretrain_prior_min_steps: -1}",
            "training.pretrain_prior_min_steps is -1",
            "0 or more",
        ),
        ("training: {pretrain_prior_tol_grad: -1e-6}", "training.pretrain_prior_tol_grad", "0 or more"),
        ("training: {pretrain_prior_tol_grad: .nan}", "training.pretrain_prior_tol_grad", "finite"),
        ("training: {val_fraction: 1}", "training.val_fraction is 1;", "below 1"),
        ("training: {val_fraction: -0.1}", "training.val_fraction is -0.1", "0 or more"),
        (
            "training: {pretrain_prior_max_steps: 5, pretrain_prior_min_steps: 6}",
            "training.pretrain_prior_min_steps is 6",
            "lower it",
        ),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, text: str, key: str, remedy: str) -> None:
    message = refusal(tmp_path, text)
    assert f": {key}" in message
    assert remedy in message


def test_every_mistake_is_in_one_message(tmp_path: Path) -> None:
    text = (
        "model: {use_priors: 1, priors: {r_0: 1, kr: x, a: [1, 2], b: [1, y], weights: {bond: -1, bonds: 2}}}\n"
        "training: {val_fraction: 1, val_fracton: 0.1, pretrain_prior_max_steps: 0}\npriors: {}\n"
    )
    message = refusal(tmp_path, text)
    assert ": 10 mistakes: (1) " in message
    for key in (
        *("model.use_priors is", "model.priors.r_0 is unknown", "model.priors.kr is", "model.priors.b[1] is"),
        *("weights.bond is -1", "weights.bonds is unknown", "training.val_fraction is 1", "training.val_fracton is"),
        *("training.pretrain_prior_max_steps is 0", "priors is in the wrong place"),
    ):
        assert message.count(key) == 1, key
    assert "(10) " in message


def test_a_message_has_an_end(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"model: {{priors: {{{', '.join(f'k{n}: 1' for n in range(50))}}}}}")
    assert "50 mistakes" in message
    assert message.endswith("; and 30 more")


def test_what_the_fit_is_told_of_constraints_and_temperature(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "training: {pretrain_prior_constraints: safe, pretrain_prior_smoothness: auto, "
        "pretrain_prior_truncation: 1e-3, temperature: 310}",
    )
    assert (config.constraints, config.smoothness, config.truncation) == ("safe", "auto", 1e-3)
    assert config.temperature == 310
    assert read(tmp_path, "training: {pretrain_prior_smoothness: 2}").smoothness == 2.0
    for text, words in (
        ("constraints: strict", "did you mean|give one of: safe, nonnegative, none"),
        ("smoothness: 0", "config.yaml: training.pretrain_prior_smoothness is 0; give above 0, at most 1000000"),
        (
            "smoothness: 2e6",
            "config.yaml: training.pretrain_prior_smoothness is 2000000.0; give above 0, at most 1000000",
        ),
        ("smoothness: much", "is the text 'much'; write auto, or a number, above 0, at most 1000000"),
        ("truncation: 1", "is 1; give 0 or more, below 1"),
    ):
        assert re.search(words, refusal(tmp_path, f"training: {{pretrain_prior_{text}}}"))
    assert "is 0; give above 0" in refusal(tmp_path, "training: {temperature: 0}")


def test_importing_costs_no_schema() -> None:
    code = "import sys, cgcore, cgcore.cli; cgcore.default_prior(); print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_config(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="is a directory"):
        load_config(tmp_path)


keys = st.sampled_from(
    [
        "model",
        "training",
        "priors",
        "weights",
        "a",
        "b",
        "r0",
        "use_priors",
        "bond",
        "val_fraction",
        "x",
        1,
        None,
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, database=None, max_examples=150)
@given(content=values.map(lambda value: yaml.safe_dump({"model": value}).encode()) | st.binary(max_size=40))
def test_whatever_the_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        load_config(path)
    except InputError as error:
        message = str(error)
    else:
        return
    assert message.startswith(str(path))
