"""What `cgcore fit` hands to the library's functions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import cgcore
from validation.called import JAX, READ, READING, TOLD, UNTOLD, Place
from validation.check import Row, check, equal
from validation.context import Context

FIT, SCAN = "cgcore.fitting.fit.fit", "cgcore.fitting.scan.scan"

FAULTY = (*READING, "--accept-faults")
DRAWN = ("--max-frames", 20, "--seed", 3)


@check("commands-passed-fits", quick=True, needs=("matplotlib",))
def commands_passed_fits(_: Context) -> Iterator[Row]:
    """What a fit gets from options and configurations: frames, settings, scans and files."""
    whole = cgcore.datasets.chignolin()
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name), whole.subset(40, 1), whole.subset(30, 2))
        np.savez(place.frames, x=np.zeros(1))
        yield from _fitted(place)


def _fitted(place: Place) -> Iterator[Row]:
    """Fits: frames, options, scans, files, and the exit code."""
    training = {"seed": 7, "val_fraction": 0.25, "hold_out": "last_rows", "pretrain_prior_max_steps": 9}
    training |= {"epochs_adam": 3}
    place.says(
        {"data": {"path": place.frames, "max_frames": 16}, "model": {"priors": {"kr": 250.0}}, "training": training}
    )
    out, picture, config = place.out("fit"), place.out("fit.svg"), ("--config", place.config)
    plain = cgcore.Options(
        objective="direct", coordinates="physical", temperature=310.0, max_steps=8, min_steps=5, tol_grad=0.5,
        precision="float32", blocks=7,
    )  # fmt: skip
    smooth = cgcore.Options(constraints="nonnegative", smoothness=2e-3, pooling=0.5)
    usual = cgcore.Options(
        objective="compressed", coordinates="whitened", max_steps=200, tol_grad=1e-6, precision="float64", blocks=20
    )
    names = ("objective", "coordinates", "temperature", "max_steps", "min_steps", "tol_grad", "precision", "blocks")
    said = [word for name in names for word in (f"--{name.replace('_', '-')}", getattr(plain, name))]
    smoothed = ("--constraints", "nonnegative", "--smoothness", "2e-3", "--pooling", "0.5")
    files = ("--output", out, "--plot", picture)
    drawn, own = place.read.subset(20, 3), place.read.subset(16, 7)
    cases: list[tuple[tuple[Any, ...], dict[str, Any] | None, tuple[Any, Any], cgcore.Options]] = [
        ((place.frames, *said, *DRAWN, *FAULTY, "--no-cache", "--val-fraction", 0.2, *files), TOLD,
         drawn.split(0.2, "each_protein"), plain),
        ((), None, (place.bundled, None), usual),
        ((place.frames, *smoothed), UNTOLD, (place.read, None), smooth),
        ((*config,), UNTOLD, own.split(0.25, "last_rows"), cgcore.Options(max_steps=9)),
        ((*config, "--val-fraction", 0), UNTOLD, (own, None), cgcore.Options(max_steps=9)),
        ((*config, "--val-fraction", 0.2, *files), UNTOLD, own.split(0.2, "each_protein"), cgcore.Options(max_steps=9)),
    ]  # fmt: skip
    for words, reading, (train, held_out), options in cases:
        result = mock.Mock(converged=not words)
        calls = place.calls(fitting__fit__fit=result, report__text__closing="ended")
        ended = calls.ran("fit", *words)
        name = f"fit, {len(words)} words"
        known: dict[str, Mapping[str, Any] | None] = {
            READ: None if reading is None else {"path": place.frames, **reading},
            JAX: {"cache": "--no-cache" not in words},
            FIT: {"data": train, "validation": held_out, "options": options},
            "cgcore.report.text.closing": {"result": result},
        }
        yield from calls.rows(name, known)
        yield equal(f"{name}, exit code", ended.exit_code, 0 if not words else 1)
        unused = ("training.epochs_adam",) if "--config" in words else ()
        saved = mock.call(out, config_file=place.config if "--config" in words else None, unused=unused)
        wanted = "--output" in words
        yield equal(f"{name}, saved", str(result.save.mock_calls), str([saved] if wanted else []))
        yield equal(f"{name}, drawn", str(result.plot.mock_calls), str([mock.call(picture)] if wanted else []))
        text = f"ended\n\nWritten: {out}/fit.json, {out}/priors.yaml\nDrawn: {picture}\n" if wanted else "ended\n"
        yield equal(f"{name}, standard output", ended.stdout[-len(text) :], text)
    result = mock.Mock(converged=True)
    calls = place.calls(fitting__scan__scan=mock.Mock(result=result, **{"table.return_value": "table"}),
                        fitting__fit__fit=None, report__text__closing="ended")  # fmt: skip
    scans = ("--scan", "salt.length=5,8", "--scan", "kinds.x=2")
    ended = calls.ran("fit", place.frames, *scans, "--val-fraction", 0.2, "--output", out)
    train, held_out = place.read.split(0.2)
    values = {"salt.length": [5.0, 8.0], "kinds.x": [2.0]}
    known = {SCAN: {"data": train, "values": values, "options": usual, "validation": held_out}, FIT: None}
    yield from calls.rows("fit, scan", known)
    yield equal("fit, scan, standard output", ended.stdout.partition("table\nended")[1], "table\nended")
    yield equal("fit, scan, saved", result.save.call_count, 1)
