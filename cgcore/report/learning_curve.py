"""Picture of the loss by epoch, through all stages of the full pipeline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from cgcore.report.picture import write_picture
from cgcore.report.style import BLUE, DARK, GREEN, GREY, LIGHT, VERMILION, Figure, note, styled
from cgcore.report.training_text import name_of

SIZE = (9.0, 5.2)
"""Size of the figure [inches]."""


def draw_learning_curve(results: Mapping[str, Any], initial: Mapping[str, float | None]) -> Figure:
    """Training and held-out loss of each epoch, as a matplotlib.figure.Figure that is not registered with pyplot.

    Arguments:
        results: result of `Trainer.train_full_pipeline`.
        initial: train_loss and val_loss of the initial parameters.

    Raises:
        InputError: matplotlib is not installed.
    """
    with styled():
        from matplotlib.figure import Figure as NewFigure

        figure = NewFigure(figsize=SIZE)
        figure.set_layout_engine("constrained")
        ax = figure.add_subplot()
        ax.set_title("Force-matching loss through the stages", pad=22)
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss [(kcal/mol/Å)²]")
        stages = {name: r for name, r in results.items() if name.startswith("stage") and r.get("loss_history")}
        if not stages:
            note(ax, "no epochs: every stage was skipped")
            return figure
        begin = 0
        for k, (name, stage) in enumerate(stages.items()):
            _draw_stage(ax, begin, stage, labelled=k == 0)
            end = begin + len(stage["loss_history"])
            ax.text((begin + end) / 2, 1.01, f"{name_of(name)}, {stage['optimizer']}", color=DARK, ha="center",
                    va="bottom", fontsize=9, transform=ax.get_xaxis_transform())  # fmt: skip
            ax.axvline(begin, color=LIGHT, lw=1, zorder=0)
            begin = end
        _reference(ax, "prior alone, fitted, held out", GREEN, results["prior_pretrain"].get("val_loss"))
        # The initial loss is often far above all others, so it may lie outside the axis.
        low, high = ax.get_ylim()
        _reference(ax, "start, held out", GREY, initial["val_loss"])
        ax.set_ylim(low, high)
        ax.set_xlim(0, 1.02 * begin)
        ax.locator_params(axis="x", integer=True)
        ax.legend(loc="best")
    return figure


def write_learning_curve(
    path: str | os.PathLike[str], results: Mapping[str, Any], initial: Mapping[str, float | None]
) -> None:
    """Write `draw_learning_curve` to a file, completely or not at all.

    Raises:
        InputError: the suffix is unknown, matplotlib is not installed, or the file cannot be written.
    """
    write_picture(path, draw_learning_curve(results, initial))


def _reference(ax: Any, label: str, color: str, loss: float | None) -> None:
    if loss is not None and np.isfinite(loss):
        ax.axhline(loss, color=color, ls="--", lw=1.3, label=f"{label}: {loss:.6g}")


def _draw_stage(ax: Any, begin: int, stage: Mapping[str, Any], *, labelled: bool) -> None:
    def label(text: str) -> str | None:
        return text if labelled else None

    loss, held_out = (np.asarray(stage[key], np.float64) for key in ("loss_history", "val_loss_history"))
    # A loss averaged over an epoch is drawn at its middle, a held-out loss at its end.
    ax.plot(begin + np.arange(len(loss)) + 0.5, loss, color=BLUE, label=label("training, met during the epoch"))
    if len(held_out):
        first = [] if stage["initial_val_loss"] is None else [stage["initial_val_loss"]]
        values = np.concatenate([first, held_out])
        x = begin + np.arange(len(values)) + 1 - len(first)
        ax.plot(x, values, color=VERMILION, label=label("held out"))
        ax.plot([begin + stage["best_epoch"]], [stage["val_loss"]], "o", color=VERMILION, ms=6, label=label("kept"))
