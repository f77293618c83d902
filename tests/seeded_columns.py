"""Faults of one line in cgcore, as in `seeded_fits`: entries of records, and headings of tables."""

from __future__ import annotations

from fault_helpers import Edits, Faults, faults_of, uncompiled

from cgcore.report import (
    comparison_text,
    evaluation_text,
    inspection,
    inspection_record,
    record,
    simulation_record,
    simulation_text,
    summary,
    text,
    training_text,
)

_QUICK: dict[str, Edits] = {
    "texts": {
        "a margin for the size of a bead": (simulation_record, "record", '"bead": BEAD', '"bead": CLOSER'),
        "replicas for distributions": (
            simulation_record, "record", '"observables": result.observables', '"observables": result.replicas',
        ),
        "no version of OpenMM": (
            simulation_record, "record", '("openmm",) if result.engine.startswith("openmm") else ()', "()",
        ),
        "the protein for the data": (
            simulation_text, "report", "of {result.origin.data}", "of {result.origin.protein}",
        ),
        "headings of proteins, exchanged": (
            inspection, "render", '("real beads", "frames")', '("frames", "real beads")',
        ),
        "the least for the most": (evaluation_text, "_terms", '"least", "most")', '"most", "least")'),
        "beads for frames of a protein": (evaluation_text, "_proteins", '"beads", "frames",', '"frames", "beads",'),
        "the path for the units": (inspection, "_units", "read as {found.units}", "read as {found.path}"),
        "dihedrals of any sign": (inspection, "_coordinates", 'if "dihedral" in found.ranges', "if False"),
        "units of a record, left out": (inspection_record, "inspection_record", '"units_of_this_record": UNITS,', ""),
        "keys that agree go first": (comparison_text, "comparison_text", "row: row.same", "row: not row.same"),
        "losses at the start, exchanged": (
            training_text, "closing", '_loss(initial["train_loss"]), _loss(initial["val_loss"])',
            '_loss(initial["val_loss"]), _loss(initial["train_loss"])',
        ),
    },
}  # fmt: skip

_WHOLE: dict[str, Edits] = {
    "texts-of-fits": {
        "the end for the start, held out": (
            record, "record", '"initial_val_loss": result.initial_val_loss', '"initial_val_loss": result.val_loss',
        ),
        "the smoothness for the cut-off": (record, "record", '"cutoff": result.cutoff', '"cutoff": result.smoothness'),
        "no cross-validation is recorded": (
            record, "record", '"cross_validation": result.curve', '"cross_validation": None',
        ),
        "steps that were asked for": (
            record, "record", '"min_steps": result.options.least_steps', '"min_steps": result.options.min_steps',
        ),
        "a factor without its checksum": (
            record, "record_of_data", '{"path": data.path, "sha256": data.sha256}\n        found |=',
            '{"path": data.path, "sha256": None}\n        found |=',
        ),
        "seconds of the run for those of compilation": (
            text, "_judgement", "{result.seconds.compile:.2f} compiling", "{result.seconds.run:.2f} compiling",
        ),
        "the same heading twice": (text, "_curve", '"training loss",', '"held-out loss",'),
        "proteins without a heading": (text, "_curve", 'headers.append("held-out protein")', 'headers.append("")'),
        "gaps of rounding in full": (summary, "gap", "abs(value) < 1e-14", "False"),
        "every end is convergence": (summary, "headline", "if result.converged else", "if True else"),
    },
}  # fmt: skip

FAULTS: Faults = uncompiled(faults_of(_QUICK))
WHOLE: Faults = uncompiled(faults_of(_WHOLE))
