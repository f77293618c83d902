"""What pre-training of the prior is worth: the same two stages from three priors, over several seeds.

python -m benchmarks.pretraining [--seeds 3] [--epochs N] [--more-epochs N] [--fixed-prior] [--output DIR]

The priors: as configured; after 200 steps of plain L-BFGS; of the default fit. Everything else is
`cgcore/pipeline/example.yaml`, and a seed (of the network's start and of the minibatches) is the same for all three.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import cgcore
from cgcore.files import atomic_path
from cgcore.pipeline import DatasetLoader, Settings, Trainer, load_settings, model_for
from cgcore.report.plot import UNDATED
from cgcore.report.style import BLUE, DARK, GREEN, VERMILION, Figure, styled

INITIAL, PLAIN, DEFAULT = "initial prior", "plain L-BFGS, 200 steps", "default fit"
COLORS = {INITIAL: VERMILION, PLAIN: BLUE, DEFAULT: GREEN}
VAL_FRACTION = 0.2


class Start(NamedTuple):
    """A prior's parameters, and its held-out loss [(kcal/mol/Å)²]."""

    params: Mapping[str, Any]
    val_loss: float


@dataclass(frozen=True)
class Race:
    """Both stages from one prior with one seed; losses are held-out force losses, per real bead [(kcal/mol/Å)²].

    Arguments:
        start: which prior.
        seed: of the network and the minibatches.
        prior_loss: of that prior alone.
        steps: of stage 1, at which `losses` were taken; the first is 0.
        losses: at each of them.
        best: lowest of `losses`.
        more_best: of the parameters that stage 2 ends with, which starts from the best ones; None: no stage 2.
    """

    start: str
    seed: int
    prior_loss: float
    steps: list[int]
    losses: list[float]
    best: float
    more_best: float | None

    def steps_to(self, loss: float) -> int | None:
        """Steps of stage 1 after which the held-out loss was first at or below this one; None: never."""
        return next((step for step, seen in zip(self.steps, self.losses, strict=True) if seen <= loss), None)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--epochs", type=int, default=None, help="of stage 1; default: the example's")
    parser.add_argument("--more-epochs", type=int, default=None, help="of stage 2; default: the example's")
    parser.add_argument("--frames", type=int, default=None, help="how many; default: all 1000")
    parser.add_argument("--fixed-prior", action="store_true", help="the stages train the network alone")
    parser.add_argument("--output", type=Path, default=None, help="a folder for pretraining.json and pretraining.svg")
    args = parser.parse_args(arguments)
    settings = example(args.epochs, args.more_epochs, train_priors=not args.fixed_prior)
    races = run(settings, range(args.seeds), args.frames, told)
    print(f"\n{table(races).to_string(index=False)}")
    if args.output is not None:
        write(args.output, races)


def told(race: Race) -> None:
    """Say how a race went."""
    losses = " ".join(f"{loss:.1f}" for loss in race.losses)
    print(f"{race.start}, seed {race.seed}: {losses}, stage 2 {race.more_best}", flush=True)


def example(epochs: int | None = None, more_epochs: int | None = None, *, train_priors: bool = True) -> Settings:
    """The example's settings, with other epochs."""
    with as_file(files("cgcore.pipeline") / "example.yaml") as path:
        settings = load_settings(path)
    changed: dict[str, Any] = {
        f"epochs_{stage[0]}": count
        for stage, count in zip(settings.training.plan.values(), (epochs, more_epochs), strict=True)
        if stage is not None and count is not None
    }
    training = replace(settings.training, **changed, val_fraction=VAL_FRACTION, checkpoint_freq=0)
    return replace(settings, model=replace(settings.model, train_priors=train_priors), training=training)


def priors(train: DatasetLoader, validation: DatasetLoader, settings: Settings) -> dict[str, Start]:
    """The three priors; both fits are to the training frames alone."""
    prior = settings.model.prior
    assert prior is not None
    plain, default = (
        cgcore.fit(train.dataset, prior, options, validation=validation.dataset)
        for options in (cgcore.Options(objective="direct", coordinates="physical", max_steps=200), cgcore.Options())
    )
    assert plain.initial_val_loss is not None
    assert plain.val_loss is not None
    assert default.val_loss is not None
    return {
        INITIAL: Start(prior.params, plain.initial_val_loss),
        PLAIN: Start(plain.fitted_params, plain.val_loss),
        DEFAULT: Start(default.fitted_params, default.val_loss),
    }


