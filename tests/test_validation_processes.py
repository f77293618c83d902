"""Faults in other processes, which a fault in this process would not reach: they turn the check `processes` red."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fault_helpers import quick_context, refuted

from validation.checks.processes import processes

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("code_of_others")]

FAULTS = {
    "twice the sums of a piece": """
        from cgcore.factor.work import Work
        of_piece = Work.of_piece
        def twice(work, piece):
            part = of_piece(work, piece)
            return part._replace(matrix=2 * part.matrix)
        Work.of_piece = twice
    """,
    "each process's own numbers": """
        import jax
        from cgcore import processes
        placed = processes.placed
        def own(tree, sharding):
            scale = 1 + 0.01 * jax.process_index()
            return placed(jax.tree.map(lambda x: x * scale if x.dtype.kind == "f" else x, tree), sharding)
        processes.placed = own
    """,
}
"""Code that each process runs first."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_processes_turns_the_check_red(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    lines = FAULTS[name].strip("\n").splitlines()
    (tmp_path / "sitecustomize.py").write_text("\n".join(line[8:] for line in lines), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert any(map(refuted, processes(quick_context(quick=False))))
