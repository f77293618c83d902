"""The status in which a fit ends."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Why the solver stopped. `message` is a sentence about it with the likely cause."""

    RUNNING = 0
    GRADIENT = 1
    PRECISION_FLOOR = 2
    LINE_SEARCH_FAILED = 3
    MAX_STEPS = 4
    NON_FINITE = 5
    SUBOPTIMAL = 6
    SADDLE = 7
    CONSTRAINED = 8

    @property
    def message(self) -> str:
        return _MESSAGES[self]

    @property
    def converged(self) -> bool:
        """Whether the end point is a minimum as far as the arithmetic can tell."""
        return self in (Status.GRADIENT, Status.PRECISION_FLOOR, Status.CONSTRAINED)


_MESSAGES = {
    Status.RUNNING: "still running",
    Status.GRADIENT: "converged: the gradient norm is below tol_grad",
    Status.PRECISION_FLOOR: (
        "converged to the precision of the arithmetic: no step changes the loss by more than rounding, "
        "and tol_grad is below what that resolves"
    ),
    Status.LINE_SEARCH_FAILED: (
        "line search failed: no step along the search direction lowers the loss; "
        "the coordinates are badly scaled (use whitened ones) or the gradient is wrong"
    ),
    Status.MAX_STEPS: "stopped at max_steps before convergence: allow more steps or use whitened coordinates",
    Status.NON_FINITE: "the loss or its gradient is not finite: overlapping beads, or an unbounded objective",
    Status.SUBOPTIMAL: (
        "stopped by its own test, but the exact optimum is lower than that allows: "
        "tol_grad is too large, or the coordinates are badly scaled (use whitened ones)"
    ),
    Status.CONSTRAINED: "converged under constraints: the optimality conditions hold and the duality gap is closed",
    Status.SADDLE: (
        "stopped where the gradient vanishes, but at no minimum: the curvature points down, "
        "or parameters have grown until they have no effect; start elsewhere"
    ),
}
