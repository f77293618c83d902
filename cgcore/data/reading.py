"""The door: files or arrays come in, checked frames come out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.checks import check_values
from cgcore.data.dataset import Dataset
from cgcore.data.frames import Frames, Store
from cgcore.data.layout import check_layout, read_lengths
from cgcore.data.npz import open_npz
from cgcore.data.proteins import label_proteins
from cgcore.data.stored import Rows
from cgcore.data.units import factors
from cgcore.errors import InputError
from cgcore.files import require_name


def read(path: str | Path, *, units: str = "angstrom-kcal") -> Dataset:
    """Read and check an NPZ file, or all `*.npz` of a folder by name (hidden files aside).

    Keys: `R`, `F` (frames, beads, 3) in `units` (see `UNITS`), `mask` (frames, beads) with 1 for a real bead
    and 0 for padding, real beads first, and `species` (frames, beads) whole numbers. Without `mask` all beads
    are real; `species` may be missing. `N_max`, if there, must be the number of beads. Other plain arrays up
    to 16 MiB become `extras`; object arrays are never unpickled. The files must stay as they are while the
    result is in use, because uncompressed arrays are read from them when needed.

    Raises InputError, one sentence that names file, key, place and mend, for anything that cannot be used.
    """
    factors(units)
    require_name(path, "the path of the data")
    path = Path(path)
    files, is_folder = _files(path)
    sources: list[Frames] = []
    skipped: dict[str, None] = {}
    lines: list[bytes] = []
    sha256 = ""
    for file in files:
        archive = open_npz(file)
        sources.append(_checked(str(file), file.name, archive.arrays, archive.extras, units))
        skipped.update(dict.fromkeys(archive.skipped_keys))
        sha256 = archive.sha256
        lines.append(os.fsencode(file.name) + b"\0" + sha256.encode() + b"\n")
    if is_folder:
        sha256 = hashlib.sha256(b"".join(lines)).hexdigest()
    return Dataset(tuple(sources), str(path), sha256, tuple(skipped), units)


def from_arrays(
    R: Any,
    F: Any,
    mask: Any = None,
    species: Any = None,
    *,
    units: str = "angstrom-kcal",
    name: str = "arrays",
) -> Dataset:
    """Check arrays (as in `read`; they are not copied) and make them a dataset of one source.

    Raises InputError as `read` does, with `name` in the place of the file.
    """
    factors(units)
    arrays: dict[str, np.ndarray] = {}
    for key, value in {"R": R, "F": F, "mask": mask, "species": species}.items():
        if value is None:
            continue
        try:
            arrays[key] = np.asarray(value)
        except (ValueError, TypeError) as error:
            raise InputError(f"{name}: key {key!r} is not an array ({error}); give a plain numeric array.") from error
    frames = _checked(name, name, arrays, {}, units)
    digest = hashlib.sha256()
    for key in ("R", "F"):
        digest.update(np.ascontiguousarray(arrays[key]).data)
    return Dataset((frames,), name, digest.hexdigest(), (), units)


def _files(path: Path) -> tuple[list[Path], bool]:
    """The files to read, and whether they come from a folder."""
    try:
        if not path.is_dir():
            path.stat()
            return [path], False
        names = sorted(entry for entry in os.listdir(path) if entry.endswith(".npz") and not entry.startswith("."))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file or folder; check the path.") from error
    # ValueError: a path with a zero byte in it.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); check the path and its permissions.") from error
    if not names:
        raise InputError(f"{path}: the folder holds no *.npz file; give a folder with at least one.")
    return [path / entry for entry in names], True


def _checked(name: str, source: str, arrays: Mapping[str, Rows], extras: dict[str, np.ndarray], units: str) -> Frames:
    check_layout(name, arrays, extras)
    R, species = arrays["R"], arrays.get("species")
    n_frames, n_beads = R.shape[:2]
    lengths = read_lengths(name, arrays.get("mask"), n_frames, n_beads)
    protein, names = label_proteins(name, species, lengths, n_beads, extras.get("resname"))
    frames = Frames(source, lengths, protein, names, extras, Store(R, arrays["F"], species, units))
    check_values(name, frames)
    return frames
