"""What a person waits for at the command line, each in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile


class ColdStart:
    """The bundled data set; `second_fit` finds the compiled programs of the first in its cache."""

    timeout = 120
    number = 1
    repeat = 3
    rounds = 1
    warmup_time = 0.0

    def setup(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.filled = tempfile.TemporaryDirectory()

    def teardown(self) -> None:
        self.folder.cleanup()
        self.filled.cleanup()

    def time_help(self) -> None:
        self.run("-m", "cgcore", "--help")

    def time_import(self) -> None:
        self.run("-c", "import cgcore; cgcore.fit")

    def time_first_fit(self) -> None:
        with tempfile.TemporaryDirectory() as empty:
            self.run("-m", "cgcore", "fit", cache=empty)

    def run(self, *args: str, cache: str | None = None) -> None:
        """A failed command fails the benchmark."""
        environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "true", "XDG_CACHE_HOME": cache or self.folder.name}
        subprocess.run([sys.executable, *args], env=environment, cwd=self.folder.name, check=True, capture_output=True)


class SecondFit(ColdStart):
    """As the first, with the cache that it left."""

    def setup(self) -> None:
        super().setup()
        self.run("-m", "cgcore", "fit", cache=self.filled.name)

    def time_second_fit(self) -> None:
        self.run("-m", "cgcore", "fit", cache=self.filled.name)
