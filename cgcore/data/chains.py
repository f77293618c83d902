"""The site of each bead, which determines the bonds, from the keys `chain`, `resid` and `bonds` of a file.

Sites number the beads along a chain, like residue numbers: the difference of two sites is the separation of the beads,
and beads whose sites differ by 1 are bonded. At a gap, sites jump as residue numbers do, so that the beads on both
sides interact as in the whole chain. From one chain to the next they jump by more than the range of any term.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cgcore.errors import InputError

KEYS = ("chain", "chain_id", "resid", "bonds")

FAR = 1000
"""Jump of the sites between beads that are related neither by a bond nor by residue numbers."""


class Sites(NamedTuple):
    """Sites of all beads.

    Arguments:
        rows: (1 or frames, beads), int32, arbitrary at padded beads; None if each frame is one chain without gaps.
        notes: keys that could not be used, one sentence each.
    """

    rows: np.ndarray | None
    notes: tuple[str, ...]


def find_sites(name: str, arrays: Mapping[str, np.ndarray], lengths: np.ndarray, n_beads: int) -> Sites:
    """Find the sites of the beads.

    Arguments:
        name: name of the file.
        arrays: those of `KEYS` that exist: `chain` and `resid` (beads,) or (frames, beads), and `bonds` (bonds, 2) with
            beads counted from 0. Bonds follow from `bonds` if it exists, otherwise from `chain` and `resid`.
        lengths: number of real beads of each frame (frames,).
        n_beads: number of beads in a row.

    Raises:
        InputError: `bonds` is invalid, or most of its bonds do not join neighbours in the row.
    """
    notes: list[str] = []
    key = "chain" if "chain" in arrays else "chain_id"
    chain = _rows(name, key, arrays.get(key), lengths, n_beads, notes)
    resid = _numbers(name, _rows(name, "resid", arrays.get("resid"), lengths, n_beads, notes), notes)
    bonded = _bonded(name, arrays.get("bonds"), n_beads, notes)
    steps = np.ones((1, n_beads - 1), np.int64)
    if resid is not None:
        steps = np.diff(resid, axis=1)
        # Equal numbers are an insertion (52, 52A); a decreasing number starts another chain.
        steps = np.where(steps == 0, 1, np.where(steps < 0, FAR, np.minimum(steps, FAR)))
    if chain is not None:
        steps = np.where(chain[:, 1:] != chain[:, :-1], FAR, steps)
    if bonded is not None:
        steps = np.where(bonded, 1, np.where(steps == 1, FAR, steps))
    if not ((steps != 1) & _real(lengths, steps, n_beads)[:, 1:]).any():
        return Sites(None, tuple(notes))
    rows = np.concatenate([np.zeros((len(steps), 1), np.int64), np.cumsum(steps, axis=1)], axis=1)
    return Sites(rows.astype(np.int32), tuple(notes))


def _real(lengths: np.ndarray, rows: np.ndarray, n_beads: int) -> np.ndarray:
    """Which beads are real in the frame of each row or, if there is one row for all frames, in any frame."""
    longest = lengths if len(rows) == len(lengths) else lengths.max(keepdims=True)
    return np.arange(n_beads) < longest[:, None]


def _rows(
    name: str, key: str, values: np.ndarray | None, lengths: np.ndarray, n_beads: int, notes: list[str]
) -> np.ndarray | None:
    """Values as (1 or frames, beads), with padding replaced by the first bead's value; None if they cannot be used."""
    if values is None or values.size <= 1:
        return None
    if values.shape[-1:] != (n_beads,) or values.shape[:-1] not in ((), (1,), (len(lengths),)):
        notes.append(
            f"{name}: key {key!r} has shape {values.shape}, neither a value for each of {n_beads} beads nor a row of "
            "them for each frame: not used to tell what is bonded"
        )
        return None
    rows = values.reshape(-1, n_beads)
    return np.where(_real(lengths, rows, n_beads), rows, rows[:, :1])


def _numbers(name: str, resid: np.ndarray | None, notes: list[str]) -> np.ndarray | None:
    """Residue numbers; for text such as "52A", the leading number. None if there are none."""
    if resid is None:
        return None
    if resid.dtype.kind in "US":
        texts, inverse = np.unique(resid, return_inverse=True)
        found = [_leading(text) for text in texts.tolist()]
        numbers = [number for number in found if number is not None]
        if len(numbers) == len(texts):
            return np.array(numbers, np.int64)[inverse.reshape(resid.shape)]
    elif resid.dtype.kind in "iuf":
        values = resid.astype(np.float64)
        if (np.abs(values) < 2**31).all() and (np.floor(values) == values).all():
            return resid.astype(np.int64)
    notes.append(f"{name}: key 'resid' does not hold residue numbers: not used to tell what is bonded")
    return None


def _leading(text: Any) -> int | None:
    found = re.match(r"\s*([+-]?\d{1,9})", text.decode("ascii", "replace") if isinstance(text, bytes) else text)
    return int(found[1]) if found else None


def _bonded(name: str, bonds: np.ndarray | None, n_beads: int, notes: list[str]) -> np.ndarray | None:
    """Whether each bead is bonded to the next one, (beads - 1,) bool; None without bonds."""
    if bonds is None:
        return None
    if bonds.ndim != 2 or 2 not in bonds.shape or bonds.dtype.kind not in "iu":
        raise InputError(
            f"{name}: key 'bonds' has shape {bonds.shape} and dtype {bonds.dtype}; it needs (bonds, 2) whole numbers "
            "of beads, counted from 0; correct it or leave it out."
        )
    pairs = np.sort((bonds if bonds.shape[1] == 2 else bonds.T).astype(np.int64), axis=1)
    pairs = np.unique(pairs[~(pairs == -1).all(axis=1)], axis=0)  # -1: padding
    if pairs.size and (pairs.min() < 0 or pairs.max() >= n_beads):
        wrong = pairs.min() if pairs.min() < 0 else pairs.max()
        raise InputError(
            f"{name}: key 'bonds' contains bead {wrong}, but beads are numbered 0 to {n_beads - 1}; count from 0."
        )
    neighbours = pairs[:, 1] - pairs[:, 0] == 1
    others = pairs[~neighbours]
    if len(others) > np.count_nonzero(neighbours):
        i, j = others[0].tolist()
        raise InputError(
            f"{name}: key 'bonds' mostly joins beads that are not neighbours in the row (for instance "
            f"beads {i} and {j}), but "
            "the terms along a chain require that; reorder the beads, or leave the key out."
        )
    if len(others):
        i, j = others[0].tolist()
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        notes.append(
            f"{name}: key 'bonds' joins beads {i} and {j}{more}, which are not neighbours in the row: no term for that"
        )
    joined = np.zeros(n_beads - 1, bool)
    joined[pairs[neighbours, 0]] = True
    return joined
