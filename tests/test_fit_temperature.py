"""The temperature of constraints: that of the data, the user's, or 300 K with a note."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from factor_helpers import WEIGHTS, factor_of, prior_of, two_proteins
from potential_helpers import KB, factor_without_a_pass

import cgcore
from cgcore import Factor, FitResult, Options, fit

PRIOR = prior_of(2, WEIGHTS._replace(excluded_volume=0.7), 1)


@cache
def factor() -> Factor:
    return factor_without_a_pass(two_proteins(), PRIOR)


def fitted(*named: float, given: float | None = None) -> FitResult:
    """A fit to data with these temperatures, and one given by the user."""
    return fit(replace(factor(), temperatures=named), PRIOR, Options(smoothness=1e-3, temperature=given))


def notes(found: FitResult) -> list[str]:
    return [note for note in found.notes if note.startswith("temperature")]


def contact(found: FitResult) -> float:
    """Smallest repulsion at contact [kcal/mol], 1 kT."""
    bound, _ = next(one.bounds for one in found.admissible.constraints if one.name == "repulsion")
    return float(bound)


@pytest.mark.slow
def test_that_of_the_data() -> None:
    found = fitted(350.0)
    assert found.temperature == 350.0
    assert contact(found) == pytest.approx(KB * 350.0)
    assert notes(found) == []


def test_300_k_and_a_note_where_there_is_none() -> None:
    found = fitted()
    assert found.temperature == 300.0
    assert contact(found) == pytest.approx(KB * 300.0)
    (note,) = notes(found)
    assert note == "temperature 300 K assumed, as the data name none (--temperature)"


@pytest.mark.parametrize("nothing", [(np.nan,), (0.0,), (-5.0,), (np.nan, 0.0)])
def test_what_is_no_temperature_is_none(nothing: tuple[float, ...]) -> None:
    assert fitted(*nothing).temperature == 300.0
    assert fitted(*nothing, 350.0).temperature == 350.0


def test_the_highest_of_several_and_a_note() -> None:
    """Walls and contacts for the highest temperature also hold at the others."""
    found = fitted(280.0, 320.0, 360.0)
    assert found.temperature == 360.0
    assert contact(found) == pytest.approx(KB * 360.0)
    (note,) = notes(found)
    assert "360 K, the highest of 3" in note


def test_that_of_the_user_comes_first() -> None:
    found = fitted(given=250.0)
    assert (found.temperature, notes(found)) == (250.0, [])
    assert contact(found) == pytest.approx(KB * 250.0)
    found = fitted(280.0, 320.0, given=320.0)
    assert (found.temperature, notes(found)) == (320.0, [])
    found = fitted(280.0, 320.0, given=250.0)
    assert found.temperature == 250.0
    (note,) = notes(found)
    assert note == "temperature 250 K as given; the data say 280, 320 K"


def test_the_fit_depends_on_it() -> None:
    cold, hot = fitted(200.0), fitted(400.0)
    assert cold.train_loss < hot.train_loss
    # And without constraints it does not.
    free = [
        fit(replace(factor(), temperatures=(kelvin,)), PRIOR, Options(smoothness=1e-3, constraints="none"))
        for kelvin in (200.0, 400.0)
    ]
    assert free[0].train_loss == free[1].train_loss


def test_from_frames_to_fit() -> None:
    """The bundled set states the temperature of its simulation, which a pass, a merge and a fit preserve."""
    data = cgcore.datasets.chignolin().subset(60)
    prior = prior_of(4, WEIGHTS._replace(excluded_volume=1.0))
    made = factor_of(data, prior)
    assert made.temperatures == (320.0,)
    with pytest.warns(cgcore.InputWarning, match="counted twice"):
        both = cgcore.merge(made, replace(made, temperatures=(300.0,)))
    assert both.temperatures == (300.0, 320.0)
    assert fit(made, prior, Options(smoothness=1e-3)).temperature == 320.0
