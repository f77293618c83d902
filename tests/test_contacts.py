"""The repulsion of pairs where their beads overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from factor_helpers import WEIGHTS, prior_of, two_proteins
from potential_helpers import KB, factor_without_a_pass

from cgcore.factor.histogram import CLOSEST
from cgcore.fitting import contacts
from cgcore.fitting.constraints import constraints
from cgcore.fitting.contacts import OVERLAP_PART
from cgcore.simulation.checks import BEAD, CLOSER

PAIR_BIN = 0.05
"""Resolution of the histogram of closest pairs [Å]."""


@pytest.mark.parametrize(("closest", "overlap"), [(8.0, 3.0), (5.0, 3.0), (4.0, 3.0), (3.5, 2.8), (3.0, 2.4)])
def test_beads_cannot_overlap_however_close_the_sampled_ones_came(closest: float, overlap: float) -> None:
    """A power that is 1 kT at a closest sampled approach of 4 Å is 3 kT at 3 Å, and beads pass through each other."""
    prior = prior_of(4, WEIGHTS)
    factor = factor_without_a_pass(two_proteins(), prior)
    counts = np.histogram([closest], CLOSEST)[0][None]
    histograms = replace(factor.histograms, groups={**factor.histograms.groups, "repulsive": counts})
    found = constraints("safe", replace(factor, histograms=histograms), 300.0)
    rows = next(one for one in found if one.name == "repulsion")
    distances = (WEIGHTS.repulsive / rows.normals.max(axis=1)) ** 0.25
    np.testing.assert_allclose(distances, (min(closest, 6.0), overlap), atol=PAIR_BIN)
    np.testing.assert_allclose(rows.bounds, (KB * 300.0, 13 * KB * 300.0))


def test_overlapping_beads_are_those_that_lose_a_simulation() -> None:
    assert contacts.BEAD == BEAD
    assert OVERLAP_PART >= CLOSER
