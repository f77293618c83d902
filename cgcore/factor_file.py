"""Factors in files: a small NPZ of plain arrays that is safe to load and refused if anything in it was changed."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.archive import load_arrays, load_text, parse_json
from cgcore.data import Dataset, read
from cgcore.errors import InputError
from cgcore.factor.factor import Block, Factor
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.histogram import EDGES, Histograms, by_group, edges_of
from cgcore.files.arrays import CHECKSUM, Field, checksum, write_arrays

FORMAT = "cgcore factor 6"
_ANY_FORMAT = "cgcore factor "
_REMEDY = "make it by `cgcore compress`"


def _column(name: str, kind: str, *axes: str) -> Field:
    """A field that collects this attribute of all blocks."""
    return Field(name, kind, ("blocks", *axes), lambda factor: [getattr(block, name) for block in factor.blocks])


def _histogram(name: str) -> Field:
    return Field(f"histogram_{name}", "i", (f"bins of {name}",), lambda factor: factor.histograms.counts[name])


def _grouped(factor: Factor) -> list[np.ndarray]:
    """Histograms by group of all terms that have them, flattened and in sequence."""
    groups = factor.histograms.groups
    shapes = group_shapes(factor.fingerprint)
    return [groups[name].ravel() if name in groups else np.zeros(shape, int).ravel() for name, shape in shapes.items()]


def group_shapes(fingerprint: Fingerprint) -> dict[str, tuple[int, int]]:
    """Numbers of groups and bins of each term whose histograms are kept by group."""
    return {
        term.name: (len(term.group_labels), len(edges_of(term)) - 1) for term in fingerprint.terms if by_group(term)
    }


COLUMNS = (
    _column("S", "f", "n+1", "n+1"),
    _column("beads", "i"),
    _column("frames", "i"),
    _column("index", "i"),
    _column("source", "U"),
    _column("protein", "U"),
    _column("sha256", "U"),
    _column("broken", "i", "three"),
    _column("weight", "f"),
)
"""Fields with one entry per block, named after attributes of `Block`."""

FIELDS = (
    Field("format", "U", (), lambda _: FORMAT),
    Field("fingerprint", "U", (), lambda factor: json.dumps(factor.fingerprint.as_dict())),
    *COLUMNS,
    Field("range_counts", "i", ("blocks",), lambda factor: [len(block.ranges) for block in factor.blocks]),
    Field("ranges", "i", ("ranges", "two"), lambda factor: np.concatenate([block.ranges for block in factor.blocks])),
    *(_histogram(name) for name in EDGES),
    Field("histogram_groups", "i", ("bins of groups",), lambda factor: np.concatenate([[], *_grouped(factor)])),
    Field("temperatures", "f", ("temperatures",), lambda factor: factor.temperatures),
)
"""All fields of the file except the checksum, in the order in which they are written and enter the checksum."""

NAMES = tuple(field.name for field in FIELDS)


def save_factor(path: str | os.PathLike[str], factor: Factor) -> None:
    """Write a factor to a file, atomically.

    Arguments:
        path: the file to write.
        factor: the factor.

    Raises:
        InputError: the file cannot be written.

    Examples:
        >>> import cgcore, pathlib, tempfile
        >>> factor = cgcore.compress(cgcore.datasets.chignolin(), cgcore.Fingerprint.of(cgcore.default_prior()))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "data.factor.npz")
        ...     cgcore.save_factor(path, factor)
        ...     cgcore.load_factor(path).frames
        1000
    """
    write_arrays(path, {field.name: field.array(factor) for field in FIELDS}, NAMES)


def is_factor(path: str | os.PathLike[str]) -> bool:
    """Whether the file at `path` is a factor (of any version)."""
    return (load_text(path, "format") or "").startswith(_ANY_FORMAT)


def frames_of(data: Dataset | str | os.PathLike[str] | Any) -> Dataset:
    """Frames for a task that a factor does not suffice for: a data set is returned as it is, a path is read.

    Raises:
        InputError: `data` is neither, or is a factor; or as `cgcore.read`.
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, str | os.PathLike):
        raise InputError(
            f"data is a {type(data).__name__}; give a Dataset (cgcore.read, cgcore.from_arrays), or a path"
        )
    if is_factor(data):
        raise InputError(f"{data}: is a factor, not frames; cgcore.load_factor reads it")
    return read(data)


def load_factor(path: str | os.PathLike[str]) -> Factor:
    """Read a factor from a file. Nothing is unpickled.

    Arguments:
        path: a file that `save_factor` or `cgcore compress` wrote.

    Returns:
        The factor, equal bit for bit to the one that was written.

    Raises:
        InputError: there is no such file, it is not a factor, it has another version, or it was changed.

    Examples:
        >>> import cgcore, pathlib, tempfile
        >>> factor = cgcore.compress(cgcore.datasets.chignolin(), cgcore.Fingerprint.of(cgcore.default_prior()))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cgcore.save_factor(pathlib.Path(folder, "data.factor.npz"), factor)
        ...     again = cgcore.load_factor(pathlib.Path(folder, "data.factor.npz"))
        >>> bool((again.S == factor.S).all())
        True
    """
    known = {*NAMES, CHECKSUM}
    if not is_factor(path):
        load_arrays(path, _REMEDY)  # raises a specific error for a damaged or missing file
        raise InputError(f"{path}: is not a factor; {_REMEDY}")
    if (version := load_text(path, "format")) != FORMAT:
        raise InputError(
            f"{path}: is a {version!r}, and this version of cgcore reads {FORMAT!r}, which knows "
            "what listed rows and groups of pairs sampled; make it again by `cgcore compress`"
        )
    arrays = load_arrays(path, _REMEDY, known.__contains__)
    if missing := sorted(known - set(arrays)):
        raise InputError(f"{path}: is not a factor because {missing[0]} is missing; {_REMEDY}")
    if str(arrays.pop(CHECKSUM)) != checksum(arrays, NAMES):
        raise InputError(f"{path}: was changed after it was written (the checksum does not match); {_REMEDY} again")
    try:
        sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        return replace(_factor(arrays), path=str(path), sha256=sha256)
    except OSError as error:
        raise InputError(f"{path}: cannot be read any more ({error.strerror or error})") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: is a damaged factor ({error}); {_REMEDY} again") from error


