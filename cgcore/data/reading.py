"""The door: files or arrays come in, checked frames come out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.checks import ForcesCheck, PositionsCheck
from cgcore.data.dataset import Dataset
from cgcore.data.frames import Frames, Store
from cgcore.data.layout import Lengths, check_layout
from cgcore.data.npz import RowCheck, open_npz, show
from cgcore.data.proteins import Proteins
from cgcore.data.stored import Rows
from cgcore.data.units import factors
from cgcore.errors import InputError
from cgcore.files import require_name


def read(path: str | os.PathLike[str], *, units: str = "angstrom-kcal") -> Dataset:
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
        frames, skipped_here = _read_file(file, units)
        sources.append(frames)
        skipped.update(dict.fromkeys(skipped_here))
        sha256 = frames.sha256
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
    check_layout(name, arrays, {})
    lengths = Lengths(name, *arrays["R"].shape[:2])
    if "mask" in arrays:
        show(arrays["mask"], lengths)
    checked = _Checked(name, arrays, lengths.checked(), units)
    for key, check in checked.checks.items():
        show(arrays[key], check)
    digest = hashlib.sha256()
    for key in ("R", "F"):
        digest.update(np.ascontiguousarray(arrays[key]).data)
    sha256 = digest.hexdigest()
    return Dataset((checked.frames(name, {}, sha256),), name, sha256, (), units)


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


def _read_file(file: Path, units: str) -> tuple[Frames, tuple[str, ...]]:
    """The frames of a file, and the keys that were skipped. All is read once, but for the mask, which comes first."""
    opened = open_npz(file)
    name, arrays = str(file), opened.arrays
    n_frames, n_beads = arrays["R"].shape[:2]
    lengths = Lengths(name, n_frames, n_beads)
    if "mask" in arrays:
        opened.read_one("mask", lengths)
    checked = _Checked(name, arrays, lengths.checked(), units)
    sha256 = opened.read(checked.checks)
    return checked.frames(file.name, opened.extras, sha256), opened.skipped_keys


class _Checked:
    """The checks of one source, and the frames that come of them."""

    def __init__(self, name: str, arrays: Mapping[str, Rows], lengths: np.ndarray, units: str) -> None:
        self.lengths = lengths
        self.store = Store(arrays["R"], arrays["F"], arrays.get("species"), units)
        self.positions = PositionsCheck(name, self.store, lengths)
        self.forces = ForcesCheck(name, self.store, lengths)
        self.proteins = Proteins(name, lengths, arrays["R"].shape[1])
        self.checks: dict[str, RowCheck] = {"R": self.positions, "F": self.forces}
        if self.store.species is None:
            self.proteins.add(0, None)
        else:
            self.checks["species"] = self.proteins

    def frames(self, source: str, extras: dict[str, np.ndarray], sha256: str) -> Frames:
        """Raises InputError for the first of what the checks found wrong."""
        names = self.proteins.names(extras.get("resname"))
        self.positions.require_right()
        self.forces.require_right()
        return Frames(source, self.lengths, self.proteins.labels, names, extras, self.store, sha256=sha256)
