"""torch.optim.LBFGS with its strong-Wolfe line search, on the same loss written in PyTorch (CPU)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Run
from benchmarks.peers.record import Recorder
from benchmarks.timing import best_of

NEVER = 10**8
SAME = 1e-10
"""Relative tolerance between two sums of the same squares in float64."""


def loss_of(job: Job) -> Callable[[Any], Any]:
    """The force-matching loss of a vector of parameters, with forces from the gradient of the energy by autograd."""
    torch: Any = importlib.import_module("torch")
    R, F, mask = (torch.from_numpy(x.copy()) for x in job.frames)
    assert bool(mask.all()), "this loss does not support padding"
    R.requires_grad_(True)
    w = job.prior.weights
    first, second = torch.triu_indices(R.shape[1], R.shape[1], 6)

    def energy(p: dict[str, Any]) -> Any:
        b = R[:, 1:] - R[:, :-1]
        r = b.norm(dim=-1)
        u, v = -b[:, :-1], b[:, 1:]
        theta = torch.atan2(torch.linalg.cross(u, v).norm(dim=-1), (u * v).sum(-1))[..., None]
        n1, n2 = torch.linalg.cross(b[:, :-2], b[:, 1:-1]), torch.linalg.cross(b[:, 1:-1], b[:, 2:])
        along = b[:, 1:-1] / r[:, 1:-1, None]
        phi = torch.atan2((torch.linalg.cross(n1, along) * n2).sum(-1), (n1 * n2).sum(-1))[..., None]
        distance = (R[:, second] - R[:, first]).norm(dim=-1)
        m, k = torch.arange(1, len(p["a"]) + 1), torch.arange(1, len(p["k_dih"]) + 1)
        return (
            w.bond * (p["kr"] / 2 * (r - p["r0"]) ** 2).sum()
            + w.angle * (p["a"] * torch.cos(m * theta) + p["b"] * torch.sin(m * theta)).sum()
            + w.dihedral * (p["k_dih"] * (1 + torch.cos(k * phi - p["gamma_dih"]))).sum()
            + w.repulsive * (p["epsilon"] * (p["sigma"] / distance) ** 4).sum()
        )

    def loss(x: Any) -> Any:
        (slope,) = torch.autograd.grad(energy(job.params(x)), R, create_graph=True)
        return ((-slope - F) ** 2).sum() / mask.sum()

    return loss


def prepare(job: Job) -> Run:
    torch: Any = importlib.import_module("torch")
    loss = loss_of(job)
    own, ours = loss(torch.from_numpy(job.start)).item(), job.fitted.factor.loss(job.coefficients(job.start))
    if not abs(own / ours - 1) <= SAME:
        raise ValueError(f"the initial loss is {own!r} in PyTorch and {ours!r} in cgcore, so the problems differ")

    def run(recorder: Recorder) -> str:
        x = torch.from_numpy(job.start.copy()).requires_grad_(True)
        solver = torch.optim.LBFGS(
            [x],
            max_iter=NEVER,
            max_eval=NEVER,
            tolerance_grad=1e-10,
            tolerance_change=0.0,
            history_size=10,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Any:
            solver.zero_grad()
            value = loss(x)
            (x.grad,) = torch.autograd.grad(value, [x])
            at = x.detach().numpy().copy()
            recorder.see(lambda: job.coefficients(at))
            return value

        solver.step(closure)
        return "no further decrease, by its own criterion"

    def evaluate() -> None:
        x = torch.from_numpy(job.start.copy()).requires_grad_(True)
        torch.autograd.grad(loss(x), [x])

    def seconds(threads: int) -> float:
        torch.set_num_threads(threads)
        return best_of(2, evaluate)

    # PyTorch's threads synchronise after every small operation, so on a busy machine one is faster than two.
    torch.set_num_threads(min(sorted({1, torch.get_num_threads()}), key=seconds))
    return run


HOW = "a point for each evaluation of the closure; eager, nothing is compiled; one thread or all, whichever is faster"
PEERS = (Peer("torch LBFGS", prepare, HOW, ("torch",)),)
