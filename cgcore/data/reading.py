"""Reading and checking frames from files or arrays."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.boxes import box_vectors
from cgcore.data.chains import find_sites
from cgcore.data.checks import ForcesCheck, PositionsCheck
from cgcore.data.dataset import Dataset
from cgcore.data.formats import Source, files_of, open_sources, unique_sets
from cgcore.data.formats.beads import require_beads, units_of
from cgcore.data.frames import Frames, Store
from cgcore.data.layout import ONCE, Lengths, SpeciesLengths, check_layout, named_lengths
from cgcore.data.npz import NEEDED, RowCheck, show
from cgcore.data.proteins import Known, Proteins
from cgcore.data.residues import species_names
from cgcore.data.stored import Rows
from cgcore.data.units import factors
from cgcore.data.weights import read_weights
from cgcore.errors import InputError
from cgcore.files import require_name


def read(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    units: str | None = None,
    box: Any = None,
    accept_faults: bool = False,
) -> Dataset:
    """Read and check a file of frames, or a folder of files.

    docs/data.md lists the formats. In a folder, the NPZ files are read if there are any, otherwise all files of the
    first known format; hidden files are ignored. An NPZ file has the keys `R` and `F` (frames, beads, 3) in `units`
    (see `UNITS`), `mask` (frames, beads) with 1 for real beads and 0 for padding, where real beads come first, and
    `species` (frames, beads), whole numbers. `mask` and `species` may have a single row for all frames. Without `mask`,
    all beads are real except a tail of species -1 or residues PAD; `species` may be missing. If `N_max` is given, it
    must be the number of beads. `chain`, `resid` and `bonds` determine which neighbours are bonded (see `chains`);
    without them, all neighbours are. Other plain arrays of up to 16 MiB become `extras`. Object arrays are never
    unpickled. The files must not change while the result is in use, because uncompressed arrays are read from them on
    demand.

    Arguments:
        path: the file or folder, or several of them, which then form one data set.
        units: units of the files; None for those of the format, or those that the files state.
        box: the periodic box into which positions are wrapped, three lengths [Å] or more (see `boxes.box_vectors`);
            None for the key `box` of the file, in its unit of length, if there is one. Chains that were wrapped into
            the box are made whole.
        accept_faults: accept data that are certainly wrong (see `cgcore.judging`).

    Returns:
        The data set, in Å and kcal/mol/Å.

    Raises:
        InputError: the files cannot be used; one sentence names file, key and place and says what to do.

    Examples:
        >>> import cgcore
        >>> data = cgcore.read(cgcore.datasets.BUNDLED)
        >>> data.n_frames, data.n_beads
        (1000, 10)
        >>> train, validation = data.split(0.2)
        >>> train.n_frames, validation.n_frames
        (800, 200)
    """
    if units is not None:
        factors(units)
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    for one in paths:
        require_name(one, "the path of the data")
    found = [_files(Path(one)) for one in paths]
    files = unique_sets([file for files, _ in found for file in files])
    sources = (source for file in files for source in open_sources(file))
    named = ", ".join(str(one) for one in paths)
    folder = any(is_folder for _, is_folder in found)
    return dataset_of(sources, named, units=units, box=box, accept_faults=accept_faults, named_apart=folder)


def dataset_of(
    opened: Iterable[Source],
    path: str,
    *,
    units: str | None = None,
    box: Any = None,
    accept_faults: bool = False,
    named_apart: bool = False,
) -> Dataset:
    """Check sources and combine them into one data set.

    Arguments:
        opened: the sources, at least one.
        path: where they come from, in words.
        units, box, accept_faults: as in `read`.
        named_apart: whether the checksum includes the name of the source even if there is only one, as for a folder.

    Raises InputError as `read` does.
    """
    sources: list[Frames] = []
    skipped: dict[str, None] = {}
    lines: list[bytes] = []
    known, notes = Known(), list[str]()
    vectors = None if box is None else box_vectors("box", box)
    for source in opened:
        frames = _read_source(source, units, vectors, known, notes)
        sources.append(frames)
        skipped.update(dict.fromkeys(source.skipped_keys))
        lines.append(os.fsencode(frames.source) + b"\0" + frames.sha256.encode() + b"\n")
    several = named_apart or len(sources) > 1
    return Dataset(
        tuple(sources),
        path,
        hashlib.sha256(b"".join(lines)).hexdigest() if several else sources[0].sha256,
        tuple(skipped),
        ", ".join(dict.fromkeys(frames.store.units for frames in sources)),
        notes=tuple(notes),
        box=_plain(box),
        accept_faults=accept_faults,
    )


def from_arrays(
    R: Any,
    F: Any,
    mask: Any = None,
    species: Any = None,
    *,
    units: str = "angstrom-kcal",
    name: str = "arrays",
    box: Any = None,
    accept_faults: bool = False,
    **extras: Any,
) -> Dataset:
    """Check arrays and turn them into a data set with one source. The arrays are not copied.

    Arguments:
        R: positions (frames, beads, 3).
        F: reference forces (frames, beads, 3).
        mask: (frames, beads) or (beads,), 1 for real beads and 0 for padding; real beads come first. None if all beads
            are real, except a tail of species -1 or residues PAD.
        species: (frames, beads) or (beads,) whole numbers; None if there are none.
        units: units of `R` and `F`, one of `UNITS`.
        name: name that messages use instead of a file name.
        box: the periodic box into which all positions are wrapped [Å], see `read`; an NPZ file may hold one per frame.
        accept_faults: accept data that are certainly wrong (see `cgcore.judging`).
        extras: other keys that an NPZ file may have: `chain`, `resid`, `bonds`, `resname`, `temperature`, and so on.

    Returns:
        The data set, in Å and kcal/mol/Å.

    Raises:
        InputError: the arrays cannot be used; one sentence names key and place and says what to do.

    Examples:
        >>> import cgcore, numpy as np
        >>> rng = np.random.default_rng(0)
        >>> R = 3.8 * np.arange(5)[:, None] + rng.normal(0, 0.1, (20, 5, 3))
        >>> data = cgcore.from_arrays(R, rng.normal(0, 20, R.shape), temperature=300.0)
        >>> data.n_frames, data.n_beads, data.temperatures
        (20, 5, (300.0,))
    """
    factors(units)
    arrays: dict[str, np.ndarray] = {}
    given = {"R": R, "F": F, "mask": mask, "species": species, **extras}
    for key, value in given.items():
        if value is None:
            continue
        try:
            arrays[key] = np.asarray(value)
        except (ValueError, TypeError) as error:
            raise InputError(f"{name}: key {key!r} is not an array ({error}); give a plain numeric array.") from error
    others = {key: arrays.pop(key) for key in extras if key in arrays and arrays[key].dtype.kind != "O"}
    arrays = {key: array for key, array in arrays.items() if key in NEEDED}
    check_layout(name, arrays, others)
    shape = arrays["R"].shape[:2]
    arrays |= {key: np.broadcast_to(arrays[key], shape) for key in ONCE if key in arrays}
    lengths = _mask_reader(name, arrays)
    for key in ("mask", "species"):
        if key in arrays and lengths.reads == key:
            show(arrays[key], lengths)
    notes: list[str] = []
    vectors = None if box is None else box_vectors("box", box)
    checked = _Checked(name, arrays, _lengths(lengths, others), units, others, vectors, notes)
    for key, check in checked.checks.items():
        show(arrays[key], check)
    digest = hashlib.sha256()
    for key in ("R", "F"):
        digest.update(np.ascontiguousarray(arrays[key]).data)
    sha256 = digest.hexdigest()
    frames = checked.frames(name, sha256, Known(), "arrays")
    return Dataset((frames,), name, sha256, (), units, notes=tuple(notes), box=_plain(box), accept_faults=accept_faults)


def _plain(box: Any) -> Any:
    """A box as plain numbers, for records."""
    plain = None if box is None else np.asarray(box, np.float64).tolist()
    return tuple(plain) if isinstance(plain, list) else plain


def _files(path: Path) -> tuple[list[Path], bool]:
    """The files to read, and whether `path` is a folder."""
    try:
        if not path.is_dir():
            path.stat()
            return [path], False
        return files_of(path), True
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file or folder; check the path.") from error
    except InputError:
        raise
    # ValueError: the path contains a zero byte.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); check the path and its permissions.") from error


def _read_source(source: Source, units: str | None, box: np.ndarray | None, known: Known, notes: list[str]) -> Frames:
    """Read the frames of a source and add its notes. Everything is read once, except the mask, which is read before."""
    units = units_of(source, units)
    name, arrays = source.name, source.arrays
    notes.extend(source.notes)
    check_layout(name, arrays, source.extras)
    require_beads(source, units)
    lengths = _mask_reader(name, arrays)
    if lengths.reads in arrays:
        source.read_one(lengths.reads, lengths)
    checked = _Checked(name, arrays, _lengths(lengths, source.extras), units, source.extras, box, notes)
    sha256 = source.read(checked.checks)
    return checked.frames(source.label, sha256, known, source.form)


def _mask_reader(name: str, arrays: Mapping[str, Rows]) -> Lengths:
    """The reader of lengths: from the mask, or from the species if there is none."""
    return (Lengths if "mask" in arrays else SpeciesLengths)(name, *arrays["R"].shape[:2])


def _lengths(reader: Lengths, extras: Mapping[str, np.ndarray]) -> np.ndarray:
    """Number of real beads of each frame; without a mask, residue names may mark padding, too."""
    lengths = reader.checked()
    named = None if reader.reads == "mask" else named_lengths(extras.get("resname"), len(lengths), reader.n_beads)
    return lengths if named is None else np.minimum(lengths, named)


class _Checked:
    """The checks of one source, and the resulting frames."""

    def __init__(
        self,
        name: str,
        arrays: Mapping[str, Rows],
        lengths: np.ndarray,
        units: str,
        extras: dict[str, np.ndarray],
        box: np.ndarray | None,
        notes: list[str],
    ) -> None:
        n_beads = arrays["R"].shape[1]
        self.lengths, self.extras = lengths, extras
        self.store = Store(arrays["R"], arrays["F"], arrays.get("species"), units)
        found = find_sites(name, extras, lengths, n_beads)
        notes.extend(found.notes)
        self.box = box if box is not None else self._own_box(name, notes)
        self.weights = read_weights(name, extras, lengths, n_beads)
        self.positions = PositionsCheck(name, self.store, lengths)
        self.forces = ForcesCheck(name, self.store, lengths)
        self.proteins = Proteins(name, lengths, n_beads, found.rows)
        self.checks: dict[str, RowCheck] = {"R": self.positions, "F": self.forces}
        if self.store.species is None:
            self.proteins.add(0, None)
        else:
            self.checks["species"] = self.proteins

    def frames(self, source: str, sha256: str, known: Known, form: str) -> Frames:
        """The checked frames. Raises InputError for the first problem that the checks found."""
        names = self.proteins.names(self.extras.get("resname"), species_names(self.extras), known)
        self.positions.require_right()
        self.forces.require_right()
        return Frames(
            source,
            self.lengths,
            self.proteins.labels,
            names,
            self.extras,
            self.store,
            sha256=sha256,
            sites=self.proteins.sites(),
            form=form,
            box=self.box,
            weights=self.weights,
        )

    def _own_box(self, name: str, notes: list[str]) -> np.ndarray | None:
        """The box in the file; an implausible one is noted and ignored."""
        value = self.extras.get("box")
        if value is None or value.size == 0:
            return None
        try:
            return box_vectors(f"{name}: key 'box'", value, len(self.lengths), self.store.factors[0])
        except InputError as error:
            notes.append(f"{error}; not used")
            return None
