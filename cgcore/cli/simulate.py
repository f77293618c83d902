"""`cgcore simulate`: whether a model is stable, and whether it samples the distributions of the data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgcore.cli import options, terminal
from cgcore.cli import together as company
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
@click.option(
    "--temperature", type=float, metavar="K", help="Temperature in K.  [default: the one stored in the data, else 300]"
)
@click.option("--replicas", type=int, default=32, show_default=True, metavar="N", help="Number of independent runs.")
@click.option(
    "--time",
    default="1ns",
    show_default=True,
    metavar="T",
    help="Length of each run: a number of ns, or a text such as 100ps.",
)
@click.option("--timestep", type=float, default=5.0, show_default=True, metavar="X", help="Time step in fs.")
@click.option(
    "--friction", type=float, default=1.0, show_default=True, metavar="X", help="Friction coefficient in 1/ps."
)
@click.option("--mass", type=float, default=110.0, show_default=True, metavar="X", help="Mass of a bead in g/mol.")
@click.option(
    "--interval",
    type=float,
    metavar="PS",
    help="Time between saved frames in ps.  [default: 1, or more, so that 1000 are saved at most]",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Seed of starting frames, velocities and noise."
)
@click.option("--protein", metavar="NAME", help="Protein to simulate, if DATA contain several.")
@click.option(
    "--beads", type=int, metavar="N", help="Number of beads of the protein to simulate, if DATA contain several."
)
@click.option(
    "--output",
    type=options.PATH,
    metavar="DIR",
    help="Write the record, the picture and what --resume needs to this folder.",
)
@click.option("--plot", "plot_file", type=options.PATH, metavar="FILE", help="Draw a picture: .png, .svg or .pdf.")
@click.option(
    "--trajectory", type=options.PATH, metavar="FILE", help="Write the saved frames as a .pdb file with many models."
)
@click.option("--resume", is_flag=True, help="Continue a run that was killed, from --output.")
@options.units
@options.box
@options.cache
@company.options
def simulate_command(
    model: str,
    data: str | None,
    output: str | None,
    plot_file: str | None,
    trajectory: str | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    cache: bool,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    **settings: Any,
) -> None:
    """Run Langevin dynamics of a model and compare it with DATA.

    FILE is the priors.yaml of `cgcore fit`, the params.npz of `cgcore train` (or the folder that holds it), or the XML
    file of `cgcore export --to openmm`, which OpenMM itself then runs. Replicas start from frames of DATA, an NPZ file
    or a folder of them; without DATA, from frames of the bundled chignolin set.

    The exit code is 0 if every replica is whole at the end, 1 if some were lost, and 2 if the input is bad.
    """
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.report.simulation_text import report
    from cgcore.simulation.storage import NAME
    from cgcore.simulation.trajectory import check_trajectory

    with company.together(company.Company(coordinator, processes, process)) as writes:
        if settings["resume"] and not output:
            raise InputError("--resume needs --output, the folder of the run that was killed")
        if trajectory is not None:
            check_trajectory(trajectory)
        # The other processes keep the folder's name, so that they take part in resuming from the first one's state.
        folder = output
        if not writes:
            output = plot_file = trajectory = None
        plot_file = check_targets(output, (RECORD, NAME), plot_file, PICTURE, [trajectory])
        options.refuse_factors([] if data is None else [data])
        dataset = chignolin() if data is None else read(data, units=units, box=box)
        if cache:
            from cgcore.cli.setup import use_compilation_cache

            use_compilation_cache()
        result = _simulate(model, dataset, folder, **settings)
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
