"""Figures of the learning curve show the numbers of the stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcore.errors import InputError
from cgcore.report.learning_curve import draw_learning_curve, write_learning_curve

INITIAL = {"train_loss": 12.0, "val_loss": 13.0}


def stage(optimizer: str, loss: list[float], val: list[float], start: float | None, best: int) -> dict[str, Any]:
    kept = [start, *val][best] if val else None
    return {
        **{"optimizer": optimizer, "loss_history": loss, "val_loss_history": val, "initial_val_loss": start},
        **{"best_epoch": best, "val_loss": kept},
    }


RESULTS = {
    "prior_pretrain": {"val_loss": 9.0},
    "stage1": stage("adam", [8.0, 7.0, 6.5], [8.5, 7.5, 7.7], 9.5, 2),
    "stage2": stage("lion", [6.0, 5.0], [7.0, 7.2], 7.5, 1),
}


def lines(figure: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    (ax,) = figure.axes
    named = [line for line in ax.lines if not line.get_label().startswith("_")]
    return {line.get_label(): (np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in named}


def test_losses_of_all_stages() -> None:
    figure = draw_learning_curve(RESULTS, INITIAL)
    drawn = lines(figure)
    np.testing.assert_array_equal(drawn["training, met during the epoch"], ([0.5, 1.5, 2.5], [8.0, 7.0, 6.5]))
    np.testing.assert_array_equal(drawn["held out"], ([0, 1, 2, 3], [9.5, 8.5, 7.5, 7.7]))
    np.testing.assert_array_equal(drawn["kept"], ([2], [7.5]))
    assert drawn["start, held out: 13"][1][0] == 13.0
    assert drawn["prior alone, fitted, held out: 9"][1][0] == 9.0
    (ax,) = figure.axes
    second = [line for line in ax.lines if np.array_equal(line.get_ydata(), [7.5, 7.0, 7.2])]
    np.testing.assert_array_equal(second[0].get_xdata(), [3, 4, 5])
    assert {text.get_text() for text in ax.texts} == {"stage 1, adam", "stage 2, lion"}


def test_nothing_held_out_and_a_stage_skipped() -> None:
    results = {
        "prior_pretrain": {"skipped": "why"},
        "stage1": stage("adam", [8.0, 7.0], [], None, 2),
        "stage2": {"skipped": "why"},
    }
    drawn = lines(draw_learning_curve(results, {"train_loss": 1.0, "val_loss": None}))
    assert set(drawn) == {"training, met during the epoch"}


def test_no_epochs_at_all() -> None:
    results = {name: {"skipped": "why"} for name in RESULTS}
    (ax,) = draw_learning_curve(results, INITIAL).axes
    assert "every stage was skipped" in ax.texts[0].get_text()


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_files_are_the_same_each_time(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        write_learning_curve(path, RESULTS, INITIAL)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_suffix_that_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.png, \.svg, \.pdf"):
        write_learning_curve(tmp_path / "a.html", RESULTS, INITIAL)
