"""What holds for every test."""

from __future__ import annotations

import os
import shutil
import tempfile

import jax
import pytest
from jaxtyping import install_import_hook

# Every annotation of cgcore is checked at every call, shapes of arrays included. Before anything imports cgcore.
install_import_hook("cgcore", "beartype.beartype")

from cgcore import datasets  # noqa: E402
from cgcore.data import Batch  # noqa: E402

# Set before any test module makes an array. Tests of float32 cast by themselves.
jax.config.update("jax_enable_x64", True)
# What broadcasts between ranks says so.
jax.config.update("jax_numpy_rank_promotion", "raise")

SHARED = "CGCORE_TESTS_COMPILED"


def pytest_configure(config: pytest.Config) -> None:
    """One folder of compiled programs for all the workers of this run, so that none compiles what another has."""
    if SHARED not in os.environ:
        folder = tempfile.mkdtemp(prefix="cgcore-tests-")
        os.environ[SHARED] = folder  # workers inherit it
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    jax.config.update("jax_compilation_cache_dir", os.environ[SHARED])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


@pytest.fixture(scope="session")
def chignolin() -> Batch:
    """All frames of the bundled data set, as stored (float32)."""
    return datasets.chignolin().join()
