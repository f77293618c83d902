"""The direct objective with all frames in memory: the same loss, batch by batch."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from cli_helpers import bundled

import cgcore
from cgcore.fitting import direct
from cgcore.fitting.direct import all_frames, frames_at_once, loss_over
from cgcore.physics.space import free

PRIOR = cgcore.default_prior()


def frames_of(*sizes: int, dtype: type = np.float32) -> cgcore.Dataset:
    """A data set with sources of these sizes."""
    arrays = bundled(sum(sizes), beads=6)
    first, parts = 0, []
    for number, size in enumerate(sizes):
        own = slice(first, first + size)
        R, F = (arrays[key][own, : 6 - number].astype(dtype) for key in "RF")
        parts.append(cgcore.from_arrays(R, F).sources[0])
        first += size
    one = cgcore.from_arrays(arrays["R"], arrays["F"])
    return type(one)(tuple(parts), "arrays", "", (), one.units)


def weighted(dataset: cgcore.Dataset) -> cgcore.Dataset:
    """The same frames, with weight 0 for the first sixteen, one batch below."""
    rng = np.random.default_rng(0)
    parts = []
    for number, source in enumerate(dataset.sources):
        weights = rng.uniform(0.5, 2.0, (source.n_frames, source.n_beads))
        weights[: 16 if number == 0 else 0] = 0.0
        parts.append(replace(source, weights=weights))
    return replace(dataset, sources=tuple(parts))


@pytest.mark.parametrize(("sizes", "counted"), [((40,), False), ((48,), True), ((23, 30), True)])
def test_batches_add_up_to_the_loss(monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], counted: bool) -> None:
    dataset, dtype = frames_of(*sizes), np.dtype(np.float64)
    dataset = weighted(dataset) if counted else dataset

    def found() -> tuple[np.ndarray, dict[str, np.ndarray]]:
        frames = all_frames(dataset, dtype, False, None, free)
        # A new function each time, because the batch size is read during tracing.
        return jax.jit(jax.value_and_grad(lambda params: loss_over(PRIOR, params, frames, free, dtype)))(
            jax.tree.map(np.asarray, dict(PRIOR.params))
        )

    whole = found()
    monkeypatch.setattr(direct, "ROWS_AT_ONCE", 16 * 18)
    assert frames_at_once(6) == 16
    assert len(all_frames(dataset, dtype, False, None, free).R) == -(-sum(sizes) // 16) * 16
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(found()), strict=True):
        # Sums of float64 in another order, for gradients that cancel to a thousandth of their parts.
        np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-12)


def test_frames_are_held_as_they_are_stored() -> None:
    for stored, asked, held in (("float32", "float64", "float32"), ("float64", "float32", "float32")):
        frames = all_frames(frames_of(10, dtype=np.dtype(stored).type), np.dtype(asked), False, None, free)
        assert frames.R.dtype == frames.F.dtype == held
        assert frames.species is None
        assert frames.sites is None


def test_jax_takes_memory_over_without_a_copy() -> None:
    ours = direct._zeros((7, 3), np.dtype(np.float64))
    assert jax.device_put(ours).unsafe_buffer_pointer() == ours.ctypes.data
