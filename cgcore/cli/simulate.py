"""`cgcore simulate`: does a model hold together, and does it sample what the data show?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgcore.cli import options, terminal
from cgcore.cli.models import load_model
from cgcore.cli.targets import check_targets
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.data import Dataset
    from cgcore.simulation.result import SimulationResult

RECORD, PICTURE = "simulation.json", "simulation.png"


@click.command("simulate")
@click.argument("model", metavar="FILE", type=options.PATH)
@click.argument("data", required=False, type=options.PATH)
@click.option("--temperature", type=float, metavar="K", help="The data's where they say one, else 300.")
@click.option("--replicas", type=int, default=32, show_default=True, metavar="N", help="Independent runs.")
@click.option(
    "--time", default="1ns", show_default=True, metavar="T", help="Of each: a number of ns, or 100ps, 1ns and the like."
)
@click.option("--timestep", type=float, default=5.0, show_default=True, metavar="X", help="In fs.")
@click.option("--friction", type=float, default=1.0, show_default=True, metavar="X", help="In 1/ps.")
@click.option("--mass", type=float, default=110.0, show_default=True, metavar="X", help="Of a bead, g/mol.")
@click.option("--interval", type=float, metavar="PS", help="Between saved frames (1, at most 1000 frames).")
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Of starting frames, velocities and noise."
)
@click.option("--protein", metavar="NAME", help="Which, where DATA hold several.")
@click.option("--beads", type=int, metavar="N", help="Of that protein, another way to say which.")
@click.option("--output", type=options.PATH, metavar="DIR", help="Write record, picture and what --resume needs there.")
@click.option("--plot", "plot_file", type=options.PATH, metavar="FILE", help="Picture: .png, .svg or .pdf.")
@click.option("--trajectory", type=options.PATH, metavar="FILE", help="Saved frames as a .pdb of many models.")
@click.option("--resume", is_flag=True, help="Go on with a run that was killed, from --output.")
@options.units
@options.box
@options.cache
def simulate_command(
    model: str,
    data: str | None,
    output: str | None,
    plot_file: str | None,
    trajectory: str | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    cache: bool,
    **settings: Any,
) -> None:
    """Run the model in FILE by Langevin dynamics, and hold what it samples against DATA.

    FILE is the priors.yaml of `cgcore fit`, the params.npz of `cgcore train` (or the folder with it), or the XML of
    `cgcore export --to openmm`, which OpenMM itself runs. Replicas start from frames of DATA (an NPZ or a folder of
    them; the bundled chignolin set if left out).

    Exit code 0: every replica is whole; 1: some are lost; 2: bad input.
    """
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.report.simulation_text import report
    from cgcore.simulation.storage import NAME
    from cgcore.simulation.trajectory import check_trajectory

    if settings["resume"] and not output:
        raise InputError("--resume needs --output, the folder of the run that was killed")
    if trajectory is not None:
        check_trajectory(trajectory)
    plot_file = check_targets(output, (RECORD, NAME), plot_file, PICTURE, [trajectory])
    options.refuse_factors([] if data is None else [data])
    dataset = chignolin() if data is None else read(data, units=units, box=box)
    if cache:
        from cgcore.cli.setup import use_compilation_cache

        use_compilation_cache()
    result = _simulate(model, dataset, output, **settings)
    written = _write(result, output, plot_file, trajectory)
    terminal.say(report(result))
    if written:
        terminal.written("\n".join(f"Written: {path}" for path in written))
    sys.exit(0 if result.whole else 1)


def _simulate(model: str, dataset: Dataset, output: str | None, **settings: Any) -> SimulationResult:
    from cgcore.report.simulation_progress import moving
    from cgcore.simulation.reference import reference
    from cgcore.simulation.simulate import simulate

    compared = reference(dataset, settings["protein"], settings["beads"])
    loaded = load_model(model, compared.beads)
    with moving() as watch:
        result = simulate(loaded, dataset, folder=output, progress=watch, **settings)
    return result


def _write(
    result: SimulationResult, output: str | None, plot_file: str | None, trajectory: str | None
) -> list[str | Path]:
    from cgcore.report.simulation_record import record
    from cgcore.serialize import write_json
    from cgcore.simulation.trajectory import write_trajectory

    written: list[str | Path] = []
    if output is not None:
        written.append(Path(output) / RECORD)
        write_json(written[-1], record(result))
    if plot_file is not None:
        from cgcore.report.picture import write_picture
        from cgcore.report.simulation_figure import draw_simulation

        write_picture(plot_file, draw_simulation(result))
        written.append(plot_file)
    if trajectory is not None:
        write_trajectory(trajectory, result)
        written.append(trajectory)
    return written
