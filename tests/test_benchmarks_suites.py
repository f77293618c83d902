"""The timed ASV suites take enough samples for `asv continuous` to report a regression."""

from __future__ import annotations

from importlib import import_module
from math import comb
from typing import Any

import pytest

SUITES = ("cold_start", "compiling", "memory", "pipeline", "quality", "simulation", "times")
ASV_ROUNDS = 2
"""ASV's default number of rounds."""
THRESHOLD = 0.002
"""p value below which ASV's rank test reports a difference (`asv._stats.is_different`)."""


def timed(suite: str) -> list[Any]:
    """The classes of a suite that have `time_` methods and are not private."""
    module = import_module(f"benchmarks.suites.{suite}")
    classes = [one for name, one in vars(module).items() if isinstance(one, type) and not name.startswith("_")]
    return [one for one in classes if any(name.startswith("time_") for name in dir(one))]


@pytest.mark.parametrize("suite", SUITES)
def test_a_regression_can_be_reported(suite: str) -> None:
    for one in timed(suite):
        least = one.repeat[0] if isinstance(one.repeat, tuple) else one.repeat
        samples = least * getattr(one, "rounds", ASV_ROUNDS)
        ways = comb(2 * samples, samples)
        by_ranks = 1 / ways < THRESHOLD  # ASV uses the rank test from here on, and confidence intervals below
        assert samples >= 4
        assert not by_ranks or 2 / ways < THRESHOLD  # the p of two sets of samples that do not overlap


def test_there_are_timed_suites() -> None:
    assert {one.__name__ for suite in SUITES for one in timed(suite)} >= {"ColdStart", "Compile", "ByFrames"}
