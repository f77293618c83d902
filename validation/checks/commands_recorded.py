"""What commands write and say around the library's functions: records, sentences, and what is refused at once."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from cgcore.report.record import versions
from validation.called import READING, Place, numbers
from validation.check import Row, check, equal, refusal
from validation.context import Context

DRAWN = ("--max-frames", 5, "--seed", 3)


@check("commands-recorded", quick=True, needs=("matplotlib",))
def commands_recorded(context: Context) -> Iterator[Row]:
    """Records that commands write, what they say, and what they refuse before anything is read."""
    whole = replace(cgcore.datasets.chignolin().subset(12, 1), skipped_keys=("v", "w"), notes=("a note",))
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name), whole, cgcore.datasets.chignolin().subset(30, 2))
        batch = context.some(4).join()
        np.savez(place.frames, R=batch.R, F=batch.F)
        place.prior.write(place.priors)
        yield from _records(place)
        yield from _said(place)
        yield from _refused(place)


def _records(place: Place) -> Iterator[Row]:
    """Where the numbers in a record come from: the model, the frames that were used, settings and versions."""
    used = place.read.subset(5, 3)
    frames = {name: [list(one) for one in ranges] for name, ranges in used.frame_ranges().items()}
    data = {"path": used.path, "sha256": used.sha256, "used_frames": frames}
    calls = place.calls(evaluation__evaluate=numbers())
    drawn = place.out("drawn.png")
    calls.ran("evaluate", place.priors, place.frames, *DRAWN, *READING, "--output", place.out("e"), "--plot", drawn)
    settings = {"model": place.priors, "max_frames": 5, "seed": 3, "units": used.units, "box": [60.0, 66.0, 72.0]}
    yield from _same("evaluate", place.out("e/evaluation.json"), {"config": settings, "data": data})
    yield equal("evaluate, picture", Path(drawn).exists(), True)
    calls = place.calls(evaluation__noise_ceiling=numbers())
    calls.ran("ceiling", place.priors, place.frames, *DRAWN, "--json", place.out("c.json"))
    yield from _same("ceiling", place.out("c.json"), {"priors": place.priors, "data": data})
    place.says({"model": {"priors": {"kr": 250.0}}})
    calls = place.calls(fitting__fit__fit=SimpleNamespace(data=used), fitting__learning_curve__learning_curve=numbers())
    words = ("--config", place.config, *DRAWN, *READING, "--blocks", 7, "--output", place.out("l"))
    calls.ran("learning-curve", place.frames, *words)
    settings = {"file": place.config, "max_frames": 5, "seed": 3, "units": "nm-kj", "box": [60.0, 66.0, 72.0]}
    settings |= {"options": asdict(cgcore.Options(blocks=7))}
    sizes = {"frames": 5, "beads": 10, "real_beads": 50, "held_out_frames": None}
    yield from _same("learning-curve", place.out("l/learning_curve.json"), {"config": settings, "data": data | sizes})
    yield equal("learning-curve, picture", Path(place.out("l/learning_curve.png")).exists(), True)
    calls = place.calls(
        inspection__inspect="found",
        report__inspection__render="text",
        report__inspection_record__inspection_record={"own": 2.5},
        report__inspection_figure__draw_inspection="figure",
        report__picture__write_picture=None,
    )
    calls.ran("inspect", place.frames, "--json", place.out("i.json"), "--plot", place.out("i.svg"))
    yield equal("inspect, record", str(json.loads(Path(place.out("i.json")).read_text())), str({"own": 2.5}))
    known = {
        "cgcore.report.inspection_record.inspection_record": {"found": "found"},
        "cgcore.report.inspection_figure.draw_inspection": {"found": "found"},
        "cgcore.report.picture.write_picture": {"path": place.out("i.svg"), "figure": "figure"},
    }
    yield from calls.rows("inspect", known)


def _same(name: str, path: str, known: dict[str, Any]) -> Iterator[Row]:
    """Whether a record holds its numbers, what it says about them, and nothing else."""
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    known = {"own": 2.5, **known, "versions": versions()}
    yield equal(f"{name}, entries of its record", " ".join(found), " ".join(known))
    for key, value in known.items():
        parts = value if isinstance(value, dict) else {"": value}
        own = found.get(key) if isinstance(value, dict) else {"": found.get(key)}
        yield equal(f"{name}, entries of {key}", str(sorted(own or ())), str(sorted(parts)))
        differing = [part or key for part, one in parts.items() if (own or {}).get(part, "absent") != one]
        yield equal(f"{name}, {key}, what differs", " ".join(differing), "")


def _said(place: Place) -> Iterator[Row]:
    """What stands on both streams: what was not read, the result, and the files that were written."""
    (place.folder / "fit.json").write_text(json.dumps({"files": {"priors.yaml": "another"}}), encoding="utf-8")
    mixed = (
        f"{place.priors}: does not match {place.out('fit.json')}; one of them comes from another run or was edited\n"
    )
    reading = f"{place.read.path}: not read: v, w\na note\n"
    out, file, picture = place.out("said"), place.out("said.npz"), place.out("said.svg")
    inside = f"Written: {out}/evaluation.json\nWritten: {picture}\n"
    curve = f"Written: {out}/learning_curve.json\nWritten: {out}/learning_curve.png\n"
    data = "the bundled set (chignolin), at most 12 frames drawn with seed 1, 12 frames"
    size = f"{file}: 12 frames, 120 real beads, Å and kcal/mol/Å\n"
    cases: list[tuple[tuple[Any, ...], str, str]] = [
        (("evaluate", place.priors, place.frames), "text\n", reading + mixed),
        (("evaluate", place.priors, place.frames, "--output", out, "--plot", picture), f"text\n\n{inside}",
         reading + mixed),
        (("ceiling", place.priors, place.frames), "text\n", reading),
        (("ceiling", place.priors, place.frames, "--json", file), f"text\n\nWritten: {file}\n", reading),
        (("residual", place.priors, place.frames, "-o", file),
         f"Written: {file}, 12 frames with the forces that the prior leaves\n", reading),
        (("inspect", place.frames, "--json", file, "--plot", picture),
         f"text\nWritten: {file}\nDrawn: {picture}\n", ""),
        (("learning-curve", place.frames, "--output", out), f"Data: {data}\n\ntext\n\n{curve}", reading),
        (("learning-curve", place.frames), f"Data: {data}\n\ntext\n", reading),
        (("convert", place.frames, "-o", file), f"sources\n{size}", reading),
        (("map", place.priors, place.frames, "-o", file), f"maps\n{size}", reading),
        (("merge", place.frames, place.frames, "-o", file), f"{file}: 3 frames, 40 real beads, 2 blocks\n", ""),
        (("export", place.priors, "--beads", 3, "--to", "openmm", "-o", file), f"Written: {file}\n", mixed),
    ]  # fmt: skip
    factor = SimpleNamespace(frames=3, beads=40, blocks=(1, 2), fingerprint=cgcore.Fingerprint.of(place.prior))
    for words, out_known, notes in cases:
        calls = place.calls(
            evaluation__evaluate=numbers(),
            evaluation__noise_ceiling=numbers(),
            evaluation__residual__write_residual=None,
            inspection__inspect=None,
            report__inspection__render="text",
            report__inspection_record__inspection_record={},
            report__inspection_figure__draw_inspection=None,
            report__picture__write_picture=None,
            fitting__fit__fit=SimpleNamespace(data=place.read),
            fitting__learning_curve__learning_curve=numbers(),
            cli__convert___sources="sources",
            cli__map___maps="maps",
            mapping__map_to_beads=SimpleNamespace(dataset=place.read),
            factor_file__load_factor=factor,
            factor_file__save_factor=None,
            factor__factor__merge=factor,
            export__openmm__write_openmm=None,
        )
        ended = calls.ran(*words)
        name = " ".join(Path(str(word)).name for word in words)
        yield equal(f"{name}, standard output", ended.stdout, out_known)
        yield equal(f"{name}, standard error", ended.stderr, notes)


def _refused(place: Place) -> Iterator[Row]:
    """Factors in the place of frames, and files that cannot be written, or that would overwrite an input."""
    (place.folder / "taken").touch()
    below, file, frames, priors = place.out("taken/x"), place.out("new.npz"), place.frames, place.priors
    place.says({"model": {"priors": {"kr": 250.0}, "ml_model": "none", "train_priors": True}})
    factors: list[tuple[Any, ...]] = [
        ("evaluate", priors, frames),
        ("ceiling", priors, frames),
        ("residual", priors, frames, "-o", file),
        ("inspect", frames),
        ("convert", frames, "-o", file),
        ("map", priors, frames, "-o", file),
        ("simulate", priors, frames),
        ("compress", frames, "-o", file),
        ("train", place.config, frames),
    ]
    outputs: list[tuple[Any, ...]] = [
        *(("evaluate", priors, frames, option, f"{below}.svg") for option in ("--output", "--plot")),
        ("ceiling", priors, frames, "--json", below),
        ("residual", priors, frames, "-o", below),
        *(("inspect", frames, option, f"{below}.svg") for option in ("--json", "--plot")),
        *(("learning-curve", frames, option, f"{below}.svg") for option in ("--output", "--plot")),
        *(("simulate", priors, frames, option, f"{below}.pdb") for option in ("--output", "--trajectory")),
        ("simulate", priors, frames, "--plot", f"{below}.svg"),
        *(("fit", frames, option, f"{below}.svg") for option in ("--output", "--plot")),
        *(("train", place.config, frames, option, f"{below}.svg") for option in ("--output", "--plot")),
        *((*words, "-o", below) for words in (("convert", frames), ("map", priors, frames), ("compress", frames))),
        ("merge", frames, "-o", below),
    ]
    overwritten: list[tuple[Any, ...]] = [
        ("convert", frames, "-o", frames),
        ("map", priors, frames, "-o", frames),
        ("map", priors, frames, "-o", priors),
        ("compress", frames, "-o", frames),
    ]
    for cases, factor, sentence in (
        (factors, True, "is a factor, not frames"),
        (outputs, False, "cannot write"),
        (overwritten, False, "is an input file, which the"),
    ):
        for words in cases:
            calls = place.calls(
                data__read=_stop,
                datasets__chignolin=_stop,
                mapping__map_to_beads=_stop,
                factor_file__load_factor=_stop,
                factor_file__is_factor=factor,
            )
            name = " ".join(Path(str(word)).name for word in words)
            said = refusal(partial(calls.ran, *words)) or "accepted"
            yield equal(f"{name}, refused", sentence if sentence in said else said, sentence)


def _stop(*_: Any, **__: Any) -> None:
    raise cgcore.InputError("the data are read")
