"""What a person waits for at the command line, each in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile


class _Commands:
    """Commands on the bundled data set, in an empty folder and with a compilation cache of their own."""

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
        """A failed command fails the benchmark."""
        environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "true", "XDG_CACHE_HOME": cache or self.folder.name}
        subprocess.run([sys.executable, *args], env=environment, cwd=self.folder.name, check=True, capture_output=True)


class ColdStart(_Commands):
    """With nothing compiled before."""

    def time_help(self) -> None:
        self.run("-m", "cgcore", "--help")

    def time_import(self) -> None:
        self.run("-c", "import cgcore; cgcore.fit")

    def time_first_fit(self) -> None:
        with tempfile.TemporaryDirectory() as empty:
            self.run("-m", "cgcore", "fit", cache=empty)


class SecondFit(_Commands):
    """With the cache that a first fit has left."""

    def setup(self) -> None:
        super().setup()
        self.run("-m", "cgcore", "fit")

    def time_second_fit(self) -> None:
        self.run("-m", "cgcore", "fit")
