"""Definition of a peer: its name, the packages it needs, and a function that prepares a run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.peers.job import Job
from benchmarks.peers.record import Recorder

Run = Callable[[Recorder], str]
"""A function that minimises, passes each point to the recorder, and returns how it ended."""


class Peer(NamedTuple):
    """A solver to compare.

    Arguments:
        name: name in the table.
        prepare: prepares a run and compiles it by calling it once; this is not timed.
        how: how points are recorded, and what counts as an evaluation.
        needs: packages beyond those of cgcore.
        rounds: number of runs, of which the fastest is shown; more than one for very fast peers.
        patience: time limit as a multiple of that of other peers.
        noise: warnings of the package that are ignored in a run, as in pytest's filterwarnings.
    """

    name: str
    prepare: Callable[[Job], Run]
    how: str
    needs: tuple[str, ...] = ()
    rounds: int = 1
    patience: float = 1.0
    noise: tuple[str, ...] = ()

    @property
    def missing(self) -> str | None:
        """Why the peer can't be run here, or None."""
        absent = [package for package in self.needs if importlib.util.find_spec(package) is None]
        return f"{', '.join(absent)} not installed: pip install -e '.[peers]'" if absent else None
