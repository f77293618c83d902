"""The keys of `model.priors` that put splines in the place of formulas."""

from __future__ import annotations

from typing import NamedTuple

from cgcore.config.paths import named_path
from cgcore.config.priors import PriorKeys
from cgcore.config.reading import Reading


class Splines(NamedTuple):
    """Where the splines are.

    Arguments:
        file: NPZ of splines; None: the terms are formulas.
        residue_specific_angles: an angle spline for each species that has one; None: as the file says.
    """

    file: str | None = None
    residue_specific_angles: bool | None = None


def splines_of(keys: PriorKeys, reading: Reading) -> Splines:
    """The splines that the block asks for: those of `spline_file`, unless `use_spline_priors` is false."""
    if keys.use_spline_priors is False or (keys.use_spline_priors is None and keys.spline_file is None):
        return Splines()
    if keys.spline_file is None:
        words = "is true, and model.priors.spline_file is left out; give the file, or set it to false"
        reading.add("model.priors.use_spline_priors", words)
        return Splines()
    found = named_path(keys.spline_file, "model.priors.spline_file", reading, "set use_spline_priors to false")
    return Splines(found, keys.residue_specific_angles)
