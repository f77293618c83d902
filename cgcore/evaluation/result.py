"""The result of comparing a model's forces and energies with a data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.data.residues import UNKNOWN


@dataclass(frozen=True)
class Errors:
    """Errors of the forces on some beads.

    Arguments:
        beads: number of forces compared, over all frames.
        loss: mean of |F_pred - F|² over them [(kcal/mol/Å)²].
        reference: mean of |F|², i.e. the loss of a model that predicts 0.
        explained: 1 - loss / reference, the explained fraction of the reference's variance (forces vary about 0);
            negative if predicting 0 would be better, NaN if every reference force is 0.
        rmse, mae: root mean square and mean absolute difference of a Cartesian component [kcal/mol/Å].
        cosine: cosine of the angle between predicted and reference force, averaged over the beads.
    """

    beads: int
    loss: float
    reference: float
    explained: float
    rmse: float
    mae: float
    cosine: float


class Spread(NamedTuple):
    """Distribution of the energies of frames [kcal/mol]; NaN if there are no frames."""

    mean: float
    deviation: float  # standard deviation over the frames
    least: float
    most: float

    @classmethod
    def of(cls, values: Float[np.ndarray, " frames"]) -> Spread:
        """The distribution of these energies."""
        if not len(values):
            return cls(*[float("nan")] * 4)
        return cls(float(np.mean(values)), float(np.std(values)), float(np.min(values)), float(np.max(values)))


@dataclass(frozen=True)
class Term:
    """The contribution of one term of the energy.

    Arguments:
        force: mean of |F|² of this term alone over real beads [(kcal/mol/Å)²].
        loss_without: loss of the model without this term, all else unchanged.
        cosine: cosine of the angle between its forces and the reference, both as vectors of all components.
        energy: distribution of its energy over the frames.
    """

    force: float
    loss_without: float
    cosine: float
    energy: Spread


@dataclass(frozen=True)
class Residue:
    """A bead of a protein: number in the chain (from 1), residue code, species (None if unknown) and errors."""

    number: int
    code: str
    species: int | None
    errors: Errors

    @property
    def kind(self) -> str:
        """The key of its kind in `Evaluation.types`: the code, else the species, else an empty string."""
        if self.code != UNKNOWN:
            return self.code
        return "" if self.species is None else f"species {self.species}"


@dataclass(frozen=True)
class Protein:
    """A protein: name, number of frames, errors, distribution of the total energy, and its beads."""

    name: str
    frames: int
    errors: Errors
    energy: Spread
    residues: tuple[Residue, ...]


class Sample(NamedTuple):
    """Force components of evenly spaced frames, for pictures [kcal/mol/Å]."""

    reference: Float[np.ndarray, " components"]
    predicted: Float[np.ndarray, " components"]
    frames: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The forces and energies of a model compared with a data set.

    Arguments:
        model: name of the model.
        path: file or folder of the data.
        sha256: checksum of the data.
        frames: number of frames compared.
        errors: errors over all real beads.
        terms: contribution of each term, by name.
        energy: distribution of the total energy over the frames.
        proteins: errors by protein, in order of appearance.
        types: errors by kind of residue, named by its code, or like "species 3".
        energies: total energy of each frame [kcal/mol], in the order of the data.
        sample: a sample of forces, for pictures.
    """

    model: str
    path: str
    sha256: str
    frames: int
    errors: Errors
    terms: dict[str, Term]
    energy: Spread
    proteins: tuple[Protein, ...]
    types: dict[str, Errors]
    energies: Float[np.ndarray, " frames"] = field(repr=False)
    sample: Sample = field(repr=False)

    def report(self) -> str:
        """The evaluation as text."""
        from cgcore.report.evaluation_text import report

        return report(self)

    def plot(self, path: Any) -> None:
        """Draw a picture: .png, .svg or .pdf.

        Raises:
            InputError: the suffix is unknown, matplotlib is not installed, or the file cannot be written.
        """
        from cgcore.report.evaluation_figure import draw_evaluation
        from cgcore.report.picture import write_picture

        write_picture(path, draw_evaluation(self))

    def as_dict(self) -> dict[str, Any]:
        """Plain values: `loss`, `force_rmse`, `force_mae`, `cosine`, `explained`, `reference`, `frames`, `real_beads`,
        `components` (mean |F|² of each term), and in more detail `terms`, `energy`, `proteins` and `types`."""
        errors = self.errors
        return {
            "loss": errors.loss,
            "force_rmse": errors.rmse,
            "force_mae": errors.mae,
            "cosine": errors.cosine,
            "explained": errors.explained,
            "components": {name: term.force for name, term in self.terms.items()},
            "reference": errors.reference,
            "frames": self.frames,
            "real_beads": errors.beads,
            "energy": self.energy._asdict(),
            "terms": {
                name: {
                    "force": term.force,
                    "loss_without": term.loss_without,
                    "cosine": term.cosine,
                    "energy": term.energy._asdict(),
                }
                for name, term in self.terms.items()
            },
            "proteins": [
                {
                    "name": protein.name,
                    "frames": protein.frames,
                    **asdict(protein.errors),
                    "energy": protein.energy._asdict(),
                    "residues": [
                        {"number": r.number, "code": r.code, "species": r.species, **asdict(r.errors)}
                        for r in protein.residues
                    ],
                }
                for protein in self.proteins
            ],
            "types": {name: asdict(found) for name, found in self.types.items()},
        }
