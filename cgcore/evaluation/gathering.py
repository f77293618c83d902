"""Sums over frames, in float64 and for each bead, from which the evaluation is computed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgcore.data import Dataset
from cgcore.data.residues import UNKNOWN, three_letters
from cgcore.evaluation.result import Errors, Evaluation, Protein, Residue, Sample, Spread, Term
from cgcore.physics.prior import Weights

COMPONENTS = 20_000
"""Approximate number of force components in the sample."""


class Looked(NamedTuple):
    """A model's predictions for frames of one protein, without padded beads."""

    energies: dict[str, Float[np.ndarray, " frames"]]
    forces: dict[str, Float[np.ndarray, "frames beads 3"]]


class _Sums:
    """Sums for each bead of a protein."""

    def __init__(self, beads: int) -> None:
        self.frames = 0
        self.squared, self.absolute, self.cosine, self.reference = np.zeros((4, beads))

    def add(self, predicted: Float[np.ndarray, "frames beads 3"], F: Float[np.ndarray, "frames beads 3"]) -> None:
        error, lengths = predicted - F, np.linalg.norm(predicted, axis=-1) * np.linalg.norm(F, axis=-1)
        self.frames += len(F)
        self.squared += np.sum(error**2, axis=(0, 2))
        self.absolute += np.sum(np.abs(error), axis=(0, 2))
        self.cosine += np.sum(np.sum(predicted * F, axis=-1) / np.where(lengths > 0, lengths, 1.0), axis=0)
        self.reference += np.sum(F**2, axis=(0, 2))

    def table(self) -> Float[np.ndarray, "beads 5"]:
        """Number of forces and the four sums, for each bead."""
        counts = np.full(len(self.squared), float(self.frames))
        return np.stack([counts, self.squared, self.reference, self.absolute, self.cosine], axis=1)


class Gathering:
    """Sums over the frames seen so far.

    Arguments:
        dataset: the data set whose frames are added; those of a protein must come in order.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._sums: dict[str, _Sums] = {}
        self._species: dict[str, Int[np.ndarray, " beads"] | None] = {}
        self._energies: dict[str, Float[np.ndarray, " frames"]] = {}
        self._of: dict[str, list[np.ndarray]] = {}
        self._own: dict[str, float] = {}
        self._with_error: dict[str, float] = {}
        self._with_reference: dict[str, float] = {}
        self._stride = max(3 * dataset.real_beads // COMPONENTS, 1)
        self._sample: list[np.ndarray] = []

    def add(
        self,
        protein: str,
        species: Int[np.ndarray, " beads"] | None,
        numbers: Int[np.ndarray, " frames"],
        looked: Looked,
        F: Float[np.ndarray, "frames beads 3"],
    ) -> None:
        """Add frames of a protein; `numbers` are their indices in the whole data set."""
        predicted = sum(looked.forces.values(), start=np.zeros_like(F))
        self._species.setdefault(protein, species)
        self._sums.setdefault(protein, _Sums(F.shape[1])).add(predicted, F)
        self._of.setdefault(protein, []).append(numbers)
        error = predicted - F
        for name, force in looked.forces.items():
            self._own[name] = self._own.get(name, 0.0) + float(np.sum(force**2))
            self._with_error[name] = self._with_error.get(name, 0.0) + float(np.sum(force * error))
            self._with_reference[name] = self._with_reference.get(name, 0.0) + float(np.sum(force * F))
            energies = self._energies.setdefault(name, np.zeros(self._dataset.n_frames))
            energies[numbers] = looked.energies[name]
        drawn = numbers % self._stride == 0
        self._sample.append(
            np.stack([F[drawn].ravel(), predicted[drawn].ravel(), np.repeat(numbers[drawn], F[0].size)])
        )

    def evaluation(self, model: str) -> Evaluation:
        """The evaluation of all frames added so far."""
        every = np.concatenate([sums.table() for sums in self._sums.values()])
        total = errors_of(every)
        energies = sum(self._energies.values(), start=np.zeros(self._dataset.n_frames))
        reference, predicted, frames = np.concatenate(self._sample, axis=1)
        return Evaluation(
            model=model,
            path=self._dataset.path,
            sha256=self._dataset.sha256,
            frames=self._dataset.n_frames,
            errors=total,
            terms={name: self._term(name, total) for name in sorted(self._own, key=_place)},
            energy=Spread.of(energies),
            proteins=tuple(self._protein(name, energies) for name in self._sums),
            types=self._types(),
            energies=energies,
            sample=Sample(reference, predicted, len(np.unique(frames))),
        )

    def _term(self, name: str, total: Errors) -> Term:
        own = self._own[name]
        # |P - t - F|² = |P - F|² - 2 t (P - F) + |t|²
        without = total.loss + (own - 2 * self._with_error[name]) / total.beads
        sizes = (own * total.reference * total.beads) ** 0.5
        cosine = self._with_reference[name] / sizes if sizes > 0 else 0.0
        return Term(own / total.beads, without, cosine, Spread.of(self._energies[name]))

    def _protein(self, name: str, energies: Float[np.ndarray, " frames"]) -> Protein:
        table = self._sums[name].table()
        return Protein(
            name,
            self._sums[name].frames,
            errors_of(table),
            Spread.of(energies[np.concatenate(self._of[name])]),
            tuple(
                Residue(k, code, species, errors_of(row[None]))
                for k, (code, species, row) in enumerate(zip(*self._kinds(name), table, strict=True), start=1)
            ),
        )

    def _kinds(self, name: str) -> tuple[list[str], list[int | None]]:
        species, beads = self._species[name], len(self._sums[name].squared)
        return three_letters(name, beads), [None] * beads if species is None else species.tolist()

    def _types(self) -> dict[str, Errors]:
        rows: dict[tuple[str, int], list[np.ndarray]] = {}
        for name, sums in self._sums.items():
            for code, species, row in zip(*self._kinds(name), sums.table(), strict=True):
                # The numbering of species depends on the file, so it is used only for unknown residues.
                if code != UNKNOWN:
                    rows.setdefault((code, 0), []).append(row)
                elif species is not None:
                    rows.setdefault(("species", species), []).append(row)
        named = {f"species {n}" if code == "species" else code: own for (code, n), own in sorted(rows.items())}
        return {name: errors_of(np.stack(own)) for name, own in named.items()}


def errors_of(table: Float[np.ndarray, "beads 5"]) -> Errors:
    """Errors over some beads from their sums, see `_Sums.table`."""
    count, squared, reference, absolute, cosine = _plain(np.sum(table, axis=0))
    beads = max(count, 1.0)
    return Errors(
        beads=int(count),
        loss=squared / beads,
        reference=reference / beads,
        explained=1 - squared / reference if reference > 0 else float("nan"),
        rmse=(squared / (3 * beads)) ** 0.5,
        mae=absolute / (3 * beads),
        cosine=cosine / beads,
    )


def _place(term: str) -> int:
    """Sort key: the prior's terms in their usual order, then others. Compiled functions return them sorted by name."""
    return Weights._fields.index(term) if term in Weights._fields else len(Weights._fields)


def _plain(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values]
