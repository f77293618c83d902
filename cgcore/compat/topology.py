"""Index rows of beads, with the names that scripts use."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from cgcore.errors import InputError
from cgcore.physics.rows import Rows
from cgcore.physics.topology import EXCLUDED_VOLUME_SEPARATIONS, REPULSIVE_MIN_SEPARATION


class TopologyBuilder:
    """The rows of beads that each term acts on in a linear chain.

    Arguments:
        N_max: number of beads, padding included.
        min_repulsive_sep: smallest separation along the chain at which the repulsion acts.

    Raises:
        InputError: the separation differs from that of cgcore's prior.
    """

    def __init__(self, N_max: int, min_repulsive_sep: int = REPULSIVE_MIN_SEPARATION) -> None:
        _require("min_repulsive_sep", min_repulsive_sep, REPULSIVE_MIN_SEPARATION)
        self.N_max = int(N_max)

    def _rows(self, rows: Rows) -> Int[np.ndarray, "rows beads"]:
        return rows.candidates(self.N_max, False)

    def get_bonds_and_angles(self) -> tuple[Int[np.ndarray, "bonds 2"], Int[np.ndarray, "angles 3"]]:
        """Rows of two and of three consecutive beads."""
        return self._rows(Rows("bonds")), self._rows(Rows("angles"))

    def get_dihedrals(self) -> Int[np.ndarray, "dihedrals 4"]:
        """Rows of four consecutive beads."""
        return self._rows(Rows("dihedrals"))

    def get_repulsive_pairs(self) -> Int[np.ndarray, "pairs 2"]:
        """Pairs that are `min_repulsive_sep` or more positions apart along the chain."""
        return self._rows(Rows("pairs", REPULSIVE_MIN_SEPARATION))

    def get_excluded_volume_pairs(
        self, min_sep: int = EXCLUDED_VOLUME_SEPARATIONS[0], max_sep: int = EXCLUDED_VOLUME_SEPARATIONS[1]
    ) -> Int[np.ndarray, "pairs 2"]:
        """Pairs that are 2 to 5 positions apart along the chain.

        Raises:
            InputError: other separations are requested.
        """
        _require("min_sep", min_sep, EXCLUDED_VOLUME_SEPARATIONS[0])
        _require("max_sep", max_sep, EXCLUDED_VOLUME_SEPARATIONS[1])
        return self._rows(Rows("pairs", *EXCLUDED_VOLUME_SEPARATIONS))


def _require(name: str, value: int, own: int) -> None:
    if value != own:
        raise InputError(f"{name} is {value}; but the prior's terms have {own}; leave it out")