def run(
    settings: Settings, seeds: Sequence[int], max_frames: int | None = None, say: Callable[[Race], object] = str
) -> list[Race]:
    """All races on the bundled set, whose last fifth is held out."""
    train, validation = DatasetLoader(cgcore.datasets.chignolin(), max_frames).split_train_val(VAL_FRACTION)
    assert validation is not None
    starts, races = priors(train, validation, settings), []
    for seed in seeds:
        said = replace(settings, training=replace(settings.training, seed=seed))
        for name, start in starts.items():
            trainer = Trainer(model_for(said, train), said, train, validation)
            trainer.set_prior(start.params)
            races.append(race(trainer, name, start.val_loss))
            say(races[-1])
    return races


def race(trainer: Trainer, start: str, prior_loss: float) -> Race:
    """Both stages, from the trainer's current parameters."""
    first, second = trainer.settings.training.plan.values()
    assert first is not None
    assert second is not None
    stage = trainer.train_stage(*first)
    losses = [stage["initial_val_loss"] or np.nan, *stage["val_loss_history"]]
    steps = trainer.stage(*first).updates_per_epoch * np.arange(len(losses))
    more = trainer.train_stage(*second)["val_loss"] if second[1] else None
    return Race(start, trainer.settings.training.seed, prior_loss, steps.tolist(), losses, min(losses), more)


def best_prior(races: Sequence[Race]) -> float:
    """Held-out loss of the best prior alone."""
    return min(race.prior_loss for race in races)


def within_reach(races: Sequence[Race]) -> float:
    """The lowest held-out loss that every race reached in stage 1."""
    return max(race.best for race in races)


def table(races: Sequence[Race]) -> pd.DataFrame:
    """A line for each prior, means over seeds with their standard deviation; steps are counted in whole epochs."""
    last = races[0].steps[-1]
    counts = sorted({races[0].steps[k] for k in (1, len(races[0].steps) // 3, len(races[0].steps) // 2)} | {last})
    lines = []
    for start, own in grouped(races).items():
        line = {"stage 1 from": start, "prior alone": f"{own[0].prior_loss:.1f}"}
        line |= {f"after {n} steps": spread([race.losses[race.steps.index(n)] for race in own], ".1f") for n in counts}
        line["lowest"] = spread([race.best for race in own], ".1f")
        line |= {
            f"steps to {loss:.1f}": spread([race.steps_to(loss) for race in own], ".0f")
            for loss in (best_prior(races), within_reach(races))
        }
        line["after stage 2"] = spread([race.more_best for race in own], ".1f")
        lines.append(line)
    return pd.DataFrame(lines)


def grouped(races: Sequence[Race]) -> dict[str, list[Race]]:
    """Races by their prior."""
    return {start: [race for race in races if race.start == start] for start in dict.fromkeys(r.start for r in races)}


def spread(values: Sequence[float | None], form: str) -> str:
    """Mean and standard deviation over seeds; "never" where some seed has no value, and how many have none."""
    there = [value for value in values if value is not None]
    if len(there) < len(values):
        return f"never, {len(values) - len(there)} of {len(values)}"
    return f"{np.mean(there):{form}} ± {np.std(there, ddof=1) if len(there) > 1 else 0:{form}}"


def draw(races: Sequence[Race]) -> Figure:
    """Held-out loss against steps of stage 1: a thin line for each seed, a thick one for their mean."""
    with styled():
        from matplotlib.figure import Figure as NewFigure

        figure = NewFigure(figsize=(7.5, 4.4))
        figure.set_layout_engine("constrained")
        ax = figure.add_subplot()
        ax.set_title("Stage 1 from three priors: held-out loss")
        ax.set_xlabel("steps of stage 1")
        ax.set_ylabel("held-out loss [(kcal/mol/Å)²]")
        for start, own in grouped(races).items():
            for race in own:
                ax.plot(race.steps, race.losses, color=COLORS[start], lw=0.7, alpha=0.6)
            mean = np.mean([race.losses for race in own], axis=0)
            ax.plot(own[0].steps, mean, color=COLORS[start], lw=2.2, label=f"{start} (alone: {own[0].prior_loss:.0f})")
        ax.axhline(best_prior(races), color=DARK, ls="--", lw=1.2, label=f"best prior alone: {best_prior(races):.0f}")
        ax.set_xlim(0)
        ax.legend(loc="best")
    return figure


def write(folder: Path, races: Sequence[Race]) -> None:
    """pretraining.json and pretraining.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "pretraining.json") as temporary:
        Path(temporary).write_text(json.dumps([asdict(race) for race in races], indent=1), encoding="utf-8")
    with atomic_path(folder / "pretraining.svg") as temporary, styled():
        draw(races).savefig(temporary, format="svg", metadata=UNDATED[".svg"])


if __name__ == "__main__":
    main()
