"""The loader that existing training scripts use: frames that are drawn, split, replaced, and handed to the pipeline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from validation.check import Row, check, equal
from validation.context import Context
from validation.scripts.loaders import loaders

FRAMES, DRAWN, SEED = 40, 25, 3

FRACTION = 0.14
"""Held-out fraction for which the number of training frames, 21.5, is rounded up to 22."""

KELVIN, GAP = 310.0, 4
"""Temperature of the data, and the bead before a gap in the chain."""


@check("scripts", quick=True, needs=("e3nn_jax", "orbax.checkpoint"))
def scripts(context: Context) -> Iterator[Row]:
    """Frames of `cgcore.compat.DatasetLoader` against the draws and splits of scripts, made with NumPy."""
    from cgcore.compat import DatasetLoader

    batch = cgcore.datasets.chignolin().subset(FRAMES).join()
    R, F = (np.asarray(x, np.float32) for x in (batch.R, batch.F))
    species = np.tile(np.arange(R.shape[1]) % 4, (len(R), 1))
    resid = np.arange(R.shape[1]) + 2 * (np.arange(R.shape[1]) >= GAP)
    with tempfile.TemporaryDirectory() as folder:
        yield from loaders(Path(folder))
        path = Path(folder) / "frames.npz"
        np.savez(path, R=R, F=F, species=species, resid=resid, temperature=KELVIN)
        loader: Any = DatasetLoader(path, max_frames=DRAWN, seed=SEED)
        drawn = np.random.RandomState(SEED).permutation(FRAMES)[:DRAWN]
        parts = loader.split_train_val(FRACTION)
        cut = round(DRAWN * (1 - FRACTION))
        for name, own, rows in zip(("train", "held out"), parts, (drawn[:cut], drawn[cut:]), strict=True):
            for key, known in (("R", R), ("F", F), ("species", species)):
                yield equal(f"{name}, {key}", np.array_equal(getattr(own, key), known[rows]), True)
            batch = own.get_batch(1, 3)
            yield equal(f"{name}, a batch", np.array_equal(batch[0], R[rows[1:3]]), True)
            yield from _in_the_pipeline(name, own, R[np.sort(rows)], F[np.sort(rows)])
            own.R = own.R - own.R.mean(axis=1, keepdims=True)
            yield from _in_the_pipeline(f"{name}, centred", own, own.R, F[rows])


def _in_the_pipeline(name: str, loader: Any, R: np.ndarray, F: np.ndarray) -> Iterator[Row]:
    """The frames that the pipeline gets, with what the file says of them."""
    found = loader.pipeline_loader().dataset
    joined = found.join()
    yield equal(f"{name}, positions in the pipeline", np.array_equal(joined.R, R), True)
    yield equal(f"{name}, forces in the pipeline", np.array_equal(joined.F, F), True)
    yield equal(f"{name}, temperatures in the pipeline", str(found.temperatures), str((KELVIN,)))
    sites = found.sites()
    steps = [] if sites is None else np.diff(sites[0]).tolist()
    yield equal(f"{name}, gap in the pipeline", steps.index(max(steps)) if steps and max(steps) > 1 else -1, GAP - 1)
