"""The result of a minimisation."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import PyTree

from cgcore.solver.status import Status


@dataclass(frozen=True, eq=False)
class Solution:
    """The result of a minimisation.

    Arguments:
        params: final parameters, a pytree of NumPy arrays.
        loss: loss of `params`.
        grad_norm: gradient norm at `params`.
        steps: number of L-BFGS steps.
        evaluations: number of evaluations of value and gradient; a Hessian-vector product counts as one.
        loss_history: the loss before each step.
        status: why the solver ended.
    """

    params: PyTree
    loss: float
    grad_norm: float
    steps: int
    evaluations: int
    loss_history: list[float]
    status: Status

    @property
    def converged(self) -> bool:
        """Whether it ended at a minimum."""
        return self.status.converged

    @property
    def dtype(self) -> np.dtype:
        """The precision of the solver."""
        return np.result_type(*jax.tree.leaves(self.params))

    def __repr__(self) -> str:
        return (
            f"Solution({self.status.name}, loss={self.loss:.10g}, grad_norm={self.grad_norm:.3g}, steps={self.steps}, "
            f"evaluations={self.evaluations}, {sum(np.size(leaf) for leaf in jax.tree.leaves(self.params))} parameters "
            f"in {self.dtype})"
        )
