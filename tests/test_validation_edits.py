"""Faults of one line in cgcore, one at a time: the named check fails with each of them, and passes without."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_helpers import Fault, Faults, every_row, forget, seen

# Runs scripts, problems and engines of other projects.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("code_of_others")]

SEEDED = [importlib.import_module(path.stem) for path in sorted(Path(__file__).parent.glob("seeded_*.py"))]


def _all(table: str) -> Faults:
    """The faults of all modules in the table of this name, which may not name two faults alike."""
    every = [item for module in SEEDED for item in getattr(module, table, {}).items()]
    found = dict(every)
    assert len(found) == len(every), sorted(
        name for name, times in Counter(name for name, _ in every).items() if times > 1
    )
    return found


QUICK, WHOLE = _all("FAULTS"), _all("WHOLE")
assert not QUICK.keys() & WHOLE.keys()
"""Faults by name; only the whole run, not `--quick`, must detect those of the second table."""


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
