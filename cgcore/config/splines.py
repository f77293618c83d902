"""The keys of `model.priors` that replace formulas by splines."""

from __future__ import annotations

from typing import NamedTuple

from cgcore.config.paths import named_path
from cgcore.config.priors import PriorKeys
from cgcore.config.reading import Reading


class Splines(NamedTuple):
    """Which splines to use.

    Arguments:
        file: NPZ of splines; None for formulas.
        residue_specific_angles: whether species use their own angle splines; None follows the file.
    """

    file: str | None = None
    residue_specific_angles: bool | None = None


def splines_of(keys: PriorKeys, reading: Reading) -> Splines:
    """The splines that the block selects: those of `spline_file`, unless `use_spline_priors` is false."""
    if keys.use_spline_priors is False or (keys.use_spline_priors is None and keys.spline_file is None):
        return Splines()
    if keys.spline_file is None:
        words = "is true, and model.priors.spline_file is left out; give the file, or set it to false"
        reading.add("model.priors.use_spline_priors", words)
        return Splines()
    found = named_path(keys.spline_file, "model.priors.spline_file", reading, "set use_spline_priors to false")
    return Splines(found, keys.residue_specific_angles)
