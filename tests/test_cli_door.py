"""Faulty data on the command line: refused by name, accepted with a flag, repaired by --box, shown by `inspect`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_helpers import FREE, bundled, fitted, run, save

Arrays = dict[str, np.ndarray]
QUICK = (*FREE, "--blocks", 1)
SHIFT = np.array([60.0, 0, 0])


def wrapped(n_frames: int = 40) -> Arrays:
    arrays = bundled(n_frames)
    R = arrays["R"].copy()
    R[7, 5:] += SHIFT.astype(np.float32)
    return arrays | {"R": R, "temperature": np.array(320.0)}


def faults(record: dict[str, Any]) -> list[str]:
    """Warnings about the data."""
    return [warning for warning in record["warnings"] if "key '" in warning]


@pytest.mark.slow
def test_refused_overridden_and_mended(tmp_path: Path) -> None:
    path = save(tmp_path / "cut.npz", wrapped())
    ran = run("fit", path, *QUICK)
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    assert line.startswith(f"cgcore: {path}: key 'R': beads 4 and 5 of frame 7 are 6")
    for word in ("--box X Y Z", "--accept-faults", "frame 7"):
        assert word in line
    taken = fitted(tmp_path / "taken", path, *QUICK, "--accept-faults")
    assert ["beads 4 and 5 of frame 7" in warning for warning in faults(taken)] == [True]
    mended = fitted(tmp_path / "mended", path, *QUICK, "--box", 60, 60, 60)
    assert faults(mended) == []
    # A chain whose bonds are cut in one frame of forty has no stiff bonds.
    assert mended["fitted_params"]["kr"] > 100 > 10 > taken["fitted_params"]["kr"]
    assert mended["config"]["box"] == [60.0, 60.0, 60.0]
    assert (taken["config"]["accept_faults"], mended["config"]["accept_faults"]) == (True, False)


def test_a_box_in_the_file_needs_no_option(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", wrapped() | {"box": np.tile(np.eye(3) * 60, (40, 1, 1))})
    assert faults(fitted(tmp_path / "out", path, *QUICK)) == []


@pytest.mark.slow
def test_factors_are_made_of_right_data_alone(tmp_path: Path) -> None:
    arrays = bundled(200)
    path = save(tmp_path / "kj.npz", arrays | {"F": arrays["F"] * np.float32(4.184)})
    ran = run("compress", path, "-o", tmp_path / "a.factor.npz", "--blocks", 1)
    assert (ran.code, ran.out) == (2, "")
    assert "forces look like kJ/mol/Å" in ran.err
    assert not (tmp_path / "a.factor.npz").exists()
    ran = run("compress", path, "-o", tmp_path / "a.factor.npz", "--blocks", 1, "--accept-faults")
    assert ran.code == 0
    assert "forces look like kJ/mol/Å" in ran.err
    assert run("fit", tmp_path / "a.factor.npz", *QUICK, "--accept-faults").code == 2  # there are no frames to accept


def test_forces_of_a_prior_are_in_any_unit(tmp_path: Path) -> None:
    """Equipartition does not apply if forces are exactly a prior's, as frames need not be sampled with them."""
    from helpers import np_forces

    import cgcore

    prior, arrays = cgcore.default_prior(), bundled(200)
    F = np_forces(prior.weights, prior.params, arrays["R"].astype(float)) * 10
    fit = fitted(tmp_path / "out", save(tmp_path / "a.npz", arrays | {"F": F, "temperature": np.array(320.0)}), *QUICK)
    assert faults(fit) == []


@pytest.mark.slow
def test_what_could_not_be_used_is_said(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", bundled(12) | {"resid": np.arange(3)})
    ran = run("fit", path, *QUICK)
    assert ran.code == 0
    assert re.search(r"a\.npz: key 'resid' has shape \(3,\).*not used", ran.err)


@pytest.mark.parametrize("box", [("6", "6", "6"), ("60", "60", "0"), ("60", "60", "nan")])
def test_no_box(tmp_path: Path, box: tuple[str, ...]) -> None:
    ran = run("fit", save(tmp_path / "a.npz", bundled(5)), "--box", *box)
    assert ran.code == 2
    assert "box" in ran.err


@pytest.mark.slow
def test_inspect_shows_all_of_it(tmp_path: Path) -> None:
    path = save(tmp_path / "cut.npz", wrapped())
    ran = run("inspect", path, "--json", tmp_path / "a.json", "--plot", tmp_path / "a.svg")
    assert ran.code == 0
    text = " ".join(ran.out.split())
    assert "Wrong: cut.npz: key 'R': beads 4 and 5 of frame 7 are" in text
    assert "A fit to these data is refused; --accept-faults" in text
    assert re.search(r"Equipartition of bonds.*cut\.npz 320 (0\.[6-9]|1\.[0-3])", text)
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["refused"]
    (finding,) = record["judgement"]["findings"]
    assert (finding["code"], finding["severity"], finding["frames"], finding["beads"]) == ("bond", "wrong", [7], [4, 5])
    assert record["frames"] == 40
    assert record["closest"]["beads"]
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    whole = run("inspect", path, "--box", 60, 60, 60)
    assert "Nothing is wrong with these data" in whole.out


@pytest.mark.slow
def test_a_picture_of_many_sources_and_findings(tmp_path: Path) -> None:
    for k in range(3):
        arrays = bundled(slice(50 * k, 50 * k + 50))
        F = arrays["F"].copy()
        F[k] = 0
        save(tmp_path / f"{k}$.npz", arrays | {"F": F, "temperature": np.array(300.0 + k)})
    ran = run("inspect", tmp_path, "--plot", tmp_path / "a.png")
    assert ran.code == 0
    assert ran.out.count("Wrong: ") == 3
    assert "Warning: sources have different temperatures" in ran.out
    assert (tmp_path / "a.png").stat().st_size > 20_000
