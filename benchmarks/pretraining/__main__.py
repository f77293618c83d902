"""What a fitted prior is worth to a network that is trained beside it.

    python -m benchmarks.pretraining --output DIR

trains a network beside three priors (as configured; after 200 steps of plain L-BFGS; the default fit) on proteins of
`benchmarks.study`. Each prior stays as it is, or is trained as well: freely, or within the constraints of the default
fit. Models of all seeds, and the priors alone, are scored by the force loss on held-out frames and by a simulation.
Everything else is as in `cgcore/pipeline/example.yaml`, and a seed means the same for all.

Writes pretraining.json after each training, at the end pretraining.md and pretraining.svg, and the trained models to
DIR/models. `--redraw` makes tables and picture again from DIR/pretraining.json, or from the files of several runs, each
with seeds of its own. Needs `pip install 'cgcore[generate,formats,plot,train]' pandas tabulate`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

from benchmarks.pretraining import picture, tables
from benchmarks.pretraining.results import Alone, Results, Trained, lost
from benchmarks.pretraining.training import MODES, PRIORS, joined, settings, split, trained
from benchmarks.study.about import about
from benchmarks.study.methods import METHODS, Training, loss
from benchmarks.study.proteins import Protein, made
from benchmarks.study.simulated import Model, Simulated, simulated
from cgcore.cli.setup import use_compilation_cache
from cgcore.cli.terminal import note
from cgcore.files import atomic_write
from cgcore.generate import PEPTIDES
from cgcore.pipeline import DatasetLoader
from cgcore.pipeline.trained import load_trained

JSON, TEXT, PICTURE, MODELS = "pretraining.json", "pretraining.md", "pretraining.svg", "models"

PROTEINS = ("trpzip2", "cln025", "aaqaa3")
"""Two hairpins and a helix. With all five, which are padded to 20 beads, a step takes about twice as long."""


class Simulation(NamedTuple):
    """How models are simulated.

    Arguments:
        protein: that is simulated, from its frames.
        time: of each replica, such as "20ps".
        replicas: number of them; 0: there are no simulations.
    """

    protein: Protein
    time: str
    replicas: int

    def of(self, name: str, model: Model) -> Simulated | None:
        """A simulation of a model, for the record by this name."""
        if not self.replicas:
            return None
        return simulated(name, model, self.protein, left_out=False, time=self.time, replicas=self.replicas)


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data of `benchmarks.study`; DIR/data if left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="of trainings")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--proteins", nargs="+", choices=PEPTIDES, default=PROTEINS, help="to train on; the first is simulated"
    )
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="what becomes of priors")
    parser.add_argument("--time", default="20ps", help="of each replica")
    parser.add_argument("--replicas", type=int, default=32, help="0: nothing is simulated")
    parser.add_argument("--jobs", type=int, default=1, help="models that are trained and simulated at the same time")
    parser.add_argument(
        "--redraw", type=Path, nargs="*", metavar="JSON", help="tables and picture of DIR/pretraining.json, or of these"
    )
    given = parser.parse_args(arguments)
    use_compilation_cache()
    if given.redraw is not None:
        results = Results.read(given.redraw or [given.output / JSON])
    else:
        proteins = made(given.data or given.output / "data", names=given.proteins)
        simulation = Simulation(proteins[0], given.time, given.replicas)
        results = measured(proteins, simulation, given.seeds, given.modes, given.epochs, given.output, given.jobs)
    text = tables.report(results)
    print(text)
    atomic_write(given.output / TEXT, text + "\n")
    picture.write(given.output / PICTURE, results)


def measured(
    proteins: Sequence[Protein],
    simulation: Simulation,
    seeds: Sequence[int],
    modes: Sequence[str],
    epochs: int,
    folder: Path,
    jobs: int = 1,
) -> Results:
    """All of it.

    Arguments:
        proteins: to train on.
        simulation: how models are simulated.
        seeds: of trainings.
        modes: what becomes of priors in them.
        epochs: of each training.
        folder: for results and models.
        jobs: models that are trained and simulated at the same time.
    """
    parts = split(proteins)
    train, held_out = (DatasetLoader(joined(part)) for part in parts)
    priors = {name: METHODS[name](Training(parts.train)) for name in PRIORS}
    results = Results(
        about(proteins, simulation.time, simulation.replicas)
        | {
            "Training": f"{train.n_frames} frames; {epochs} epochs",
            "Held out": f"the last frames in time of each protein, {held_out.n_frames} in all",
            "Simulated": simulation.protein.name,
        }
    )
    (folder / MODELS).mkdir(parents=True, exist_ok=True)

    def one(arm: tuple[int, str, str]) -> Trained:
        seed, mode, name = arm
        trainer, stage = trained(settings(priors[name], mode, seed), train, held_out, epochs)
        found = Trained.of(name, mode, seed, stage)
        path = folder / MODELS / (re.sub(r"\W+", "-", found.title) + ".npz")
        trainer.save_params(path)
        model = load_trained(path, simulation.protein.R.shape[1])
        return found._replace(simulated=simulation.of(found.title, model))

    for name, prior in priors.items():
        results.alone.append(Alone(name, loss(prior, parts.held_out), simulation.of(name, prior)))
        results.write(folder / JSON)
        note(f"{name}: {results.alone[-1].loss:.2f}, {lost([results.alone[-1]])} lost")
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(one, product(seeds, modes, PRIORS)):
            results.trained.append(found)
            results.write(folder / JSON)
            losses = " ".join(f"{value:.2f}" for value in found.losses)
            note(f"{found.title}: {losses}, {lost([found])} lost")
    return results


if __name__ == "__main__":
    main()
