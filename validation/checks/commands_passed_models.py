"""What commands that take a model hand to the library's functions: exports and simulations."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import cgcore
from cgcore.cli.together import Company
from validation.called import BUNDLED, READ, READING, Calls, Place
from validation.check import Row, check, equal
from validation.context import Context
from validation.records import BOX


@check("commands-passed-models", quick=True, needs=("matplotlib",))
def commands_passed_models(_: Context) -> Iterator[Row]:
    """What exports and simulations hand to the functions that do their work, with all options and with none."""
    whole = cgcore.datasets.chignolin()
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name), whole.subset(40, 1), whole.subset(30, 2))
        np.savez(place.frames, x=np.zeros(1))
        place.prior.write(place.priors)
        yield from _exported(place)
        yield from _simulated(place)


def _exported(place: Place) -> Iterator[Row]:
    """Priors in the formats of others, and trained models."""
    lammps, openmm = "cgcore.export.lammps.write_lammps", "cgcore.export.openmm.write_openmm"
    energy, loaded = "cgcore.export.stablehlo.export_energy", "cgcore.pipeline.trained.load_trained"
    written = "cgcore.export.stablehlo.write_stablehlo"
    out, trained = place.out("exported"), place.out("params.npz")
    np.savez(trained, x=np.zeros(1))
    model = SimpleNamespace(prior=None, compute_energy=lambda: 0, N_max=10)
    species = np.array([0, 2, 1])
    chain = {"prior": place.prior, "beads": 3}
    of_chain = ("--mass", 95, "--species", "0,2,1")
    usual: dict[str, Any] = {"mass": 110.0, "species": None}
    unusual: dict[str, Any] = {"mass": 95.0, "species": species}
    double = ("--precision", "float64")
    cases: list[tuple[str, tuple[Any, ...], dict[str, Mapping[str, Any] | None]]] = [
        (place.priors, ("lammps",), {lammps: {"folder": out, **chain, **usual, "cutoff": 60.0}, openmm: None}),
        (place.priors, ("lammps", *of_chain, "--cutoff", 40),
         {lammps: {"folder": out, **chain, **unusual, "cutoff": 40.0}}),
        (place.priors, ("openmm",), {openmm: {"path": out, **chain, **usual}, lammps: None}),
        (place.priors, ("openmm", *of_chain), {openmm: {"path": out, **chain, **unusual}}),
        (place.priors, ("stablehlo",), {energy: {"beads": 3, "dtype": "float32"}}),
        (place.priors, ("stablehlo", *double), {energy: {"beads": 3, "dtype": "float64"}, loaded: None,
                                                written: {"path": out, "exported": b"x"}}),
        (trained, ("stablehlo",), {loaded: {"path": trained, "beads": 3, "precision": "float32"},
                                   energy: {"params": {}, "beads": 10, "dtype": "float32"}}),
        (trained, ("stablehlo", *double), {loaded: {"path": trained, "beads": 3, "precision": "float64"},
                                           energy: {"beads": 10, "dtype": "float64"},
                                           written: {"path": out, "exported": b"x"}}),
    ]  # fmt: skip
    for source, words, known in cases:
        calls = place.calls(
            export__lammps__write_lammps=[],
            export__openmm__write_openmm=None,
            export__stablehlo__require_flatbuffers=None,
            export__stablehlo__export_energy=b"x",
            export__stablehlo__write_stablehlo=None,
            pipeline__trained__load_trained=(model, {}),
        )
        calls.ran("export", source, "--beads", 3, "-o", out, "--to", *words)
        yield from calls.rows(f"export, {Path(source).stem}, {' '.join(map(str, words))}", known)


def _simulated(place: Place) -> Iterator[Row]:
    """Simulations: settings, files, and what the processes do that write nothing."""
    run, compared = "cgcore.simulation.simulate.simulate", "cgcore.simulation.reference.reference"
    frames, drawn = "cgcore.simulation.trajectory.write_trajectory", "cgcore.report.picture.write_picture"
    cached, record = "cgcore.cli.setup.use_compilation_cache", "cgcore.report.simulation_record.record"
    out, picture, trajectory = (place.out(name) for name in ("run", "run.svg", "run.pdb"))
    settings: dict[str, Any] = {
        "temperature": 310.0, "replicas": 3, "time": "2ps", "timestep": 4.0, "friction": 2.0, "mass": 95.0,
        "interval": 0.5, "seed": 7, "protein": "a", "beads": 10,
    }  # fmt: skip
    usual: dict[str, Any] = {
        "temperature": None, "replicas": 32, "time": "1ns", "timestep": 5.0, "friction": 1.0, "mass": 110.0,
        "interval": None, "seed": 0, "protein": None, "beads": None, "folder": None, "resume": False,
    }  # fmt: skip
    every = [word for name, value in settings.items() for word in (f"--{name}", value)]
    files = ("--output", out, "--plot", picture, "--trajectory", trajectory, "--resume")
    result = SimpleNamespace(whole=False)
    model = {"model": place.prior}
    own: dict[str, Mapping[str, Any] | None] = {
        READ: {"path": place.frames, "units": "nm-kj", "box": BOX, "accept_faults": False},
        compared: {"protein": "a", "beads": 10},
        run: model | settings | {"data": place.read, "folder": out, "resume": True},
        cached: None,
    }
    for writes, written in (
        (True, {frames: {"path": trajectory, "result": result}, drawn: {"path": picture}, record: {"result": result}}),
        (False, {frames: None, drawn: None, record: None}),
    ):
        calls = _simulating(place, result, writes)
        calls.ran("simulate", place.priors, place.frames, *every, *files, *READING, "--no-cache")
        yield from calls.rows(f"simulate, all options, {'writes' if writes else 'silent'}", {**own, **written})
        process = calls.arguments["cgcore.cli.together.together"][-1]["company"]
        yield equal("simulate, processes without options", str(process), str(Company(None, None, None)))
    calls = _simulating(place, result, True)
    ended = calls.ran("simulate", place.priors, "--coordinator", "host:9", "--processes", 4, "--process", 2)
    yield equal("simulate, exit code of lost replicas", ended.exit_code, 1)
    known: dict[str, Mapping[str, Any] | None] = {
        READ: None, BUNDLED: {}, cached: {}, run: model | usual | {"data": place.bundled}, frames: None, record: None,
        "cgcore.cli.together.together": {"company": Company("host:9", 4, 2)},
    }  # fmt: skip
    yield from calls.rows("simulate, no options", known)


def _simulating(place: Place, result: Any, writes: bool) -> Calls:
    """Calls of a simulation in a process that writes files, or in another one."""

    @contextmanager
    def together(*_: Any) -> Iterator[bool]:
        yield writes

    return place.calls(
        cli__together__together=together,
        cli__setup__use_compilation_cache=None,
        simulation__reference__reference=SimpleNamespace(beads=10),
        simulation__simulate__simulate=result,
        simulation__trajectory__write_trajectory=None,
        report__simulation_record__record={},
        report__simulation_figure__draw_simulation=None,
        report__simulation_text__report="",
        report__picture__write_picture=None,
    )
