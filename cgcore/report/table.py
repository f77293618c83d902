"""Tables in plain text."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

WIDTH = 400
"""Width beyond that of any table, so that numbers are never truncated."""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table as text; the first `left` columns are left-aligned, the others right-aligned."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for k, header in enumerate(headers):
        made.add_column(header, justify="left" if k < left else "right", no_wrap=True)
    for row in rows:
        made.add_row(*row)
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None, highlight=False, markup=False).print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())
