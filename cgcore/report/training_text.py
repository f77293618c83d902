"""The texts of a training: the heading, and the tables at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cgcore.report.table import table
from cgcore.report.text import RULE


def name_of(part: str) -> str:
    """The name of a part of the pipeline in words: "stage 2" for "stage2"."""
    return "prior pre-training" if part == "prior_pretrain" else part.replace("stage", "stage ")


def opening(energy: str, trained: str, data: str, frames: int, held_out: int, devices: int) -> str:
    """The text printed before the training; `data` names the data."""
    where = "" if devices == 1 else f", on {devices} devices"
    what = f"{energy}: {frames} frames, {held_out} held out{where}\nData: {data}"
    return f"{RULE}\n{what}\nTrained in stages: {trained}\n{RULE}"


def closing(
    results: Mapping[str, Any], initial: Mapping[str, float | None], evaluation: Mapping[str, Any] | None
) -> str:
    """The text printed after the training.

    Arguments:
        results: result of `Trainer.train_full_pipeline`.
        initial: train_loss and val_loss of the initial parameters.
        evaluation: evaluation of the final parameters, see `cgcore.pipeline.evaluation`; None for none.
    """
    headers = ("Loss [(kcal/mol/Å)²]", "training", "held out", "steps", "epochs", "kept", "frames/s", "seconds")
    rows = [("at the start", _loss(initial["train_loss"]), _loss(initial["val_loss"]), *[""] * 5)]
    rows += [_row(name_of(name), result) for name, result in results.items() if "skipped" not in result]
    parts = [table(headers, rows), *_in_mean(results)]
    parts += [f"{name_of(name)}: skipped, {r['skipped']}" for name, r in results.items() if "skipped" in r]
    parts += [
        f"{name_of(name)}: ended in epoch {r['epochs']}, whose loss is not finite; what was finite is kept (a smaller "
        f"optimizer.{r['optimizer']}.lr or grad_clip helps)"
        for name, r in results.items()
        if not r.get("finite", True)
    ]
    if evaluation is not None:
        parts += ["", _evaluation(evaluation)]
    return "\n".join(parts)


def _row(name: str, result: Mapping[str, Any]) -> tuple[str, ...]:
    losses = _loss(result["train_loss"]), _loss(result["val_loss"])
    if "optimizer" not in result:
        return name, *losses, str(result["steps"]), "", "", "", ""
    seconds, rate = result["seconds"], result["frames_per_second"]
    return (
        f"{name}, {result['optimizer']}",
        *losses,
        str(result["steps"]),
        str(result["epochs"]),
        str(result["best_epoch"]),
        "" if rate is None else f"{rate:.0f}",
        f"{seconds.compile + seconds.run:.1f}",
    )


def _in_mean(results: Mapping[str, Any]) -> list[str]:
    """Losses of stages in the other normalisation, for comparison with other programs."""
    rows = [
        (name_of(name), _loss(result["train_loss_in_mean"]), _loss(result["val_loss_in_mean"]))
        for name, result in results.items()
        if "train_loss_in_mean" in result
    ]
    return (
        [f"\n{table(('The same, mean over frames x N_max x 3, padding included', 'training', 'held out'), rows)}\n"]
        if rows
        else []
    )


def _evaluation(found: Mapping[str, Any]) -> str:
    lines = [
        f"Forces on {found['frames']} {found['of']} frames: RMSE {found['force_rmse']:.4f}, "
        f"MAE {found['force_mae']:.4f} kcal/mol/Å, cosine {found['cosine']:.4f}"
    ]
    rows = [(name, f"{value:.4f}") for name, value in found["components"].items()]
    rows.append(("reference", f"{found['reference']:.4f}"))
    return "\n".join([*lines, table(("Mean |F|² of a bead [(kcal/mol/Å)²]", ""), rows)])


def _loss(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
