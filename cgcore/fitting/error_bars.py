"""Error bars of a fit: how much its parameters, potentials and losses would change with different frames.

Pools of consecutive blocks that are long enough to be independent (see `blocking`) are drawn with replacement, and the
fit is repeated for each of these resamples, from the factors of the blocks, with the same smoothness and constraints
(see `quadratics`). The standard deviation over these fits is the standard error, and

    interval = fitted value ± t * standard error

where t is the quantile of Student's distribution with as many degrees of freedom as pools minus strata, since the
standard error itself is estimated from few pools (Efron and Tibshirani, An Introduction to the Bootstrap (1993),
chapter 12). Under constraints the distribution of refits can be skewed, so the interval also extends to their quantiles
(see `Estimate.reaching`).

Only the sampling error is included: the interval is meant to contain what the same fit would give with an infinite
number of frames. Error bars do not include the bias due to the smoothness and the form of the terms. Quantities that
the data do not determine have no error bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.fitting.blocking import FEWEST, FEWEST_PROTEINS, Blocking, blocking
from cgcore.fitting.errors_of_losses import errors_of_losses
from cgcore.fitting.errors_of_parameters import DECIDED, errors_of_parameters
from cgcore.fitting.estimate import Estimate, quantile, widening
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.quadratics import MOST_REFITTED, Quadratics, quadratics
from cgcore.numbers import is_whole
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.threads import one_blas_thread

if TYPE_CHECKING:
    from cgcore.fitting.result import FitResult

RESAMPLES = 500
"""Default number of resamples: the standard error is then known to 3 %, less than its uncertainty due to 20 blocks."""

MOST_RESAMPLES = 10**5

MOST_COEFFICIENTS = 500
"""Largest number of coefficients; with more, error bars would take longer than the fit."""

SEED, LEVEL = 0, 0.95


@dataclass(frozen=True, eq=False)
class ErrorBars:
    """Error bars of a fit: how far it would change with other frames.

    Arguments:
        level: nominal coverage of the intervals, for instance 0.95.
        resamples: number of refits.
        seed: seed of the resampling.
        blocking: which blocks are resampled together, and how that was chosen.
        parameters: estimates for each fitted parameter, with arrays of the parameter's shape and unit.
        losses: estimates for "train_loss" and "train_gain", its decrease from the initial parameters, and for
            "val_loss" and "val_gain", the same on held-out frames [(kcal/mol/Å)²].
        coefficients: coefficients of each refit (resamples, n), for the fitted terms.
        layout: position of each coefficient.
        around: the fit.
        notes: limitations, as sentences.
    """

    level: float
    resamples: int
    seed: int
    blocking: Blocking
    parameters: dict[str, Estimate]
    losses: dict[str, Estimate]
    coefficients: Float[np.ndarray, "resamples n"]
    layout: Layout
    around: Quadratics
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ErrorBars({100 * self.level:g} %, {self.method}, {self.resamples} resamples, seed {self.seed})"

    @property
    def t(self) -> float:
        """Half-width of an interval divided by the standard error."""
        return quantile(self.level, self.blocking.degrees_of_freedom)

    @property
    def method(self) -> str:
        """What is resampled, in words."""
        level, few = self.blocking.level, self.around.basis.shape[1] <= MOST_REFITTED
        what = f"{level.pools} {self.blocking.by}"
        if self.blocking.by == "blocks":
            what += f" of {level.frames:.0f} frames"
        return f"bootstrap of {what}" + ("" if few else ", one step of Newton's method each")

    def linear(self, functionals: Float[np.ndarray, "rows n"]) -> Estimate:
        """Errors of weighted sums of coefficients, one for each row of weights."""
        value, each = functionals @ self.around.centre, self.coefficients @ functionals.T
        error = np.std(each, axis=0, ddof=1) * np.sqrt(self.blocking.inflation)
        found = Estimate.of(value, error, self.t, self.around.decided(functionals) > DECIDED)
        if not len(self.around.bounds):
            return found
        return found.reaching(each - value, widening(self.level, self.t, self.blocking.inflation), self.level)

    def potential(
        self,
        parts: Sequence[tuple[str, int]],
        x: Float[np.ndarray, " points"],
        zero: Float[np.ndarray, " points"] | None = None,
    ) -> Estimate:
        """Errors of the energy of terms, weights included [kcal/mol].

        Arguments:
            parts: names of terms that act on the same rows, each with the number of its group.
            x: distances [Å] or angles [rad].
            zero: weights of the points with which the mean energy is computed that is subtracted; None subtracts
                nothing. Only differences of energies have an effect on forces and are determined by them, except for
                pairs, whose energy is 0 at large distances.

        Raises:
            InputError: a term was not fitted.
        """
        rows = np.zeros((len(x), self.layout.size))
        for name, group in parts:
            term = next((term for term in self.layout.terms if term.name == name), None)
            if term is None:
                raise InputError(f"{name}: was not fitted; give one of {', '.join(self.layout.slices)}")
            start = self.layout.slices[name].start + group * term.basis.size
            rows[:, start : start + term.basis.size] += term.weight * np.asarray(term.basis.functions(x)).T
        return self.linear(rows if zero is None else rows - zero @ rows / zero.sum())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as in `fit.json`; the error is None for what the data do not determine."""
        from cgcore.serialize import plain

        chosen = self.blocking.level
        return plain(
            {
                "method": self.method,
                "level": self.level,
                "resamples": self.resamples,
                "seed": self.seed,
                "by": self.blocking.by,
                "block_frames": chosen.frames,
                "blocks": chosen.pools,
                "effective_blocks": self.blocking.effective,
                "correlation": chosen.correlation,
                "degrees_of_freedom": self.blocking.degrees_of_freedom,
                "force_error": np.sqrt(self.blocking.inflation) * chosen.error,
                "block_lengths": self.blocking.levels,
                "parameters": {name: one.as_dict() for name, one in self.parameters.items()},
                "losses": {name: one.as_dict() for name, one in self.losses.items()},
                "notes": self.notes,
            }
        )


