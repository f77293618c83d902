"""Faults of one line in cgcore, one at a time: the named check fails with each of them, and passes without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import seeded_columns
import seeded_compat
import seeded_contexts
import seeded_courses
import seeded_data
import seeded_disk
import seeded_doors
import seeded_exports
import seeded_files
import seeded_findings
import seeded_fit_records
import seeded_fits
import seeded_limits
import seeded_maps
import seeded_networks
import seeded_numbers
import seeded_passed
import seeded_potentials
import seeded_prior_tables
import seeded_refusals
import seeded_reports
import seeded_resume
import seeded_rooms
import seeded_said
import seeded_said_of_fits
import seeded_scripts
import seeded_settings
import seeded_settings_training
import seeded_terminals
import seeded_trained
import seeded_several
import seeded_several_chains
import seeded_training
import seeded_ways
import seeded_workers
from fault_helpers import Fault, every_row, forget, seen

# Runs scripts, problems and engines of other projects.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("code_of_others")]

FAULTS = (
    seeded_columns,
    seeded_compat,
    seeded_contexts,
    seeded_courses,
    seeded_data,
    seeded_disk,
    seeded_doors,
    seeded_exports,
    seeded_files,
    seeded_findings,
    seeded_fit_records,
    seeded_fits,
    seeded_limits,
    seeded_maps,
    seeded_networks,
    seeded_numbers,
    seeded_passed,
    seeded_potentials,
    seeded_prior_tables,
    seeded_refusals,
    seeded_reports,
    seeded_resume,
    seeded_rooms,
    seeded_said,
    seeded_said_of_fits,
    seeded_scripts,
    seeded_settings,
    seeded_settings_training,
    seeded_terminals,
    seeded_trained,
    seeded_several,
    seeded_several_chains,
    seeded_training,
    seeded_ways,
    seeded_workers,
)
QUICK = {name: fault for each in FAULTS for name, fault in getattr(each, "FAULTS", {}).items()}
WHOLE = {name: fault for each in FAULTS for name, fault in getattr(each, "WHOLE", {}).items()}
"""Faults that only the whole run, not `--quick`, must detect."""


# Faults that share compiled programs are tested one after another.
ORDERED = dict(sorted(QUICK.items(), key=lambda item: (item[1][0], item[1][1].compiled)))


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Programs are discarded before a fault that they may hide, and after it."""
    fault = getattr(request.node, "callspec", None) and request.node.callspec.params.get("fault")
    compiled = isinstance(fault, Fault) and fault.compiled
    if compiled:
        forget()
    yield
    if compiled:
        forget()


@pytest.mark.parametrize("name", sorted({name for name, _ in QUICK.values()}))
def test_without_a_fault_it_is_green(name: str) -> None:
    rows = every_row(name)
    assert rows
    assert [row for row in rows if row.passed is False] == []


@pytest.mark.parametrize("name", sorted({name for name, _ in WHOLE.values()}))
def test_without_a_fault_the_whole_is_green(name: str) -> None:
    rows = every_row(name, quick=False)
    assert rows
    assert [row for row in rows if row.passed is False] == []


@pytest.mark.parametrize(("name", "fault"), ORDERED.values(), ids=ORDERED)
def test_a_fault_of_a_line_turns_its_check_red(monkeypatch: pytest.MonkeyPatch, name: str, fault: Fault) -> None:
    fault(monkeypatch)
    assert seen(name)


@pytest.mark.parametrize(("name", "fault"), WHOLE.values(), ids=WHOLE)
def test_a_fault_turns_the_whole_check_red(monkeypatch: pytest.MonkeyPatch, name: str, fault: Fault) -> None:
    fault(monkeypatch)
    assert seen(name, quick=False)
