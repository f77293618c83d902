"""All-atom frames with forces, made by OpenMM: data to try maps and fits on."""

from __future__ import annotations

from cgcore.generate.peptides import PEPTIDES, Peptide, alanines
from cgcore.generate.simulate import TOPOLOGY, TRAJECTORY, Run, generate

__all__ = ["PEPTIDES", "TOPOLOGY", "TRAJECTORY", "Peptide", "Run", "alanines", "generate"]
