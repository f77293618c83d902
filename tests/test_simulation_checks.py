"""When a replica counts as lost, and how that is reported."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import chain

from cgcore.simulation.checks import BEAD, CLOSER, UNROLLED, Limits, Outcome, closest_squared, limits_of, look
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import State, counted, no_tally
from cgcore.simulation.verdict import angles_outside, verdicts

LIMITS = Limits((3.3, 4.4), 3.0, (np.radians(60.0), np.radians(160.0)), 4.5)


def straight(beads: int = 6, bend: float = 100.0) -> np.ndarray:
    """A flat zigzag with bonds of 3.8 Å and this angle [degrees], (xyz, beads)."""
    half = np.radians(bend) / 2
    i = np.arange(beads)
    return 3.8 * np.stack([i * np.sin(half), i % 2 * np.cos(half), 0.0 * i])


def test_limits_come_from_the_data() -> None:
    R = np.array([straight(6, bend).T for bend in (95.0, 120.0)])
    found = limits_of(R)
    assert found.bond == pytest.approx((3.3, 4.3))
    assert np.degrees(found.angle) == pytest.approx((85.0, 130.0))
    assert found.closest == BEAD
    far = np.linalg.norm(R[:, :-3] - R[:, 3:], axis=2)
    assert found.closest_sampled == pytest.approx(far.min())
    # Data with pairs closer than 4 Å.
    near = R.copy()
    near[0, 5] = near[0, 0] + [0.0, 0.0, 2.0]
    assert limits_of(near).closest == pytest.approx(CLOSER * 2.0)
    # A wide range of the data gives a wide margin.
    wide = limits_of(np.array([R[0], 1.5 * R[0]]))
    assert wide.bond == pytest.approx((3.8 - 1.9, 5.7 + 1.9))
    two = limits_of(R[:, :2])
    assert two.closest == 0
    assert two.angle == (0.0, np.pi)


@pytest.mark.parametrize("beads", [3, 4, UNROLLED, UNROLLED + 5])
def test_closest_pair(beads: int) -> None:
    rng = np.random.default_rng(beads)
    R = np.array([chain(rng, beads) for _ in range(4)])
    brute = [
        min(
            (np.sum((frame[i] - frame[j]) ** 2) for i in range(beads) for j in range(i + 3, beads)),
            default=np.inf,
        )
        for frame in R
    ]
    x = np.transpose(R, (2, 1, 0))
    assert closest_squared(x, np) == pytest.approx(brute)
    assert np.asarray(jax.jit(lambda x: closest_squared(x, jnp))(x)) == pytest.approx(brute)


def broken() -> tuple[np.ndarray, list[Outcome]]:
    """Replicas (xyz, beads, replicas), and the outcome of each."""
    sound = straight()
    nan, bond, overlap, angle = (sound.copy() for _ in range(4))
    nan[1, 4] = np.nan
    bond[:, 3:] += [[0.0], [0.0], [5.0]]
    overlap[:, 5] = overlap[:, 1] + [0.0, 0.0, 2.0]
    angle[:, 5] = angle[:, 4] + (angle[:, 4] - angle[:, 3])
    x = np.stack([sound, nan, bond, overlap, angle], axis=2)
    return x, [Outcome.WHOLE, Outcome.NOT_FINITE, Outcome.BOND, Outcome.OVERLAP, Outcome.WHOLE]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_each_outcome_is_seen_and_named() -> None:
    x, expected = broken()
    seen = look(LIMITS, x, np.zeros_like(x), np)
    compiled = jax.jit(lambda x: look(LIMITS, x, jnp.zeros_like(x), jnp))(x)
    assert seen.outcome.tolist() == expected == np.asarray(compiled.outcome).tolist()
    assert (seen.outside == np.asarray(compiled.outside)).all()
    assert seen.outside[:, 4].tolist() == [False, False, False, True]

    tally = counted(no_tally(6, 5), seen, 40, np.ones(5), np)
    tally = counted(tally, seen, 80, np.ones(5), np)  # a lost replica is counted once
    state = State(np.int32(80), x, x, x, tally)
    replicas = verdicts(state, Settings(), LIMITS)
    assert [r.status for r in replicas] == [*expected[:-1], Outcome.ANGLE]
    assert [r.time for r in replicas] == [None, 0.2, 0.2, 0.2, 0.2]
    assert [r.beads for r in replicas] == [(), (4,), (2, 3), (1, 5), (3, 4, 5)]
    assert replicas[2].value == pytest.approx(np.linalg.norm(x[:, 3, 2] - x[:, 2, 2]))
    assert replicas[3].value == pytest.approx(2.0)
    assert replicas[4].value == pytest.approx(0.25)
    assert replicas[3].sentence == "replica 3: lost at 0.200 ps: beads 1 and 5 are 2.00 Å apart, less than 3.00 Å"
    assert replicas[0].sentence == "replica 0: whole"
    assert "25.00% of the angles are beyond 60 to 160 degrees" in replicas[4].sentence


def test_few_angles_outside_are_no_loss() -> None:
    x, _ = broken()
    x = x[..., [0, 4]]
    sound, bent = (look(LIMITS, y, np.zeros_like(y), np) for y in (x[..., [0, 0]], x))
    tally = no_tally(6, 2)
    for step in range(1, 2001):
        tally = counted(tally, bent if step == 7 else sound, step, np.ones(2), np)
    state = State(np.int32(2000), x, x, x, tally)
    assert angles_outside(tally) == 1 / (2 * 4 * 2000)
    assert [r.status for r in verdicts(state, Settings(), LIMITS)] == [Outcome.WHOLE] * 2
    assert tally.first_outside.tolist() == [-1, 7]


def test_velocities_that_are_not_finite_are_a_loss() -> None:
    x = straight()[..., None]
    v = np.zeros_like(x)
    v[0, 0, 0] = np.inf
    assert look(LIMITS, x, v, np).outcome == Outcome.NOT_FINITE
