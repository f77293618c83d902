"""The inspection of a data set in plain values: the JSON of `cgcore inspect`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cgcore.factor.histogram import EDGES
from cgcore.inspection import Inspection

UNITS = {"length": "Å", "force": "kcal/mol/Å", "angle": "rad", "temperature": "K", "kr": "kcal/mol/Å²"}


def inspection_record(found: Inspection) -> dict[str, Any]:
    """Everything in the table, and the frames and beads of each finding."""
    plain = {field.name: getattr(found, field.name) for field in fields(found)}
    plain["histograms"] = {
        name: {"edges": EDGES[name], "counts": counts} for name, counts in found.histograms.counts.items()
    }
    judged = plain.pop("judgement")
    return {
        **{name: _named(value) for name, value in plain.items()},
        "units_of_this_record": UNITS,
        "refused": bool(judged.wrong),
        "judgement": judged.as_dict(),
    }


def _named(value: Any) -> Any:
    """Convert named tuples to dictionaries."""
    if hasattr(value, "_asdict"):
        return {name: _named(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _named(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_named(part) for part in value]
    return value
