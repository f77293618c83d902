"""Splines in an NPZ, in the format of users' files; nothing is unpickled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cgcore.archive import key_of, opened
from cgcore.errors import InputError
from cgcore.files.arrays import write_arrays
from cgcore.physics.prior import Prior
from cgcore.physics.splines import Spline, Splines, TypedSplines

SHARED = ("bond_knots", "bond_coeffs", "angle_knots", "angle_coeffs", "dih_knots", "dih_coeffs")
TYPED = ("angle_type_knots", "angle_type_coeffs", "angle_type_mask")
FLAG = "residue_specific_angles"

_REMEDY = "give an NPZ of plain arrays, as numpy.savez writes it"


def read_splines(path: str | os.PathLike[str], residue_specific_angles: bool | None = None) -> Splines:
    """Read splines from a file. Keys other than those of splines are ignored.

    Arguments:
        path: NPZ file with `bond_knots` (n,), `bond_coeffs` (n-1, 4), `angle_knots`, `angle_coeffs`, `dih_knots`,
            `dih_coeffs`, and for splines by species `angle_type_knots` (types, n), `angle_type_coeffs` (types, n-1, 4)
            and `angle_type_mask` (types,).
        residue_specific_angles: False uses the shared angle spline for all species; True or None uses those of the
            species, if the file has them.

    Returns:
        The splines, in Å, radians and kcal/mol.

    Raises:
        InputError: the file cannot be read, a key is missing, or a spline is invalid.
    """
    try:
        return splines_of(_arrays(path), residue_specific_angles)
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None


def splines_of(arrays: Mapping[str, np.ndarray], residue_specific_angles: bool | None = None) -> Splines:
    """The splines in arrays, named as in a file; see `read_splines`.

    Raises:
        InputError: a name is missing, or a spline is invalid.
    """
    if missing := [key for key in SHARED if key not in arrays]:
        raise InputError(f"key {missing[0]!r} is missing; a file of splines has {', '.join(SHARED)}")
    has = all(key in arrays for key in TYPED) and bool(np.all(arrays.get(FLAG, True)))
    bond, angle, dihedral = (
        Spline(arrays[f"{name}_knots"], arrays[f"{name}_coeffs"]) for name in ("bond", "angle", "dih")
    )
    typed = TypedSplines(*(arrays[key] for key in TYPED)) if has and residue_specific_angles is not False else None
    return Splines(bond, angle, dihedral, typed)


def write_splines(path: str | os.PathLike[str], splines: Splines) -> None:
    """Write a file that `read_splines` and users' own code can read, completely or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    write_arrays(path, splines.arrays())


def with_splines(prior: Prior, path: str | os.PathLike[str] | None, residue_specific_angles: bool | None) -> Prior:
    """The prior with the splines of a file in place of its formulas; unchanged if `path` is None.

    Raises:
        InputError: as `read_splines`.
    """
    return prior if path is None else replace(prior, splines=read_splines(path, residue_specific_angles))


def _arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of splines in a file."""
    with opened(path, _REMEDY) as archive:
        headers = {}
        for info in archive.members:
            key = key_of(info)
            if key not in (*SHARED, *TYPED, FLAG):
                continue
            header = archive.header(info)
            if header is None or header.dtype.hasobject:
                raise archive.refuse(f"key {key!r} is a pickled object, which is never unpickled")
            headers[key] = header
        archive.require_loadable(list(headers.values()))
        return {key: archive.load(header) for key, header in headers.items()}
