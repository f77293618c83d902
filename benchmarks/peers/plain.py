"""Force matching by L-BFGS as usually written: data in a closure, an un-jitted while_loop, an extra loss per step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import cgcore
from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Run
from benchmarks.peers.record import Recorder

STEPS, CHUNK = 200, 10


class Carry(NamedTuple):
    """The state of the loop. It includes `until`, so that the loop can be left and entered again."""

    params: Any
    state: Any
    step: jax.Array
    until: jax.Array
    history: jax.Array
    evaluations: jax.Array


def energy(weights: cgcore.Weights, p: Any, R: jax.Array, mask: jax.Array) -> jax.Array:
    """The prior energy of one frame."""
    n = R.shape[0]
    i = np.arange(n)
    pairs = np.argwhere(i[None, :] - i[:, None] >= 6)

    def total(rows: np.ndarray, energies: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(mask[rows].all(axis=1), energies, 0.0))

    b = R[1:] - R[:-1]
    r = jnp.linalg.norm(b, axis=-1)
    u = b / r[:, None]
    theta = jnp.arccos(jnp.clip(-jnp.sum(u[:-1] * u[1:], axis=-1), -1.0, 1.0))
    n1, n2 = jnp.cross(b[:-2], b[1:-1]), jnp.cross(b[1:-1], b[2:])
    phi = jnp.arctan2(jnp.sum(jnp.cross(n1, u[1:-1]) * n2, axis=-1), jnp.sum(n1 * n2, axis=-1))
    distance = jnp.linalg.norm(R[pairs[:, 1]] - R[pairs[:, 0]], axis=-1)

    m, k = jnp.arange(1, len(p["a"]) + 1), jnp.arange(1, len(p["k_dih"]) + 1)
    angles = jnp.sum(p["a"] * jnp.cos(m * theta[:, None]) + p["b"] * jnp.sin(m * theta[:, None]), axis=-1)
    dihedrals = jnp.sum(p["k_dih"] * (1 + jnp.cos(k * phi[:, None] - p["gamma_dih"])), axis=-1)
    return (
        weights.bond * total(np.stack([i[:-1], i[1:]], 1), p["kr"] / 2 * (r - p["r0"]) ** 2)
        + weights.angle * total(np.stack([i[:-2], i[1:-1], i[2:]], 1), angles)
        + weights.dihedral * total(np.stack([i[:-3], i[1:-2], i[2:-1], i[3:]], 1), dihedrals)
        + weights.repulsive * total(pairs, p["epsilon"] * (p["sigma"] / distance) ** 4)
    )


def plain(
    prior: cgcore.Prior, frames: tuple[Any, Any, Any], tol_grad: float = 1e-6, min_steps: int = 10
) -> tuple[Carry, Callable[[Carry], Carry]]:
    """The initial state, and the loop that continues to `until`, in the precision of the frames."""
    R, F, mask = (jnp.asarray(x) for x in frames)
    params = jax.tree.map(lambda x: jnp.asarray(x, R.dtype), prior.params)
    optimizer = optax.lbfgs()

    def forces(p: Any, R: jax.Array, mask: jax.Array) -> jax.Array:
        return -jax.grad(energy, argnums=2)(prior.weights, p, R, mask)

    def loss(p: Any) -> jax.Array:
        residual = (jax.vmap(forces, in_axes=(None, 0, 0))(p, R, mask) - F) * mask[..., None]
        return jnp.sum(residual**2) / jnp.maximum(jnp.sum(mask), 1)

    value_and_grad = optax.value_and_grad_from_state(loss)

    def going(c: Carry) -> jax.Array:
        norm = optax.tree.norm(optax.tree.get(c.state, "grad"))
        return (c.step < c.until) & ((c.step < min_steps) | (norm > tol_grad))

    def step(c: Carry) -> Carry:
        value, grad = value_and_grad(c.params, state=c.state)
        updates, state = optimizer.update(grad, c.state, c.params, value=value, grad=grad, value_fn=loss)
        params: Any = optax.apply_updates(c.params, updates)
        history = c.history.at[c.step].set(loss(params))
        searched: Any = optax.tree.get(state, "num_linesearch_steps")
        evaluations = c.evaluations + searched.astype(c.evaluations.dtype) + 1
        return Carry(params, state, c.step + 1, c.until, history, evaluations)

    # The first step needs one more evaluation, since the state holds no value yet.
    one, none = jnp.ones((), jnp.int32), jnp.zeros((), jnp.int32)
    start = Carry(params, optimizer.init(params), none, none, jnp.zeros(STEPS, R.dtype), one)
    return start, lambda carry: jax.lax.while_loop(going, step, carry)


def prepare(job: Job, dtype: str) -> Run:
    R, F, mask = job.frames
    start, loop = plain(job.prior, (R.astype(dtype), F.astype(dtype), mask))
    jax.block_until_ready(loop(start))  # compiles without taking a step

    def run(recorder: Recorder) -> str:
        carry, seen = start, 0
        for until in range(CHUNK, STEPS + 1, CHUNK):
            carry = jax.block_until_ready(loop(carry._replace(until=jnp.asarray(until, jnp.int32))))
            recorder.steps, total = int(carry.step), int(carry.evaluations)
            params = jax.tree.map(lambda x: np.asarray(x, np.float64), carry.params)
            recorder.see(partial(cgcore.to_coefficients, params), total - seen)
            seen = total
            if recorder.steps < until:
                return "gradient norm below 1e-6"
        return f"{STEPS} steps"

    return run


HOW = f"its loop, left every {CHUNK} steps; evaluations without a gradient count, too; compiling again is not timed"
NAMES = {f"plain, {dtype}": dtype for dtype in ("float32", "float64")}
PEERS = tuple(Peer(name, partial(prepare, dtype=dtype), HOW, patience=10.0) for name, dtype in NAMES.items())
