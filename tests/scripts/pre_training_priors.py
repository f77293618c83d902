"""Stand-in for a user's script, written from the algorithm alone: no cgcore, nothing of this repository.

    L(theta) = sum mask |F_pred - F_ref|^2 / max(sum mask, 1),    F_pred = -grad of the energy

by `optax.lbfgs` in one jitted `lax.while_loop`; it stops at a gradient norm below `tol_grad` once `min_steps` are
done, or at `max_steps`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax


def fit_priors_lbfgs(
    prior_params: Any,
    displacement: Any,
    dataset: Any,
    bonds: Any,
    angles: Any,
    rep_pairs: Any,
    apply_fn_priors: Any,
    max_steps: int = 200,
    tol_grad: float = 1e-6,
    min_steps: int = 10,
) -> tuple[Any, jax.Array]:
    """Fitted parameters, and the loss before each step."""
    R, F, mask = dataset["R"], dataset["F"], dataset["mask"]

    def forces(params: Any, R: jax.Array, mask: jax.Array) -> jax.Array:
        return -jax.grad(apply_fn_priors, argnums=1)(params, R, mask)

    def loss_fn(params: Any) -> jax.Array:
        predicted = jax.vmap(forces, in_axes=(None, 0, 0))(params, R, mask)
        return jnp.sum(mask[..., None] * (predicted - F) ** 2) / jnp.maximum(jnp.sum(mask), 1)

    optimiser = optax.lbfgs(learning_rate=1.0)
    value_and_grad: Any = optax.value_and_grad_from_state(loss_fn)

    def step(carry: Any) -> Any:
        params, state, k, history, _ = carry
        value, grad = value_and_grad(params, state=state)
        updates, state = optimiser.update(grad, state, params, value=value, grad=grad, value_fn=loss_fn)
        params = optax.apply_updates(params, updates)
        norm = optax.tree.norm(optax.tree.get(state, "grad"))
        return params, state, k + 1, history.at[k].set(value.astype(history.dtype)), norm

    def unfinished(carry: Any) -> jax.Array:
        _, _, k, _, norm = carry
        return (k < min_steps) | ((k < max_steps) & (norm >= tol_grad))

    @jax.jit
    def run(params: Any) -> Any:
        history = jnp.zeros(max_steps, jnp.float32)
        norm = jnp.asarray(jnp.inf, R.dtype)
        return jax.lax.while_loop(unfinished, step, (params, optimiser.init(params), 0, history, norm))

    params_fit, _, steps, history, _ = run(prior_params)
    print(f"[LBFGS] Completed: {int(steps)} steps")
    return params_fit, history[: int(steps)]


if __name__ == "__main__":
    raise SystemExit("call fit_priors_lbfgs")
