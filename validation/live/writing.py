"""Writes a recorded reference: output, frames and the sidecar of each, in the form that `recorded_outputs` reads."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore import InputError
from validation.files import write
from validation.recorded_outputs import Recorded

PRECISIONS = ("float64", "float32")


def refuse(folder: Path, script: Path) -> None:
    """Refuse a folder in which this script cannot be recorded, before the script runs.

    Raises:
        InputError: it contains a record of that name, is a file, cannot be written, or a package is missing.
    """
    if find_spec("tomli_w") is None:
        raise InputError("--record needs tomli-w; install cgcore[test]")
    for precision in PRECISIONS:
        for name in _names(f"{script.stem}.{precision}"):
            if (folder / name).exists():
                raise InputError(_taken(folder / name))
    _folder(folder)


def write_record(folder: Path, script: Path, record: Recorded) -> str:
    """Write the four files and return the name of the output. The output's sidecar is written last and completes the
    record.

    Raises:
        InputError: a file of that name exists, or one cannot be written.
    """
    import tomli_w

    names = _names(record.name)
    frames = _npz(record.data)
    about = {
        "what": f"{record.data.n_frames} frames x {record.data.n_beads} beads, as {script.name} was given them.",
        "file": names[0],
        "sha256": _sha256(frames),
        "units": "angstrom-kcal",
        "made": f"Chosen from {Path(record.data.path).name}, SHA-256 {record.data.sha256}.",
        "frames": {source: ranges for source, ranges in record.data.frame_ranges().items()},
    }
    output = {"dataset": names[0], "dataset_sha256": _sha256(frames), **record.output}
    text = json.dumps(output, indent=1, allow_nan=False).encode()
    sidecar: dict[str, Any] = {
        "output": names[2],
        "output_sha256": _sha256(text),
        "data": names[0],
        "data_sha256": _sha256(frames),
        "made": shlex.join(sys.orig_argv),
        "script_sha256": _sha256(script.read_bytes()),
        **record.sidecar,
    }
    contents = (frames, tomli_w.dumps(about).encode(), text, tomli_w.dumps(sidecar).encode())
    _folder(folder)
    written: list[Path] = []
    try:
        for name, content in zip(names, contents, strict=True):
            if (folder / name).exists():
                raise InputError(_taken(folder / name))
            write(folder / name, content)
            written.append(folder / name)
    except InputError:
        for path in written:  # part of a record is useless and would block the next one
            path.unlink(missing_ok=True)
        raise
    return names[2]


def _names(name: str) -> tuple[str, str, str, str]:
    return f"{name}.npz", f"{name}.npz.toml", f"{name}.json", f"{name}.json.toml"


def _taken(path: Path) -> str:
    return f"{path} exists; give another --record folder, or move the file away"


def _npz(data: cgcore.Dataset) -> bytes:
    """The frames as NPZ content, so that the record needs no other file."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **data.join()._asdict())
    return file.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); check the folder and its rights") from error
