"""Texts in the cases that `reports` leaves out: nothing to say, little, and more than there is room for."""

from __future__ import annotations

from collections.abc import Iterator

from validation.check import Row, check
from validation.context import Context
from validation.reports.words_of_columns import columns
from validation.reports.words_of_commands import commands
from validation.reports.words_of_data import data
from validation.reports.words_of_records import simulation
from validation.reports.words_of_runs import runs


@check("texts", quick=True)
def texts(context: Context) -> Iterator[Row]:
    """Reports and records: what is none, what is left out, units, and verdicts at the limits of their words."""
    yield from runs(context)
    yield from data()
    yield from commands(context)
    yield from columns()
    yield from simulation()
