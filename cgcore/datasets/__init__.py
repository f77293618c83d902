"""Data that come with the package."""

from __future__ import annotations

from importlib.resources import as_file, files

from cgcore.data import Dataset, read

__all__ = ["BUNDLED", "chignolin"]

# A package with NumPy and JAX in it is installed as plain files, so the path outlives the context.
with as_file(files(__name__) / "chignolin.npz") as _path:
    BUNDLED = _path
    """The file that holds it."""


def chignolin() -> Dataset:
    """CLN025, the ten-residue chignolin variant YYDPETGTWY: 1000 frames x 10 beads, float32.

    Simulated, not measured. Molecular dynamics of all atoms with OpenMM 8.6.1, force field amber99sbildn with
    OBC generalised Born water and no cut-off, Langevin middle integrator at 320 K (friction 1/ps, steps of 4
    fs, hydrogen mass 3, bonds to hydrogen constrained), from the extended chain, minimised, the first 100 ps
    discarded. A frame each ps: neighbouring frames are correlated, so hold out blocks in time and not single
    frames.

    R: positions of the CA atoms in Å. F: the forces on all atoms of a residue summed, in kcal/mol/Å, which is
    a valid force map for CA positions also with the constraints, as these act inside a residue. `species` is
    the index into the alphabetical list of the 20 three-letter codes.
    """
    return read(BUNDLED)
