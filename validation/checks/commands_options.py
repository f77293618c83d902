"""Options of commands that the checks of whole commands leave at their defaults: faulty data, pictures, precision, one
of several proteins or temperatures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, get_args

import numpy as np

import cgcore
from cgcore.data.dataset import HoldOut
from cgcore.export.openmm import write_openmm
from cgcore.mapping import map_to_beads
from cgcore.mapping.naming import read_named
from cgcore.physics.bases import Fourier
from cgcore.report.simulation_record import record as record_of_simulation
from validation.check import Row, check, equal
from validation.checks.mapping import KJ, NM, peptides, write_pdb
from validation.context import Context, distinct, five_terms
from validation.explicit import Array
from validation.records import BOX, Case, plain, same, same_arrays
from validation.settings.prior_configurations import prior_training

FRAMES = 60
DRAWN, SEED = 24, 5

KELVIN = ("320", "350")

RUN: dict[str, Any] = {"replicas": 2, "time": "0.1ps", "timestep": 2.0, "interval": 0.05, "seed": 3}


@check("commands-options", needs=("h5py", "openmm", "matplotlib", "MDAnalysis"))
def commands_options(context: Context) -> Iterator[Row]:
    """What each of these options changes, against the function of the library, or against a command without it."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    with tempfile.TemporaryDirectory() as name:
        case = Case(Path(name), five_terms(distinct(context.prior)).part(["bond", "repulsive"]))
        case.prior.write(case.priors)
        np.savez(case.frames, R=R, F=F)
        yield from _faulty(case, R, F)
        yield from _drawn(case)
        yield from _solved(case)
        yield from _proteins(case, R, F)
        yield from _trained(case)
        yield from _temperatures(case)
        yield from _mapped(case)


def _faulty(case: Case, R: Array, F: Array) -> Iterator[Row]:
    """Forces with the wrong sign, which are refused, or used with --accept-faults."""
    wrong, out = case.folder / "wrong.npz", case.folder / "wrong"
    np.savez(wrong, R=R, F=-F)
    training = case.folder / "wrong.yaml"
    # A training without a fit of the prior, and without stages.
    said = {"pretrain_prior": False, "pretrain_prior_constraints": "none", "epochs_adam": 0}
    training.write_text(json.dumps(prior_training(wrong, case.prior, 0.01, **said)), encoding="utf-8")
    learning = case.folder / "learning.yaml"
    learning.write_text(json.dumps(prior_training(wrong, case.prior, 0.01)), encoding="utf-8")
    judging: dict[str, tuple[Any, ...]] = {
        "fit": (wrong, "--max-steps", 5),
        "compress": (wrong, "-o", out),
        "train": (training, wrong),
        "learning-curve": (wrong, "--config", learning, "--draws", 1),
    }
    others: dict[str, tuple[Any, ...]] = {
        "evaluate": (case.priors, wrong),
        "ceiling": (case.priors, wrong),
        "residual": (case.priors, wrong, "-o", out),
    }
    for command, words in (judging | others).items():
        refused = [case.refused(command, *words, *more) for more in ((), ("--accept-faults",))]
        yield equal(
            f"{command}, wrong sign, refused without --accept-faults, and with it",
            str(refused),
            str([command in judging, False]),
        )


def _drawn(case: Case) -> Iterator[Row]:
    """Pictures, in the format that the name says."""
    training = case.folder / "drawn.yaml"
    said = prior_training(case.frames, case.prior, 0.01, pretrain_prior=False)
    training.write_text(json.dumps(said), encoding="utf-8")
    run = [word for key, value in RUN.items() for word in (f"--{key}", value)]
    commands: dict[str, tuple[Any, ...]] = {
        "fit": (case.frames, "--max-steps", 5),
        "inspect": (case.frames,),
        "evaluate": (case.priors, case.frames),
        "learning-curve": (case.frames, "--draws", 1),
        "train": (training, case.frames),
        "simulate": (case.priors, case.frames, *run),
    }
    starts = {"svg": b"<?xml", "png": b"\x89PNG\r"}
    for (command, words), suffix in zip(commands.items(), cycle(starts)):
        picture = case.folder / f"{command}.{suffix}"
        case.ran(command, *words, "--plot", picture)
        yield equal(f"{command}, start of its picture", str(picture.read_bytes()[:5]), str(starts[suffix]))


def _solved(case: Case) -> Iterator[Row]:
    """Settings of the solver."""
    words = ("--precision", "float32", "--max-steps", 7, "--constraints", "none")
    case.ran("fit", case.frames, "--output", case.folder / "solved", *words)
    found = case.record("solved/fit.json")["config"]["options"]
    yield equal("fit, precision and steps", f"{found['precision']} {found['max_steps']}", "float32 7")
    factor = case.folder / "factor.npz"
    case.ran("compress", case.frames, "-o", factor)
    refused = [case.refused("fit", factor, "--objective", name) for name in ("direct", "compressed")]
    yield equal("fit, a factor is refused for each objective", str(refused), str([True, False]))


