"""Constraints of listed rows and of groups of pairs, by what each of them sampled."""

from __future__ import annotations

import numpy as np
import pytest
from factor_helpers import prior_of

import cgcore
from cgcore.constants import BOLTZMANN
from cgcore.factor.factor import Factor
from cgcore.fitting.constraints import Constraint, constraints
from cgcore.fitting.contacts import FARTHEST_CONTACT
from cgcore.fitting.ground import TAILS
from cgcore.fitting.walls import WALL, WALL_WIDTH
from cgcore.physics.bases import Fourier, Harmonic, Power
from cgcore.physics.groups import Groups
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term

KELVIN = 320.0
KINDS = np.tile([0, 1, 1], 4)[:10]
TURN, TIE, HELD = ((0, 4, 9),), ((0, 2), (3, 5)), ((0, 9), (1, 8))
TERMS = (
    Term("near", Rows("pairs", 3), Power(6), 0.8, Groups.of_species("types", (0, 1))),
    Term("turn", Rows("angles", listed=TURN), Fourier(2), 0.5),
    Term("tie", Rows("bonds", listed=TIE), Harmonic(), 2.0),
    Term("held", Rows("pairs", listed=HELD), Power(4)),
)


def between(values: np.ndarray, percent: float, width: float) -> tuple[float, float]:
    """Range of a percentile that is known only from bins of this width; neighbouring bins may be empty."""
    low, high = (np.percentile(values, percent, method=how) for how in ("lower", "higher"))
    return float(low) - width, float(high) + width


def test_the_sentence_of_a_group_says_which_one_it_is() -> None:
    grouped = Term("angle", Rows("angles"), Fourier(2), 1.0, Groups.of_species("central", (7, 14), ("G", "P")))
    prior = cgcore.default_prior().part([]).with_terms([grouped])
    data = cgcore.datasets.chignolin().subset(100)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(prior), blocks=2)
    texts = [one.text for one in constraints("safe", factor, KELVIN)]
    assert len(set(texts)) == len(texts)
    for label in ("G", "P"):
        assert sum(f"angle potential of angle[{label}] rises" in text for text in texts) == 2


@pytest.fixture(scope="module")
def R() -> np.ndarray:
    return cgcore.datasets.chignolin().subset(400).join().R.astype(float)


@pytest.fixture(scope="module")
def factor(R: np.ndarray) -> Factor:
    F = np.random.default_rng(0).normal(size=R.shape)
    data = cgcore.from_arrays(R, F, species=np.tile(KINDS, (len(R), 1)), accept_faults=True)
    return cgcore.compress(data, cgcore.Fingerprint.of(prior_of(2).part([]).with_terms(TERMS)))


@pytest.fixture(scope="module")
def safe(factor: Factor) -> dict[str, Constraint]:
    return {one.name: one for one in constraints("safe", factor, KELVIN)}


def test_each_group_of_pairs_has_its_own_closest_approach(R: np.ndarray, safe: dict[str, Constraint]) -> None:
    i, j = np.triu_indices(10, 3)
    apart = np.linalg.norm(R[:, i] - R[:, j], axis=-1)
    kinds = np.sort(np.stack([KINDS[i], KINDS[j]], axis=1), axis=1)
    found = []
    for group, pair in enumerate(([0, 0], [0, 1], [1, 1])):
        label = TERMS[0].group_labels[group]
        low, high = between(apart[:, (kinds == pair).all(axis=1)].min(axis=1), 1.0, 0.05)
        one = next(c for name, c in safe.items() if name.startswith(f"contact of near[{label}]"))
        # w c r^-6 = kT there.
        distance = float((0.8 / one.normals[0, group]) ** (1 / 6))
        assert min(low, FARTHEST_CONTACT) <= distance <= min(high, FARTHEST_CONTACT) + 1e-9
        assert one.bounds[0] == pytest.approx(BOLTZMANN * KELVIN)
        found.append(distance)
    assert len(set(found)) == 3


def test_listed_pairs_are_held_apart_beside_what_acts_on_all(R: np.ndarray, safe: dict[str, Constraint]) -> None:
    nearest = np.min([np.linalg.norm(R[:, a] - R[:, b], axis=-1) for a, b in HELD], axis=0)
    low, high = between(nearest, 1.0, 0.05)
    own = [one for name, one in safe.items() if "held" in name]
    # Together with each group of the pairs that are 3 or more apart, since any of them may act on these.
    assert len(own) == 3
    for one in own:
        distance = float((1.0 / one.normals[0, -1]) ** (1 / 4))
        assert min(low, FARTHEST_CONTACT) <= distance <= min(high, FARTHEST_CONTACT) + 1e-9
        assert np.count_nonzero(one.normals[0, :3]) == 1


def test_listed_angles_have_walls_at_the_ends_of_what_they_sampled(R: np.ndarray, safe: dict[str, Constraint]) -> None:
    a, b, c = (R[:, k] for k in TURN[0])
    u, v = a - b, c - b
    theta = np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), np.sum(u * v, axis=1))
    for end, percent, sign in (("low", TAILS[0], -1), ("high", TAILS[1], 1)):
        one, feet = safe[f"angle wall, {end} of turn"], np.linspace(*between(theta, percent, np.radians(1.0)), 2001)
        # The first row is the slope at the foot, wherever that is.
        slopes = sign * 0.5 * TERMS[1].basis.derivatives(feet)
        steps = np.max(np.abs(np.diff(slopes)))
        assert np.min(np.max(np.abs(slopes.T - one.normals[0, 3:7]), axis=1)) <= steps < 1e-3
        assert one.bounds[0] == 0.0
        assert one.bounds.max() <= 2 * WALL * BOLTZMANN * KELVIN / WALL_WIDTH + 1e-9


def test_listed_bonds_are_as_stiff_as_they_fluctuate(R: np.ndarray, safe: dict[str, Constraint]) -> None:
    lengths = np.concatenate([np.linalg.norm(R[:, a] - R[:, b], axis=-1) for a, b in TIE])
    if lengths.max() > 6:  # beyond the bins of bonds only the sign is known
        assert safe["kr of tie"].bounds.tolist() == [0.0]
    else:
        low, high = (np.percentile(lengths, percent) for percent in TAILS)
        assert safe["kr of tie"].bounds[0] == pytest.approx(BOLTZMANN * KELVIN / (high - low) ** 2 / 2.0, rel=0.05)
    (at,) = np.flatnonzero(safe["kr of tie"].normals[0])
    assert at == 7
