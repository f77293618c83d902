"""`cgcore inspect`: its description of a data set, against an independent calculation."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import assert_refused, bundled, run, save


def test_the_bundled_set() -> None:
    ran = run("inspect")
    assert (ran.code, ran.err) == (0, "")
    arrays = {key: value.astype(np.float64) for key, value in bundled(1000).items()}
    assert "1,000 frames, 10 beads a row, 10,000 real beads" in ran.out
    bond = np.linalg.norm(np.diff(arrays["R"], axis=1), axis=2)
    b = np.diff(arrays["R"], axis=1)
    u, v = -b[:, :-1] / bond[:, :-1, None], b[:, 1:] / bond[:, 1:, None]
    angle = np.degrees(np.arccos(np.sum(u * v, axis=2)))
    for name, values, digits in (("bond", bond, 3), ("angle", angle, 1)):
        shown = [f"{x:.{digits}f}" for x in (values.min(), values.mean(), values.max())]
        row = rf"^{name} \[\S+\] +{values.size:,} +" + " +".join(map(re.escape, shown))
        assert re.search(row, ran.out, re.M), row
    rms = float(np.sqrt(np.mean(arrays["F"] ** 2)))
    assert re.search(rf"RMS component {rms:.6g}\b", ran.out)
    assert f"largest component {np.abs(arrays['F']).max():.6g}" in ran.out
    assert max(map(len, ran.out.splitlines()[:20])) <= 100
    assert "…" not in ran.out


def test_padding_does_not_count(tmp_path: Path) -> None:
    arrays = bundled(20)
    arrays["mask"][:, 8:] = 0
    arrays["R"][:, 8:] = arrays["F"][:, 8:] = np.nan
    padded, short = save(tmp_path / "padded.npz", arrays), save(tmp_path / "short.npz", bundled(20, 8))
    one, other = run("inspect", padded), run("inspect", short)
    assert one.code == other.code == 0
    assert "20 frames, 10 beads a row, 160 real beads" in one.out
    assert "nan" not in one.out
    for start in ("bond [", "angle [", "dihedral [", "  RMS component", "  largest component", "closest pair"):
        (a, b) = ([line for line in ran.out.splitlines() if line.startswith(start)] for ran in (one, other))
        assert len(a) == 1
        assert a[0].replace("padded", "short") == b[0]


def test_other_units_say_the_same(tmp_path: Path) -> None:
    arrays = bundled(20)
    nm = arrays | {"R": arrays["R"].astype(np.float64) / 10, "F": arrays["F"].astype(np.float64) * 41.84}
    one = run("inspect", save(tmp_path / "x.npz", arrays))
    other = run("inspect", save(tmp_path / "x.npz", nm), "--units", "nm-kj")
    assert other.code == 0
    rows = [[line for line in ran.out.splitlines() if "[" in line] for ran in (one, other)]
    assert len(rows[0]) >= 4
    assert rows[0] == rows[1]


@pytest.mark.parametrize("beads", [2, 3, 4])
def test_short_chains(tmp_path: Path, beads: int) -> None:
    ran = run("inspect", save(tmp_path / "short.npz", bundled(5, beads)))
    assert (ran.code, ran.err) == (0, "")
    assert f"5 frames, {beads} beads a row" in ran.out


def test_keys_that_were_skipped_are_named(tmp_path: Path) -> None:
    data = save(tmp_path / "d.npz", bundled(5) | {"resid": np.array([1, None], object)})
    ran = run("inspect", data)
    assert ran.code == 0
    assert re.search(r"(skipped|not read).*resid", ran.out)


def test_bad_input(tmp_path: Path) -> None:
    assert_refused(run("inspect", tmp_path / "none.npz"), r"none\.npz", "no such file")
    assert_refused(run("inspect", ""))
    arrays = bundled(5)
    path = save(tmp_path / "nm.npz", arrays | {"R": arrays["R"] / 10})
    assert_refused(run("inspect", path), r"nm\.npz", "--units nm-kj")


@pytest.mark.slow
def test_a_factor_is_named_as_one(tmp_path: Path) -> None:
    data = save(tmp_path / "d.npz", bundled(5))
    assert run("compress", data, "-o", tmp_path / "f.npz", "--blocks", 1).code == 0
    assert_refused(run("inspect", tmp_path / "f.npz"), r"f\.npz", "is a factor")
