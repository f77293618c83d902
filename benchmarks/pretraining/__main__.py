"""The benefit of a fitted prior for a network trained on top of it.

    python -m benchmarks.pretraining --output DIR

trains a network together with each of three priors (the configured one; after 200 steps of plain L-BFGS; the default
fit) on proteins of `benchmarks.study`. Each prior is kept fixed or trained as well, either freely or within the
constraints of the default fit. The models of all seeds, and the priors alone, are scored by the force loss on held-out
frames and by a simulation. All other settings are those of `cgcore/pipeline/example.yaml`, and a seed has the same
effect for all priors.

Writes pretraining.json after each training, pretraining.md and pretraining.svg at the end, and the trained models to
DIR/models. `--redraw` makes tables and picture again from DIR/pretraining.json, or from the files of several runs with
different seeds. Requires `pip install 'cgcore[generate,formats,plot,train]' pandas tabulate`.
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
"""Two hairpins and a helix. With all five proteins, padded to 20 beads, a step takes about twice as long."""


class Simulation(NamedTuple):
    """Settings of the simulations.

    Arguments:
        protein: the protein that is simulated, starting from its frames.
        time: length of each replica, such as "20ps".
        replicas: number of replicas; 0 for no simulations.
    """

    protein: Protein
    time: str
    replicas: int

    def of(self, name: str, model: Model) -> Simulated | None:
        """A simulation of a model, recorded under this name; None if there are no simulations."""
        if not self.replicas:
            return None
        return simulated(name, model, self.protein, left_out=False, time=self.time, replicas=self.replicas)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data of `benchmarks.study`; default: OUTPUT/data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="seeds of the trainings")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--proteins", nargs="+", choices=PEPTIDES, default=PROTEINS, help="training proteins; the first is simulated"
    )
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="treatments of the prior in training")
    parser.add_argument("--time", default="20ps", help="length of each replica")
    parser.add_argument("--replicas", type=int, default=32, help="number of replicas; 0 for no simulations")
    parser.add_argument("--jobs", type=int, default=1, help="number of models processed at the same time")
    parser.add_argument(
        "--redraw", type=Path, nargs="*", metavar="JSON", help="only redraw DIR/pretraining.json, or these files"
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
    """Run all trainings and simulations.

    Arguments:
        proteins: training proteins.
        simulation: settings of the simulations.
        seeds: seeds of the trainings.
        modes: treatments of the prior in training.
        epochs: number of epochs of each training.
        folder: folder for results and models.
        jobs: number of models that are trained and simulated at the same time.
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