def _factor(arrays: dict[str, np.ndarray]) -> Factor:
    """The factor that the arrays describe. Raises ValueError, TypeError or OverflowError if they describe none."""
    fingerprint = Fingerprint.from_dict(parse_json(arrays["fingerprint"]))
    lengths = {
        "n+1": fingerprint.layout.size + 1,
        "two": 2,
        "three": 3,
        "bins of groups": sum(a * b for a, b in group_shapes(fingerprint).values()),
    }
    lengths |= {f"bins of {name}": len(edges) - 1 for name, edges in EDGES.items()}
    for field in FIELDS:
        field.check(arrays[field.name], lengths)
    ends = list(accumulate(arrays["range_counts"].tolist(), initial=0))
    if min(arrays["range_counts"], default=0) < 0 or ends[-1] != lengths["ranges"]:
        raise ValueError("the frame ranges do not add up")
    columns = {field.name: arrays[field.name] for field in COLUMNS}
    blocks = tuple(
        Block(
            **{name: column[k].item() if column.ndim == 1 else column[k] for name, column in columns.items()},
            ranges=arrays["ranges"][start:stop],
        )
        for k, (start, stop) in enumerate(pairwise(ends))
    )
    factor = Factor(
        blocks,
        fingerprint,
        Histograms({name: arrays[f"histogram_{name}"] for name in EDGES}, _groups(fingerprint, arrays)),
        tuple(arrays["temperatures"].tolist()),
    )
    require_meaning(factor)
    return factor


def _groups(fingerprint: Fingerprint, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    shapes = group_shapes(fingerprint)
    parts = np.split(arrays["histogram_groups"], np.cumsum([a * b for a, b in shapes.values()])[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=False)}


def require_meaning(factor: Factor) -> None:
    """Refuse contents that no frames can have produced.

    Raises:
        ValueError: the contents are inconsistent; the message says how.
    """
    if not factor.blocks:
        raise ValueError("it has no blocks")
    for block in factor.blocks:
        _require_block(block)
    _require_histograms(factor)
    if not factor.S[:, -1].any():
        raise ValueError("its reference forces are 0")


def _require_block(block: Block) -> None:
    with np.errstate(over="ignore"):
        usable = np.isfinite(np.sum(block.S**2))
    if np.tril(block.S, -1).any() or (np.diag(block.S) < 0).any() or not usable:
        raise ValueError("S is not upper triangular with a diagonal of 0 or more")
    # All frames of a block have the same number of beads.
    if block.frames < 1 or block.beads < 2 * block.frames or block.beads % block.frames or block.index < 0:
        raise ValueError(f"a block has {block.frames} frames, {block.beads} beads and number {block.index}")
    if not 0 <= block.weight < np.inf:
        raise ValueError(f"the weight of a block is {block.weight}")
    if (block.broken < 0).any() or (block.broken > block.beads).any():
        raise ValueError(f"gaps remove {block.broken.tolist()} rows of {block.beads} beads")
    flat = block.ranges.ravel()
    if len(flat) and (flat[0] < 0 or (np.diff(flat) <= 0)[::2].any() or (np.diff(flat) < 0).any()):
        raise ValueError("frame ranges are not ascending")
    held = int(np.diff(block.ranges).sum())
    if not 1 <= held <= block.frames:  # fewer if a frame was chosen twice
        raise ValueError(f"the ranges of {block.frames} frames hold {held}")


def _require_histograms(factor: Factor) -> None:
    beads, frames, histograms = factor.beads, factor.frames, factor.histograms
    for term in filter(by_group, factor.fingerprint.terms):
        own = histograms.groups[term.name]
        most = max(own.sum(axis=1, dtype=object))
        if (own < 0).any() or (term.rows.pairs and most > frames):
            raise ValueError(f"the histogram of {term.name} holds {most} values of {frames} frames")
    # A chain of n >= 2 beads has n-1 bonds, n-2 angles, and n-3 dihedrals (none if n is 2).
    expected = {
        "bond": (beads - frames,) * 2,
        "angle": (beads - 2 * frames,) * 2,
        "dihedral": (beads - 3 * frames, beads - 2 * frames),
    }
    # Gaps and chain ends remove some of these.
    broken = np.sum([block.broken for block in factor.blocks], axis=0).tolist()
    for name, less in zip(EDGES, broken, strict=True):
        counts = histograms.counts[name]
        total = int(counts.sum(dtype=object)) + less
        least, most = expected[name]
        if (counts < 0).any() or not least <= total <= most:
            raise ValueError(f"the histogram of {name} holds {total} values for {frames} frames and {beads} beads")