def _proteins(case: Case, R: Array, F: Array) -> Iterator[Row]:
    """The second of two proteins of the same length, by its name."""
    both, beads = case.folder / "two.npz", R.shape[1]
    species = (np.arange(beads) + np.arange(len(R))[:, None] % 2) % 3
    np.savez(both, R=R, F=F, species=species)
    data = cgcore.read(both)
    second = cgcore.inspect(data).proteins[1].name
    words = [word for key, value in RUN.items() for word in (f"--{key}", value)]
    case.ran("simulate", case.priors, both, *words, "--protein", second, "--output", case.folder / "second")
    run = plain(record_of_simulation(cgcore.simulate(case.prior, data, protein=second, **RUN)))
    yield from same("simulate, one of two proteins", case.record("second/simulation.json"), run)
    kinds = cgcore.Term("kinds", cgcore.Rows("angles"), Fourier(1), 0.5, cgcore.Groups.of_species("central", range(3)))
    made = case.prior.with_terms([kinds], {"kinds": [[1.0, 2.0], [-3.0, 0.5], [0.25, -4.0]]})
    made.write(case.folder / "kinds.yaml")
    prior = cgcore.Prior.read(case.folder / "kinds.yaml")
    words = ("--beads", beads, "--species", both, "--protein", second)
    case.ran("export", case.folder / "kinds.yaml", "--to", "openmm", "-o", case.folder / "second.xml", *words)
    write_openmm(case.folder / "library.xml", prior, beads, species=species[1])
    texts = [(case.folder / f"{name}.xml").read_text(encoding="utf-8") for name in ("second", "library")]
    yield equal("export, one of two proteins, the same file", texts[0] == texts[1], True)


def _trained(case: Case) -> Iterator[Row]:
    """Frames drawn for a training, with their seed, and the two ways to hold frames of two proteins out."""
    frames = case.folder / "two.npz"
    for rule in get_args(HoldOut):
        said = prior_training(frames, case.prior, 0.01, pretrain_prior=False, epochs_adam=0, hold_out=rule)
        file = case.folder / f"{rule}.yaml"
        file.write_text(json.dumps(said), encoding="utf-8")
        case.ran("train", file, "--max-frames", DRAWN, "--seed", SEED, "--output", case.folder / rule)
        train, held_out = cgcore.read(frames).subset(DRAWN, SEED).split(said["training"]["val_fraction"], rule)
        assert held_out is not None
        found = case.record(f"{rule}/train.json")["data"]
        known = plain({"used_frames": train.frame_ranges(), "held_out_frames": held_out.frame_ranges()})
        yield equal(f"train, frames that are drawn, {rule}", str({key: found[key] for key in known}), str(known))


def _temperatures(case: Case) -> Iterator[Row]:
    """An mdCATH file of two temperatures, in a box."""
    import h5py

    names, residue, R, F = peptides()
    path, z = case.folder / "domain.h5", {"N": 7, "H": 1, "C": 6, "O": 8}
    with h5py.File(path, "w") as file:
        domain = file.create_group("1abcA00")
        domain["z"], domain["resid"] = [z[name[0]] for name in names], residue
        domain["resname"], domain["chain"] = np.full(len(names), b"ALA"), np.full(len(names), b"A")
        lines = (
            f"ATOM  {k + 1:5d}  {name:<3s} ALA A{n + 1:4d}"
            for k, (name, n) in enumerate(zip(names, residue, strict=True))
        )
        domain["pdbProteinAtoms"] = "\n".join(lines)
        for kelvin in KELVIN:
            run = domain.create_group(f"{kelvin}/0")
            run["coords"], run["forces"] = np.mod(R, BOX).astype("f4"), (F + float(kelvin)).astype("f4")
    for kelvin in KELVIN:
        words = ("--map", "slice", "--beads", "ca", "--temperature", kelvin, "--box", *BOX)
        case.ran("map", path, "-o", case.folder / "cold.npz", *words)
        known = map_to_beads(path, force_map="slice", temperature=float(kelvin), box=BOX)
        yield equal(f"map, {kelvin} K, temperature", str(known.dataset.temperatures), str((float(kelvin),)))
        known.dataset.write(case.folder / "library.npz")
        yield from same_arrays(f"map, {kelvin} K", case.folder / "cold.npz", case.folder / "library.npz")


def _mapped(case: Case) -> Iterator[Row]:
    """Beads that a topology of all atoms names."""
    names, residue, R, F = peptides()
    own = np.array([k for k, name in enumerate(names) if name == "CA"])
    pdb, beads = case.folder / "atoms.pdb", case.folder / "beads.npz"
    write_pdb(pdb, names, residue, R[0])
    np.savez(beads, R=R[:, own] / NM, F=F[:, own] * KJ * NM)
    case.ran("convert", beads, "-o", case.folder / "named.npz", "--topology", pdb, "--units", "nm-kj")
    read_named(pdb, [beads], units="nm-kj").write(case.folder / "library.npz")
    yield from same_arrays("convert, with a topology", case.folder / "named.npz", case.folder / "library.npz")
    with np.load(case.folder / "named.npz") as found:
        yield equal(
            "convert, with a topology, residues", str(found["resname"].astype(str).tolist()), str(["ALA"] * len(own))
        )
