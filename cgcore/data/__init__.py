"""Data sets: frames of bead positions and reference forces, checked once and read block by block.

All data are in Å, kcal/mol and kcal/mol/Å (see `units`). Only NumPy and the standard library are used here.
"""

from __future__ import annotations

from cgcore.data.checks import locate_overlap
from cgcore.data.dataset import Batch, Dataset
from cgcore.data.frames import Frames
from cgcore.data.reading import from_arrays, read
from cgcore.data.splitting import Segment
from cgcore.data.units import UNITS

__all__ = ["UNITS", "Batch", "Dataset", "Frames", "Segment", "from_arrays", "locate_overlap", "read"]
