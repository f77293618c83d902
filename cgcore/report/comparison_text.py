"""A configuration beside what it means to the code that it was written for, as text."""

from __future__ import annotations

from cgcore.config.comparison import Comparison
from cgcore.report.table import table

HEADERS = ("Key", "Value", "Their code", "cgcore", "")


def comparison_text(found: Comparison) -> str:
    """The table of a configuration, keys that differ first, and how many do."""
    rows = [(*row[:4], "same" if row.same else "different") for row in sorted(found.rows, key=lambda row: row.same)]
    different = sum(not row.same for row in found.rows)
    file = f"{found.reading.file}, dialect {found.reading.dialect}"
    count = f"{file}: {len(rows) - different} keys mean the same in their code, {different} do not"
    return f"{count}\n{table(HEADERS, rows, left=5)}" if rows else count
