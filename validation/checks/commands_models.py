"""Commands that read what other commands wrote: trained models, OpenMM files, mapped frames."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgcore
from cgcore.export.openmm import read_openmm
from cgcore.export.stablehlo import read_stablehlo
from cgcore.mapping import map_to_beads
from cgcore.pipeline.trained import load_trained
from cgcore.report.simulation_record import record as record_of_simulation
from cgcore.simulation.trajectory import write_trajectory
from validation.check import Row, at_most, check, equal
from validation.checks.mapping import KJ, NM, peptides, write_pdb
from validation.context import Context, distinct, five_terms
from validation.records import SAME, Case, plain, same, same_arrays
from validation.settings.prior_configurations import prior_training
from validation.tolerances import relative

FRAMES = 40
RUN: dict[str, Any] = {
    "temperature": 290.0,
    "replicas": 2,
    "time": "0.1ps",
    "timestep": 2.0,
    "interval": 0.05,
    "seed": 3,
}
KELVIN = 325.0


@check("commands-models", needs=("openmm", "matplotlib", "MDAnalysis"))
def commands_of_models(context: Context) -> Iterator[Row]:
    """Evaluation, simulation and export of trained models, simulation of OpenMM files, maps, against the library."""
    prior = five_terms(distinct(context.prior)).part(["bond", "repulsive"])  # compile quickly
    with tempfile.TemporaryDirectory() as name:
        case = Case(Path(name), prior)
        batch = context.some(FRAMES).join()
        np.savez(case.frames, R=batch.R, F=batch.F, temperature=KELVIN)
        data, out = cgcore.read(case.frames), _trained(case)
        yield from _evaluated(case, data, out)
        yield from _simulated(case, data, out)
        yield from _exported(case, data, out)
        yield from _mapped(case)


def _trained(case: Case) -> Path:
    """The folder of a model that was trained for one epoch."""
    said = prior_training(case.frames, case.prior, 0.1, pretrain_prior=False)
    case.config.write_text(json.dumps(said), encoding="utf-8")
    case.ran("train", case.config, "--output", case.folder / "trained")
    return case.folder / "trained"


def _evaluated(case: Case, data: cgcore.Dataset, out: Path) -> Iterator[Row]:
    known = cgcore.evaluate(load_trained(out / "params.npz", 10), data)
    for name, given in (("folder", out), ("file", out / "params.npz")):
        case.ran("evaluate", given, case.frames, "--output", case.folder / name)
        yield from same(f"evaluate, {name}", case.record(f"{name}/evaluation.json"), plain(known.as_dict()))


def _simulated(case: Case, data: cgcore.Dataset, out: Path) -> Iterator[Row]:
    """A trained model, and an OpenMM file of its prior, with a trajectory beside each."""
    case.ran("export", out / "priors.yaml", "--to", "openmm", "--beads", 10, "-o", case.folder / "chain.xml")
    models = {"trained": out, "openmm": case.folder / "chain.xml"}
    loaded = {"trained": load_trained(out / "params.npz", 10), "openmm": read_openmm(case.folder / "chain.xml")}
    for name, file in models.items():
        words = [word for key, value in RUN.items() for word in (f"--{key}", value)]
        pdb = case.folder / f"{name}.pdb"
        ran = case.ran("simulate", file, case.frames, *words, "--output", case.folder / name, "--trajectory", pdb)
        run = cgcore.simulate(loaded[name], data, **RUN)
        yield from same(f"simulate, {name}", case.record(f"{name}/simulation.json"), plain(record_of_simulation(run)))
        yield equal(f"simulate, {name}, exit code", ran.exit_code, 0 if run.whole else 1)
        write_trajectory(case.folder / "library.pdb", run)
        same_text = pdb.read_text(encoding="utf-8") == (case.folder / "library.pdb").read_text(encoding="utf-8")
        yield equal(f"simulate, {name}, trajectory", same_text, True)


def _exported(case: Case, data: cgcore.Dataset, out: Path) -> Iterator[Row]:
    """A trained model in StableHLO: energies and forces that the file computes."""
    file = case.folder / "trained.stablehlo"
    case.ran("export", out, "--to", "stablehlo", "--precision", "float64", "--beads", 12, "-o", file)
    model, params = load_trained(out / "params.npz", 12, precision="float64")
    R, species = np.zeros((3, 12, 3)), np.zeros((3, 12), np.int32)
    mask = np.broadcast_to(np.arange(12) < 10, species.shape).copy()
    R[:, :10] = data.join().R[:3]
    energies, forces = read_stablehlo(file)(R, mask, species)

    def energy(one: Any, real: Any, kinds: Any) -> Any:
        return model.compute_energy(params, one, real, kinds)

    known, slopes = jax.jit(jax.vmap(jax.value_and_grad(energy)))(R, mask, species)
    yield at_most("export, trained, energies", relative(energies, np.asarray(known)), SAME, "relative")
    yield at_most("export, trained, forces", relative(forces, -np.asarray(slopes)), SAME, "relative")


def _mapped(case: Case) -> Iterator[Row]:
    """Frames of all atoms, mapped with a setting other than each default."""
    names, residue, R, F = peptides()
    pdb, frames, made = (case.folder / name for name in ("atoms.pdb", "atoms.npz", "mapped.npz"))
    write_pdb(pdb, names, residue, R[0])
    np.savez(frames, coords=R / NM, Fs=F * KJ * NM)
    for force_map in ("slice", "residue", "optimal"):
        words = ("--map", force_map, "--units", "nm-kj")
        said = case.ran("map", pdb, frames, "-o", made, *words).output
        known = map_to_beads(pdb, [frames], force_map=force_map, units="nm-kj")
        known.dataset.write(case.folder / "library.npz")
        yield from same_arrays(f"map, {force_map}", made, case.folder / "library.npz")
        for one in known.maps:
            row = next((line for line in said.splitlines() if line.lstrip().startswith(f"{one.name} ")), "")
            yield equal(f"map, {force_map}, noise of {one.name}, printed", f"{one.noise:.4f}" in row, True)
            yield equal(f"map, {force_map}, {one.name} written", "written" in row, one.name == force_map)
