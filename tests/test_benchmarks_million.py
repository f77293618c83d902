"""The benchmark of a complete fit on millions of frames, run on a few. Times are not checked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import cgcore
from benchmarks import million
from benchmarks.million import Cost
from cgcore.judging import judge


def test_frames_are_those_of_the_bundled_set_turned(tmp_path: Path) -> None:
    million.write(tmp_path / "frames.npz", 1200)
    made, own = cgcore.read(tmp_path / "frames.npz"), cgcore.datasets.chignolin()
    assert (made.n_frames, made.n_beads, made.temperatures) == (1200, own.n_beads, own.temperatures)
    assert judge(made).findings == ()
    batch, bundled = made.join(), own.join()
    for x, y, noise in ((batch.R, bundled.R, million.NOISE_R), (batch.F, bundled.F, million.NOISE_F)):
        again = np.concatenate([y, y[:200]])
        # Lengths stay the same, directions do not.
        lengths = [np.linalg.norm(one[:, 1:] - one[:, :-1], axis=2) for one in (x, again)]
        assert np.abs(lengths[0] - lengths[1]).max() < 10 * noise
        assert np.median(np.abs(x - again)) > 10 * noise
    assert len(np.unique(batch.R[:, 0], axis=0)) == 1200


def test_the_least_of_each_counts() -> None:
    text = million.table([Cost(9, 8, 700), Cost(6, 9, 600)], [Cost(4, 4), Cost(5, 5)])
    assert "| 6.0 s | 8.0 s | 600 MB |" in text
    assert "| 1.50 | 2.00 |" in text


def test_a_command_that_fails_gives_no_number(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 3"):
        million.process([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


@pytest.mark.slow
def test_a_fit_and_a_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    million.write(tmp_path / "frames.npz", 300)
    million.warm_pass(str(tmp_path / "frames.npz"))
    assert all(seconds > 0 for seconds in json.loads(capsys.readouterr().out))
    assert "in JAX's compiler" in million.compiling(tmp_path)
