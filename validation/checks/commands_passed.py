"""What commands hand to the library's functions: every option of the command line, and what holds without it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from validation.called import BUNDLED, JAX, READ, READING, TOLD, UNTOLD, Place, numbers
from validation.check import Row, check, equal
from validation.context import Context
from validation.records import BOX

FIT, CURVE = "cgcore.fitting.fit.fit", "cgcore.fitting.learning_curve.learning_curve"

DRAWN = ("--max-frames", 5, "--seed", 3)
ALL = (*READING, "--accept-faults", "--no-cache")


@check("commands-passed", quick=True, needs=("matplotlib", "flax", "e3nn_jax"))
def commands_passed(context: Context) -> Iterator[Row]:
    """What each command hands to the functions that do its work, with all of its options and with none."""
    whole = cgcore.datasets.chignolin()
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name), whole.subset(40, 1), whole.subset(30, 2))
        batch = context.some(4).join()
        np.savez(place.frames, R=batch.R, F=batch.F)
        place.prior.write(place.priors)
        yield from _judged(place)
        yield from _learned(place)
        yield from _compressed(place)
        yield from _converted(place)


def _judged(place: Place) -> Iterator[Row]:
    """Evaluations, noise ceilings, residual forces and inspections."""
    judging = {"evaluate": ("evaluation.evaluate", "data"), "ceiling": ("evaluation.noise_ceiling", "dataset")}
    for command, (function, name) in judging.items():
        prior = "model" if command == "evaluate" else "prior"
        calls = place.calls(**{function.replace(".", "__"): numbers()})
        calls.ran(command, place.priors, place.frames, *DRAWN, *ALL)
        got = {prior: place.prior, name: place.read.subset(5, 3)}
        known = {READ: {"path": place.frames, **TOLD}, JAX: {"cache": False}, f"cgcore.{function}": got, BUNDLED: None}
        yield from calls.rows(f"{command}, all options", known)
        calls = place.calls(**{function.replace(".", "__"): numbers()})
        calls.ran(command, place.priors)
        got = {prior: place.prior, name: place.bundled}
        yield from calls.rows(
            f"{command}, no options", {READ: None, JAX: {"cache": True}, f"cgcore.{function}": got, BUNDLED: {}}
        )
    written = "cgcore.evaluation.residual.write_residual"
    for words, reading, cache in ((ALL, TOLD, False), ((), UNTOLD, True)):
        calls = place.calls(evaluation__residual__write_residual=None)
        calls.ran("residual", place.priors, place.frames, "-o", place.out("r.npz"), *words)
        got = {"path": place.out("r.npz"), "dataset": place.read, "prior": place.prior}
        known = {READ: {"path": place.frames, **reading}, JAX: {"cache": cache}, written: got}
        yield from calls.rows(f"residual, {len(words)} words", known)
    for words, path, data in (
        ((place.frames, *READING, "--no-cache"), place.frames, place.read),
        ((), None, place.bundled),
    ):
        calls = place.calls(inspection__inspect=SimpleNamespace(), report__inspection__render="")
        calls.ran("inspect", *words)
        read = None if path is None else {"path": path, "units": "nm-kj", "box": BOX}
        known = {READ: read, JAX: {"cache": path is None}, "cgcore.inspection.inspect": {"data": data}}
        yield from calls.rows(f"inspect, {len(words)} words", known)


def _learned(place: Place) -> Iterator[Row]:
    """Learning curves: of the command line's frames, and of the configuration's."""
    data = {"path": place.frames, "max_frames": 6}
    training = {"seed": 7, "val_fraction": 0.2, "pretrain_prior_max_steps": 9}
    place.says({"data": data, "model": {"priors": {"kr": 250.0}}, "training": training})
    config = ("--config", place.config)
    defaults, configured = cgcore.Options(max_steps=200, blocks=20), cgcore.Options(max_steps=9, blocks=20)
    told = cgcore.Options(max_steps=200, blocks=7)
    cases: list[tuple[tuple[Any, ...], dict[str, Any] | None, cgcore.Dataset, cgcore.Options, int, int]] = [
        ((place.frames, *DRAWN, *ALL, "--blocks", 7, "--draws", 4), TOLD, place.read.subset(5, 3), told, 4, 3),
        ((), None, place.bundled, defaults, 8, 0),
        (config, UNTOLD, place.read.subset(6, 7), configured, 8, 7),
        ((*config, "--seed", 0, "--max-frames", 4), UNTOLD, place.read.subset(4, 0), configured, 8, 0),
    ]
    for words, reading, frames, options, draws, seed in cases:
        calls = place.calls(
            fitting__fit__fit=SimpleNamespace(data=frames), fitting__learning_curve__learning_curve=numbers()
        )
        calls.ran("learning-curve", *words)
        known: dict[str, Mapping[str, Any] | None] = {
            READ: None if reading is None else {"path": place.frames, **reading},
            JAX: {"cache": "--no-cache" not in words},
            FIT: {"data": frames, "options": options, "validation": None},
            CURVE: {"draws": draws, "seed": seed},
        }
        yield from calls.rows(f"learning-curve, {len(words)} words", known)


def _compressed(place: Place) -> Iterator[Row]:
    """Factors: where parts are made and kept, and what goes into one."""
    place.says({"model": {"priors": {"kr": 250.0, "weights": {"bond": 0.25}}}})
    file, other = place.out("factor.npz"), place.out("parts")
    few, default = (cgcore.Prior.read(place.config), cgcore.default_prior())
    factor = SimpleNamespace(frames=3, beads=4, blocks=(), key="the factor")
    scheduler = ("--scheduler", "local:3")
    cases: list[tuple[tuple[Any, ...], dict[str, Any], cgcore.Prior, int, str | None, str | None]] = [
        (("--config", place.config, *ALL, "--blocks", 7, *scheduler, "--keep", other), TOLD, few, 7, "local:3", other),
        (scheduler, UNTOLD, default, 20, "local:3", f"{file}.parts"),
        (("--keep", other), UNTOLD, default, 20, None, other),
        ((), UNTOLD, default, 20, None, None),
    ]

    @contextmanager
    def executing(*_: Any) -> Iterator[Any]:
        yield "threads", lambda call, items: [call(item) for item in items]

    for words, reading, prior, blocks, address, folder in cases:
        calls = place.calls(
            cli__execution__executing=executing,
            fitting__door__door=SimpleNamespace(said=lambda _: ()),
            factor__compress__compress=factor,
            factor__factor__merge=factor,
            factor_file__save_factor=None,
            cluster__clear=None,
        )
        calls.ran("compress", place.frames, place.frames, "-o", file, *words)
        cache = "--no-cache" not in words
        known: dict[str, Mapping[str, Any] | None] = {
            READ: {"path": place.frames, **reading},
            JAX: {"cache": cache},
            "cgcore.cli.execution.executing": {"scheduler": address, "folder": folder, "cache": cache},
            "cgcore.fitting.door.door": {"data": place.read, "validation": None, "temperature": None},
            "cgcore.factor.compress.compress": {
                "dataset": place.read,
                "fingerprint": cgcore.Fingerprint.of(prior),
                "blocks": blocks,
                "execute": "threads",
            },
            "cgcore.factor.factor.merge": {"factors": (factor, factor)},
            "cgcore.factor_file.save_factor": {"path": file, "factor": factor},
            "cgcore.cluster.clear": None if folder is None else {"folder": folder},
        }
        name = f"compress, {len(words)} words"
        yield from calls.rows(name, known)
        yield equal(f"{name}, files that are read", len(calls.arguments.get(READ, [])), 2)


def _converted(place: Place) -> Iterator[Row]:
    """Frames in another form, named by a topology, and mapped from atoms."""
    file, named, mapped = place.out("made.npz"), "cgcore.mapping.naming.read_named", "cgcore.mapping.map_to_beads"
    one, two = (place.frames,), (place.frames, place.frames)
    given: dict[str, Any] = {"units": "nm-kj", "box": BOX}
    for words, paths, known in (
        ((*READING,), two, {READ: {"path": two, **given, "accept_faults": False}, named: None}),
        ((), one, {READ: {"path": one, **UNTOLD}, named: None}),
        (
            ("--topology", place.priors, *READING),
            two,
            {READ: None, named: {"topology": place.priors, "trajectories": two, **given}},
        ),
        (
            ("--topology", place.priors),
            one,
            {named: {"topology": place.priors, "trajectories": one, "units": None, "box": None}},
        ),
    ):
        calls = place.calls(mapping__naming__read_named=place.read)
        calls.ran("convert", *paths, "-o", file, *words)
        yield from calls.rows(f"convert, {len(words)} words", known)
    made = SimpleNamespace(dataset=place.read, maps=(), rigid=0, ridge=0.0, atoms=9, chosen="slice")
    for words, known in (
        (
            (*two, "--map", "residue", "--temperature", 310, *READING, "--beads", "ca"),
            {"trajectories": two, "force_map": "residue", **given, "temperature": 310.0},
        ),
        ((), {"trajectories": (), "force_map": "optimal", "units": None, "box": None, "temperature": None}),
    ):
        calls = place.calls(mapping__map_to_beads=made)
        calls.ran("map", place.priors, *words, "-o", file)
        yield from calls.rows(f"map, {len(words)} words", {mapped: {"topology": place.priors} | known})
