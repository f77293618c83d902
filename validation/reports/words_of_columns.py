"""Headings of tables above their numbers, and sentences that name what they state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import cgcore
from cgcore.config.comparison import Comparison
from cgcore.config.comparison import Row as Meaning
from cgcore.config.reading import Reading
from cgcore.data.contents import ProteinSummary, SourceSummary
from cgcore.evaluation.result import Errors, Evaluation, Protein, Residue, Sample, Spread, Term
from cgcore.fitting.pooling import Pooling
from cgcore.inspection import Range
from cgcore.judging import Judgement
from cgcore.judging.judge import SourceJudgement
from cgcore.judging.stretch import Ratio
from cgcore.report import (
    comparison_text,
    evaluation_text,
    inspection_record,
    simulation_text,
    summary,
    text,
    training_text,
)
from validation.check import Row, equal
from validation.reports.runs import invented_simulation
from validation.reports.texts import curve
from validation.reports.words_of_data import inspected


def heading(name: str, table: str, first: str, *columns: str) -> Iterator[Row]:
    """The heading of a table: the words above its columns, in their order, separated by two spaces."""
    line = next((line for line in table.splitlines() if line.startswith(first)), "")
    found = [one.strip() for one in line.split("  ") if one.strip()]
    yield equal(f"{name}, heading", "; ".join(found), "; ".join((first, *columns)))


def columns() -> Iterator[Row]:
    """Tables of evaluations, inspections, configurations, simulations and trainings."""
    yield from _evaluated()
    yield from _inspected()
    yield from _compared()
    yield from _run()


ERRORS = ("loss", "explained", "RMSE", "|F| RMS", "cosine")


def _evaluated() -> Iterator[Row]:
    """Tables of terms, proteins, residue types and beads, with the cells of each row in their order."""
    errors, energy = Errors(1200, 900.25, 1650.5, 0.4375, 17.5, 11.25, 0.625), Spread(-30.125, 4.5, -41.75, 12.25)
    residues = (Residue(1, "G", None, errors),)
    proteins = (Protein("one", 7, errors, energy, residues), Protein("two", 8, errors, energy, residues))
    terms = {"bond": Term(812.5, 950.75, 0.875, energy)}
    types = {"G": errors}
    found = Evaluation("prior", "a.npz", "", 15, errors, terms, energy, proteins, types, np.zeros(3),
                       Sample(np.zeros(3), np.zeros(3), 1))  # fmt: skip
    said = evaluation_text.report(found)
    spread = ("energy", "± over frames")
    yield from heading("evaluation, terms", said, "Term", "mean |F|²", "loss rises without it", "cosine", *spread,
                       "least", "most")  # fmt: skip
    yield from heading("evaluation, proteins", said, "Protein", "beads", "frames", *ERRORS, *spread)
    yield from heading("evaluation, residue types", said, "Residue type", "forces", *ERRORS)
    yield from heading("evaluation, beads", said, "Bead of one", *ERRORS)
    cells = {line.split()[0]: " ".join(line.split()) for line in said.splitlines() if line.strip()}
    of = "900.2500 43.75 % 17.5000 23.4556 0.6250"
    known = {
        "bond": "bond 812.5000 +50.5000 +0.8750 -30.125 4.500 -41.750 12.250",
        "all": "all terms -30.125 4.500 -41.750 12.250",
        "two": f"two 1 8 {of} -30.125 4.500",
        "G": f"G 1200 {of}",
    }
    for first, row in known.items():
        yield equal(f"evaluation, row of {first}", cells.get(first, ""), row)


def _inspected() -> Iterator[Row]:
    """What is said of units, files, proteins, species, histograms and equipartition."""
    ratio, long = Ratio(0.75, 0.0625, 150.5, 0.4), "x" * 41
    sources = tuple(
        SourceJudgement(long if k else "y" * 40, 310.0, ratio, 3.8, np.arange(3), np.ones(3)) for k in range(21)
    )
    ranges = {"bond": Range(11, 3.7, 3.9, 3.8), "dihedral": Range(7, -1.0, 1.0, None)}
    changes: dict[str, Any] = {
        "units": "nm-kj", "sources": (SourceSummary("f", 3, 9),), "proteins": (ProteinSummary("p", 4, 8),),
        "ranges": ranges, "judgement": Judgement("a.npz", (), sources), "species": {k: 1 for k in range(9)},
    }  # fmt: skip
    said = inspected(**changes).report()
    yield from heading("inspection, files", said, "File", "frames", "beads a row")
    yield from heading("inspection, proteins", said, "Protein", "real beads", "frames")
    yield from heading("inspection, coordinates", said, "Coordinate", "values", "least", "mean", "most", "histogram")
    equipartition = ("K", "kr var(r) / kT", "kr", "of the forces")
    yield from heading("inspection, equipartition", said, "Equipartition of bonds", *equipartition)
    lines = [" ".join(line.split()) for line in said.splitlines()]
    row = "310 0.75 ± 0.06 150.5 40.0 %"
    known = {
        "units": "Units check, read as nm-kj",
        "a long name": f"{long[:37]}... {row}",
        "a name": f"{'y' * 40} {row}",
        "more files": "and 1 more",
        "dihedrals": "dihedrals are minus the IUPAC dihedral",
        "a bond": "bond [Å] 11 3.700 3.800 3.900",
        "eight species": ", ".join(f"{k} 11.1 %" for k in range(8)),
        "the ninth species": "8 11.1 %",
    }
    for name, line in known.items():
        yield equal(f"inspection, {name}", any(one == line or one.startswith(f"{line} |") for one in lines), True)
    few = inspected(judgement=Judgement("a.npz", (), sources[:20])).report()
    yield equal("inspection, 20 files, no more", "and 1 more" in few or "and 0 more" in few, False)
    yield equal("inspection, no dihedrals", "IUPAC" in few, False)
    for bond, force in ((3.0, 20.0), (3.8, 500.0), (3.8, 0.5)):
        odd = inspected(units="nm-kj", median_bond=bond, force_rms=force).report()
        times = " ".join(odd.split()).count("are the units right (nm-kj)?")
        yield equal(f"inspection, bonds of {bond:g} and forces of {force:g}, units", times, 1)
    units = {"length": "Å", "force": "kcal/mol/Å", "angle": "rad", "temperature": "K", "kr": "kcal/mol/Å²"}
    yield equal(
        "inspection, record, units",
        str(inspection_record.inspection_record(inspected()).get("units_of_this_record")),
        str(units),
    )


def _compared() -> Iterator[Row]:
    """Meanings of a configuration: those that differ first."""
    rows = (Meaning("a.same", "1", "one", "one", True), Meaning("a.other", "2", "two", "three", False),
            Meaning("a.more", "3", "four", "four", True))  # fmt: skip
    said = comparison_text.comparison_text(Comparison(rows, None, Reading("a.yaml", "chemtrain")))
    yield equal("check, its first line", said.splitlines()[0],
                "a.yaml, dialect chemtrain: 2 keys mean the same in their code, 1 do not")  # fmt: skip
    yield from heading("check", said, "Key", "Value", "Their code", "cgcore")
    lines = [" ".join(line.split()) for line in said.splitlines()[3:5]]
    yield equal("check, rows", "; ".join(lines), "a.other 2 two three different; a.same 1 one one same")
    starts = [line.find(words) for line, words in zip(said.splitlines()[1:5:2], ("cgcore", "three"), strict=True)]
    yield equal("check, columns to the left", starts[0] == starts[1] > 0, True)
    none = comparison_text.comparison_text(Comparison((), None, Reading("a.yaml", "cgcore")))
    yield equal("check, no rows", none, "a.yaml, dialect cgcore: 0 keys mean the same in their code, 0 do not")


def _run() -> Iterator[Row]:
    """A simulation's engine, model and data; a distribution with an error and no floor; losses at the start."""
    run = replace(invented_simulation(), engine="openmm 8")
    said = simulation_text.report(run).splitlines()
    yield equal(
        "simulation, its first line", said[0], "Langevin dynamics (BAOAB, openmm 8) of chain a, 12 beads: prior"
    )
    yield equal("simulation, its data", said[2], "  from and against 345 frames of some.npz")
    yield from heading("simulation", "\n".join(said), "Distribution", "data", "std", "simulation", "std",
                       "JS divergence", "halves of the data")  # fmt: skip
    bond = run.observables["bond"]
    ends = [
        simulation_text._row(replace(bond, divergence_floor=None))[-2:],
        simulation_text._row(replace(bond, divergence_error=None))[-2:],
        simulation_text._row(replace(bond, reference=replace(bond.reference, std=None)))[1:3],
    ]
    known = [("0.1250 ± 0.0175", ""), ("0.1250", "0.0325"), ("", "")]
    yield equal("simulation, what a distribution lacks", str(ends), str(known))
    said = training_text.closing({}, {"train_loss": 3.5, "val_loss": 4.25}, None).splitlines()
    ends = len(said[2].rstrip()), " ".join(said[2].split())
    known = said[0].index("held out") + len("held out"), "at the start 3.5000 4.2500"
    yield equal("training, losses at the start, in their columns", str(ends), str(known))
    of_training = ("training", "held out", "steps", "epochs", "kept", "frames/s", "seconds")
    yield from heading("training", said[0], "Loss [(kcal/mol/Å)²]", *of_training)


