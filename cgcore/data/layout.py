"""Checks of dtypes and shapes, and conversion of the mask to lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from cgcore.data.blocks import real_mask
from cgcore.errors import InputError

_KINDS = {"R": "iuf", "F": "iuf", "mask": "biuf", "species": "iuf"}

ONCE = ("mask", "species")
"""Arrays that may have a single row for all frames."""


@runtime_checkable
class Declared(Protocol):
    """An array, or the header of one."""

    @property
    def dtype(self) -> np.dtype: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


def check_layout(name: str, arrays: Mapping[str, Declared], extras: Mapping[str, np.ndarray]) -> None:
    """Refuse missing keys, non-numeric dtypes, inconsistent shapes, and an `N_max` that is not the number of beads."""
    for key in ("R", "F"):
        if key not in arrays:
            found = ", ".join([*arrays, *extras]) or "nothing of use"
            raise InputError(f"{name}: key {key!r} is missing (found: {found}); add it, shape (frames, beads, 3).")
    for key, array in arrays.items():
        if array.dtype.kind not in _KINDS[key]:
            raise InputError(f"{name}: key {key!r} has dtype {array.dtype}; save it as real numbers.")
    shape = arrays["R"].shape
    if len(shape) != 3 or shape[2] != 3:
        raise InputError(f"{name}: key 'R' has shape {shape}; it needs (frames, beads, 3).")
    n_frames, n_beads = shape[:2]
    if n_frames == 0:
        raise InputError(f"{name}: key 'R' has shape {shape}, zero frames; give at least one frame.")
    if n_beads < 2:
        raise InputError(f"{name}: key 'R' has shape {shape}, fewer than two beads per frame; give at least two.")
    for key, array in arrays.items():
        expected = shape if key == "F" else shape[:2]
        if key != "R" and array.shape != expected and not (key in ONCE and is_once(array.shape, n_beads)):
            raise InputError(f"{name}: key {key!r} has shape {array.shape}, but 'R' has {shape}; it needs {expected}.")
    _check_n_max(name, extras.get("N_max"), n_frames, n_beads)


def is_once(shape: tuple[int, ...], n_beads: int) -> bool:
    """Whether an array of this shape has a single row for all frames."""
    return shape in ((n_beads,), (1, n_beads))


def _check_n_max(name: str, value: np.ndarray | None, n_frames: int, n_beads: int) -> None:
    """Check `N_max`, which may be given once, for each bead, or for each frame."""
    if value is None:
        return
    agrees = value.size in (1, n_beads, n_frames) and value.dtype.kind in "iuf" and bool((value == n_beads).all())
    if not agrees:
        raise InputError(
            f"{name}: key 'N_max' is {value.tolist()!r:.40}, but 'R' has {n_beads} beads per frame; "
            "correct it or leave it out."
        )


class Lengths:
    """Reads the number of real beads of each frame from the mask."""

    reads = "mask"

    def __init__(self, name: str, n_frames: int, n_beads: int) -> None:
        self.name, self.n_beads = name, n_beads
        self.values = np.full(n_frames, n_beads, np.int32)
        self.wrong: str | None = None

    def add(self, start: int, values: np.ndarray) -> None:
        """Read rows of the mask."""
        if self.wrong is not None:
            return
        ones = values == 1
        known = ones | (values == 0)
        if not known.all():
            frame, bead = np.argwhere(~known)[0]
            self.wrong = (
                f"key 'mask' is {values[frame, bead]} at frame {start + frame}, bead {bead} "
                "(0-based); it needs 1 for a real bead and 0 for padding."
            )
            return
        count = ones.sum(axis=1, dtype=np.int32)
        self.values[start : start + len(count)] = count
        self.wrong = _wrong_row(start, ones, count)

    def checked(self) -> np.ndarray:
        """Number of real beads of each frame, (frames,) int32; all beads if no mask was read.

        Raises InputError for values other than 0 and 1, real beads that are not a prefix of the row, and fewer than two
        real beads.
        """
        if self.wrong is not None:
            raise InputError(f"{self.name}: {self.wrong}")
        return self.values


class SpeciesLengths(Lengths):
    """Reads lengths from the species if there is no mask: trailing values of -1 are padding."""

    reads = "species"

    def add(self, start: int, values: np.ndarray) -> None:
        """Read rows of the species."""
        real = values != -1
        count = values.shape[1] - np.argmax(real[:, ::-1], axis=1)
        # A row with only -1 has no species; it is not all padding.
        self.values[start : start + len(count)] = np.where(real.any(axis=1), count, values.shape[1])
        if self.wrong is None and (count < 2).any():
            frame = start + int((count < 2).argmax())
            self.wrong = (
                f"key 'species' is -1, padding, but for fewer than two beads at frame {frame} (0-based); remove it"
            )


def named_lengths(resname: np.ndarray | None, n_frames: int, n_beads: int) -> np.ndarray | None:
    """Number of beads before trailing residues named PAD, (frames,) int32; None if names do not tell."""
    if resname is None or resname.dtype.kind not in "US" or resname.shape not in ((n_beads,), (n_frames, n_beads)):
        return None
    names, inverse = np.unique(resname, return_inverse=True)
    known = np.array([name.strip().upper() not in ("PAD", b"PAD") for name in names.tolist()])
    named = known[inverse].reshape(-1, n_beads)
    count = n_beads - np.argmax(named[:, ::-1], axis=1)
    return np.broadcast_to(np.where(count >= 2, count, n_beads), (n_frames,)).astype(np.int32)


def _wrong_row(start: int, ones: np.ndarray, count: np.ndarray) -> str | None:
    if ones.all() and ones.shape[1] >= 2:
        return None
    for bad, problem in (
        (count == 0, "says that all beads are padding; remove this frame"),
        (
            (ones != real_mask(count, ones.shape[1])).any(axis=1),
            "has padding before a real bead; move the real beads to the front (a gap is said by 'resid')",
        ),
        (count < 2, "has fewer than two real beads; remove this frame"),
    ):
        if bad.any():
            return f"key 'mask' at frame {start + int(bad.argmax())} (0-based) {problem}."
    return None
