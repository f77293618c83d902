"""Splines in place of formulas: when they are used, and where their file is searched for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cgcore.config import load_config, load_settings
from cgcore.errors import InputError


def write(folder: Path, priors: dict[str, Any], **model: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"model": {"allegro": {}, "priors": priors} | model}))
    return path


def both(path: Path) -> tuple[str | None, bool | None]:
    """The settings as read for the fit and for training, which must agree."""
    fit, model = load_config(path), load_settings(path).model
    assert (fit.spline_file, fit.residue_specific_angles) == (model.spline_file, model.residue_specific_angles)
    return fit.spline_file, fit.residue_specific_angles


@pytest.fixture
def splines(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "splines.npz"
    path.parent.mkdir()
    path.write_bytes(b"")
    return path


def test_splines_are_on_where_their_file_is_named(tmp_path: Path, splines: Path) -> None:
    for priors in ({}, {"use_spline_priors": True}):
        found, typed = both(write(tmp_path, {"spline_file": "data/splines.npz", **priors}))
        assert found is not None
        assert Path(found).samefile(splines)
        assert typed is None
    typed = {"spline_file": "data/splines.npz", "residue_specific_angles": False}
    assert both(write(tmp_path, typed))[1] is False


@pytest.mark.parametrize("model", [{}, {"use_priors": False}])
def test_splines_are_off(tmp_path: Path, model: dict[str, Any]) -> None:
    absent = {"spline_file": "nowhere.npz", "residue_specific_angles": True}
    assert both(write(tmp_path, {})) == (None, None)
    assert both(write(tmp_path, absent | {"use_spline_priors": bool(model)}, **model)) == (None, None)


def test_the_working_folder_comes_after_that_of_the_configuration(
    tmp_path: Path, splines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "configs", {"spline_file": "data/splines.npz"})
    assert both(path)[0] == "data/splines.npz"
    (tmp_path / "configs" / "data").mkdir()
    beside = tmp_path / "configs" / "data" / "splines.npz"
    beside.write_bytes(b"")
    found = both(path)[0]
    assert found is not None
    assert Path(found).samefile(beside)


@pytest.mark.parametrize(
    ("priors", "words"),
    [
        ({"use_spline_priors": True}, "use_spline_priors is true, and model.priors.spline_file is left out"),
        ({"spline_file": "nowhere.npz"}, "spline_file is 'nowhere.npz', which is not in"),
    ],
)
def test_splines_that_are_not_there(tmp_path: Path, priors: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_settings(write(tmp_path, priors))
