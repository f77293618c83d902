"""Generation of all-atom frames with forces by OpenMM, for trying out maps and fits."""

from __future__ import annotations

from cgcore.generate.peptides import PEPTIDES, Peptide, alanines
from cgcore.generate.simulate import TOPOLOGY, TRAJECTORY, Run, generate

__all__ = ["PEPTIDES", "TOPOLOGY", "TRAJECTORY", "Peptide", "Run", "alanines", "generate"]
