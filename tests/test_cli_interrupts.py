"""Ctrl-C and termination end the process at any moment with the exit code of the signal, no traceback and no partial
files."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helpers import bundled, prior_yaml, save

PYTHON = sys.executable
ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "default"}
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("small")
    data, config = save(folder / "d.npz", bundled(12)), prior_yaml(folder / "c.yaml", harmonics=1)
    return ("fit", str(data), "--config", str(config), "--no-cache")


def scripted(code: str, *arguments: str) -> subprocess.Popen[str]:
    """`cgcore ARGUMENTS` as a separate process that first executes `code`, which may change its surroundings."""
    program = f"import os, signal, sys, time\nfrom cgcore.cli import process\n{code}\nprocess.run()"
    return subprocess.Popen(
        [PYTHON, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, err = process.communicate(timeout=120)
    finally:  # a process that never ends fails this test, not a later one that finds it running
        process.kill()
    return process.returncode, err


SWALLOWS = """
import cgcore.datasets
def read():
    while True:
        try:
            {raises}
            time.sleep(60)
        except BaseException:
            pass
cgcore.datasets.chignolin = read
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_no_library_can_swallow_a_signal(number: signal.Signals, code: int) -> None:
    assert ended(scripted(SWALLOWS.format(raises=f"os.kill(os.getpid(), {int(number)})"), "inspect")) == (code, "")


IN_COMPILED_CODE = """
import threading
import cgcore.datasets
def read():
    import time
    threading.Timer(0.2, os.kill, (os.getpid(), {number})).start()
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()  # never comes back, and raises nothing: as a long call into compiled code
cgcore.datasets.chignolin = read
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_compiled_code_is_not_waited_for(number: signal.Signals, code: int) -> None:
    assert ended(scripted(IN_COMPILED_CODE.format(number=int(number)), "inspect")) == (code, "")


IN_A_POOL = """
from concurrent.futures import ThreadPoolExecutor
import cgcore.datasets
def read():
    with ThreadPoolExecutor(2) as pool:
        for _ in range(100):
            pool.submit(time.sleep, 60)
        os.kill(os.getpid(), signal.SIGINT)
cgcore.datasets.chignolin = read
"""


@pytest.mark.slow
def test_threads_are_not_waited_for() -> None:
    assert ended(scripted(IN_A_POOL, "inspect")) == (130, "")


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nimport atexit\n"
    code += "atexit.register(os.kill, os.getpid(), signal.SIGHUP)"
    assert ended(scripted(code, "--version")) == (0, "")


AT_THE_END = """
import atexit
import cgcore.cli
main = cgcore.cli.main
def after():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
def registered():
    atexit.register(after)
    main()
cgcore.cli.main = registered
"""


@pytest.mark.slow
def test_after_the_work_a_signal_is_still_seen() -> None:
    assert ended(scripted(AT_THE_END, "--version")) == (130, "")


WHILE_WRITING = """
import pathlib
former = os.{step}
def step(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.3)
    former(*arguments)
os.{step} = step
"""


@pytest.mark.slow
@pytest.mark.parametrize(("step", "both"), [("fsync", False), ("replace", True)])
def test_while_it_writes_there_are_both_files_or_none(
    tmp_path: Path, small: tuple[str, ...], step: str, both: bool
) -> None:
    code, err = ended(scripted(WHILE_WRITING.format(step=step), *small, "--output", str(tmp_path)))
    assert (code, err) == (143, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == (["fit.json", "priors.yaml"] if both else [])


@pytest.mark.slow
def test_on_a_terminal_the_cursor_comes_back(small: tuple[str, ...]) -> None:
    ours, theirs = pty.openpty()
    command = [PYTHON, "-m", "cgcore", *small]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=ENVIRONMENT) as process:
        os.close(theirs)
        seen = b""
        for piece in pieces(ours):
            seen += piece
            if b"frames" in piece and process.poll() is None:
                process.send_signal(signal.SIGINT)
    os.close(ours)
    assert process.returncode == 130
    assert b"Traceback" not in seen
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l") >= 0


def pieces(descriptor: int) -> Iterator[bytes]:
    try:
        while piece := os.read(descriptor, 65536):
            yield piece
    except OSError:  # on Linux, the sign that the other end is closed
        return


MOMENTS = 12
"""Number of moments at which a run is interrupted, spread evenly over more than its duration."""

SAYS_WHEN = """
install = process.interrupts.install
process.interrupts.install = lambda: (install(), os.write(1, b"."))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), SIGNALS[:2])
def test_at_many_moments(tmp_path: Path, small: tuple[str, ...], number: signal.Signals, code: int) -> None:
    """From the start of the program's own code, which it reports on standard output, to the end."""
    whole = 0
    for moment in range(MOMENTS):
        out = tmp_path / str(moment)
        process = scripted(SAYS_WHEN, *small, "--output", str(out))
        assert process.stdout is not None
        assert process.stdout.read(1) == "."
        time.sleep(2.4 * moment / MOMENTS)
        process.send_signal(number)
        result = ended(process)
        made = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
        assert result in [(code, ""), (0, "")]
        assert made in [[], ["fit.json", "priors.yaml"]]
        if result[0] == 0:
            whole += 1
            assert made
        if made:
            json.loads((out / "fit.json").read_text(encoding="utf-8"))
    assert whole < MOMENTS
