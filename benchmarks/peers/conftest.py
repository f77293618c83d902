"""Options of the comparison, which runs in a single process, and the table at its end."""

from __future__ import annotations

import jax
import pytest

from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.job import JOBS, Job
from benchmarks.peers.table import Row, text

ROWS = pytest.StashKey[list[Row]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("peers")
    group.addoption("--peer-seconds", type=float, default=60.0, help="time limit of each peer in s (plain: ten times)")
    group.addoption("--peer-data", default=",".join(JOBS), help="data sets, separated by commas")
    group.addoption("--peer-no-memory", action="store_true", help="do not measure peak memory")


def pytest_xdist_auto_num_workers() -> int:
    """Make `-n auto` of pyproject.toml mean one process here, since peers that run in parallel can't be timed."""
    return 0


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    jax.config.update("jax_enable_x64", True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"job", "peer"} <= set(metafunc.fixturenames):
        data = str(metafunc.config.getoption("--peer-data")).split(",")
        metafunc.parametrize("job", data, indirect=True, scope="session")
        marks = {name: [pytest.mark.filterwarnings(w) for w in peer.noise] for name, peer in PEERS.items()}
        metafunc.parametrize("peer", [pytest.param(p, marks=marks[name], id=name) for name, p in PEERS.items()])


@pytest.fixture(scope="session")
def job(request: pytest.FixtureRequest) -> Job:
    """A data set, with its optimum."""
    job = JOBS[request.param]()
    assert job.best > 0
    return job


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> list[Row]:
    """The rows of the table, collected over all tests."""
    return request.config.stash[ROWS]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[ROWS]:
        terminalreporter.section("peers")
        terminalreporter.write_line(text(config.stash[ROWS]))
