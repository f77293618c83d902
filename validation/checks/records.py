"""Records of evaluations and inspections: each entry is the number of the object with its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

import cgcore
from cgcore.judging.finding import Finding, Severity
from cgcore.report.inspection_record import inspection_record
from validation import explicit
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.reported_data import invented_evaluation
from validation.tolerances import relative

GAP, EXACT = 4, 1e-12
"""The first bead after a gap, and a tolerance of the same lengths and angles by other formulas."""


@check("records", quick=True)
def records(context: Context) -> Iterator[Row]:
    """Plain values of an invented evaluation, and whether an inspection says that a fit refuses the data."""
    yield from _evaluation()
    yield from _inspection(cgcore.inspect(context.some(20)))
    batch = context.some(20).join()
    yield from _ranges(np.asarray(batch.R, float), np.asarray(batch.F, float))


def _evaluation() -> Iterator[Row]:
    one = invented_evaluation()
    found, errors = one.as_dict(), one.errors
    names = {"loss": errors.loss, "force_rmse": errors.rmse, "force_mae": errors.mae, "cosine": errors.cosine}
    names |= {"explained": errors.explained, "reference": errors.reference, "real_beads": errors.beads}
    names |= {"frames": one.frames}
    yield equal("evaluation, all beads", str({name: found[name] for name in names}), str(names))
    yield equal("evaluation, energy", str(found["energy"]), str(one.energy._asdict()))
    forces = {name: term.force for name, term in one.terms.items()}
    yield equal("evaluation, forces of terms", str(found["components"]), str(forces))
    for name, term in one.terms.items():
        known = {"force": term.force, "loss_without": term.loss_without, "cosine": term.cosine}
        known |= {"energy": term.energy._asdict()}
        yield equal(f"evaluation, {name}", str(found["terms"][name]), str(known))
    for protein, said in zip(one.proteins, found["proteins"], strict=True):
        known = {"name": protein.name, "frames": protein.frames, **asdict(protein.errors)}
        known |= {"energy": protein.energy._asdict()}
        yield equal(f"evaluation, {protein.name}", str({name: said[name] for name in known}), str(known))
        each = [
            {"number": r.number, "code": r.code, "species": r.species, **asdict(r.errors)} for r in protein.residues
        ]
        yield equal(f"evaluation, residues of {protein.name}", str(said["residues"]), str(each))
    types = {name: asdict(errors) for name, errors in one.types.items()}
    yield equal("evaluation, kinds of residues", str(found["types"]), str(types))


def _ranges(R: Array, F: Array) -> Iterator[Row]:
    """Bonds and angles of chains with a gap, which are none across it."""
    beads = R.shape[1]
    residues = np.arange(beads) + 3 * (np.arange(beads) >= GAP)
    found = cgcore.inspect(cgcore.from_arrays(R, F, resid=residues, accept_faults=True))
    for spanned, name in ((1, "bond"), (2, "angle")):
        rows = [k for k in range(beads - spanned) if residues[k + spanned] - residues[k] == spanned]
        x = np.stack([explicit.value(name, R[:, k : k + spanned + 1]) for k in rows])
        known, one = (x.size, x.min(), x.max(), x.mean()), found.ranges[name]
        off = relative((one.values, one.least, one.most, one.mean or 0.0), known)
        yield at_most(f"inspection, {name}s beside a gap", off, EXACT, "relative")


def _inspection(found: cgcore.Inspection) -> Iterator[Row]:
    name = found.judgement.sources[0].source
    for kinds in ((), ("warning",), ("wrong",), ("wrong", "warning")):
        findings = tuple(Finding("code", Severity(kind), "text", name, (3, 5), (1,)) for kind in kinds)
        record = inspection_record(replace(found, judgement=replace(found.judgement, findings=findings)))
        yield equal(f"inspection with {' and '.join(kinds) or 'nothing'}, refused", record["refused"], "wrong" in kinds)
        said: list[Any] = [(one["severity"], one["frames"], one["beads"]) for one in record["judgement"]["findings"]]
        known = [(kind, [3, 5], [1]) for kind in kinds]
        yield equal(f"inspection with {' and '.join(kinds) or 'nothing'}, findings", str(said), str(known))
    record = inspection_record(found)
    plain = ("path", "units", "frames", "beads", "real_beads", "force_rms", "median_bond", "net_force_rms")
    known = {one.name: getattr(found, one.name) for one in fields(found) if one.name in plain}
    yield equal("inspection, numbers", str({name: record[name] for name in known}), str(known))
