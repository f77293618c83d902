"""The table of results, with one row for each comparison."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from validation.check import Row, Value
from validation.files import write

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 5
"""Number of checks whose seconds are listed below the table."""

COLUMNS = ("name", "value", "tolerance", "unit", "passed", "seconds")


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """All rows as a data frame; `passed` is None if nothing was compared."""
    import pandas as pd

    return pd.DataFrame([{name: getattr(row, name) for name in COLUMNS} for row in rows], columns=list(COLUMNS))


def text(rows: Sequence[Row], seconds: float) -> str:
    """The table as text, followed by a summary; `seconds` is the duration of the run."""
    frame = table(rows).astype(object)
    frame["value"] = [_number(row.value) for row in rows]
    frame["tolerance"] = [_bound(row) for row in rows]
    frame["passed"] = [_verdict(row) for row in rows]
    frame["seconds"] = [f"{row.seconds:.2f}" for row in rows]
    return f"{frame.to_string(index=False, justify='left', max_colwidth=100)}\n\n{summary(rows, seconds)}"


def summary(rows: Sequence[Row], seconds: float) -> str:
    """Numbers of passed and failed rows, duration of the run, the longest checks, and the names of failed rows.

    Two checks run at a time, so the times of all checks add up to more than the duration of the run.
    """
    failed = [row for row in rows if row.passed is False]
    skipped = [row for row in rows if row.relation == "skipped"]
    counts = {
        "passed": sum(row.passed is True for row in rows),
        "failed": len(failed),
        "shown": sum(row.relation == "shown" for row in rows),
        "skipped": len(skipped),
    }
    lines = [", ".join(f"{n} {what}" for what, n in counts.items()) + f" in {seconds:.1f} s"]
    each: dict[str, float] = {}
    for row in rows:
        name = row.name.partition(":")[0]
        each[name] = each.get(name, 0.0) + row.seconds
    longest = sorted(each, key=lambda name: -each[name])[:LONGEST]
    lines.append("longest: " + ", ".join(f"{name} {each[name]:.1f} s" for name in longest))
    lines += [f"{row.name}: {row.value}" for row in skipped]
    lines += [f"FAILED {row.name}: {_number(row.value)} {_bound(row)} {row.unit}".rstrip() for row in failed]
    return "\n".join(lines)


def write_json(path: Path, rows: Sequence[Row], about: dict[str, Any]) -> None:
    """Write the rows as JSON: compared rows under `rows`, with `passed` true or false; others under `shown` and
    `skipped`."""
    groups = {"rows": (True, False), "other": (None,)}
    parts = {key: [_record(row) for row in rows if row.passed in verdicts] for key, verdicts in groups.items()}
    other = parts.pop("other")
    record = {
        **about,
        "passed": all(row.passed is not False for row in rows),
        **parts,
        "shown": [row for row in other if row["relation"] == "shown"],
        "skipped": [row for row in other if row["relation"] == "skipped"],
    }
    write(path, json.dumps(record, indent=2, allow_nan=False) + "\n")


def _record(row: Row) -> dict[str, Any]:
    record = {name: getattr(row, name) for name in COLUMNS} | {"relation": row.relation}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}


def _number(value: Value | None) -> str:
    return f"{value:.10g}" if isinstance(value, float) else "" if value is None else str(value)


def _bound(row: Row) -> str:
    return "" if row.tolerance is None else f"{row.relation} {_number(row.tolerance)}"


def _verdict(row: Row) -> str:
    return {True: "yes", False: "NO", None: "-" if row.relation == "shown" else "skipped"}[row.passed]
