"""docs/validation.md lists, for each check, the faults that it is known to detect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import test_validation_edits
import test_validation_faults
import test_validation_terms

from validation.check import all_checks

LINES = test_validation_edits.QUICK | test_validation_edits.WHOLE
PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation.md"
OF_THEIR_OWN = {
    "host-devices": "devices that disagree",
    "processes": "twice the sums of a piece; each process's own numbers (`tests/test_validation_processes.py`)",
    "live-script": "scripts with faults of their own (`tests/test_validation_live_script.py`)",
    "solver alone": "solvers that claim too much (`tests/test_validation_solver_alone.py`)",
}
"""Checks whose faults are introduced outside cgcore."""


def seen_by() -> dict[str, list[str]]:
    """Names of the faults by check."""
    found: dict[str, list[str]] = {}
    for name, seen in test_validation_faults.FAULTS.items():
        for check in seen.checks:
            found.setdefault(check, []).append(name)
        if seen.gated:
            found.setdefault("gate", []).append(name)
    for name, (check, _) in LINES.items():
        found.setdefault(check, []).append(name)
    found["terms"] = list(test_validation_terms.FAULTS)
    for check, words in OF_THEIR_OWN.items():
        found.setdefault(check, []).append(words)
    return found


def line(check: str, faults: list[str]) -> str:
    return f"- **{check}**: {'; '.join(faults) if faults else 'none yet'}."


@pytest.mark.usefixtures("code_of_others")
def test_each_check_names_its_faults() -> None:
    known = seen_by()
    expected = [
        line(check.name, known.get(check.name, [])) for check in sorted(all_checks(), key=lambda check: check.name)
    ]
    lines = re.findall(r"^- \*\*.*$", PAGE.read_text(encoding="utf-8"), re.M)
    assert lines == expected


@pytest.mark.usefixtures("code_of_others")
def test_each_seeded_fault_can_be_introduced() -> None:
    """The slow tests say whether it is detected; a line of cgcore that was rewritten is noticed here already."""
    for _, fault in LINES.values():
        with pytest.MonkeyPatch.context() as monkeypatch:
            fault(monkeypatch)
