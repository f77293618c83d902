"""Data sets bundled with the package."""

from __future__ import annotations

from importlib.resources import as_file, files

from cgcore.data import Dataset, read

__all__ = ["BUNDLED", "chignolin"]

# The package is installed as plain files, so the path remains valid after the context ends.
with as_file(files(__name__) / "chignolin.npz") as _path:
    BUNDLED = _path
    """Path of the file of `chignolin`."""


def chignolin() -> Dataset:
    """CLN025, the ten-residue chignolin variant YYDPETGTWY: 1,000 frames of 10 beads, in float32.

    The frames come from an all-atom simulation with OpenMM 8.6.1, the force field amber99sbildn, OBC generalised Born
    water without a cut-off, and the Langevin middle integrator at 320 K (friction 1/ps, steps of 4 fs, hydrogen masses
    of 3 amu, constrained bonds to hydrogen). It started from the extended, minimised chain, and the first 100 ps were
    discarded. Frames are 1 ps apart and therefore correlated: hold out blocks in time, not single frames.

    `R` holds the positions of the CA atoms [Å], and `F` the summed forces on all atoms of each residue [kcal/mol/Å].
    This is a valid force map for CA positions even with the constraints, because they act within residues. `species` is
    the index into the alphabetical list of the 20 three-letter codes.

    Returns:
        The data set.

    Examples:
        >>> import cgcore
        >>> data = cgcore.datasets.chignolin()
        >>> data.n_frames, data.n_beads, data.temperatures
        (1000, 10, (320.0,))
    """
    return read(BUNDLED)
