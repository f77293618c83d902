"""Programs that are compiled quickly give the same numbers on any device."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgcore import compiling
from cgcore.compiling import QuicklyCompiled


@pytest.mark.parametrize("backend", ["cpu", "tpu"])
def test_as_by_jit_and_compiled_once(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices other than a CPU get no options that they do not support, which shows here in the compiler that is
    called."""

    def powers(count: int, x: jax.Array) -> jax.Array:
        """x, x², ..."""
        return jnp.stack([x**k for k in range(1, count + 1)])

    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    quickly, x = QuicklyCompiled(powers, static_argnums=0), np.linspace(0, 1, 7, dtype=np.float32)
    for _ in range(2):
        np.testing.assert_allclose(quickly(3, x), [x, x**2, x**3], rtol=1e-6)
    assert quickly._cache_size() == 1
    used = quickly._quick if backend == "cpu" and compiling._understood() else quickly._plain
    assert getattr(used, "_cache_size")() == 1  # noqa: B009
    assert quickly.__doc__ == powers.__doc__


def test_options_that_xla_does_not_know_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options belong to one back end, and a later release may drop them."""
    monkeypatch.setattr(compiling, "QUICKLY", compiling.QUICKLY | {"xla_cpu_no_such_option": True})
    compiling._understood.cache_clear()
    try:
        assert QuicklyCompiled(jnp.negative)(2.0) == -2
        assert not compiling._understood()
    finally:
        compiling._understood.cache_clear()
