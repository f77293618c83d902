"""Changes that must not affect losses or forces: rotation, translation, padding, order, partition, stored precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

import cgcore
from validation.check import Row, at_most, check
from validation.checks.engines import with_every_term
from validation.context import Context, unconstrained
from validation.tolerances import near, relative

EXACT = 1e-11
"""Tolerance of the same sum in another order, in double precision (observed: 1e-15)."""

TURNED = 1e-10
"""Tolerance after a rotation or a shift by 20 Å, which rounds positions again, by 1e-15 relative."""


class Frames(NamedTuple):
    """Padded frames."""

    R: np.ndarray
    F: np.ndarray
    mask: np.ndarray


@check("invariances", quick=True, data_driven=True)
def invariances(context: Context) -> Iterator[Row]:
    """Rotation, translation, bead and frame padding, frame order, float32 against float64."""
    prior = with_every_term(context.small_prior)
    batch = context.some(60 if context.quick else 200).join()
    mask = batch.mask.astype(bool)
    R, F = (np.where(mask[..., None], x, 0.0).astype(float) for x in (batch.R, batch.F))
    frames = Frames(R, F, mask)
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    order = rng.permutation(len(mask))
    versions = {
        "rotated": (Frames(frames.R @ turn, frames.F @ turn, mask), TURNED),
        "translated": (frames._replace(R=frames.R + np.array([20.0, -10.0, 5.0])), TURNED),
        "beads padded, NaN": (_padded(frames, 3, np.nan), EXACT),
        "beads padded, parked": (_padded(frames, 3, 999.0), EXACT),
        "frame order": (Frames(*(x[order] for x in frames)), EXACT),
    }
    start = cgcore.to_coefficients(prior.params)
    original = _judge(prior, frames, start)
    zero = original["factor without prior"]
    yield near(
        "as given, loss over the data", original["loss over the data"], original["factor at the start"], EXACT, zero
    )
    for name, (version, tolerance) in versions.items():
        for what, loss in _judge(prior, version, start).items():
            yield near(f"{name}, {what}", loss, original[what], tolerance, zero)
    yield from _more_frames(prior, frames, start, zero)
    if context.quick:
        return
    forces = jax.jit(jax.vmap(cgcore.forces, (None, None, 0, 0)))
    before = np.asarray(forces(prior, prior.params, frames.R, mask))
    after = np.asarray(forces(prior, prior.params, versions["rotated"][0].R, mask))
    yield at_most("rotated, forces rotate along", relative(after, before @ turn), TURNED, "relative")
    yield at_most("sum of forces of a frame", float(np.abs(before.sum(axis=1)).max() / np.abs(before).max()), 1e-12)
    yield from _merged(prior, frames, start, zero)
    yield from _precision(prior, frames, start, zero)


def _judge(prior: cgcore.Prior, frames: Frames, start: np.ndarray) -> dict[str, float]:
    """Losses that must agree: from autodiff over the data, from the factor, and of the fit to the factor."""
    factor = _factor(prior, frames)
    fit = cgcore.fit(factor, prior, unconstrained(truncation=1e-5))
    return {
        "loss over the data": float(jax.jit(cgcore.force_matching_loss)(prior, prior.params, *frames)),
        "factor at the start": factor.loss(start),
        "factor without prior": factor.loss(0 * start),
        "fit": fit.train_loss,
    }


def _factor(prior: cgcore.Prior, frames: Frames) -> cgcore.Factor:
    return cgcore.compress(cgcore.from_arrays(*frames), cgcore.Fingerprint.of(prior))


def _padded(frames: Frames, beads: int, fill: float) -> Frames:
    more = ((0, 0), (0, beads), (0, 0))
    mask = np.pad(frames.mask, more[:2])
    R, F = (np.where(mask[..., None], np.pad(x, more), fill) for x in frames[:2])
    return Frames(R, F, mask)


def _more_frames(prior: cgcore.Prior, frames: Frames, start: np.ndarray, zero: float) -> Iterator[Row]:
    """Chains of two lengths count by their numbers of beads, and a frame without beads does not count.

    The input checks refuse a frame without beads, but the loss accepts it.
    """
    lengths = frames.mask.sum(axis=1)
    fewer = np.maximum(lengths - 2, 2)  # the input checks require at least two beads
    short = frames._replace(mask=np.arange(frames.mask.shape[1]) < fewer[:, None])
    loss = jax.jit(cgcore.force_matching_loss)
    parts = [(float(loss(prior, prior.params, *part)), part.mask.sum()) for part in (frames, short)]
    expected = float(np.average([value for value, _ in parts], weights=[beads for _, beads in parts]))
    joined = Frames(*(np.concatenate([a, b]) for a, b in zip(frames, short, strict=True)))
    empty = Frames(*(np.pad(x, ((0, 2), *((0, 0),) * (x.ndim - 1))) for x in joined))
    together = float(loss(prior, prior.params, *empty))
    yield near("two lengths and empty frames, loss over the data", together, expected, EXACT, zero)
    yield near("two lengths, factor at the start", _factor(prior, joined).loss(start), expected, EXACT, zero)
    cropped = Frames(*(x[:, : fewer.max()] for x in short))
    yield near("shorter chains, factor at the start", _factor(prior, cropped).loss(start), parts[1][0], EXACT, zero)


def _merged(prior: cgcore.Prior, frames: Frames, start: np.ndarray, zero: float) -> Iterator[Row]:
    half = len(frames.mask) // 2
    if half == 0:
        return
    parts = [_factor(prior, Frames(*(x[cut] for x in frames))) for cut in (slice(half), slice(half, None))]
    whole, merged = _factor(prior, frames), cgcore.merge(*parts)
    yield near("two halves merged, factor at the start", merged.loss(start), whole.loss(start), EXACT, zero)
    joined, alone = (cgcore.fit(f, prior, unconstrained(truncation=1e-5)).train_loss for f in (merged, whole))
    yield near("two halves merged, fit", joined, alone, EXACT, zero)


def _precision(prior: cgcore.Prior, frames: Frames, start: np.ndarray, zero: float) -> Iterator[Row]:
    """Data stored in float32 are rounded by 6e-8. A fit in float32 ends near the same minimum."""
    stored = Frames(frames.R.astype(np.float32), frames.F.astype(np.float32), frames.mask)
    exact = _factor(prior, frames)
    yield near(
        "stored in float32, factor at the start", _factor(prior, stored).loss(start), exact.loss(start), 1e-5, zero
    )
    single: Any = jax.tree.map(lambda x: np.asarray(x, np.float32), prior.params)
    loss = float(jax.jit(cgcore.force_matching_loss)(prior, single, *stored))
    yield near("computed in float32, loss over the data", loss, exact.loss(start), 1e-4, zero)
    fit = cgcore.fit(exact, prior, unconstrained(truncation=1e-5, precision="float32"))
    best = cgcore.fit(exact, prior, unconstrained(truncation=1e-5))
    yield near("solved in float32, fit", fit.train_loss, best.train_loss, 1e-5, zero)
