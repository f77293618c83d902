"""Parameters as named arrays and in files: an NPZ with plain arrays, the model's fingerprint and number of beads."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from cgcore.archive import load_arrays, parse_json
from cgcore.errors import InputError
from cgcore.files.arrays import write_arrays
from cgcore.physics.splines import Splines
from cgcore.spline_file import splines_of

Tree = TypeVar("Tree")

FORMAT = "cgcore params 1"
MOST_BEADS = 10**6
"""Largest number of beads per frame that a file may state."""

_SPLINES = "splines/"
_MADE = "make it by Trainer.save_params or `cgcore train`"


class Saved(NamedTuple):
    """The content of a parameter file."""

    arrays: dict[str, np.ndarray]
    """Arrays by name, see `named_arrays`."""
    fingerprint: dict[str, Any]
    """Fingerprint of the model, see `CombinedModel.fingerprint`."""
    beads: int | None
    """Number of beads per frame, padding included; None if not stated. Parameters are valid for any number of beads."""
    splines: Splines | None = None
    """Fixed splines of the prior."""


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """The leaves of a pytree by their path, such as "prior/r0"."""
    leaves, _ = jax.tree.flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf) for path, leaf in leaves}


def from_named(like: Tree, arrays: Mapping[str, np.ndarray], name: str) -> Tree:
    """A pytree with the structure of `like` and these leaves, as NumPy arrays with its dtypes.

    Raises:
        InputError: a leaf is missing, superfluous, of the wrong shape, or not finite; the message contains the file's
            `name`.
    """
    leaves, form = jax.tree.flatten_with_path(like)
    paths = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]
    if differing := sorted(set(paths) ^ set(arrays)):
        here = "lacks" if differing[0] in paths else "has"
        raise InputError(f"{name}: belongs to another model: it {here} the parameter {differing[0]}")
    for path, (_, leaf) in zip(paths, leaves, strict=True):
        array = arrays[path]
        if array.shape != leaf.shape or array.dtype.kind not in "fiu":
            raise InputError(
                f"{name}: belongs to another model: the parameter {path} has shape {array.shape} and dtype "
                f"{array.dtype}, here {leaf.shape} and {leaf.dtype}"
            )
    values = [np.asarray(arrays[path], leaf.dtype) for path, (_, leaf) in zip(paths, leaves, strict=True)]
    return jax.tree.unflatten(form, values)


def save_params(
    path: str | os.PathLike[str],
    params: Any,
    fingerprint: Mapping[str, Any],
    beads: int | None = None,
    splines: Splines | None = None,
) -> None:
    """Write parameters with the fingerprint, the number of beads and the splines of their model, atomically.

    Raises:
        InputError: the file cannot be written.
    """
    arrays = {"format": np.array(FORMAT), "fingerprint": np.array(json.dumps(fingerprint))}
    if beads is not None:
        arrays["beads"] = np.array(beads)
    if splines is not None:
        arrays |= {f"{_SPLINES}{name}": array for name, array in splines.arrays().items()}
    arrays |= {f"params/{name}": array for name, array in named_arrays(params).items()}
    write_arrays(path, arrays)


def read_params(path: str | os.PathLike[str]) -> Saved:
    """Read a file written by `save_params`; nothing is unpickled.

    Raises:
        InputError: the file does not exist, does not contain parameters, or is damaged.
    """
    arrays = load_arrays(path, _MADE)
    try:
        if str(arrays.pop("format")) != FORMAT:
            raise ValueError
        fingerprint = parse_json(arrays.pop("fingerprint"))
        beads = arrays.pop("beads", None)
        of_splines = {name: arrays.pop(name) for name in [*arrays] if name.startswith(_SPLINES)}
        if not isinstance(fingerprint, dict) or not (beads is None or _is_count(beads)):
            raise ValueError
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: not a parameter file of this version of cgcore; {_MADE}") from error
    if bad := [name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]:
        raise InputError(f"{path}: the parameter {bad[0].removeprefix('params/')} is not finite; {_MADE}")
    return Saved(
        {name.removeprefix("params/"): array for name, array in arrays.items()},
        fingerprint,
        None if beads is None else int(beads),
        splines_of({name.removeprefix(_SPLINES): a for name, a in of_splines.items()}) if of_splines else None,
    )


def _is_count(array: np.ndarray) -> bool:
    return array.ndim == 0 and array.dtype.kind == "i" and 0 < int(array) <= MOST_BEADS


def require_same(mine: Any, theirs: Any, name: str, what: str) -> None:
    """Refuse a fingerprint or record that differs from the expected one.

    Raises:
        InputError: they differ; the message gives the first difference with both values, and the file's `name`.
    """
    if (found := _difference(json.loads(json.dumps(mine)), theirs, "")) is not None:
        part, here, there = found
        raise InputError(f"{name}: belongs to {what}: {part or 'it'} is {there} there and {here} here")


def _difference(mine: Any, theirs: Any, at: str) -> tuple[str, Any, Any] | None:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            inside = _difference(mine.get(key), theirs.get(key), f"{at}.{key}" if at else str(key))
            if inside is not None:
                return inside
        return None
    return None if mine == theirs else (at, _short(mine), _short(theirs))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
