"""What commands say of files that were read, of force maps, and of configurations."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import numpy as np

import cgcore
from cgcore.cli import check as checking
from cgcore.cli import convert, execution
from cgcore.cli import map as mapping
from cgcore.config import load_settings
from cgcore.mapping import Mapped
from cgcore.mapping.choosing import ForceMap
from validation.check import Row, equal
from validation.context import Context
from validation.networks.two_beads import CUTOFF, NETWORK


def commands(context: Context) -> Iterator[Row]:
    """Tables of sources and of maps, frames that are sent to other processes, and numbers of neighbours."""
    data = context.some(6)
    rows = [line.split() for line in convert._sources(data).splitlines()[2:]]
    source = data.sources[0]
    known = [*source.source.split(), *source.form.split(), "6", "10", "Å", "and", "kcal/mol/Å", "320"]
    yield equal("convert, what was read", str(rows), str([known]))
    yield from _maps(data)
    yield from _sent(data)
    yield from _neighbours(context)


def _maps(data: cgcore.Dataset) -> Iterator[Row]:
    """The chosen map, noise, and what is rigid."""
    W = np.zeros((1, 1))
    maps = (ForceMap("slice", W, 20.25, None), ForceMap("residue", W, 9.5, 8.75), ForceMap("optimal", W, 4.5, 5.25))
    for chosen, ridge, rigid in (("residue", 0.0, 0), ("optimal", 0.25, 7)):
        said = mapping._maps(Mapped(data, maps, chosen, ridge, rigid, 123)).splitlines()
        words = "7 rigid distances: their atoms get equal weights" if rigid else "no rigid distances"
        yield equal(f"map, {chosen}, atoms", said[0], f"123 atoms, 10 beads; {words}")
        rows = [" ".join(line.split()) for line in said[3:6]]
        known = ["slice force on the CA alone 20.2500", "residue sum over the atoms of a residue 9.5000 8.7500",
                 "optimal weights of least mean square 4.5000 5.2500"]  # fmt: skip
        expected = [f"{row} written" if row.startswith(chosen) else row for row in known]
        yield equal(f"map, {chosen}, table", "; ".join(rows), "; ".join(expected))
        end = "ridge of the optimal map: 0.25, the best on frames held out"
        yield equal(f"map, {chosen}, ridge", said[-1] == end, ridge > 0)


def _sent(data: cgcore.Dataset) -> Iterator[Row]:
    """Frames in memory are sent to other processes, those in files are not."""
    batch = data.join()
    held = cgcore.from_arrays(np.asarray(batch.R), np.asarray(batch.F), accept_faults=True)
    said = io.StringIO()
    with redirect_stderr(said):
        execution.notes_of_sources([held, held])
    yield equal("frames in memory, sent", said.getvalue().count("is compressed, so its frames are sent"), 2)


def _neighbours(context: Context) -> Iterator[Row]:
    """A number of neighbours that is far from that of the data."""
    # Imported first: a module that is imported inside the patch would keep the patched function.
    import cgcore.pipeline.model_for_data  # noqa: F401

    for number, far in ((5.0, False), (7.4, False), (7.6, True), (3.4, False), (3.2, True), (None, False)):
        network = NETWORK | ({} if number is None else {"avg_num_neighbors": number})
        model = {"ml_model": "allegro", "cutoff": CUTOFF, "allegro": network}
        settings = load_settings({"dialect": "cgcore", "model": model})
        said, shown = io.StringIO(), io.StringIO()
        with (
            redirect_stderr(said),
            redirect_stdout(shown),
            mock.patch("cgcore.pipeline.networks.edges.average_neighbors", return_value=5.0),
            mock.patch.object(checking, "FRAMES", 3),
        ):
            checking._say_of_data(settings)
        words = f"config: avg_num_neighbors is {number:g}, and beads of" if far else ""
        yield equal(f"check, {number} neighbours", said.getvalue()[: len(words) or None], words)
        yield equal(f"check, {number} neighbours, data", shown.getvalue(), "Data: the bundled set\n")
