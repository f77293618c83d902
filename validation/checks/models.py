"""Models made for given frames: what they count in the frames, and when they warn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import cgcore
from validation.check import Row, check, equal
from validation.context import Context
from validation.tolerances import near

N_MAX, CUTOFF, BOX, APART = 16, 6.0, 72.0, 18.0
"""Number of beads in a row; cut-off; edge of a periodic box, and distance of clusters of beads [Å]."""

FACTOR = 1.5
"""Factor by which a number of neighbours may be off."""

WALL = 0.9
"""Where the wall begins, relative to the closest approach."""

EXACT, BESIDE = 1e-12, 1e-9
"""Tolerance of the same numbers in another order of sums, and relative distance of numbers from a limit."""

SIZES = {"allegro": {"max_ell": 1}, "nequip": {"max_ell": 1, "num_layers": 1}}

MOST_EDGES = {
    "fewest that need another step": ((8, 2), 80),
    "just what a third of all pairs holds": ((8, 2, 2, 2, 2), 80),
    "more than a third of all pairs hold": ((8, 3, 2, 2), None),
    "all that a step holds": ((7, 3), 64),
    "all that two clusters hold": ((4, 4), 32),
    "one pair": ((2,), 8),
    "none": ((), 8),
}
"""Sizes of clusters of beads, all of which are within the cut-off of each other, and the number of slots: a quarter
more than edges, rounded up to a multiple of 8; None for all pairs, if that is more than a third of them. Of n beads in
a cluster there are n (n - 1) edges, and of all 16 beads 240."""

MORE_WAYS = ("just what a third of all pairs holds", "more than a third of all pairs hold")
"""Those for which there are also models with NequIP, and in a box."""

Array = np.ndarray


@check("models", needs=("e3nn_jax", "flax", "jraph"))
def models(_: Context) -> Iterator[Row]:
    """What a model takes from its frames, counted by NumPy: neighbours, slots for edges, the wall; and its warnings."""
    yield from _neighbours()
    yield from _slots()
    yield from _walls()


def _neighbours() -> Iterator[Row]:
    """`avg_num_neighbors`, given and counted."""
    from cgcore.pipeline import CombinedModel

    R, mask = _frames((6, 3, 2, 2), (4, 4), (5,))
    counted = sum(_edges(R, mask)) / mask.sum()
    sentence = "avg_num_neighbors is {:g}, and beads of frames have {:.3g} within 6 Å; leave it out, and it is counted"
    few = _frames((2,), ())
    alone = sum(_edges(*few)) / few[1].sum()
    stay = []
    for name, frames, neighbours, known in (("many", (R, mask), counted, counted), ("hardly any", few, alone, 1.0)):
        model, said = _model(*frames, "allegro")
        found = model.settings.model.network.avg_num_neighbors
        yield near(f"{name} neighbours, counted", found, known, EXACT, 1.0)
        yield equal(f"{name} neighbours, warnings if they are counted", len(said), 0)
        for times in (FACTOR, 1 / FACTOR):
            for beside in (-BESIDE, BESIDE):
                given = times * known * (1 + beside)
                model, said = _model(*frames, "allegro", avg_num_neighbors=given)
                words = [sentence.format(given, neighbours)] if (times > 1) == (beside > 0) else []
                at = f"{name} neighbours, {times:.2f} times as many, just {'above' if beside > 0 else 'below'}"
                yield equal(f"{at}, warnings", str([text.partition(": ")[2] for text in said]), str(words))
                stay.append(model.settings.model.network.avg_num_neighbors == given)
    yield equal("neighbours, given numbers that stay", sum(stay), 8)
    model, _ = _model(R, mask, "nequip")
    yield near(
        "neighbours of NequIP, counted", model.settings.model.network.nequip.avg_num_neighbors, counted, EXACT, 1.0
    )
    wrapped, _ = _model(np.mod(R, BOX), mask, "allegro", box=[BOX] * 3)
    yield near("neighbours, in a box", wrapped.settings.model.network.avg_num_neighbors, counted, EXACT, 1.0)
    of_one = CombinedModel(_config("allegro"), R[0], None, np.zeros(N_MAX, int), N_MAX)
    known = _edges(R[:1], mask[:1])[0] / N_MAX
    network = of_one.settings.model.network
    yield near("neighbours, of one frame alone", (network and network.avg_num_neighbors) or 0.0, known, EXACT, 1.0)


def _slots() -> Iterator[Row]:
    """Slots for the edges of the frame with the most."""
    every = N_MAX * (N_MAX - 1)
    for name, (sizes, slots) in MOST_EDGES.items():
        R, mask = _frames((2,) if sizes else (), sizes, (3,) if len(sizes) > 1 else ())
        most = max(_edges(R, mask))
        at = f"{most} edges, {name}"
        yield equal(f"{at}, slots", str(_model(R, mask, "allegro")[0].network.max_edges), str(slots))
        if name in MORE_WAYS:
            network = _model(R, mask, "nequip")[0].network
            yield equal(f"{at}, slots of NequIP", network.max_edges, slots or every)
            network = _model(np.mod(R, BOX), mask, "allegro", box=[BOX] * 3)[0].network
            yield equal(f"{at}, slots in a box", str(network.max_edges), str(slots))


def _walls() -> Iterator[Row]:
    """`model.core`: nine tenths of the closest approach of beads three or more apart in the chain."""
    R, mask = _frames((8, 2), (4, 4), (5,))
    closest = min(
        float(np.linalg.norm(one[i] - one[j]))
        for one, own in zip(R, mask, strict=True)
        for j in range(N_MAX)
        for i in range(j + 3, N_MAX)
        if own[i] and own[j]
    )
    for name, positions, box in (("free", R, None), ("in a box", np.mod(R, BOX), [BOX] * 3)):
        model, _ = _model(positions, mask, "allegro", box=box, core="auto")
        yield near(f"wall, {name}", model.core or 0.0, WALL * closest, EXACT, 1.0)
    model, _ = _model(R, mask, "allegro", core=2.5)
    yield equal("wall, given", str(model.core), "2.5")
    model, _ = _model(R, mask & (np.arange(N_MAX) < 3), "allegro", core="auto")
    yield equal("wall, no beads so far apart in the chain", str(model.core), "None")
    model, _ = _model(R, mask, "none", core="auto")
    yield equal("wall, no network", str(model.core), "None")


def _frames(*clusters: Sequence[int]) -> tuple[Array, Array]:
    """Frames of beads in clusters on a grid around the origin, where walls of a box divide them. The last frame has
    four beads fewer."""
    R, rng = np.zeros((len(clusters), N_MAX, 3)), np.random.default_rng(len(clusters))
    for row, sizes in zip(R, clusters, strict=True):
        grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3)
        of_bead = np.repeat(np.arange(N_MAX), [*sizes, *[1] * (N_MAX - len(sizes))])[:N_MAX]
        row[:] = APART * grid[of_bead] + rng.uniform(-1.5, 1.5, (N_MAX, 3))
    mask = np.ones(R.shape[:2], bool)
    mask[-1, N_MAX - 4 :] = False
    R[~mask] = 0.0  # within reach of a cluster
    return R, mask


def _edges(R: Array, mask: Array) -> list[int]:
    """Number of ordered pairs of real beads within the cut-off, of each frame."""
    counts = []
    for one, own in zip(R, mask, strict=True):
        r = np.linalg.norm(one[own][:, None] - one[own], axis=-1)
        counts.append(int(((r < CUTOFF) & ~np.eye(own.sum(), dtype=bool)).sum()))
    return counts


def _config(kind: str, core: Any = None, **sizes: Any) -> dict[str, Any]:
    model: dict[str, Any] = {"ml_model": kind, "cutoff": CUTOFF, "n_species": 2, "use_priors": kind == "none"}
    if kind != "none":
        model[kind] = SIZES[kind] | sizes
    return {"dialect": "cgcore", "model": model | ({} if core is None else {"core": core})}


def _model(R: Array, mask: Array, kind: str, box: Any = None, core: Any = None, **sizes: Any) -> tuple[Any, list[str]]:
    """A model for these frames, and the warnings."""
    from cgcore.pipeline import DatasetLoader, model_for

    data = cgcore.from_arrays(R, np.ones_like(R), mask, np.zeros(mask.shape, int), name="frames")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = model_for(_config(kind, core, **sizes), DatasetLoader(data), box)
    return model, [str(one.message) for one in said]
