"""Counting the parts that a client keeps, which it may remove meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import kills


def test_parts_that_vanish_while_they_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def vanishing(path: Path, pattern: str) -> Iterator[Path]:
        yield path / "00" / "a.npz"
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "glob", vanishing)
    assert kills._parts(tmp_path / "out.npz") == 0
