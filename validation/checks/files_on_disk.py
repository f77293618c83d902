"""Files on disk: NPZ archives, files that are written or refused, what is left over, records, and stored factors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from validation.check import Row, check
from validation.context import Context
from validation.stored import archive_files, stored_values, written_files


@check("files-on-disk", quick=True)
def files_on_disk(context: Context) -> Iterator[Row]:
    """Archives whose lists lie, limits of sizes, places to write to, files left over, records, stored factors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from archive_files.lists_that_lie(folder / "lists.npz")
        yield from archive_files.arrays_of_all_kinds(folder / "arrays.npz")
        yield from archive_files.sizes(folder / "sizes.npz")
        yield from archive_files.texts(folder / "texts.npz")
        for rows in (written_files.places, written_files.written, written_files.left_over, written_files.records):
            own = folder / rows.__name__
            own.mkdir()
            yield from rows(own)
        yield from written_files.opened(folder / "places")
        yield from stored_values.in_json()
        yield from stored_values.declared()
        factor = stored_values.gapped()
        yield from stored_values.factors(folder / "factor.npz", factor)
        yield from stored_values.meaningless(folder / "factor.npz", factor)
        yield from stored_values.splines(folder / "splines.npz")