def of_fits(fit: cgcore.FitResult) -> Iterator[Row]:
    """Tables of cross-validation and error bars, the end of a fit in a line, and what follows what."""
    curves = {
        "smoothness": ("smoothness", "How smooth (7 folds, contiguous in time): the smoothest fit", "5.5"),
        "truncation": ("cut-off", "How far to converge (7 folds, contiguous in time): the fewest directions", "6"),
        "pooling": ("pooling", "How alike groups are (7 folds, contiguous in time): the fit that holds them", "5.5"),
    }
    usual = ("directions", "training loss", "held-out loss", "± (to best)", "roughness")
    for kind, (first, title, directions) in curves.items():
        for proteins in (True, False):
            one = replace(curve(), kind=kind)  # type: ignore[arg-type]
            one = one if proteins else replace(one, held_out_protein_loss=None)
            said, name = text._curve(one), f"cross-validation, {kind}, {'with' if proteins else 'without'} proteins"
            yield from heading(name, said, first, *usual, *(["held-out protein"] if proteins else []))
            yield equal(f"{name}, title", said.startswith(title), True)
            row = next(line.split() for line in said.splitlines() if line.startswith("0.01 "))
            yield equal(f"{name}, directions", row[1], directions)
    both = replace(fit, curve=curve(), pooling=Pooling(2e-4, replace(curve(), kind="pooling")))
    said = text.closing(replace(both, warnings=("careful",), notes=("by the way",)))
    order = ["Status: ", fit.message, "Seconds: ", "Error bars", "How smooth", "How alike", "What the data determine",
             "Note: by the way", "Warning: careful"]  # fmt: skip
    places = [said.find(words) for words in order]
    yield equal("report, parts in their order", places == sorted(places) and min(places) >= 0, True)
    timed = replace(fit.seconds, compile=2.25, run=0.125)
    said = text.closing(replace(fit, seconds=timed))
    yield equal("report, seconds", "\nSeconds: 2.25 compiling, 0.125 running" in said, True)
    for lacking in ({"val_loss": 7.25, "initial_val_loss": None}, {"val_loss": None, "initial_val_loss": 9.5}):
        said = text.closing(replace(fit, **lacking))
        yield equal(f"report, {lacking}, held-out frames", "held-out frames" in said, False)
    table = text.closing(fit).partition("Error bars (")[2]
    yield equal("error bars, method", table.startswith(f"{fit.errors.method}, "), True)
    heads = " ".join(table.splitlines()[1].split())
    yield equal("error bars, heading", heads, f"fitted ± standard error {100 * fit.errors.level:g} % from to")
    gaps = {3e-15: "below 1e-14", 2e-14: "2.0e-14", -5e-15: "below 1e-14", 0.25: "2.5e-01"}
    for status, words in (("CONSTRAINED", "converged"), ("MAX_STEPS", "NOT converged (max steps)")):
        for value, known in gaps.items():
            one = replace(fit, status=cgcore.Status[status], steps=11,
                          certificate=replace(fit.certificate, optimality_gap=value))  # fmt: skip
            line = f"{words}, 11 steps, optimality gap {known}"
            yield equal(f"headline, {status}, {value}", summary.headline(one), line)
