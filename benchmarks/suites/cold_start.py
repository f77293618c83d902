"""Waiting times at the command line, each in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile


class _Commands:
    """Commands on the bundled data set, in an empty folder and with a separate compilation cache."""

    timeout = 120
    number = 1
    repeat = 2
    rounds = 2
    warmup_time = 0.0

    def setup(self) -> None:
        self.folder = tempfile.TemporaryDirectory()

    def teardown(self) -> None:
        self.folder.cleanup()

    def run(self, *args: str, cache: str | None = None) -> None:
        """Run a command; if it fails, the benchmark fails."""
        environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "true", "XDG_CACHE_HOME": cache or self.folder.name}
        subprocess.run([sys.executable, *args], env=environment, cwd=self.folder.name, check=True, capture_output=True)


class ColdStart(_Commands):
    """Commands without compiled programs."""

    def time_help(self) -> None:
        self.run("-m", "cgcore", "--help")

    def time_import(self) -> None:
        self.run("-c", "import cgcore; cgcore.fit")

    def time_first_fit(self) -> None:
        with tempfile.TemporaryDirectory() as empty:
            self.run("-m", "cgcore", "fit", cache=empty)


class SecondFit(_Commands):
    """A fit with the compilation cache of a first fit."""

    def setup(self) -> None:
        super().setup()
        self.run("-m", "cgcore", "fit")

    def time_second_fit(self) -> None:
        self.run("-m", "cgcore", "fit")
