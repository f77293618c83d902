"""`cgcore fit`: fit the prior to forces."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cgcore.cli import options, terminal
from cgcore.errors import InputError

if TYPE_CHECKING:
    from cgcore.config import Config
    from cgcore.data import Dataset
    from cgcore.data.dataset import HoldOut
    from cgcore.factor.factor import Factor
    from cgcore.fitting.options import Options
    from cgcore.fitting.result import FitResult
    from cgcore.physics.prior import Prior

RECORD, PRIORS = "fit.json", "priors.yaml"


class HeldOut(NamedTuple):
    """Which part of the frames is held out, and how it is chosen."""

    fraction: float
    hold_out: HoldOut


class Reading(NamedTuple):
    """How files are read: the arguments of `cgcore.read`."""

    units: str | None = None
    box: tuple[float, float, float] | None = None
    accept_faults: bool = False


class Source(NamedTuple):
    """The data to fit to, and the data held out."""

    data: Dataset | Factor
    validation: Dataset | None


@click.command("fit")
@click.argument("data", required=False, type=options.PATH)
@options.config
@click.option("--output", type=options.PATH, metavar="DIR", help="Write fit.json and priors.yaml to this folder.")
@click.option(
    "--plot", "plot_file", type=options.PATH, metavar="FILE", help="Draw a picture: .html, .png, .svg or .pdf."
)
@click.option(
    "--temperature",
    type=float,
    metavar="K",
    help="Temperature of the data.  [default: the one stored in the data, else 300]",
)
@click.option(
    "--objective",
    type=click.Choice(["compressed", "direct"]),
    help="Evaluate the loss on the factor (compressed) or on the frames (direct).  [default: compressed]",
)
@click.option(
    "--coordinates",
    type=click.Choice(["whitened", "physical"]),
    help="Coordinates in which L-BFGS works.  [default: whitened]",
)
@click.option(
    "--truncation",
    metavar="auto|X",
    help="Fit only directions whose relative singular value is at least X, instead of smoothing.",
)
@click.option(
    "--constraints",
    type=click.Choice(["safe", "nonnegative", "none"]),
    help="Physical bounds that keep a simulation stable (safe), bounds on signs only, or none.  [default: safe]",
)
@click.option(
    "--smoothness",
    metavar="auto|X",
    help="Strength of the penalty on rough potentials; auto chooses it by cross-validation.  [default: auto]",
)
@click.option("--max-steps", type=int, metavar="N", help="Maximum number of L-BFGS steps.  [default: 200]")
@click.option(
    "--min-steps",
    type=int,
    metavar="N",
    help="Minimum number of L-BFGS steps.  [default: 10 in physical coordinates, 0 in whitened ones]",
)
@click.option("--tol-grad", type=float, metavar="X", help="Stop once the gradient norm is below X.  [default: 1e-6]")
@click.option(
    "--precision",
    type=click.Choice(["float64", "float32"]),
    help="Floating-point precision of the solver.  [default: float64]",
)
@click.option(
    "--val-fraction",
    type=float,
    metavar="X",
    help="Hold out this fraction of each protein's frames, the last ones in time.  [default: 0]",
)
@click.option(
    "--pooling",
    metavar="auto|X",
    help="Strength that holds the groups of a term together; auto chooses it by cross-validation.  [default: auto]",
)
@click.option(
    "--scan",
    "scans",
    multiple=True,
    metavar="TERM.NAME=X,Y,...",
    help="Fit once for each value of a number of a basis, such as salt.length=5,8,12; the lowest held-out loss wins.",
)
@options.max_frames
@options.configured_seed
@options.units
@options.box
@options.accept_faults
@options.blocks
@options.cache
def fit_command(
    data: str | None,
    config_file: str | None,
    output: str | None,
    plot_file: str | None,
    val_fraction: float | None,
    max_frames: int | None,
    seed: int | None,
    units: str | None,
    box: tuple[float, float, float] | None,
    accept_faults: bool,
    cache: bool,
    scans: tuple[str, ...],
    **settings: Any,
) -> None:
    """Fit the prior's parameters to the forces in DATA.

    DATA is an NPZ file with R, F, mask and species, a file of another format (see `cgcore convert --help`), a folder of
    such files, or a factor written by `cgcore compress`. Without DATA, the command reads `data.path` of the
    configuration, or else the bundled chignolin set. Options given on the command line take precedence over the
    configuration file.
    """
    from cgcore.config import Config, default_prior, load_config
    from cgcore.files import atomic_group, check_writable
    from cgcore.report.text import closing
    from cgcore.spline_file import with_splines

    config = load_config(config_file, needs_data=data is None) if config_file is not None else Config(default_prior())
    config = replace(config, prior=with_splines(config.prior, config.spline_file, config.residue_specific_angles))
    if config.unused:
        terminal.note(f"{config_file}: the fit does not use {', '.join(config.unused)}")
    if config.skip_reason:
        terminal.say(f"[LBFGS] Skipped: {config.skip_reason}")
        return
    chosen = options_of(config, settings)
    for target in _targets(output, plot_file):
        check_writable(target)
    # The option always holds out the last part of each protein; the file's own fraction follows the file's `hold_out`.
    held_out = HeldOut(config.val_fraction or 0.0, config.hold_out)
    if val_fraction is not None:
        held_out = HeldOut(val_fraction, "each_protein")
    reading = Reading(units, box, accept_faults)
    source = source_of(data, reading, max_frames, seed, held_out, config, chosen)
    result = _fit(source, config.prior, chosen, cache, _scanned(scans))
    # Files are written first, so that no failure of the terminal can prevent it.
    try:
        with atomic_group():
            if plot_file is not None:
                result.plot(plot_file)
            if output is not None:
                result.save(output, config_file=config_file, unused=config.unused)
    finally:
        terminal.say(closing(result))
    if output is not None:
        terminal.written(f"\nWritten: {Path(output) / RECORD}, {Path(output) / PRIORS}")
    if plot_file is not None:
        terminal.written(f"Drawn: {plot_file}")
    sys.exit(0 if result.converged else 1)


def _targets(output: str | None, plot_file: str | None) -> list[Path]:
    """The files that will be written; the picture's settings are checked."""
    targets = []
    if output is not None:
        targets += [Path(output) / RECORD, Path(output) / PRIORS]
    if plot_file is not None:
        from cgcore.report.plot import require_plot

        require_plot(plot_file)
        targets.append(Path(plot_file))
    return targets


