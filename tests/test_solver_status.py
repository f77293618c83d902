"""Every status has its message, and three of them mean convergence."""

from __future__ import annotations

import pytest

from cgcore.solver.status import Status


def test_which_endings_are_converged() -> None:
    assert {s for s in Status if s.converged} == {Status.GRADIENT, Status.PRECISION_FLOOR, Status.CONSTRAINED}


@pytest.mark.parametrize("status", Status)
def test_messages(status: Status) -> None:
    assert status.message
    assert status.message.startswith("converged") == status.converged


def test_messages_differ() -> None:
    assert len({s.message for s in Status}) == len(Status)
    # The number is what the compiled loop stores.
    assert [Status(int(s)) for s in Status] == list(Status)
