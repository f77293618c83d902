"""The comparison of a configuration's meanings in cgcore and in the code that it was written for, as text."""

from __future__ import annotations

from cgcore.config.comparison import Comparison
from cgcore.report.table import table

HEADERS = ("Key", "Value", "Their code", "cgcore", "")


def comparison_text(found: Comparison) -> str:
    """The table of a configuration, starting with keys that differ, and their number."""
    rows = [(*row[:4], "same" if row.same else "different") for row in sorted(found.rows, key=lambda row: row.same)]
    different = sum(not row.same for row in found.rows)
    file = f"{found.reading.file}, dialect {found.reading.dialect}"
    count = f"{file}: {len(rows) - different} keys mean the same in their code, {different} do not"
    return f"{count}\n{table(HEADERS, rows, left=5)}" if rows else count
