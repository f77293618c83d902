"""The commands of the command line. Everything heavy is imported inside a command."""

from __future__ import annotations

import click

from cgcore.cli.ceiling import ceiling_command
from cgcore.cli.check import check_command
from cgcore.cli.config import config_command
from cgcore.cli.convert import convert_command
from cgcore.cli.evaluate import evaluate_command
from cgcore.cli.export import export_command
from cgcore.cli.factors import compress_command, merge_command
from cgcore.cli.fit import fit_command
from cgcore.cli.inspect import inspect_command
from cgcore.cli.learning_curve import learning_curve_command
from cgcore.cli.map import map_command
from cgcore.cli.residual import residual_command
from cgcore.cli.simulate import simulate_command
from cgcore.cli.train import train_command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cgcore")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def cli(debug: bool) -> None:
    """Fit the physics prior of a coarse-grained protein force field to reference forces, and prove how good the fit is.

    Exit codes: 0 success; 1 the fit did not converge, or replicas of a simulation were lost (the results are written
    nevertheless); 2 invalid input or an internal error; 130 interrupted (Ctrl-C); 143 terminated. Output files are
    either complete or absent. If the reader of standard output closes it (`cgcore fit | head`), neither the files nor
    the exit code change.
    """


cli.add_command(fit_command)
cli.add_command(train_command)
cli.add_command(learning_curve_command)
cli.add_command(evaluate_command)
cli.add_command(ceiling_command)
cli.add_command(residual_command)
cli.add_command(simulate_command)
cli.add_command(inspect_command)
cli.add_command(convert_command)
cli.add_command(map_command)
cli.add_command(check_command)
cli.add_command(compress_command)
cli.add_command(merge_command)
cli.add_command(export_command)
cli.add_command(config_command)
