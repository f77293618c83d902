"""OpenMM runs exported priors, and its runs are judged in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulation_helpers import bundled, sound_prior
from test_simulation_run import _Killed, kill, same

import cgcore
from cgcore.export.openmm import openmm_system, read_openmm, write_openmm
from cgcore.simulation import Outcome, Settings, storage
from cgcore.simulation.checks import limits_of
from cgcore.simulation.openmm_engine import OpenMMEngine

DATA = bundled()
SHORT: dict[str, Any] = {"temperature": 320.0, "replicas": 3, "time": "2ps", "interval": 0.2}


@pytest.mark.slow
def test_the_same_distributions_as_ours() -> None:
    """Two engines with one prior: means agree within the errors estimated from the replicas."""
    settings: dict[str, Any] = {"temperature": 320.0, "replicas": 16, "time": "30ps", "friction": 5.0}
    ours, theirs = (cgcore.simulate(m, DATA, **settings) for m in (sound_prior(), openmm_system(sound_prior(), 5)))
    assert theirs.engine == "openmm CPU"
    assert ours.whole
    assert theirs.whole
    assert abs(theirs.kinetic_temperature - 320.0) < 5 * theirs.kinetic_error
    assert theirs.kinetic_error < 10
    for name in ("bond", "angle", "distance", "radius_of_gyration", "end_to_end"):
        a, b = ours.observables[name].simulation, theirs.observables[name].simulation
        assert a.mean is not None
        assert b.mean is not None
        error = np.hypot(a.error or np.nan, b.error or np.nan)
        assert error < 0.03 * a.mean, name
        assert abs(a.mean - b.mean) < 5 * error, name


def test_restart(tmp_path: Path) -> None:
    system = openmm_system(sound_prior(), 5)
    whole = cgcore.simulate(system, DATA, **SHORT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cgcore.simulation.run.SAVE_SECONDS", 0.0)
        with pytest.raises(_Killed):
            cgcore.simulate(system, DATA, **SHORT, folder=tmp_path, progress=kill(0.9))
    same(cgcore.simulate(system, DATA, **SHORT, folder=tmp_path, resume=True), whole)
    with np.load(tmp_path / storage.NAME) as archive:
        arrays = dict(archive)
    last = max(int(name.removeprefix("state/")) for name in arrays if name.startswith("state/"))
    arrays[f"state/{last}"] = arrays[f"state/{last}"][:20]
    np.savez(tmp_path / storage.NAME, **arrays)
    with pytest.raises(cgcore.InputError, match="OpenMM cannot continue from the saved state"):
        cgcore.simulate(system, DATA, **SHORT, folder=tmp_path, resume=True)


def test_no_replica_repeats_one_of_another_seed() -> None:
    """Velocities at the start are those of each replica alone, also for large seeds."""
    system, R = openmm_system(sound_prior(), 5), DATA.join().R[:2].astype(float)
    limits, v = limits_of(R), []
    for seed in (0, 1, 2**31 - 2):
        v.append(OpenMMEngine(system, Settings(replicas=2, seed=seed), limits).start(R).v)
    found = np.concatenate(v, axis=2).reshape(-1, 6).T
    assert len(np.unique(found, axis=0)) == 6


def test_loss() -> None:
    torn = sound_prior(r0=9.0)
    result = cgcore.simulate(openmm_system(torn, 5), DATA, **SHORT)
    assert {r.status for r in result.replicas} == {Outcome.BOND}
    assert [r.time for r in result.replicas] == [0.1] * 3  # the first check of the replicas
    assert np.isnan(result.frames).all()


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(cgcore.InputError, match=r"the OpenMM System has 6 particles, but .* has 5 beads"):
        cgcore.simulate(openmm_system(sound_prior(), 6), DATA, **SHORT)
    path = tmp_path / "system.xml"
    write_openmm(path, sound_prior(), 5)
    assert read_openmm(path).getNumParticles() == 5
    for text in ("<a/>", "", '<?xml version="1.0" ?><System>'):
        path.write_text(text)
        with pytest.raises(cgcore.InputError, match="not the XML of an OpenMM System"):
            read_openmm(path)
    with pytest.raises(cgcore.InputError, match="cannot be read"):
        read_openmm(tmp_path / "none.xml")
