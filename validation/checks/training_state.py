"""Which epoch's parameters a stage keeps, and when it ends, for every course that losses can take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Literal

import numpy as np

from cgcore.pipeline.state import TrainingState
from validation.check import Row, check, equal
from validation.context import Context

TRAINING = (3.0, math.nan, math.inf)
HELD_OUT = (None, 2.0, 1.0, math.nan, math.inf)
"""Losses that an epoch can have; None without held-out frames."""
EPOCHS = 3


@check("training-state", quick=True)
def training_state(context: Context) -> Iterator[Row]:
    """Kept parameters, and whether losses are finite, after up to three epochs, against a plain loop."""
    keeps: tuple[Literal["best", "last"], ...] = ("best", "last")
    for keep in keeps:
        wrong: list[str] = []
        courses = 0
        for course in product(product(TRAINING, HELD_OUT), repeat=EPOCHS):
            if len({held_out is None for _, held_out in course}) == 2:
                continue  # frames are held out in all epochs or in none
            courses += 1
            state = TrainingState.of({"prior": {"x": np.array(0.0)}})
            for epoch, (loss, held_out) in enumerate(course, 1):
                state = state.after_epoch({"prior": {"x": np.array(float(epoch))}}, None, loss, held_out, keep)
                if not state.finite:
                    break
            kept, finite, done = _known(course, keep)
            found = int(state.kept["prior"]["x"]), state.kept_epoch, state.finite, state.epoch
            if found != (kept, kept, finite, done):
                wrong.append(f"{course}: {found}")
        yield equal(f"{keep}, courses of losses", courses, len(TRAINING) ** EPOCHS * (4**EPOCHS + 1))
        yield equal(f"{keep}, courses with a wrong end", "; ".join(wrong[:3]), "")


def _known(course: tuple[tuple[float, float | None], ...], keep: str) -> tuple[int, bool, int]:
    """The epoch that is kept, 0 for the start; whether all losses were finite; and the number of epochs done."""
    kept, least = 0, math.inf
    for epoch, (loss, held_out) in enumerate(course, 1):
        if not all(math.isfinite(one) for one in (loss, held_out) if one is not None):
            return kept, False, epoch
        if held_out is None or keep == "last" or held_out < least:
            kept, least = epoch, math.inf if held_out is None else held_out
    return kept, True, len(course)
