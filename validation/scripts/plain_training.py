"""Training of the prior by a plain loop in NumPy: explicit matrix, Adam, and order of frames. No cgcore code.

A tree of parameters is a flat dict whose keys are a part and a name: ("prior", "kr").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from validation import explicit

Array = np.ndarray
Tree = dict[tuple[str, str], Array]

FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8
"""Adam's decay rates of the moments, and the number added to its denominator (Kingma and Ba 2015)."""


@dataclass(frozen=True)
class Frame:
    """A frame without padding: the equations X c = F, three rows for each bead."""

    X: Array
    F: Array

    @property
    def beads(self) -> int:
        return len(self.F) // 3

    def squared(self, c: Array) -> float:
        """Sum over beads of the squared error of the forces."""
        return float(np.sum((self.X @ c - self.F) ** 2))

    def gradient(self, c: Array) -> Array:
        """Gradient of that sum with respect to the coefficients."""
        return 2 * self.X.T @ (self.X @ c - self.F)


@dataclass(frozen=True)
class Rules:
    """Defaults of a dialect for settings that a file omits (docs/switching.md).

    Arguments:
        seed: seed of the minibatches.
        dropped: whether frames that do not fill the last minibatch are left out.
        padded: whether a stage minimises the mean over frames x N_max x 3 rather than that over real beads.
        coupled: whether weight decay is added to the gradient, for all parameters; otherwise it is applied separately,
            to all parameters except the prior's.
        clip: largest norm of a gradient.
        best: whether a stage ends with the parameters of the lowest held-out loss.
        rate: learning rate as a fraction of its peak, given the step and the number of steps.
    """

    seed: int
    dropped: bool
    padded: bool
    coupled: bool
    clip: float
    best: bool
    rate: Callable[[int, int], float]


def _doubled(step: int, _: int) -> float:
    """Half a cosine that falls to a tenth at 200 steps."""
    return 0.1 + 0.9 * (1 + np.cos(np.pi * step / 200)) / 2


def _over_stage(step: int, steps: int) -> float:
    """Linear over a twentieth of the steps, then half a cosine to 0."""
    warmup = round(0.05 * steps)
    return step / warmup if step < warmup else (1 + np.cos(np.pi * (step - warmup) / (steps - warmup))) / 2


RULES = {
    "chemtrain": Rules(42, dropped=True, padded=True, coupled=True, clip=1.0, best=False, rate=_doubled),
    "cgcore": Rules(0, dropped=False, padded=False, coupled=False, clip=np.inf, best=True, rate=_over_stage),
}


@dataclass(frozen=True)
class Plan:
    """A stage with Adam.

    Arguments:
        rules: rules of the dialect.
        peak: peak learning rate.
        decay: weight decay.
        size: number of frames in a minibatch.
        epochs: number of epochs.
    """

    rules: Rules
    peak: float
    decay: float
    size: int
    epochs: int

    def updates(self, frames: int) -> int:
        """Number of steps in an epoch over this number of frames."""
        return frames // self.size if self.rules.dropped else -(-frames // self.size)


@dataclass
class Adam:
    """Adam with clipping and weight decay, for a given number of steps."""

    plan: Plan
    steps: int
    _done: int = 0
    _moments: dict[tuple[str, str], tuple[Array, Array]] = field(default_factory=dict)

    def step(self, params: Tree, gradient: Tree) -> Tree:
        """The parameters after one more step."""
        plan, rules = self.plan, self.plan.rules
        rate = plan.peak * rules.rate(self._done, self.steps)
        self._done += 1
        norm = np.sqrt(sum(np.sum(g**2) for g in gradient.values()))
        moved: Tree = {}
        for key, value in params.items():
            g = gradient[key] * min(1.0, rules.clip / norm) + rules.coupled * plan.decay * value
            m, v = self._moments.get(key, (0.0, 0.0))
            m, v = FIRST * m + (1 - FIRST) * g, SECOND * v + (1 - SECOND) * g**2
            self._moments[key] = m, v
            unbiased = m / (1 - FIRST**self._done), v / (1 - SECOND**self._done)
            shrunk = 0.0 if rules.coupled or key[0] == "prior" else plan.decay * value
            moved[key] = value - rate * (unbiased[0] / (np.sqrt(unbiased[1]) + EPSILON) + shrunk)
        return moved


@dataclass(frozen=True)
class Epoch:
    """Parameters at the end of an epoch, and the loss per real bead accumulated during it."""

    params: dict[str, Array]
    loss: float


def train(frames: list[Frame], n_beads: int, start: Mapping[str, Array], plan: Plan, stage: int) -> list[Epoch]:
    """A stage that trains the prior.

    Arguments:
        frames: training frames.
        n_beads: number of beads in a row, including padding.
        start: starting parameters of the prior.
        plan: plan of the stage.
        stage: number of the stage, from 1.
    """
    rules, size, updates = plan.rules, plan.size, plan.updates(len(frames))
    optimizer, params = Adam(plan, updates * plan.epochs), {("prior", key): x for key, x in start.items()}
    done: list[Epoch] = []
    for number in range(plan.epochs):
        order = np.random.default_rng((rules.seed, stage, number)).permutation(len(frames))
        squared = beads = 0.0
        for k in range(updates):
            now = {name: x for (_, name), x in params.items()}
            c, own = explicit.coefficients(now), [frames[i] for i in order[k * size : (k + 1) * size]]
            real = sum(frame.beads for frame in own)
            squared, beads = squared + sum(frame.squared(c) for frame in own), beads + real
            count = len(own) * n_beads * 3 if rules.padded else real
            dc = np.sum([frame.gradient(c) for frame in own], axis=0) / count
            params = optimizer.step(params, {("prior", key): x for key, x in _by_parameters(now, dc).items()})
        done.append(Epoch({name: x for (_, name), x in params.items()}, squared / beads))
    return done


def _by_parameters(params: Mapping[str, Array], dc: Array) -> dict[str, Array]:
    """Gradient with respect to the parameters, from the gradient with respect to the coefficients."""
    p = {name: np.asarray(value, float) for name, value in params.items()}
    angles, dihedrals = len(p["a"]), len(p["k_dih"])
    parts = np.split(dc, np.cumsum([1, 1, angles, angles, dihedrals, dihedrals]))
    stiffness, product, a, b, cosines, sines, repulsion = parts
    cos, sin = np.cos(p["gamma_dih"]), np.sin(p["gamma_dih"])
    return {
        "kr": stiffness[0] + p["r0"] * product[0],
        "r0": p["kr"] * product[0],
        "a": a,
        "b": b,
        "k_dih": cos * cosines + sin * sines,
        "gamma_dih": p["k_dih"] * (cos * sines - sin * cosines),
        "epsilon": p["sigma"] ** 4 * repulsion[0],
        "sigma": 4 * p["epsilon"] * p["sigma"] ** 3 * repulsion[0],
    }


def losses(frames: list[Frame], n_beads: int, params: Mapping[str, Array]) -> tuple[float, float]:
    """The force loss of frames per real bead, and as the mean over frames x N_max x 3."""
    squared = sum(frame.squared(explicit.coefficients(params)) for frame in frames)
    return squared / sum(frame.beads for frame in frames), squared / (len(frames) * n_beads * 3)
