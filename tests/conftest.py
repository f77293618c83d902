"""What holds for every test."""

from __future__ import annotations

import jax
import pytest

from cgcore import datasets
from cgcore.data import Batch

# Set before any test module makes an array. Tests of float32 cast by themselves.
jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="session")
def chignolin() -> Batch:
    """All frames of the bundled data set, as stored (float32)."""
    return datasets.chignolin().join()