def options_of(config: Config, settings: dict[str, Any]) -> Options:
    from cgcore.fitting.options import Options

    names = ("max_steps", "min_steps", "tol_grad", "constraints", "smoothness", "truncation", "temperature")
    merged = options.given(**{name: getattr(config, name) for name in names})
    given = options.given(**settings)
    # The two exclude each other, so either one on the command line overrides both in the file.
    if "truncation" in given or "smoothness" in given:
        merged = {name: value for name, value in merged.items() if name not in ("truncation", "smoothness")}
    merged |= given
    for name in ("truncation", "smoothness", "pooling"):
        if (value := merged.get(name, "auto")) != "auto":
            try:
                merged[name] = float(value)
            except ValueError as error:
                raise InputError(f'--{name} is {value!r}; give "auto" or a number') from error
    return Options(**merged)


def source_of(
    path: str | None,
    reading: Reading,
    max_frames: int | None,
    seed: int | None,
    held_out: HeldOut,
    config: Config,
    chosen: Options,
) -> Source:
    from cgcore.data import read
    from cgcore.datasets import chignolin
    from cgcore.factor_file import is_factor

    path = config.data_path if path is None else path
    if path is not None and is_factor(path):
        if max_frames is not None or held_out.fraction or reading != Reading():
            raise InputError(
                f"{path}: a factor has no frames; leave out max-frames, val-fraction, units, box and accept-faults"
            )
        return _stored(path, config, chosen)
    most = config.max_frames if max_frames is None else max_frames
    whole = read(path, **reading._asdict()) if path is not None else chignolin()
    whole = whole.subset(most, config.seed if seed is None else seed)
    options.note_reading(whole)
    train, validation = whole.split(*held_out)
    if held_out.fraction and validation is None:
        terminal.note(f"{whole.path}: too few frames to hold any out")
    return Source(train, validation)


def _stored(path: str, config: Config, chosen: Options) -> Source:
    from cgcore.factor.fingerprint import Fingerprint
    from cgcore.factor_file import load_factor

    if chosen.objective == "direct":
        raise InputError(f"{path}: a factor has no frames, which --objective direct needs; use compressed")
    factor = load_factor(path)
    factor.fingerprint.require(Fingerprint.of(config.prior), f"{path} and the configuration")
    return Source(factor, None)


def _scanned(scans: tuple[str, ...]) -> dict[str, list[float]]:
    """The values of each parameter named by `--scan`."""
    found = {}
    for scan in scans:
        name, _, values = scan.partition("=")
        try:
            found[name] = [float(value) for value in values.split(",")]
        except ValueError as error:
            raise InputError(f"--scan is {scan!r}; write it as salt.length=5,8,12") from error
    return found


def _fit(source: Source, prior: Prior, chosen: Options, cache: bool, scanned: dict[str, list[float]]) -> FitResult:
    from cgcore.cli.setup import prepare_jax
    from cgcore.fitting.fit import fit
    from cgcore.fitting.scan import scan
    from cgcore.report.progress import watching
    from cgcore.report.text import opening

    prepare_jax(cache)
    terminal.say(opening(chosen.max_steps))
    with watching(chosen.max_steps) as watchers:
        if not scanned:
            return fit(source.data, prior, chosen, validation=source.validation, progress=watchers)
        made = scan(source.data, prior, scanned, chosen, validation=source.validation, progress=watchers)
    terminal.say(made.table())
    return made.result
