"""`cgcore simulate`: exit codes, files, and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openmm.app
import pytest
from cli_helpers import assert_refused, bundled, prior_yaml, run, save
from simulation_helpers import sound_prior

from cgcore.cli.simulate import PICTURE, RECORD
from cgcore.export.openmm import write_openmm
from cgcore.serialize import write_priors
from cgcore.simulation import storage

QUICK = ("--temperature", 320, "--replicas", 3, "--time", "1ps", "--interval", 0.1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    names = np.array(["TYR", "TYR", "ASP", "PRO", "GLU"])
    return save(tmp_path / "data.npz", bundled(slice(0, 1000, 10), 5) | {"resname": names})


@pytest.fixture
def priors(tmp_path: Path) -> Path:
    prior = sound_prior()
    write_priors(tmp_path / "priors.yaml", prior, prior.params)
    return tmp_path / "priors.yaml"


def record(folder: Path) -> dict[str, Any]:
    def refuse(token: str) -> None:
        raise AssertionError(f"{RECORD} holds {token}, which is not JSON")

    return json.loads((folder / RECORD).read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.mark.slow
def test_a_whole_run(tmp_path: Path, priors: Path, data: Path) -> None:
    out, trajectory = tmp_path / "out", tmp_path / "run.pdb"
    ran = run("simulate", priors, data, *QUICK, "--output", out, "--trajectory", trajectory)
    assert (ran.code, ran.err) == (0, "")
    assert "All 3 replicas are whole" in ran.out
    assert "Radius of gyration" in ran.out
    assert sorted(path.name for path in out.iterdir()) == sorted([RECORD, PICTURE, storage.NAME])
    found = record(out)
    assert (found["whole"], found["lost"], found["engine"]) == (True, 0, "jax")
    assert found["settings"]["temperature"] == 320
    assert found["origin"]["protein"] == "YYDPE"
    assert [r["status"] for r in found["replicas"]] == ["WHOLE"] * 3
    assert found["observables"]["bond"]["divergence"] >= 0
    assert set(found["versions"]) >= {"cgcore", "jax", "python"}

    models = openmm.app.PDBFile(str(trajectory))
    assert models.getNumFrames() == 30
    residues = list(models.topology.residues())
    assert [residue.name for residue in residues] == ["TYR", "TYR", "ASP", "PRO", "GLU"]
    assert [atom.name for atom in models.topology.atoms()] == ["CA"] * 5
    assert models.topology.getNumBonds() == 4
    with np.load(out / storage.NAME) as archive:
        frames = archive["frames"]
    positions: Any = models.getPositions(asNumpy=True, frame=13)
    assert positions._value * 10 == pytest.approx(frames[1, 3], abs=6e-4)
    text = trajectory.read_text()
    assert "REMARK   2 REPLICA 1 TIME 0.400 PS" in text

    # From the file again: nothing remains to be simulated.
    again = run("simulate", priors, data, *QUICK, "--output", out, "--resume")
    assert again.code == 0
    assert record(out)["replicas"] == found["replicas"]


@pytest.mark.slow
def test_lost_replicas_are_exit_code_1(tmp_path: Path, data: Path) -> None:
    prior = sound_prior(r0=9.0)
    write_priors(tmp_path / "torn.yaml", prior, prior.params)
    picture = tmp_path / "a.svg"
    ran = run("simulate", tmp_path / "torn.yaml", data, *QUICK, "--output", tmp_path / "out", "--plot", picture)
    assert (ran.code, ran.err) == (1, "")
    assert "3 of 3 replicas are lost" in ran.out
    assert "the bond of beads" in ran.out
    assert record(tmp_path / "out")["lost"] == 3
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    assert not (tmp_path / "out" / PICTURE).exists()


@pytest.mark.slow
def test_what_was_exported_for_openmm(tmp_path: Path, data: Path) -> None:
    write_openmm(tmp_path / "system.xml", sound_prior(), 5)
    ran = run("simulate", tmp_path / "system.xml", data, *QUICK)
    assert (ran.code, ran.err) == (0, "")
    assert "openmm CPU" in ran.out


@pytest.mark.slow
def test_a_trained_model(tmp_path: Path, data: Path) -> None:
    import jax
    import pipeline_helpers as h
    from test_export_trained import ALLEGRO

    from cgcore.pipeline.model import CombinedModel
    from cgcore.pipeline.parameters import save_params

    R = bundled(1, 5)
    model = CombinedModel(
        h.settings({"allegro": ALLEGRO, "priors": {**h.PRIORS, "kr": 350.0}}), R["R"][0], None, R["species"][0], 5
    )
    save_params(tmp_path / "params.npz", model.initialize_params(jax.random.key(0)), model.fingerprint(), 5)
    ran = run("simulate", tmp_path, data, *QUICK, "--time", "0.2ps")
    assert ran.err == ""
    assert ran.code in (0, 1)
    assert "prior + allegro" in ran.out
    long = save(tmp_path / "long.npz", bundled(20, 7))
    assert_refused(run("simulate", tmp_path, long, *QUICK), "trained for chains of at most 5 beads, but this one has 7")


@pytest.mark.slow
def test_a_note_on_the_temperature(priors: Path, data: Path) -> None:
    ran = run("simulate", priors, data, "--replicas", 3, "--time", "1ps", "--interval", 0.1)
    assert "Note: the data say no temperature, and none was given: simulated at 300 K" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--temperature", 0), "temperature is 0.0; give a finite number above 0"),
        (("--timestep", 60), "timestep is 60 fs, but the bonds of this model are unstable above 38.8 fs"),
        (("--beads", 12), r"does not contain 12 beads, but YYDPE \(5 beads\)"),
        (("--protein", "X"), "does not contain protein 'X'"),
        (("--time", "1 week"), "time is '1 week'"),
        (("--replicas", -1), "replicas is -1"),
        (("--resume",), "--resume needs --output"),
        (("--output", ""), "--output is empty"),
        (("--plot", "a.txt"), "is not a picture format"),
        (("--trajectory", "a.xtc"), r"give a name that ends in \.pdb"),
    ],
)
def test_refusals(priors: Path, data: Path, words: tuple[Any, ...], said: str) -> None:
    assert_refused(run("simulate", priors, data, *QUICK, *words), said)


def test_files_that_are_no_model(tmp_path: Path, data: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("model: {use_priors: true}")
    assert_refused(run("simulate", empty, data), "model.priors is missing")
    weightless = prior_yaml(
        tmp_path / "zero.yaml",
        weights=dict.fromkeys(("bond", "angle", "dihedral", "repulsive", "excluded_volume"), 0.0),
    )
    assert_refused(run("simulate", weightless, data), "every term of the prior is 0")
    assert_refused(run("simulate", tmp_path / "none.yaml", data), "no such file")
    assert_refused(run("simulate", tmp_path / "none.xml", data), "cannot be read")
    assert_refused(run("simulate", tmp_path / "none.npz", data), "none.npz")
    assert_refused(run("simulate", tmp_path / "empty.yaml", tmp_path / "no.npz"), "no.npz")
