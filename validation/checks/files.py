"""Values in YAML files, the files of a run beside its record, and damaged lists of arrays in NPZ files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore import InputError
from cgcore.config import load_config
from cgcore.files import differing_record
from cgcore.files.strict_yaml import read_yaml
from validation.check import Row, check, equal, refuses
from validation.context import Context
from validation.refused.frames import frames


@check("files", quick=True)
def files(context: Context) -> Iterator[Row]:
    """Values of a YAML file, one by one; files of one run beside the record of another; damaged lists of arrays."""
    with tempfile.TemporaryDirectory() as name:
        yield from _scalars(Path(name))
        yield from _mixed(Path(name))
        yield from _beside(Path(name))
        for save in (np.savez, np.savez_compressed):
            yield from _flipped(save, Path(name) / "frames.npz")


def _scalars(folder: Path) -> Iterator[Row]:
    """Values of a YAML file: numbers, texts and nulls as in YAML 1.2, flags also as in YAML 1.1."""
    flags = {True: "true yes on", False: "false no off"}
    known: dict[str, Any] = {
        word: value
        for value, words in flags.items()
        for lower in words.split()
        for word in (lower, lower.title(), lower.upper())
    }
    known |= {"~": None, "null": None, "Null": None, "tRUE": "tRUE", "yesterday": "yesterday", "'on'": "on", "y": "y"}
    known |= {
        "12": 12,
        "-7": -7,
        "+3": 3,
        "0o17": 15,
        "0x1F": 31,
        "1e-3": 1e-3,
        "-2.5E+2": -250.0,
        ".5": 0.5,
        "5.": 5.0,
    }
    known |= {".inf": np.inf, "-.INF": -np.inf, "1e5x": "1e5x", "2026-11-30": "2026-11-30", '"12"': "12", "0": 0}
    path = folder / "scalars.yaml"
    path.write_text("".join(f"- {text}\n" for text in known), encoding="utf-8")
    found = dict(zip(known, read_yaml(path), strict=True))
    differing = [text for text, value in known.items() if (type(found[text]), found[text]) != (type(value), value)]
    yield equal("YAML, scalars that differ", ", ".join(differing), "")
    for text in ("0150", "3:50", "1_000", "0b101", "!!python/name:os.system", "&a [*a]", "{x: 1, x: 2}"):
        path.write_text(f"value: {text}\n", encoding="utf-8")
        yield equal(f"YAML, {text}, refused", refuses(lambda: read_yaml(path)), True)


def _mixed(folder: Path) -> Iterator[Row]:
    """Files of one run beside the record of another."""
    file = folder / "mixed.yaml"
    file.write_text("a", encoding="utf-8")
    right, wrong = hashlib.sha256(b"a").hexdigest(), hashlib.sha256(b"b").hexdigest()
    for record in ("fit.json", "train.json"):
        for digest, known in ((right, None), (wrong, str(folder / record))):
            (folder / record).write_text(json.dumps({"files": {file.name: digest}}), encoding="utf-8")
            yield equal(f"{record}, another run's, {digest == wrong}", str(differing_record(file)), str(known))
        (folder / record).unlink()


def _beside(folder: Path) -> Iterator[Row]:
    """Files that a configuration names: beside it, else in the working folder."""
    here, there = folder / "here", folder / "there"
    for place in (here, there):
        place.mkdir()
    blocks = {"data": {"path": "x.npz"}, "model": {"priors": {"spline_file": "x.npz"}}}
    with contextlib.chdir(here):
        for of_each in ((there,), (here, there), (here,), ()):
            for place in of_each:
                (place / "x.npz").write_bytes(b"")
            for key, said in blocks.items():
                (there / "fit.yaml").write_text(json.dumps({key: said}), encoding="utf-8")
                known = "refused" if not of_each else str(there / "x.npz") if there in of_each else "x.npz"
                try:
                    found = load_config(there / "fit.yaml", needs_data=True)
                    ours = str(found.data_path if key == "data" else found.spline_file)
                except InputError:
                    ours = "refused"
                where = " and ".join(place.name for place in of_each) or "nowhere"
                yield equal(f"file of the block {key} of a configuration there, if it is {where}", ours, known)
            for place in of_each:
                (place / "x.npz").unlink()


def _flipped(save: Callable[..., None], path: Path) -> Iterator[Row]:
    """The list of arrays at the end of an NPZ file, which has no checksum, with one bit of each byte flipped: refused,
    or read as it was."""
    save(path, **frames(), temperature=310.0)
    content = path.read_bytes()
    known = _read(path)
    listed = range(content.index(b"PK\1\2"), len(content))
    differing = []
    for at in listed:
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        try:
            found = _read(path)
        except InputError:
            continue
        if found != known:
            differing.append(at - listed.start)
    yield equal(f"{save.__name__}, flipped bits that change what is read", ", ".join(map(str, differing)), "")


def _read(path: Path) -> tuple[Any, ...]:
    data = cgcore.read(path)
    return *(array.tobytes() for array in data.join()), data.temperatures, data.skipped_keys
