"""The first screen of the README, from Python, and common mistakes of library users, each refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cli_helpers import bundled, prior_yaml, run, save
from factor_helpers import Chains, chignolin_chains, factor_of, prior_of, random_chains

import cgcore
from cgcore import FitResult, InputError, InputWarning, Options, Prior, Weights, fit
from cgcore.fitting.inputs import opened

PRIOR = prior_of(2)
SCREEN = 2000
"""Number of characters."""


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("api") / "d.npz", bundled(60))


@pytest.fixture(scope="module")
def result(frames: Path) -> FitResult:
    train, validation = cgcore.read(frames).split(0.2)
    return fit(train, PRIOR, validation=validation)


def test_every_public_name_is_there() -> None:
    for name in dir(cgcore):
        assert getattr(cgcore, name) is not None
    assert callable(cgcore.inspect)
    assert callable(cgcore.periodic)


def test_the_report_is_that_of_the_command_line(result: FitResult) -> None:
    text = result.report()
    for words in ("Prior Pre-Training (LBFGS, max_steps=200)", "[LBFGS] Fitted parameters:", "Optimality gap"):
        assert words in text


def without_times(folder: Path) -> dict[str, Any]:
    kept = json.loads((folder / "fit.json").read_text())
    return {key: value for key, value in kept.items() if key not in ("seconds", "files")}


def test_save_writes_what_the_command_line_writes(tmp_path: Path, frames: Path) -> None:
    config = prior_yaml(tmp_path / "c.yaml")
    options = ("--max-frames", 50, "--seed", 3, "--val-fraction", 0.2)
    assert run("fit", frames, "--config", config, "--output", tmp_path / "cli", *options).code == 0
    train, validation = cgcore.read(frames).subset(50, 3).split(0.2)
    made = fit(train, Prior.read(config), validation=validation)
    written = made.save(tmp_path / "new" / "api", config_file=str(config))
    assert written == (tmp_path / "new" / "api" / "fit.json", tmp_path / "new" / "api" / "priors.yaml")
    assert written[1].read_bytes() == (tmp_path / "cli" / "priors.yaml").read_bytes()
    assert without_times(tmp_path / "new" / "api") == without_times(tmp_path / "cli")


def test_save_of_a_fit_to_a_factor(tmp_path: Path, frames: Path) -> None:
    config = prior_yaml(tmp_path / "c.yaml")
    path = tmp_path / "f.npz"
    assert run("compress", frames, "-o", path, "--config", config).code == 0
    assert run("fit", path, "--config", config, "--output", tmp_path / "cli").code == 0
    fit(path, Prior.read(config)).save(tmp_path / "api", config_file=str(config))
    assert without_times(tmp_path / "api") == without_times(tmp_path / "cli")


@pytest.mark.slow
def test_plot(tmp_path: Path, result: FitResult) -> None:
    result.plot(tmp_path / "fit.svg")
    assert (tmp_path / "fit.svg").read_text().startswith("<?xml")
    with pytest.raises(InputError, match=r"'\.gif' is not a picture format"):
        result.plot(tmp_path / "fit.gif")


def test_a_prior_in_a_file(tmp_path: Path, result: FitResult) -> None:
    path = tmp_path / "p.yaml"
    result.fitted_prior.write(path)
    assert Prior.read(path) == result.fitted_prior != result.prior
    for text in ("model: {}\n", "training: {}\n", ""):
        path.write_text(text)
        with pytest.raises(InputError, match=r"p\.yaml: model\.priors is missing"):
            Prior.read(path)


def test_inspect_takes_frames_and_paths(frames: Path) -> None:
    found = cgcore.inspect(frames)
    assert found.frames == cgcore.inspect(cgcore.read(frames)).frames == 60
    assert "Units check" in found.report()
    for wrong, words in (({"R": 1}, "data is a dict"), (frames.parent / "none.npz", "no such file")):
        with pytest.raises(InputError, match=words):
            cgcore.inspect(wrong)


def test_fit_takes_a_path_of_frames_or_of_a_factor(tmp_path: Path, frames: Path) -> None:
    factor = tmp_path / "f"
    cgcore.save_factor(factor, cgcore.compress(cgcore.read(frames), cgcore.Fingerprint.of(PRIOR)))
    by_path, by_factor = fit(str(frames), PRIOR), fit(factor, PRIOR)
    assert by_path.train_loss == by_factor.train_loss
    assert by_path.certificate.optimality_gap < 1e-8


def test_reprs_fit_a_screen(result: FitResult) -> None:
    long = cgcore.Prior(PRIOR.weights, PRIOR.params | {"a": np.zeros(60), "b": np.zeros(60)})
    for shown in (result, result.factor, result.factor.blocks[0], result.prior, long, result.data, result.certificate,
                  result.identifiability, result.curve, result.admissible, cgcore.inspect(dataset())):  # fmt: skip
        assert 10 < len(repr(shown)) < SCREEN, type(shown)


def test_results_compare_without_raising(result: FitResult) -> None:
    for one in (result, result.factor, result.factor.blocks[0], result.data, result.factor.histograms):
        assert one == one
        assert one != 3
    assert result != fit(result.factor, PRIOR)
    assert PRIOR == prior_of(2) != prior_of(3)
    assert hash(PRIOR) == hash(prior_of(2))
    assert Prior(PRIOR.weights, PRIOR.params | {"kr": 1.0}) != PRIOR
    assert PRIOR != 3


def test_as_dict_is_plain(result: FitResult) -> None:
    assert json.loads(json.dumps(result.as_dict(), allow_nan=False)) == result.as_dict()
    assert result.dtype == np.float64


@pytest.mark.parametrize("x64", [True, False])
def test_a_fit_is_the_same_in_every_session(result: FitResult, x64: bool) -> None:
    with jax.enable_x64(x64):
        again = fit(result.factor, PRIOR)
        assert jnp.zeros(()).dtype == (np.float64 if x64 else np.float32)
    assert again.train_loss == result.train_loss
    assert fit(result.factor, PRIOR, Options(precision="float32")).dtype == np.float32


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a dictionary": (lambda: fit({"R": 1}, PRIOR), "data is a dict; give a Dataset"),
    "an array": (lambda: fit(np.zeros(3), PRIOR), "data is a ndarray"),
    "an empty path": (lambda: fit("", PRIOR), "data is an empty path"),
    "no such file": (lambda: fit("none.npz", PRIOR), r"none\.npz: no such file"),
    "validation": (lambda: fit(dataset(), PRIOR, validation=3), "validation is a int"),
    "a prior of values": (lambda: fit(dataset(), PRIOR.params), "prior is a dict"),
    "weights of 0": (lambda: fit(dataset(), Prior(Weights(0, 0, 0, 0), PRIOR.params)), "all weights are 0"),
    "only terms without harmonics": (
        lambda: fit(dataset(), prior_of(0, Weights(0, 1, 1, 0), n_dihedral=0)), "no term of the prior acts"
    ),
    "chains too short for the only term": (
        lambda: fit(random_chains(9, [3], 3, 0).dataset(), prior_of(2, Weights(0, 0, 0, 1))), "no term of the"
    ),
    "inside jit": (lambda: jax.jit(lambda x: fit(dataset(), PRIOR).train_loss + x)(1.0), "fit returns.*outside"),
    "a traced prior": (
        lambda: jax.grad(lambda kr: fit(dataset(), Prior(PRIOR.weights, PRIOR.params | {"kr": kr})).train_loss)(1.0),
        "prior parameter 'kr'.*tracing.*outside",
    ),
    "compress inside jit": (
        lambda: jax.jit(lambda x: cgcore.compress(dataset(), cgcore.Fingerprint.of(PRIOR)).loss(x))(1.0),
        "compress returns plain numbers",
    ),
    "inspect inside jit": (lambda: jax.jit(lambda x: cgcore.inspect(dataset()).force_rms + x)(1.0), "inspect returns"),
    "an unnamed displacement": (
        lambda: fit(dataset(), PRIOR, displacement=lambda a, b: a - b), r"unnamed.*cgcore\.periodic\(box\)"
    ),
    "a displacement named free": (
        lambda: fit(dataset(), PRIOR, displacement=lambda a, b: a - b, displacement_name="free"), "named 'free'"
    ),
    "a displacement that the fingerprint does not know": (
        lambda: cgcore.compress(dataset(), cgcore.Fingerprint.of(PRIOR), displacement=cgcore.periodic(50)),
        "named 'free'",
    ),
}  # fmt: skip


def dataset() -> cgcore.Dataset:
    return chignolin_chains(10).dataset()


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_a_sentence(case: str) -> None:
    call, words = REFUSED[case]
    with pytest.raises(InputError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_held_out_data_that_were_fitted_to_are_said() -> None:
    chains = chignolin_chains(20)
    first, last = (factor_of(Chains(*(x[part] for x in chains)), PRIOR, 2) for part in (slice(10), slice(10, 20)))
    assert any("validation is among the data" in x for x in fit(first, PRIOR, validation=first).warnings)
    assert not any("validation" in x for x in fit(first, PRIOR, validation=last).warnings)


def test_a_fit_to_data_given_twice_says_so() -> None:
    once = factor_of(chignolin_chains(20), PRIOR)
    with pytest.warns(InputWarning, match="counted twice"):
        twice = cgcore.merge(once, once)
    assert any("counted twice" in sentence for sentence in fit(twice, PRIOR).warnings)


def test_periodic_boxes_name_themselves() -> None:
    box = cgcore.periodic([40, 50.5, 60])
    assert box == cgcore.periodic(np.array([40.0, 50.5, 60.0]))
    assert hash(box) == hash(cgcore.periodic((40, 50.5, 60)))
    assert box.name == "periodic 40 x 50.5 x 60 Å"
    assert cgcore.periodic(50).lengths == (50.0, 50.0, 50.0)
    assert cgcore.periodic(50).name != cgcore.periodic(50.0000001).name
    made = fit(dataset(), PRIOR, displacement=cgcore.periodic(500))
    assert made.factor.fingerprint.displacement == "periodic 500 x 500 x 500 Å"
    with pytest.raises(InputError, match="displacement: free against periodic 500"):
        fit(factor_of(chignolin_chains(10), PRIOR), PRIOR, displacement=cgcore.periodic(500))


@pytest.mark.parametrize("box", ["x", [1, 2], [1, 2, 0], [1, 2, np.inf], -1, [[1, 2, 3]], None, {}])
def test_a_box_that_is_none(box: Any) -> None:
    with pytest.raises(InputError, match="box is"):
        cgcore.periodic(box)


def test_opening_gives_what_it_is_given() -> None:
    data = dataset()
    assert opened(data, "data") is data
