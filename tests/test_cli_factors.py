"""`cgcore compress` and `cgcore merge`, and fits of their output, which equal fits of the data."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from cli_helpers import assert_refused, bundled, fitted, loss, prior_yaml, run, save


class Files(NamedTuple):
    folder: Path
    config: Path
    a: Path
    b: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Two data sets in separate folders, and their factors beside them."""
    folder = tmp_path_factory.mktemp("factors")
    (folder / "data").mkdir()
    a = save(folder / "data" / "a.npz", bundled(60))
    b = save(folder / "data" / "b.npz", bundled(slice(400, 440)))
    config = prior_yaml(folder / "c.yaml")
    for path in (a, b):
        assert run("compress", path, "-o", folder / f"{path.stem}.factor.npz", "--config", config).code == 0
    return Files(folder, config, a, b)


def assert_same_fit(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (one["cutoff"], one["smoothness"]) == (other["cutoff"], other["smoothness"])
    for name in ("train_loss",):
        assert one[name] == pytest.approx(other[name], rel=1e-10)
    for name in ("initial_loss", "zero_prior_loss", "optimal_loss", "optimal_loss_resolved"):
        assert one["certificate"][name] == pytest.approx(other["certificate"][name], rel=1e-10)
    for name in ("kind", "values", "folds", "chosen"):
        assert one["cross_validation"][name] == other["cross_validation"][name]
    assert one["cross_validation"]["held_out_loss"] == pytest.approx(
        other["cross_validation"]["held_out_loss"], rel=1e-8
    )


def test_a_factor_fits_as_the_data_do(tmp_path: Path, files: Files) -> None:
    data = fitted(tmp_path / "data", files.a, "--config", files.config)
    factor = fitted(tmp_path / "factor", files.folder / "a.factor.npz", "--config", files.config)
    assert_same_fit(factor, data)
    assert factor["train_loss"] == pytest.approx(loss(factor["fitted_params"], bundled(60)), rel=1e-10)


def test_merged_factors_are_the_factor_of_all_data(tmp_path: Path, files: Files) -> None:
    merged, together = tmp_path / "merged.npz", tmp_path / "together.npz"
    parts = [files.folder / f"{name}.factor.npz" for name in "ab"]
    said = run("merge", *parts, "-o", merged)
    assert run("compress", files.a, files.b, "-o", together, "--config", files.config).out == said.out.replace(
        "merged.npz", "together.npz"
    )
    assert re.fullmatch(r".*merged\.npz: 100 frames, 1000 real beads, 40 blocks\n", said.out)
    fits = [
        fitted(tmp_path / str(k), path, "--config", files.config)
        for k, path in enumerate((merged, together, files.a.parent))
    ]
    assert_same_fit(fits[0], fits[1])
    assert_same_fit(fits[0], fits[2])
    arrays = {key: np.concatenate([bundled(60)[key], bundled(slice(400, 440))[key]]) for key in ("R", "F")}
    assert fits[0]["train_loss"] == pytest.approx(loss(fits[0]["fitted_params"], arrays), rel=1e-10)


def test_record_of_a_fit_to_a_factor(tmp_path: Path, files: Files) -> None:
    path = files.folder / "a.factor.npz"
    data = fitted(tmp_path / "out", path, "--config", files.config)["data"]
    assert (data["path"], data["frames"], data["real_beads"]) == (str(path), 60, 600)
    assert data["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_blocks(tmp_path: Path, files: Files) -> None:
    ran = run("compress", files.a, "-o", tmp_path / "f.npz", "--config", files.config, "--blocks", 3)
    assert ran.out == f"{tmp_path / 'f.npz'}: 60 frames, 600 real beads, 3 blocks\n"
    assert (tmp_path / "f.npz").stat().st_size < 50_000


def test_a_factor_for_other_weights_is_refused_with_both_shown(tmp_path: Path, files: Files) -> None:
    weights = {"bond": 0.5, "angle": 0.1, "dihedral": 0.25, "repulsive": 1.0, "excluded_volume": 0}
    other = prior_yaml(tmp_path / "other.yaml", weights=weights)
    path = files.folder / "a.factor.npz"
    ran = run("fit", path, "--config", other, "--output", tmp_path / "out")
    assert_refused(ran, r"a\.factor\.npz", "angle", r"0\.25", r"0\.1")
    assert not (tmp_path / "out" / "fit.json").exists()


def test_unequal_factors_do_not_merge(tmp_path: Path, files: Files) -> None:
    other = prior_yaml(tmp_path / "other.yaml", harmonics=3)
    assert run("compress", files.b, "-o", tmp_path / "b3.npz", "--config", other).code == 0
    ran = run("merge", files.folder / "a.factor.npz", tmp_path / "b3.npz", "-o", tmp_path / "m.npz")
    assert_refused(ran, "harmonics of angle", "2", "3", r"a\.factor\.npz", r"b3\.npz")
    assert not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize(
    "option", [("--val-fraction", "0.2"), ("--max-frames", "5"), ("--units", "nm-kj"), ("--objective", "direct")]
)
def test_what_needs_frames_is_refused_on_a_factor(files: Files, option: tuple[str, str]) -> None:
    ran = run("fit", files.folder / "a.factor.npz", "--config", files.config, *option)
    assert_refused(ran, r"a\.factor\.npz", "factor", option[0].strip("-"))


def test_what_is_no_factor_is_refused_by_merge(tmp_path: Path, files: Files) -> None:
    text = tmp_path / "text.npz"
    text.write_text("hello\n")
    for path, word in ((files.a, "not a factor"), (text, "factor"), (tmp_path / "none.npz", "no such file")):
        ran = run("merge", files.folder / "a.factor.npz", path, "-o", tmp_path / "m.npz")
        assert_refused(ran, re.escape(path.name), word, "cgcore compress")
    assert not (tmp_path / "m.npz").exists()


def test_a_factor_is_no_data_for_compress(tmp_path: Path, files: Files) -> None:
    ran = run("compress", files.folder / "a.factor.npz", "-o", tmp_path / "m.npz", "--config", files.config)
    assert_refused(ran, r"a\.factor\.npz", "is a factor", "merge")


def test_a_damaged_factor_is_refused(tmp_path: Path, files: Files) -> None:
    whole = (files.folder / "a.factor.npz").read_bytes()
    path = tmp_path / "half.npz"
    path.write_bytes(whole[: len(whole) // 2])
    assert_refused(run("fit", path, "--config", files.config), r"half\.npz")
    assert_refused(run("merge", path, "-o", tmp_path / "m.npz"), r"half\.npz", "cgcore compress")


def test_the_same_data_twice_are_said_by_name(tmp_path: Path, files: Files) -> None:
    a, out = files.folder / "a.factor.npz", tmp_path / "m.npz"
    for command in (("merge", a, a), ("compress", files.a, files.a, "--config", files.config)):
        ran = run(*command, "-o", out)
        assert ran.code == 0
        assert ran.err == "cgcore: a.npz is given more than once: 60 frames are counted twice; leave one of them out\n"
    ran = run("fit", out, "--config", files.config)
    assert "Warning: a.npz is given more than once" in ran.out


def test_two_names_of_the_same_data_in_a_folder_are_said(tmp_path: Path, files: Files) -> None:
    for name in ("x", "y"):
        (tmp_path / f"{name}.npz").write_bytes(files.a.read_bytes())
    ran = run("compress", tmp_path, "-o", tmp_path / "f", "--config", files.config)
    assert "x.npz and y.npz hold the same frames: 60 frames are counted twice" in ran.err
