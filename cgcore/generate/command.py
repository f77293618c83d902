"""Generate all-atom frames with forces of a small peptide in implicit solvent, with OpenMM, to try maps and fits on.

\b
    python -m cgcore.generate --alanines 5 --frames 2000 -o ala5
    cgcore map ala5/topology.pdb ala5/trajectory.npz -o ala5.npz

The force field is amber14 with OBC2 (or GBn2), and the dynamics are Langevin dynamics, with rigid bonds to hydrogen by
default. The peptide is ACE-(ALA)n-NME, one from the literature (`--peptide`), any sequence (`--sequence`), or the
peptide in a PDB file. Peptides built from a sequence start from an ideal backbone, not from a folded structure.
Requires `pip install 'cgcore[generate]'`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cgcore.errors import InputError
from cgcore.generate.peptides import PEPTIDES, SHAPES, Peptide
from cgcore.generate.peptides import alanines as of_alanines
from cgcore.generate.simulate import SOLVENTS, TOPOLOGY, TRAJECTORY, Run, generate


@click.command(help=__doc__)
@click.option(
    "--alanines", type=int, metavar="N", help="Number n of residues in ACE-(ALA)n-NME; 3 if no peptide is given."
)
@click.option("--peptide", type=click.Choice(tuple(PEPTIDES)), help="A peptide from the literature.")
@click.option("--sequence", metavar="LETTERS", help="Any other sequence, in one-letter codes, with charged termini.")
@click.option(
    "--shape",
    metavar="LETTERS",
    help=f"Shape of --sequence: one letter of {''.join(SHAPES)} per residue; all E if left out.",
)
@click.option("--pdb", type=click.Path(path_type=Path), metavar="FILE", help="PDB file with the peptide.")
@click.option("--frames", type=int, default=1000, show_default=True, metavar="N")
@click.option("--every", type=int, default=250, show_default=True, metavar="N", help="Steps between frames.")
@click.option(
    "--equilibration", type=int, default=5000, show_default=True, metavar="N", help="Steps before the first frame."
)
@click.option("--temperature", type=float, default=300.0, show_default=True, metavar="K")
@click.option("--solvent", type=click.Choice(SOLVENTS), default=SOLVENTS[0], show_default=True)
@click.option("--rigid/--flexible", default=True, show_default=True, help="Constrain bonds to hydrogen.")
@click.option("--step", type=float, metavar="FS", help="Time step; if left out, 2 fs, or 1 fs with flexible bonds.")
@click.option("--hydrogen-mass", type=float, metavar="AMU", help="Mass of hydrogen atoms; 3 allows steps of 4 fs.")
@click.option("--seed", type=int, default=1, show_default=True, metavar="N")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR")
def main(output: Path, **given: Any) -> None:
    """Run the command; see the module's docstring."""
    named = {name: given.pop(name) for name in ("alanines", "peptide", "sequence", "pdb", "shape")}
    try:
        generate(output, Run(**given), _chosen(**named))
    except InputError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"Written: {output / TOPOLOGY}, {output / TRAJECTORY}")


def _chosen(
    alanines: int | None, peptide: str | None, sequence: str | None, pdb: Path | None, shape: str | None
) -> Peptide | Path:
    """The peptide that was named.

    Raises:
        InputError: several were named.
    """
    if sum(value is not None for value in (alanines, peptide, sequence, pdb)) > 1:
        raise InputError("--alanines, --peptide, --sequence and --pdb each name a peptide; give one of them")
    if shape is not None and sequence is None:
        raise InputError("--shape needs --sequence; give both")
    if pdb is not None:
        return pdb
    if peptide is not None:
        return PEPTIDES[peptide]
    if sequence is not None:
        return Peptide(sequence, "E" * len(sequence) if shape is None else shape)
    return of_alanines(3 if alanines is None else alanines)
