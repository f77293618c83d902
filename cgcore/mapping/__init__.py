"""From all atoms to one bead a residue, with forces mapped so that they hold as little noise as they can."""

from __future__ import annotations

from cgcore.mapping.mapped import Mapped, map_to_beads

__all__ = ["Mapped", "map_to_beads"]
