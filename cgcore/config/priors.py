"""The block `model.priors`, and the prior that it describes."""

from __future__ import annotations

from dataclasses import asdict, field
from typing import Annotated, Any, Literal

from cgcore.config.keys import Flag, Number, Text, block, key
from cgcore.config.reading import Reading
from cgcore.physics.prior import CARRIED, FITTED_EXCLUDED_VOLUME, MOST_HARMONICS, SERIES, Prior, Weights


def series(meaning: str, also: tuple[str, ...] = ()) -> Any:
    return key(
        meaning,
        fit=True,
        also=also,
        max_length=MOST_HARMONICS,
        examples=[[0.5]],
        what="a list with a number for each harmonic, such as [0.5]",
    )


@block("model.priors.weights")
class WeightKeys:
    """Weights of the terms in the energy."""

    bond: Annotated[Number, key("Weight of the bonds.", fit=True, ge=0)] = 0.5
    angle: Annotated[Number, key("Weight of the angles.", fit=True, ge=0)] = 0.1
    dihedral: Annotated[Number, key("Weight of the dihedrals.", fit=True, ge=0)] = 0.15
    repulsive: Annotated[Number, key("Weight of the repulsion, for pairs separated by 6 or more.", fit=True, ge=0)] = (
        0.25
    )
    excluded_volume: Annotated[
        Number | None,
        key(
            "Weight of the excluded volume, for pairs separated by 2 to 5; 0 or null removes the term.",
            fit=True,
            theirs=1.0,
            ge=0,
        ),
    ] = 1.0


@block("model.priors")
class PriorKeys:
    """Term weights and starting parameters of the fit."""

    weights: Annotated[WeightKeys, key("Weights of the terms.", fit=True)] = field(default_factory=WeightKeys)
    r0: Annotated[Number, key("Equilibrium length of a bond.", unit="Å", fit=True)] = 3.8
    kr: Annotated[Number, key("Stiffness of a bond.", unit="kcal/mol/Å²", fit=True)] = 150.0
    a: Annotated[
        tuple[Number, ...] | None,
        series("Cosine coefficients of the angle, harmonics 1, 2, ... [kcal/mol]; zeros beside `b`, else [0]."),
    ] = None
    b: Annotated[
        tuple[Number, ...] | None,
        series("Sine coefficients of the angle [kcal/mol]; zeros beside `a`, else [0]."),
    ] = None
    epsilon: Annotated[Number, key("Strength of the repulsion.", unit="kcal/mol", fit=True)] = 1.0
    sigma: Annotated[Number, key("Length of the repulsion.", unit="Å", fit=True)] = 3.0
    k_dih: Annotated[
        tuple[Number, ...] | None,
        series(
            "Amplitudes of the dihedral, harmonics 1, 2, ... [kcal/mol]; zeros beside `gamma_dih`, else [0.5].",
            also=("k_dihedral",),
        ),
    ] = None
    gamma_dih: Annotated[
        tuple[Number, ...] | None,
        series("Phases of the dihedral [rad]; zeros beside `k_dih`, else [0].", also=("gamma_dihedral",)),
    ] = None
    epsilon_ex: Annotated[
        Number,
        key("Strength of the excluded volume; unused without that term.", unit="kcal/mol", fit=True, theirs=1.0),
    ] = 1.0
    sigma_ex: Annotated[
        Number, key("Length of the excluded volume; unused without that term.", unit="Å", fit=True, theirs=3.5)
    ] = 3.5
    theta0: Annotated[Number | None, key("Copied to the output; no term uses it.", unit="rad", fit=True)] = None
    k_theta: Annotated[Number | None, key("Copied to the output; no term uses it.", unit="kcal/mol/rad²", fit=True)] = (
        None
    )
    frozen: Annotated[
        tuple[Literal["bond", "angle", "dihedral", "repulsive", "excluded_volume"], ...],
        key("Terms that a fit leaves as they are.", fit=True, examples=[["bond"]]),
    ] = ()
    use_spline_priors: Annotated[
        Flag | None,
        key(
            "Take bonds, angles and dihedrals from a file of splines.", fit=True, default="true where `spline_file` is"
        ),
    ] = None
    spline_file: Annotated[
        Text | None,
        key("NPZ file of splines, relative to the configuration or to the working folder.", fit=True, what="a path"),
    ] = None
    residue_specific_angles: Annotated[
        Flag | None,
        key(
            "Use a separate angle spline for each species that has one in the file.",
            fit=True,
            default="as the file says",
        ),
    ] = None


_NO_PARAMETERS = ("weights", "frozen", "use_spline_priors", "spline_file", "residue_specific_angles")
_PAIRS = {("a", "b"): ((0.0,), (0.0,)), ("k_dih", "gamma_dih"): ((0.5,), (0.0,))}


def prior_of(keys: PriorKeys, reading: Reading) -> Prior | None:
    """The prior that the block describes; None if its keys are inconsistent."""
    at, count = "model.priors", len(reading)
    values: dict[str, Any] = {name: value for name, value in asdict(keys).items() if name not in _NO_PARAMETERS}  # pyright: ignore[reportArgumentType]
    carried = {name: value for name in CARRIED if (value := values.pop(name)) is not None}
    for (first, second), default in _PAIRS.items():
        one, two = values[first], values[second]
        if one is None and two is None:
            one, two = default
        one = (0.0,) * len(two) if one is None else one
        two = (0.0,) * len(one) if two is None else two
        if len(one) != len(two):
            words = f"has {len(two)} values and {first} {len(one)}; give one of each for every harmonic"
            reading.add(f"{at}.{second}", words)
        values |= {first: one, second: two}
    # A weight of 0 removes the term and its parameters.
    weights = Weights(**asdict(keys.weights) | {"excluded_volume": keys.weights.excluded_volume or None})  # pyright: ignore[reportArgumentType]
    if weights.excluded_volume is None:
        for name in FITTED_EXCLUDED_VOLUME:
            del values[name]
    for name in ("sigma", "sigma_ex"):
        if values.get(name) == 0:
            reading.add(f"{at}.{name}", "is 0, and so is its term; give a length above 0")
    if len(reading) > count:
        return None
    lists = {name: list(values[name]) for name in SERIES}
    return Prior(weights, values | lists, carried)