def error_bars(
    result: FitResult, *, by: str = "auto", level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> ErrorBars:
    """Estimate the statistical error of a fit by a block bootstrap.

    Each resample draws blocks of frames and repeats the fit exactly from their factors, including the constraints.

    Arguments:
        result: a converged result of `cgcore.fit`.
        by: what is resampled. "blocks" of frames: how much longer sampling of the same proteins would change the fit;
            "proteins": how much other proteins would change it; "auto": proteins if there are at least five.
        level: nominal coverage of the intervals, between 0 and 1.
        resamples: number of refits.
        seed: seed of the resampling.

    Returns:
        Standard errors and intervals of parameters and losses, and the coefficients of each refit.

    Raises:
        InputError: the fit did not converge, it has too many coefficients, there are too few blocks, or an argument is
            invalid.

    Source: H. R. Künsch, Ann. Stat. 17, 1217 (1989); J. N. K. Rao and C. F. J. Wu, J. Am. Stat. Assoc. 83, 231 (1988);
        docs/error-bars.md.

    Examples:
        >>> import cgcore
        >>> result = cgcore.fit(cgcore.datasets.chignolin(), cgcore.default_prior())
        >>> errors = cgcore.error_bars(result)
        >>> r0 = errors.parameters["r0"]
        >>> print(f"{r0.value:.4f} ± {r0.standard_error:.4f}")
        3.8683 ± 0.0017
    """
    _require_settings(by, level, resamples, seed)
    if not result.converged:
        raise InputError(f"the fit ended before its optimum ({result.status.name}), so it has no error bars")
    freedom = Freedom.of(result.prior)
    if (size := Layout(freedom.free.terms).size) > MOST_COEFFICIENTS:
        raise InputError(
            f"{size} coefficients are too many; error bars can be computed for at most {MOST_COEFFICIENTS}"
        )
    proteins = len(result.factor.proteins)
    by_proteins = by == "proteins" or (by == "auto" and proteins >= FEWEST_PROTEINS)
    with one_blas_thread():
        around = quadratics(result)
        chosen, refits = resample(around, by_proteins, resamples, seed)
        resampled = around.coefficients(refits)
        t = quantile(level, chosen.degrees_of_freedom)
        parameters = errors_of_parameters(freedom, around, resampled, chosen.inflation, t, level)
    initial, losses = to_coefficients(freedom.free.params, terms=freedom.free.terms), {}
    for name, factor in (("train", freedom.factor(result.factor)), ("val", result.held_out)):
        if factor is not None:
            found = errors_of_losses(factor, around.centre, initial, level, by_proteins)
            losses |= dict(zip((f"{name}_loss", f"{name}_gain"), found, strict=True))
    notes = list(chosen.notes)
    if proteins > 1 and not by_proteins:
        notes.append(
            f"{proteins} proteins"
            + (" are too few to say how far others would differ" if proteins < FEWEST_PROTEINS else "")
            + ": the error bars are those of longer sampling of these proteins"
        )
    return ErrorBars(
        level=level,
        resamples=resamples,
        seed=seed,
        blocking=chosen,
        parameters=parameters,
        losses=losses,
        coefficients=resampled,
        layout=Layout(freedom.free.terms),
        around=around,
        notes=tuple(notes),
    )


def resample(
    around: Quadratics, by_proteins: bool, resamples: int, seed: int
) -> tuple[Blocking, Float[np.ndarray, "resamples k"]]:
    """The blocking, and the fit to each resample in whitened coordinates.

    Raises:
        InputError: there are too few blocks.
    """
    chosen = blocking(around.blocks, around.scores @ _root(around.hessian), around.shares, by_proteins)
    if chosen is None:
        least = f"{FEWEST_PROTEINS} proteins" if by_proteins else f"{FEWEST} blocks of frames"
        raise InputError(f"the data are too few for error bars, which need {least}")
    return chosen, around.refits(chosen.weights(resamples, np.random.default_rng(seed)))


def _root(matrix: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """A matrix V with V V^T = `matrix`, whose eigenvalues are non-negative within rounding."""
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(eigenvalues, 0.0))


def _require_settings(by: str, level: float, resamples: int, seed: int) -> None:
    if by not in ("auto", "blocks", "proteins"):
        raise InputError(f"by is {by!r}; give one of auto, blocks, proteins")
    if not 0 < level < 1:
        raise InputError(f"level is {level!r}; give a number between 0 and 1, such as 0.95")
    if not (is_whole(resamples) and 2 <= resamples <= MOST_RESAMPLES):
        raise InputError(f"resamples is {resamples!r}; give a whole number from 2 to {MOST_RESAMPLES}")
    if not (is_whole(seed) and seed >= 0):
        raise InputError(f"seed is {seed!r}; give a whole number of at least 0")
