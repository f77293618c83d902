"""Ways to get a prior, compared on five small proteins.

    python -m benchmarks.study --output DIR

generates missing all-atom frames in DIR/data by OpenMM (about half an hour of one core), and writes study.json,
study.md, and two pictures in DIR/study. `--redraw` makes tables and pictures again from DIR/study.json. Requires
`pip install 'cgcore[generate,formats,plot]' pandas tabulate`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.study import pictures, tables
from benchmarks.study.about import about
from benchmarks.study.force_maps import BEST, compared
from benchmarks.study.losses import measured, parts_of
from benchmarks.study.proteins import Protein, made
from benchmarks.study.results import Study
from benchmarks.study.simulated import Simulated, simulated
from cgcore.cli.setup import use_compilation_cache
from cgcore.cli.terminal import note
from cgcore.files import atomic_write

JSON, TEXT = "study.json", "study.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--time", default="200ps", help="length of each replica")
    parser.add_argument("--replicas", type=int, default=32)
    parser.add_argument("--also-seen", action="store_true", help="also simulate the priors fitted to all proteins")
    parser.add_argument("--redraw", action="store_true", help="only redraw tables and pictures of DIR/study.json")
    given = parser.parse_args(arguments)
    use_compilation_cache()
    if given.redraw:
        study = Study.read(given.output / JSON)
    else:
        proteins = made(given.output / "data")
        study = studied(proteins, given.time, given.replicas, also_seen=given.also_seen)
        study.write(given.output / JSON)
    text = tables.report(study)
    print(text)
    atomic_write(given.output / TEXT, text + "\n")
    pictures.write(given.output / "study", study)


def studied(proteins: Sequence[Protein], time: str, replicas: int, *, also_seen: bool = False) -> Study:
    """Run the whole study.

    Arguments:
        proteins: proteins to fit to, to leave out, and to simulate.
        time: length of each replica.
        replicas: number of replicas of each simulation.
        also_seen: whether to also simulate the priors that are fitted to all proteins.
    """
    maps = compared(proteins)
    losses, priors = measured(parts_of(proteins, BEST), note)
    runs: list[Simulated] = []
    for (method, left_out), prior in priors.items():
        for protein in proteins:
            if left_out == protein.name or (left_out is None and also_seen):
                known = left_out is None
                runs.append(simulated(method, prior, protein, left_out=not known, time=time, replicas=replicas))
                note(f"{method}, {protein.name}{' (seen)' * known}: {runs[-1].lost} of {replicas} replicas lost")
    return Study(about(proteins, time, replicas), maps, losses, runs)


if __name__ == "__main__":
    main()
