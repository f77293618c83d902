"""Complete runs: verdicts, restarts, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from simulation_helpers import bundled, sound_prior

import cgcore
from cgcore.physics.prior import Prior, Weights
from cgcore.simulation import Limits, Outcome, Potential, Progress, Settings, SimulationResult, storage
from cgcore.simulation.reference import reference, temperature_of
from cgcore.simulation.settings import picoseconds, usual_interval

DATA = bundled()


def short(changed: dict[str, Any]) -> dict[str, Any]:
    """The settings of a short run, with some changes."""
    return SHORT | changed


SHORT: dict[str, Any] = {"temperature": 320.0, "replicas": 4, "time": "2ps", "interval": 0.1}
SOUND = sound_prior()


@pytest.fixture(scope="module")
def whole() -> SimulationResult:
    return cgcore.simulate(SOUND, DATA, **SHORT)


def same(a: SimulationResult, b: SimulationResult) -> None:
    """Assert that two results are equal in every bit."""
    assert np.array_equal(a.frames, b.frames, equal_nan=True)
    assert a.replicas == b.replicas
    assert a.kinetic_temperature == b.kinetic_temperature


def test_a_sound_prior_is_whole(whole: SimulationResult) -> None:
    assert whole.whole
    assert whole.lost == 0
    assert whole.frames.shape == (4, 20, 5, 3)
    assert whole.frames.dtype == np.float32
    assert np.isfinite(whole.frames).all()
    assert whole.frames.mean(axis=2) == pytest.approx(0, abs=1e-5)
    assert set(whole.observables) == {
        *("bond", "angle", "dihedral", "distance", "contacts", "radius_of_gyration", "end_to_end"),
    }
    assert whole.settings == Settings(320.0, 4, 2.0, interval=0.1)
    assert whole.notes == ()
    assert whole.ns_per_day > 0
    # The prior draws angles to 112 degrees, whatever they are in the data.
    angle = whole.observables["angle"]
    assert angle.simulation.mean is not None
    assert 104 < angle.simulation.mean < 116
    # The closest approach is taken over all steps, so it is at most that of the saved frames.
    i, j = np.triu_indices(5, 3)
    saved = np.linalg.norm(whole.frames[:, :, i] - whole.frames[:, :, j], axis=3).min()
    assert whole.closest_approach <= saved + 1e-5
    assert whole.closest_approach == min(replica.closest for replica in whole.replicas)


@pytest.mark.slow
def test_seeds_decide(whole: SimulationResult) -> None:
    same(cgcore.simulate(SOUND, DATA, **SHORT), whole)
    other = cgcore.simulate(SOUND, DATA, **SHORT, seed=1)
    assert not np.array_equal(other.frames, whole.frames)


@pytest.mark.slow
def test_a_lost_replica_stands_still_and_the_others_go_on(whole: SimulationResult) -> None:
    """A force that makes it unstable acts on replica 2 alone."""
    from cgcore.simulation.potential import prior_potential

    sound = prior_potential(SOUND)

    def forces(R: Any) -> Any:
        return sound.forces(R).at[:, 2, 2].add(500.0)

    result = cgcore.simulate(Potential("pulled", forces, "pulled"), DATA, **SHORT)
    assert [r.status for r in result.replicas] == [Outcome.WHOLE, Outcome.WHOLE, Outcome.BOND, Outcome.WHOLE]
    lost = result.replicas[2]
    assert 2 in lost.beads
    assert lost.time is not None
    assert 0 < lost.time < 0.2
    assert lost.value is not None
    assert not result.limits.bond[0] <= lost.value <= result.limits.bond[1]
    first = int(lost.time / 0.1)
    assert np.isnan(result.frames[2, first:]).all()
    others = [0, 1, 3]
    # Another program may round differently; frames agree until the chaotic motion amplifies this.
    assert result.frames[others, :5] == pytest.approx(whole.frames[others, :5], abs=1e-3)
    assert np.isfinite(result.frames[others]).all()
    assert result.notes == ("distributions are of the time before a replica was lost (1 of 4 were)",)


@pytest.mark.slow
def test_beads_that_attract_each_other_overlap() -> None:
    attractive = sound_prior(epsilon_ex=-60.0, kr=700.0)
    result = cgcore.simulate(attractive, DATA, **short({"time": "20ps", "interval": 1.0}))
    assert result.lost > 0
    assert not result.whole
    assert {r.status for r in result.replicas} & {Outcome.OVERLAP, Outcome.BOND, Outcome.NOT_FINITE}


def test_every_replica_lost_at_once() -> None:
    def forces(R: Any) -> Any:
        return R * np.nan

    result = cgcore.simulate(Potential("nan", forces, ""), DATA, **SHORT)
    assert {r.status for r in result.replicas} == {Outcome.NOT_FINITE}
    assert [r.time for r in result.replicas] == [0.005] * 4
    assert result.replicas[0].beads == (0, 1, 2, 3, 4)
    assert result.observables == {}
    assert np.isnan(result.frames).all()
    assert np.isnan(result.kinetic_temperature)
    assert "every replica was lost before a frame could be compared" in result.notes


class _Killed(Exception):
    pass


def kill(after: float) -> Any:
    def watch(reached: Progress) -> None:
        if reached.time > after:
            raise _Killed

    return watch


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path, whole: SimulationResult) -> None:
    with mock.patch("cgcore.simulation.run.SAVE_SECONDS", 0.0), pytest.raises(_Killed):
        cgcore.simulate(SOUND, DATA, **SHORT, folder=tmp_path, progress=kill(0.75))
    assert [path.name for path in tmp_path.iterdir()] == [storage.NAME]
    seen: list[float] = []
    resumed = cgcore.simulate(
        SOUND, DATA, **SHORT, folder=tmp_path, resume=True, progress=lambda p: seen.append(p.time)
    )
    # The frame after which it was killed was reported before it was saved.
    assert seen[0] == pytest.approx(0.8)
    same(resumed, whole)
    # A finished run returns its result again, and continues if a longer run is requested.
    same(cgcore.simulate(SOUND, DATA, **SHORT, folder=tmp_path, resume=True), whole)
    more: dict[str, Any] = SHORT | {"time": "2.5ps"}
    longer = cgcore.simulate(SOUND, DATA, **more, folder=tmp_path, resume=True)
    same(longer, cgcore.simulate(SOUND, DATA, **more))
    assert np.array_equal(longer.frames[:, :20], whole.frames)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"temperature": 300.0}, "its temperature is 320.0, here it is 300.0"),
        ({"seed": 5}, "its seed is 0, here it is 5"),
        ({"replicas": 5}, "its replicas is 4, here it is 5"),
    ],
)
def test_another_run_is_not_resumed(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    cgcore.simulate(SOUND, DATA, **short({"time": "0.2ps"}), folder=tmp_path)
    with pytest.raises(cgcore.InputError, match=words):
        cgcore.simulate(SOUND, DATA, **short(changed), folder=tmp_path, resume=True)
    with pytest.raises(cgcore.InputError, match="its model is"):
        cgcore.simulate(sound_prior(r0=3.9), DATA, **SHORT, folder=tmp_path, resume=True)


@pytest.mark.parametrize("what", ["nothing", "text", "cut", "foreign"])
def test_what_cannot_be_resumed(tmp_path: Path, what: str) -> None:
    path = tmp_path / storage.NAME
    if what == "text":
        path.write_text("hello")
    elif what == "cut":
        cgcore.simulate(SOUND, DATA, **short({"time": "0.2ps"}), folder=tmp_path)
        path.write_bytes(path.read_bytes()[:-200])
    elif what == "foreign":
        np.savez(path, R=np.zeros(3))
    with pytest.raises(cgcore.InputError, match="--resume"):
        cgcore.simulate(SOUND, DATA, **SHORT, folder=tmp_path, resume=True)


@pytest.mark.slow
def test_kinetic_temperature() -> None:
    result = cgcore.simulate(SOUND, DATA, temperature=320.0, replicas=32, time="20ps", friction=5.0)
    assert result.kinetic_error < 4
    assert abs(result.kinetic_temperature - 320.0) < 5 * result.kinetic_error


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"temperature": 0.0}, "temperature is 0.0; give a finite number above 0"),
    ({"temperature": float("nan")}, "temperature is nan"),
    ({"replicas": 0}, "replicas is 0; give at least 1"),
    ({"replicas": 10**9}, "replicas is 1000000000; give at most 65536"),
    ({"time": "10us", "interval": 0.005}, r"2000000000 saved frames of \d+ replicas of \d+ beads take more than 8 GiB"),
    ({"time": "-1ns"}, "time is '-1ns'; give a number of ns above 0"),
    ({"time": "soon"}, "time is 'soon'"),
    ({"time": "1fs", "interval": None}, "interval is 0.001 ps, less than a timestep of 5 fs"),
    ({"time": 1e9}, "more than 2147483647 steps"),
    ({"timestep": 50.0}, "timestep is 50 fs, but the bonds of this model are unstable above 38.8 fs"),
    ({"timestep": 0.0}, "timestep is 0.0"),
    ({"friction": 0.0}, "friction is 0.0"),
    ({"mass": -1.0}, "mass is -1.0"),
    ({"interval": 0.001}, "interval is 0.001 ps, less than a timestep"),
    ({"interval": 3.0}, "time is 2 ps, less than the interval of 3 ps"),
    ({"seed": -1}, "seed is -1; give at least 0"),
    ({"beads": 7}, r"does not contain 7 beads, but protein|does not contain 7 beads, but YYDPE \(5 beads\)"),
    ({"protein": "ABC"}, "does not contain protein 'ABC'"),
    ({"resume": True}, "resume needs the folder"),
]


@pytest.mark.parametrize(("changed", "words"), REFUSED)
def test_refusals(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(cgcore.InputError, match=words):
        cgcore.simulate(SOUND, DATA, **short(changed))


@pytest.mark.parametrize("value", [2.5, True, float("nan"), "2"])
@pytest.mark.parametrize("name", ["replicas", "seed"])
def test_counts_are_whole_numbers(name: str, value: Any) -> None:
    with pytest.raises(cgcore.InputError, match=f"{name} is .*; give a whole number"):
        Settings(**{name: value})


def test_models_that_are_none() -> None:
    zero = Prior(Weights(0.0, 0.0, 0.0, 0.0), SOUND.without_excluded_volume().params)
    for none in (zero, SOUND.part([])):
        with pytest.raises(cgcore.InputError, match="every term of the prior is 0"):
            cgcore.simulate(none, DATA, **SHORT)
    with pytest.raises(cgcore.InputError, match="a str cannot be simulated"):
        cgcore.simulate("priors.yaml", DATA, **SHORT)


def test_times() -> None:
    assert [picoseconds(t) for t in (1.0, "1", "0.5 ns", "100ps", "5e3fs", "1us")] == pytest.approx(
        [1000, 1000, 500, 100, 5, 1e6]
    )
    assert (usual_interval(1000.0), usual_interval(20.0), usual_interval(5000.0), usual_interval(0.2)) == (1, 1, 5, 0.2)
    settings = Settings(time=1000.0)
    assert (settings.frames, settings.steps_per_frame, settings.steps) == (1000, 200, 200_000)
    assert settings.at(settings.steps) == 1000.0


def test_temperature_of_the_data() -> None:
    bundled_set = cgcore.datasets.chignolin()
    assert temperature_of(bundled_set, None) == (320.0, None)
    assert temperature_of(bundled_set, 320.0) == (320.0, None)
    assert temperature_of(bundled_set, 300.0) == (300.0, "simulated at 300 K, while the data are of 320 K")
    kelvin, note = temperature_of(DATA, None)
    assert kelvin == 300.0
    assert note is not None


def test_several_temperatures(tmp_path: Path) -> None:
    R = cgcore.datasets.chignolin().join().R[:4]
    np.savez(tmp_path / "a.npz", R=R, F=R, temperature=np.array([300.0, 310.0]))
    with pytest.raises(cgcore.InputError, match=r"several temperatures \(300, 310 K\)"):
        temperature_of(cgcore.read(tmp_path / "a.npz"), None)


def test_frames_of_one_protein_among_several() -> None:
    rng = np.random.default_rng(0)
    R = np.cumsum(rng.normal(size=(40, 6, 3)), axis=1)
    mask = np.ones((40, 6))
    mask[::2, 4:] = 0
    data = cgcore.from_arrays(R, R, mask)
    short = reference(data, beads=4)
    assert short.R.shape == (20, 4, 3)
    assert np.array_equal(short.R, R[::2, :4])
    assert reference(data, short.protein).beads == 4
    with pytest.raises(cgcore.InputError, match=r"several proteins: .*\(4 beads\).* choose one with --protein"):
        reference(data)
    starts = short.starts(5, 0)
    rows = [int(np.flatnonzero((frame == short.R).all(axis=(1, 2)))[0]) for frame in starts]
    assert [row // 4 for row in rows] == [0, 1, 2, 3, 4]  # one from each fifth
    assert len(short.starts(50, 0)) == 50


def test_large_data_are_looked_at_evenly() -> None:
    R = np.zeros((50, 2, 3))
    R[:, 1, 0] = np.arange(1, 51)
    with mock.patch("cgcore.simulation.reference.MOST_FRAMES", 8):
        found = reference(cgcore.from_arrays(R, R))
    assert found.R[:, 1, 0].tolist() == [1, 8, 15, 22, 29, 36, 43, 50]
    assert found.frames_in_data == 50


def test_limits_are_those_of_the_data(whole: SimulationResult) -> None:
    assert isinstance(whole.limits, Limits)
    assert whole.limits.closest == 3.0
