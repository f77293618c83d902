"""What a peer is: a name, the packages it needs, and the way from a job to a run of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.peers.job import Job
from benchmarks.peers.record import Recorder

Run = Callable[[Recorder], str]
"""Minimises, tells the recorder of each point, and says how it ended."""


class Peer(NamedTuple):
    """A solver to compare.

    Arguments:
        name: as in the table.
        prepare: makes what a run needs and compiles it, by calling it once; this is not timed.
        how: how points are taken down, and what an evaluation is.
        needs: packages beyond cgcore's own.
        rounds: how often it is run; the fastest is shown. More than one for a peer that takes a blink.
        patience: how many times the seconds of other peers it gets.
        noise: warnings of the package that a run may give, as in pytest's filterwarnings.
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
        """Why it can't be run here, or None."""
        absent = [package for package in self.needs if importlib.util.find_spec(package) is None]
        return f"{', '.join(absent)} not installed: pip install -e '.[peers]'" if absent else None
