"""L-BFGS in one compiled `lax.while_loop`, for any loss of any pytree.

The loop carries value and gradient of the current iterate: each point is evaluated once, and the stopping test uses the
gradient at the newest point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PyTree

from cgcore.compiling import QuicklyCompiled
from cgcore.errors import InputError
from cgcore.solver.confirm import confirmation
from cgcore.solver.solution import Solution
from cgcore.solver.status import Status
from cgcore.x64 import Precision, as_floating, solving

MOST_CONFIRMED = 2000
"""Largest number of parameters for which the Hessian is computed: 32 MB in float64."""
MEMORY = 10
ROUNDING = 8
"""A predicted decrease below this many units in the last place of the loss cannot be detected in the loss."""

# The line search of optax.lbfgs, with its settings.
_LINE_SEARCH = optax.scale_by_zoom_linesearch(max_linesearch_steps=20, initial_guess_strategy="one")

Loss = Callable[..., Float[Array, ""]]


class Limits(NamedTuple):
    """Stopping limits of the solver. Changing `max_steps` recompiles, because it is the length of the history."""

    max_steps: int = 200
    min_steps: int = 10
    tol_grad: float = 1e-6


class State(NamedTuple):
    """The state carried by the loop. `past` and `search` are optax states; `fresh` is true if no pair is remembered;
    `lowest` is the lowest value so far, and `flattest` the smallest gradient norm since it last fell by more than
    rounding."""

    params: PyTree
    value: Float[Array, ""]
    grad: PyTree
    grad_norm: Float[Array, ""]
    lowest: Float[Array, ""]
    flattest: Float[Array, ""]
    past: PyTree
    search: optax.ScaleByZoomLinesearchState
    fresh: Bool[Array, ""]
    step: Int[Array, ""]
    evaluations: Int[Array, ""]
    status: Int[Array, ""]
    history: Float[Array, " max_steps"]


StepProgress = Callable[[int, float], Any]
"""Called with the number of steps done and the loss."""


def minimise(
    loss: Loss,
    params: PyTree,
    *args: Any,
    limits: Limits = Limits(),
    memory: int = MEMORY,
    confirm: bool = True,
    precision: Precision = "float64",
    progress: StepProgress | None = None,
    chunk: int = 10,
    quickly: bool = False,
) -> Solution:
    """Minimise `loss(params, *args)` over `params` by L-BFGS with a strong-Wolfe (zoom) line search.

    The solver stops when the gradient norm is below `tol_grad` after at least `min_steps`, when no step makes progress,
    when a number is not finite, or at `max_steps`. The `status` says how it ended; no exception is raised for that.

    With `confirm`, a point is called converged only if the exact Hessian shows a minimum (`cgcore.solver.confirm`).
    Otherwise the solver continues to a smaller gradient than `tol_grad`.

    Arguments:
        loss: scalar function of a pytree of arrays. It is a static argument of the compiled loop: to avoid compiling
            again, pass the same object, and pass data through `args`.
        params: initial values: numbers or arrays, in a pytree; they are cast to `precision`.
        args: further arguments of `loss`, arrays or pytrees of arrays.
        limits: stopping limits.
        memory: number of past steps from which the Hessian is approximated.
        confirm: whether to compute the Hessian at the end, one product with a vector for each parameter. Without it,
            `tol_grad` alone decides.
        precision: "float64", whatever the session's setting is, or "float32"; see `cgcore.x64`.
        progress: called every `chunk` steps; the loop is then entered in chunks, and its state is not changed.
        chunk: number of steps between calls of `progress`.
        quickly: whether to favour short compilation over fast code, for losses that take less time to evaluate than to
            compile; see `cgcore.compiling`.

    Returns:
        The final parameters as NumPy arrays, loss, gradient norm and status.

    Raises:
        InputError: there are too many parameters to confirm, the initial values are not real numbers, the loss is not a
            real number, or JAX is tracing.

    Source: Nocedal and Wright, Numerical Optimization (2nd ed.), algorithms 7.4, 7.5 and 3.5, 3.6, as in optax.

    Examples:
        >>> import cgcore
        >>> def rosenbrock(x):
        ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        >>> solution = cgcore.minimise(rosenbrock, [-1.2, 1.0])
        >>> solution.status.name
        'GRADIENT'
        >>> [f"{float(value):.6f}" for value in solution.params]
        ['1.000000', '1.000000']
    """
    params = as_floating("the start of a minimisation", params, precision)
    with solving("minimise", precision):
        params = jax.tree.map(jnp.asarray, params)
        size = sum(leaf.size for leaf in jax.tree.leaves(params))
        if confirm and size > MOST_CONFIRMED:
            raise InputError(
                f"confirming a minimum needs the Hessian, which is too large for {size} parameters; use confirm=False"
            )
        start, advance = (_start_quickly, _advance_quickly) if quickly else (_start, _advance)
        state = start(loss, memory, int(limits.max_steps), params, *args)
        while True:
            until = limits.max_steps if progress is None else min(int(state.step) + chunk, limits.max_steps)
            state = advance(loss, memory, state, limits, until, *args)
            if progress is not None:
                progress(int(state.step), float(state.value))
            status = Status(int(state.status))
            if confirm and status in (Status.GRADIENT, Status.PRECISION_FLOOR, Status.LINE_SEARCH_FAILED):
                state, limits = _confirmed(loss, params, state, status, limits, *args)
            if state.status != Status.RUNNING:
                break
        steps = int(state.step)
        return Solution(
            params=jax.tree.map(np.asarray, state.params),
            loss=float(state.value),
            grad_norm=float(state.grad_norm),
            steps=steps,
            evaluations=int(state.evaluations),
            loss_history=state.history[:steps].tolist(),
            status=Status(int(state.status)),
        )


def _confirmed(
    loss: Loss, start: PyTree, state: State, status: Status, limits: Limits, *args: Any
) -> tuple[State, Limits]:
    """The state with a status confirmed by the Hessian, or set to continue to a smaller gradient."""
    initial = state.history[0] if state.step > 0 else state.value
    found = confirmation(loss, state.params, state.value, state.grad, start, initial, *args)
    minimum = found.upward and found.excess <= 1
    state = state._replace(evaluations=state.evaluations + found.products)
    if status is Status.GRADIENT:
        if minimum:
            return state, limits
        # The decrement is proportional to the square of the gradient; the factor 0.5 is a margin for the next point.
        factor = 0.5 / max(found.excess, 1.0) ** 0.5 if found.upward else 0.1
        limits = limits._replace(tol_grad=factor * float(state.grad_norm))
        return state._replace(status=jnp.int32(Status.RUNNING)), limits
    saddle = status is Status.PRECISION_FLOOR and not found.upward
    ending = Status.PRECISION_FLOOR if minimum else Status.SADDLE if saddle else Status.LINE_SEARCH_FAILED
    return state._replace(status=jnp.int32(ending)), limits


def _started(loss: Loss, memory: int, max_steps: int, params: PyTree, *args: Any) -> State:
    def checked(params: PyTree) -> Float[Array, ""]:
        value = loss(params, *args)
        if jnp.shape(value) != () or not jnp.issubdtype(jnp.result_type(value), jnp.floating):
            kind = f"{jnp.result_type(value)} of shape {jnp.shape(value)}"
            raise InputError(f"the loss has to be a single real number, but it is {kind}")
        return value

    value, grad = jax.value_and_grad(checked)(params)
    state = State(
        params=params,
        value=value,
        grad=grad,
        grad_norm=optax.tree.norm(grad),
        lowest=value,
        flattest=optax.tree.norm(grad),
        past=optax.scale_by_lbfgs(memory).init(params),
        search=cast("optax.ScaleByZoomLinesearchState", _LINE_SEARCH.init(params)),
        fresh=jnp.bool_(True),
        step=jnp.int32(0),
        evaluations=jnp.int32(1),
        status=jnp.int32(Status.RUNNING),
        history=jnp.zeros(max(max_steps, 1), value.dtype),
    )
    # Weak types would cause another compilation when the loop is entered again.
    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, x.dtype), state)


def _advanced(loss: Loss, memory: int, state: State, limits: Limits, until: Int[Array, ""], *args: Any) -> State:
    """Take steps until the fit ends or `until` steps are done."""
    return jax.lax.while_loop(
        lambda s: (s.status == Status.RUNNING) & (s.step < until),
        lambda s: _step(loss, memory, s, limits, *args),
        state._replace(status=_status(state, limits)),
    )


_start, _start_quickly = (jit(_started, static_argnums=(0, 1, 2)) for jit in (jax.jit, QuicklyCompiled))
_advance, _advance_quickly = (jit(_advanced, static_argnums=(0, 1)) for jit in (jax.jit, QuicklyCompiled))


def _step(loss: Loss, memory: int, state: State, limits: Limits, *args: Any) -> State:
    # optax.lbfgs chains these two; used separately, they give access to the search direction.
    quasi_newton = optax.scale_by_lbfgs(memory)
    ascent, past = quasi_newton.update(state.grad, state.past, state.params)
    direction = optax.tree.cast_like(optax.tree.scale(-1, ascent), state.params)
    updates, found = _LINE_SEARCH.update(
        direction,
        state.search,
        state.params,
        value=state.value,
        grad=state.grad,
        value_fn=lambda params: loss(params, *args),
    )
    search = cast("optax.ScaleByZoomLinesearchState", found)
    norm = optax.tree.norm(search.grad)
    finite = jnp.isfinite(search.value) & jnp.isfinite(norm)
    resolution = ROUNDING * jnp.finfo(state.value.dtype).eps * jnp.abs(state.value)
    # Gains are relative to the best so far; else a loss lower in its last digit and a smaller gradient could alternate.
    lower = search.value < state.lowest
    # Where the loss no longer resolves a gain, a smaller gradient counts as one, too.
    flatter = (search.value <= state.lowest + resolution) & (norm < state.flattest)
    well_below = search.value < state.lowest - resolution
    gained = finite & (jnp.asarray(search.learning_rate) > 0) & (lower | flatter)

    # A step without gain is rejected; the next one is steepest descent with an empty memory, since the last pairs of
    # a nearly converged fit can be rounding noise.
    taken = state._replace(
        params=optax.apply_updates(state.params, updates),
        value=search.value,
        grad=search.grad,
        grad_norm=norm,
        lowest=jnp.minimum(state.lowest, search.value),
        flattest=jnp.where(well_below, norm, jnp.minimum(state.flattest, norm)),
        past=past,
        search=search,
        fresh=jnp.bool_(False),
    )
    refused = state._replace(past=quasi_newton.init(state.params), fresh=jnp.bool_(True))
    new: State = optax.tree.where(gained, taken, refused)
    new = new._replace(
        step=state.step + 1,
        evaluations=state.evaluations + search.info.num_linesearch_steps,
        history=state.history.at[state.step].set(state.value),
    )
    new = optax.tree.cast_like(new, state)

    status = _status(new, limits)
    at_floor = jnp.abs(optax.tree.vdot(direction, state.grad)) <= resolution
    # Decided only with an empty memory, since the prediction of a stale one says nothing about the gradient.
    stalled = ~gained & state.fresh & (status != Status.GRADIENT) & (new.step >= limits.min_steps)
    ending = jnp.where(at_floor, Status.PRECISION_FLOOR, Status.LINE_SEARCH_FAILED)
    status = jnp.where(stalled, ending, status)
    status = jnp.where(finite, status, Status.NON_FINITE)
    return new._replace(status=status.astype(jnp.int32))


def _status(state: State, limits: Limits) -> Int[Array, ""]:
    """The status of the current point by itself."""
    finite = jnp.isfinite(state.value) & jnp.isfinite(state.grad_norm)
    small = (state.grad_norm < limits.tol_grad) & (state.step >= limits.min_steps)
    status = jnp.where(state.step >= limits.max_steps, Status.MAX_STEPS, Status.RUNNING)
    status = jnp.where(small, Status.GRADIENT, status)
    return jnp.where(finite, status, Status.NON_FINITE).astype(jnp.int32)
