"""Commands that use several processes: a factor by Dask's workers, and training by two processes that JAX connects."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_most, check, equal
from validation.context import Context, five_terms, with_harmonics
from validation.settings.prior_configurations import prior_block, prior_training
from validation.tolerances import near, products

FRAMES, BLOCKS, BATCH = 60, 3, 8
EXACT = 1e-10
SUMMED = 1e-6
"""Tolerance between losses of training in float32, whose sums are taken in another order (observed: 3e-7)."""


@check("processes", needs=("distributed",))
def processes(context: Context) -> Iterator[Row]:
    """A factor by two workers, against the explicit matrix; training by two processes, against training by one."""
    prior = with_harmonics(five_terms(context.prior), 2, 2)
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        halves = folder / "a.npz", folder / "b.npz"
        for file, own in zip(halves, np.array_split(np.arange(len(R)), 2), strict=True):
            np.savez(file, R=R[own], F=F[own])
        (folder / "prior.yaml").write_text(json.dumps({"model": {"priors": prior_block(prior)}}), encoding="utf-8")
        words = "compress", *halves, "--config", folder / "prior.yaml", "--blocks", BLOCKS, "--accept-faults", "-o"
        alone, shared = folder / "alone.npz", folder / "shared.npz"
        waiting = _started(*words, alone), _started(*words, shared, "--scheduler", "local:2")
        for one in waiting:
            _finished(one)
        one, two = cgcore.load_factor(alone), cgcore.load_factor(shared)
        X = explicit.matrix(R, prior.weights, prior.params)
        yield equal("two workers, blocks", len(two.blocks), 2 * BLOCKS)
        for k, own in enumerate(np.array_split(np.arange(len(R)), 2 * BLOCKS)):
            off = products(two.blocks[k].S, X[own].reshape(-1, X.shape[-1]), F[own].ravel())
            yield at_most(f"two workers, S of block {k + 1}", off, EXACT, "relative")
        same = all(np.array_equal(a.S, b.S) for a, b in zip(one.blocks, two.blocks, strict=True))
        yield equal("two workers, equal in every bit to one process", same, True)
        yield from _trained(folder, prior.part(["bond", "repulsive"]), halves[0])  # compiles quickly


def _trained(folder: Path, prior: cgcore.Prior, data: Path) -> Iterator[Row]:
    """Losses of a stage with as many frames in a step, in one process and in two."""
    found: list[dict[str, Any]] = []
    for count in (1, 2):
        steps = {"epochs_adam": 2, "batch_per_device": BATCH // count}
        said = prior_training(data, prior, 1e-3, pretrain_prior=False, **steps)
        config, out = folder / f"train{count}.yaml", folder / f"out{count}"
        config.write_text(json.dumps(said), encoding="utf-8")
        words: tuple[Any, ...] = "train", config, "--accept-faults", "--output", out
        if count == 1:
            running = [_started(*words)]
        else:
            company = "--coordinator", f"127.0.0.1:{_free_port()}", "--processes", count, "--process"
            running = [_started(*words, *company, k) for k in range(count)]
        for one in running:
            _finished(one)
        found.append(json.loads((out / "train.json").read_text(encoding="utf-8"))["results"]["stage1"])
    yield equal("two processes, epochs", len(found[1]["loss_history"]), 2)
    for key in ("loss_history", "val_loss_history"):
        for epoch, (two, one) in enumerate(zip(found[1][key], found[0][key], strict=True)):
            yield near(f"two processes, {key} {epoch}", two, one, SUMMED, one)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _started(*words: Any) -> subprocess.Popen[str]:
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "cgcore", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _finished(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=300)
    if process.returncode not in (0, 1):  # 1: a loss of which nothing is asked here
        raise RuntimeError(f"a command failed: {said.strip()[-300:]}")
