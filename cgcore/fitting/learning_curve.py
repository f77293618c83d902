"""The held-out loss as a function of the number of frames, computed from block factors alone.

A fold of frames that are contiguous in time is held out, and fits are made to growing random subsets of the other
blocks, with the smoothness and the constraints of the fit to all frames. Each fit is exact (see `quadratics`), and no
frame is read again. For large N, the mean loss of fits to N frames is

    held-out loss(N) = limit + a / N

to first order, whatever the noise, and even if the terms cannot describe the forces; correlation between frames makes a
larger (Murata, Yoshizawa and Amari, IEEE Trans. Neural Netw. 5, 865 (1994)). With few frames, higher orders matter;
therefore the form is fitted only to points with at least a fifth of the frames, for each fold, with weights N², since
their spread falls with N. The spread of the folds gives the errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from cgcore.errors import InputError
from cgcore.factor.block import Block
from cgcore.fitting.folds import fold_numbers
from cgcore.fitting.quadratics import quadratics
from cgcore.numbers import is_whole
from cgcore.threads import one_blas_thread

if TYPE_CHECKING:
    import os

    from cgcore.fitting.result import FitResult

PARTS = (0.06, 0.1, 0.15, 0.22, 0.33, 0.5, 0.7, 1.0)
"""Fractions of the frames that are not held out, to which fits are made."""

DRAWS = 8
"""Number of random draws of blocks, for each fold and each fraction."""

MOST_DRAWS = 1000

FEWEST_FOLDS, FEWEST_SIZES = 4, 3

FORM = 0.2
"""Smallest fraction of the frames to which the form is fitted."""

WORTH = 0.01
"""If more frames would improve the loss by less than this fraction of what the prior explains, they are hardly worth
the effort."""


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Loss as a function of the number of frames; losses in (kcal/mol/Å)², lists in ascending order of frames.

    Arguments:
        frames: mean number of frames that were fitted.
        held_out_loss: loss on frames that were held out, averaged over folds and draws.
        train_loss: loss on the fitted frames if they were typical: the training loss of the fit to all frames, minus
            what the fit gains on its own frames.
        standard_error: standard error, over folds, of the difference of the held-out loss from that with the most
            frames.
        folds: number of folds.
        draws: number of random draws for each fold.
        seed: seed of the draws.
        all_frames: number of frames in the data.
        limit: held-out loss for an infinite number of frames.
        excess: by how much the held-out loss of a fit to all frames exceeds the limit, a / N.
        excess_error: its standard error, over folds.
        expected_excess: the excess expected from the error bars of the fit, the mean square error of its forces.
        explained: by how much the fit lowers the loss relative to no prior.
    """

    frames: list[float]
    held_out_loss: list[float]
    train_loss: list[float]
    standard_error: list[float]
    folds: int
    draws: int
    seed: int
    all_frames: int
    limit: float
    excess: float
    excess_error: float
    expected_excess: float
    explained: float

    def at(self, frames: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Held-out loss at these numbers of frames, according to the fitted function."""
        return self.limit + self.excess * self.all_frames / frames

    @property
    def frames_enough(self) -> float:
        """Number of frames beyond which more frames are hardly worthwhile."""
        return self.all_frames * max(self.excess, 0.0) / (WORTH * self.explained) if self.explained > 0 else np.nan

    def verdict(self) -> str:
        """One sentence about whether more frames are worthwhile."""
        won = f"{self.excess:.2g} ± {self.excess_error:.2g} (kcal/mol/Å)²"
        if self.excess < 2 * self.excess_error:
            return f"Frames without end would lower the held-out loss by {won}: too uncertain to advise on more."
        if self.explained <= 0:
            return (
                f"Frames without end would lower the held-out loss by {won}, but the prior explains nothing of these "
                "forces: find out why before adding frames."
            )
        part = self.excess / self.explained
        said = (
            f"Frames without end would lower the held-out loss by {won}, {100 * part:.2g} % of what the prior "
            f"explains, and {2 * self.all_frames:,} frames by half of that"
        )
        if part <= WORTH:
            return f"{said}: for the forces more frames are hardly worth it."
        return f"{said}: more are worth it, up to about {_rounded(self.frames_enough):,}."

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        from cgcore.serialize import plain

        return plain(self) | {"verdict": self.verdict()}

    def report(self) -> str:
        """The table that `cgcore learning-curve` prints."""
        from cgcore.report.frames_text import frames_report

        return frames_report(self)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the curve into a file: .png, .svg or .pdf.

        Raises:
            InputError: the suffix is none of these, matplotlib is not installed, or the file cannot be written.
        """
        from cgcore.report.frames_figure import write_frames_curve

        write_frames_curve(path, self)


def learning_curve(result: FitResult, *, draws: int = DRAWS, seed: int = 0) -> LearningCurve:
    """Estimate how the held-out loss depends on the number of frames, from one fit.

    The fit is repeated with subsets of the blocks, and each is evaluated on a tenth of the frames that was held out.

    Arguments:
        result: a converged result of `cgcore.fit`.
        draws: number of random draws of blocks, for each fold and each number of frames.
        seed: seed of the draws.

    Returns:
        Losses by number of frames, extrapolated to an infinite number [(kcal/mol/Å)²].

    Raises:
        InputError: there are too few blocks, the fit did not converge, or an argument is invalid.

    Source: N. Murata, S. Yoshizawa and S. Amari, IEEE Trans. Neural Netw. 5, 865 (1994).

    Examples:
        >>> import cgcore
        >>> result = cgcore.fit(cgcore.datasets.chignolin(), cgcore.default_prior())
        >>> curve = cgcore.learning_curve(result)
        >>> print(f"{curve.limit:.0f} {curve.excess:.1f}")
        1421 0.7
    """
    if not (is_whole(draws) and 1 <= draws <= MOST_DRAWS):
        raise InputError(f"draws is {draws!r}; give a whole number from 1 to {MOST_DRAWS}")
    if not (is_whole(seed) and seed >= 0):
        raise InputError(f"seed is {seed!r}; give a whole number of at least 0")
    expected = result.errors.blocking
    around = quadratics(result)
    fold = np.array(fold_numbers(around.blocks))
    folds = np.unique(fold)
    if len(folds) < FEWEST_FOLDS:
        raise InputError(
            f"{len(folds)} blocks in time are too few for a learning curve, which needs at least {FEWEST_FOLDS}"
        )
    rng = np.random.default_rng(seed)
    chosen = np.array(
        [
            [[_drawn(around.blocks, np.flatnonzero(fold != f), part, rng) for _ in range(draws)] for part in PARTS]
            for f in folds
        ]
    )
    # With few blocks, different fractions may give the same number of blocks; such duplicates are dropped.
    counts = chosen.sum(axis=(0, 2, 3))
    chosen = chosen[:, np.append(np.diff(counts) > 0, True)]
    if chosen.shape[1] < FEWEST_SIZES:
        raise InputError(f"{len(around.blocks)} blocks of frames are too few for a learning curve")
    with one_blas_thread():
        flat = chosen.reshape(-1, len(around.blocks)).astype(np.float64)
        losses = around.losses_at(around.refits(flat)).reshape(chosen.shape)
    unseen = (fold[None] == folds[:, None])[:, None, None] & np.ones_like(chosen)
    held_out = _mean(losses, unseen, around.shares).mean(axis=2)
    # Relative to the fit to all frames on the same blocks, since the choice of blocks changes the loss far more.
    train = _mean(losses - around.losses, chosen, around.shares).mean(axis=2) + result.certificate.loss
    frames = (chosen @ np.array([block.frames for block in around.blocks])).mean(axis=(0, 2))
    limits, slopes = _extrapolated(frames, held_out)
    root, whole = np.sqrt(len(folds)), result.factor.frames
    return LearningCurve(
        frames=frames.tolist(),
        held_out_loss=held_out.mean(axis=0).tolist(),
        train_loss=train.mean(axis=0).tolist(),
        standard_error=(np.std(held_out - held_out[:, -1:], axis=0, ddof=1) / root).tolist(),
        folds=len(folds),
        draws=draws,
        seed=seed,
        all_frames=whole,
        limit=float(limits.mean()),
        excess=float(slopes.mean() / whole),
        excess_error=float(np.std(slopes, ddof=1) / root / whole),
        expected_excess=float(expected.inflation * expected.level.error**2),
        explained=result.certificate.zero_prior_loss - result.certificate.loss,
    )


def _drawn(
    blocks: Sequence[Block], among: Int[np.ndarray, " some"], part: float, rng: np.random.Generator
) -> np.ndarray:
    """Which blocks are drawn: this fraction of each protein's blocks, at least one."""
    found = np.zeros(len(blocks), bool)
    proteins = np.array([blocks[k].protein for k in among])
    for protein in dict.fromkeys(proteins.tolist()):
        own = among[proteins == protein]
        found[rng.choice(own, size=max(round(part * len(own)), 1), replace=False)] = True
    return found


def _mean(losses: np.ndarray, chosen: np.ndarray, shares: Float[np.ndarray, " blocks"]) -> np.ndarray:
    """The loss over the chosen blocks, per real bead."""
    return np.sum(losses * chosen, axis=-1) / (chosen @ shares)


def _extrapolated(
    frames: Float[np.ndarray, " sizes"], losses: Float[np.ndarray, "folds sizes"]
) -> tuple[Float[np.ndarray, " folds"], Float[np.ndarray, " folds"]]:
    """`limit` and `a` of each fold, by least squares weighted by N², for points where the form holds."""
    enough = frames >= FORM * frames[-1]
    frames, losses = frames[enough], losses[:, enough]
    rows = np.column_stack([np.ones_like(frames), 1 / frames]) * frames[:, None]
    limits, slopes = np.linalg.lstsq(rows, (losses * frames).T, rcond=None)[0]
    return limits, slopes


def _rounded(number: float) -> int:
    """Round up to one significant digit."""
    unit = 10 ** np.floor(np.log10(max(number, 1.0)))
    return int(np.ceil(number / unit) * unit)
