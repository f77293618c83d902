"""Texts about data, and about the forces of models on them, in the cases that `reports.data` leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cgcore.data.contents import SourceSummary
from cgcore.data.residues import UNKNOWN
from cgcore.evaluation.result import Errors, Evaluation, Protein, Residue, Sample, Spread
from cgcore.factor.histogram import EDGES, Histograms
from cgcore.inspection import Inspection, Pair, Peak, Range
from cgcore.judging import Judgement
from cgcore.judging.finding import Finding, Severity
from cgcore.judging.judge import SourceJudgement
from cgcore.judging.stretch import Ratio
from cgcore.report import evaluation_text, inspection
from cgcore.report.inspection_record import inspection_record
from validation.check import Row, equal
from validation.reports.words import holds

FORCES = Errors(1200, 900.25, 1650.5, 0.4375, 17.5, 11.25, 0.625)
SPREAD = Spread(-30.125, 4.5, -41.75, 12.25)


def data() -> Iterator[Row]:
    """Evaluations and inspections."""
    yield from _evaluations()
    yield from _units()
    yield from _inspections()
    yield from _findings()
    yield from _bars()


def _evaluations() -> Iterator[Row]:
    """Evaluations of one protein and of many, with few beads and many, and without residues."""

    def protein(k: int, beads: int) -> Protein:
        residues = tuple(Residue(n + 1, UNKNOWN, n % 3 if n else None, FORCES) for n in range(beads))
        return Protein(f"chain {k}", 10, FORCES, SPREAD, residues)

    sample = Sample(np.zeros(3), np.zeros(3), 1)
    for count, beads in ((1, 60), (1, 61), (2, 3), (20, 3), (21, 3)):
        proteins = tuple(protein(k, beads) for k in range(count))
        found = Evaluation("prior", "a.npz", "", 12345, FORCES, {}, SPREAD, proteins, {}, np.zeros(3), sample)
        text = evaluation_text.report(found)
        known = {
            "a.npz: 12,345 frames, 1,200 real beads": True,
            "Residue type": False,
            "\n\n\n": False,
            "Protein  ": count > 1,
        }
        known |= {
            "chain 0: its 61 beads are in the record": beads > 60,
            "Bead of chain 0": beads <= 60,
            "Bead of chain 1": False,
        }
        known |= {
            "\n  and 1 more": count > 20,
            "\nchain 19 ": count > 19,
            "\nchain 20 ": False,
            " 2 species 1 900.2500 43.75 % 17.5000 23.4556 0.6250": beads <= 60,
        }
        known |= {" 1 900.2500 43.75 %": beads <= 60}
        yield from holds(f"evaluation, {count} proteins of {beads} beads", text, known)
    parts = {0.125: "12.50 %", -0.5: "-50.00 %", float("nan"): "-", 0.0: "0.00 %"}
    yield equal("parts in per cent", str([evaluation_text.percent(one) for one in parts]), str(list(parts.values())))


def inspected(**changes: Any) -> Inspection:
    """An invented inspection, with some values changed."""
    counts = {name: np.zeros(len(edges) - 1, np.int64) for name, edges in EDGES.items()}
    counts["bond"][170:190] = np.arange(20)
    said: dict[str, Any] = {
        "path": "a.npz", "units": "angstrom-kcal", "frames": 1000, "beads": 12, "real_beads": 12000,
        "sources": (), "proteins": (), "breaks": {}, "species": {}, "species_names": {}, "extras": {},
        "skipped_keys": (), "temperatures": (), "ranges": {"bond": Range(11000, 3.7, 3.9, 3.8)}, "median_bond": 3.8,
        "histograms": Histograms(counts), "closest": None, "force_rms": 20.0, "force_peak": Peak(99.0, "a.npz", 7, 3),
        "mean_force": (0.0, 0.0, 0.0), "net_force_rms": 1.0, "notes": (), "judgement": Judgement("a.npz", (), ()),
    } | changes  # fmt: skip
    return Inspection(**said)


def _units() -> Iterator[Row]:
    """What is said of bond lengths, of sizes of forces, and of their sum."""
    for bond, usual in ((3.49, False), (3.51, True), (4.09, True), (4.11, False)):
        known = {"as CA atoms of a protein have it": usual, "unusual, CA atoms": not usual}
        yield from holds(f"bonds of {bond} Å", inspected(median_bond=bond).report(), known)
    for force, size in ((0.99, "small"), (1.01, "usual"), (149.0, "usual"), (418.4, "large")):
        said = {"small": "small, forces", "large": "large, in kJ/mol/nm it would be 10;", "usual": "as forces mapped"}
        known = {words: size == one for one, words in said.items()}
        yield from holds(f"forces of {force}", inspected(force_rms=force).report(), known)
    # Independent forces of 20 on 12 beads add up to 20 times the root of 12.
    for part, alone in ((0.019, True), (0.021, False)):
        text = inspected(net_force_rms=part * 20 * 12**0.5).report()
        known = {
            "only the beads act on each other": alone,
            "something outside acts": not alone,
            "69.3 if each": not alone,
        }
        yield from holds(f"net force {part} of independent ones", text, known)


def _inspections() -> Iterator[Row]:
    """Lists that are empty, short and too long; names of species; ranges beyond the histogram; lines that are long."""
    kinds = {k: 1000 - k for k in range(25)}
    long, files = "/".join(["folder"] * 20), tuple(SourceSummary(f"f{k}", k, 9) for k in range(21))
    near = Pair(3.25, "b.npz", 4, (1, 9))
    for name, changes, known in (
        ("bare", {}, {"no species": True, "temperature": False, "other arrays": False, "skipped": False,
                      "closest pair": False, "minus the IUPAC": False, "stand at its ends": False, "Note:": False,
                      "Nothing is wrong": True}),
        ("temperatures", {"temperatures": (300.0, 310.5)}, {"temperature 300, 310.5 K": True}),
        ("extras", {"extras": {"U": "float64", "t": "int64"}}, {"other arrays: U (float64); t (int64)": True}),
        ("skipped", {"skipped_keys": ("v", "w")}, {"skipped keys, not read: v, w": True}),
        ("species", {"species": {1: 30, 0: 50}, "species_names": {1: "GLY"}}, {"  0 62.5 %, 1 (GLY) 37.5 %": True}),
        ("many species", {"species": kinds}, {"and 5 more": True, ", 20 ": False, ", 19 ": True}),
        ("21 files", {"sources": files}, {"\nand 1 more": True, "f19": True, "f20": False}),
        ("20 files", {"sources": files[:20]}, {"and 0": False, "f19": True}),
        ("low bonds", {"ranges": {"bond": Range(9, 1.9, 3.9, 3.8)}}, {"bonds beyond 2..6 Å stand at its ends": True}),
        ("high bonds", {"ranges": {"bond": Range(9, 3.7, 6.1, 3.8)}}, {"bonds beyond 2..6 Å stand at its ends": True}),
        ("breaks", {"breaks": {"a": "two chains"}, "closest": near},
         {"a: two chains": True, "j-i >= 6 or of two chains: 3.250 Å, beads 1 and 9 of frame 4 of": True}),
        ("no breaks", {"closest": near}, {"closest pair with j-i >= 6: 3.250 Å": True}),
        ("a long name", {"path": long}, {long: True}),
    ):  # fmt: skip
        text = inspected(**changes).report()
        yield from holds(f"inspection, {name}", text, known)
        wide = max(len(line) for line in text.splitlines() if long not in line)
        yield equal(f"inspection, {name}, no line is too wide", wide <= 100, True)
    yield equal("short names", str([len(inspection._short("x" * n)) for n in (59, 60, 61)]), "[59, 60, 60]")
    wrapped = inspection._wrapped(f"  {'word ' * 30}".rstrip())
    yield equal("wrapped lines, indents", str([len(one) - len(one.lstrip()) for one in wrapped]), str([2, 4]))


def _findings() -> Iterator[Row]:
    """Findings of each kind, the refusal of wrong data, and their record."""
    wrong, doubtful = (
        Finding("code", Severity(kind), f"is {kind}", "a.npz", (3,), (1,)) for kind in ("wrong", "warning")
    )
    source = SourceJudgement("a.npz", 310.0, Ratio(0.75, 0.0625, 150.5, 0.4), 3.8, np.arange(3), np.ones(3))
    refused = "A fit to these data is refused; --accept-faults fits to them as they are"
    for name, findings in (("none", ()), ("wrong", (wrong,)), ("warning", (doubtful,)), ("both", (wrong, doubtful))):
        found = inspected(judgement=Judgement("a.npz", findings, (source, replace(source, ratio=None))), notes=("so",))
        text, record = found.report(), inspection_record(found)
        known = {"Wrong: a.npz: is wrong": wrong in findings, "Warning: a.npz: is warning": doubtful in findings}
        known |= {refused: wrong in findings, "Note: so": True, "0.75 ± 0.06 150.5 40.0 %": True}
        yield from holds(f"findings, {name}", text, known)
        said = record["refused"], record["force_peak"]["frame"], record["notes"]
        yield equal(f"findings, {name}, record", str(said), str((wrong in findings, 7, ["so"])))
        each = [(one["severity"], one["frames"], one["beads"]) for one in record["judgement"]["findings"]]
        expected = [(str(one.severity), [3], [1]) for one in findings]
        yield equal(f"findings, {name}, each in the record", str(each), str(expected))


def _bars() -> Iterator[Row]:
    """Histograms as text: full, lowest and empty bars, and bars that are wider than bins."""
    edges = np.arange(5.0)
    for counts, ends, bars, known in (
        ([8, 1, 0, 4], (0.0, 4.0), 4, "█▁ ▄"),
        ([8, 1, 0, 4], (1.0, 3.0), 2, "█ "),
        ([4, 4, 2, 2], (0.0, 4.0), 2, "█▄"),
        ([8000, 1, 0, 4000], (0.0, 4.0), 4, "█▁ ▄"),
        ([0, 0, 0, 0], (0.0, 4.0), 3, "   "),
    ):
        yield equal(f"bars of {counts}, {bars}", inspection.bars(np.array(counts), edges, *ends, bars), known)
