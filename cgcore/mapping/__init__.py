"""Mapping all atoms to one bead per residue, with forces mapped so that their noise is as small as possible."""

from __future__ import annotations

from cgcore.mapping.mapped import Mapped, map_to_beads

__all__ = ["Mapped", "map_to_beads"]
