"""NIST StRD nonlinear regression: 27 data sets, each from both of its starts.

Source: NIST/ITL Statistical Reference Datasets, nonlinear regression, https://www.itl.nist.gov/div898/strd/nls/;
starts, certified parameters and certified residual sums of squares are copied from its `.dat` files, one for each data
set. Models and data are those of sif2jax. A test shows that all three agree: the loss at the certified parameters is
the certified sum of squares.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from validation.problems import sif
from validation.problems.problem import Loss, Problem


class _Set(NamedTuple):
    """Name, module in sif2jax, both starts, certified parameters, certified residual sum of squares."""

    name: str
    module: str
    start_1: list[float]
    start_2: list[float]
    certified: list[float]
    sum_of_squares: float


# Ordered by level of difficulty: lower, average, higher.
_SETS = (
    _Set(
        "Chwirut1",
        "chwirut1ls",
        [0.1, 0.01, 0.02],
        [0.15, 0.008, 0.01],
        [1.9027818370e-01, 6.1314004477e-03, 1.0530908399e-02],
        2.3844771393e03,
    ),
    _Set(
        "Chwirut2",
        "chwirut2ls",
        [0.1, 0.01, 0.02],
        [0.15, 0.008, 0.01],
        [1.6657666537e-01, 5.1653291286e-03, 1.2150007096e-02],
        5.1304802941e02,
    ),
    _Set(
        "DanWood",
        "daniwoodls",
        [1.0, 5.0],
        [0.7, 4.0],
        [7.6886226176e-01, 3.8604055871e00],
        4.3173084083e-03,
    ),
    _Set(
        "Gauss1",
        "gauss1ls",
        [97.0, 0.009, 100.0, 65.0, 20.0, 70.0, 178.0, 16.5],
        [94.0, 0.0105, 99.0, 63.0, 25.0, 71.0, 180.0, 20.0],
        [
            9.8778210871e01,
            1.0497276517e-02,
            1.0048990633e02,
            6.7481111276e01,
            2.3129773360e01,
            7.1994503004e01,
            1.7899805021e02,
            1.8389389025e01,
        ],
        1.3158222432e03,
    ),
    _Set(
        "Gauss2",
        "gauss2ls",
        [96.0, 0.009, 103.0, 106.0, 18.0, 72.0, 151.0, 18.0],
        [98.0, 0.0105, 103.0, 105.0, 20.0, 73.0, 150.0, 20.0],
        [
            9.9018328406e01,
            1.0994945399e-02,
            1.0188022528e02,
            1.0703095519e02,
            2.3578584029e01,
            7.2045589471e01,
            1.5327010194e02,
            1.9525972636e01,
        ],
        1.2475282092e03,
    ),
    _Set(
        "Lanczos3",
        "lanczos3",
        [1.2, 0.3, 5.6, 5.5, 6.5, 7.6],
        [0.5, 0.7, 3.6, 4.2, 4.0, 6.3],
        [8.6816414977e-02, 9.5498101505e-01, 8.4400777463e-01, 2.9515951832e00, 1.5825685901e00, 4.9863565084e00],
        1.6117193594e-08,
    ),
    _Set(
        "Misra1a",
        "misra1als",
        [500.0, 0.0001],
        [250.0, 0.0005],
        [2.3894212918e02, 5.5015643181e-04],
        1.2455138894e-01,
    ),
    _Set(
        "Misra1b",
        "misra1bls",
        [500.0, 0.0001],
        [300.0, 0.0002],
        [3.3799746163e02, 3.9039091287e-04],
        7.5464681533e-02,
    ),
    _Set(
        "ENSO",
        "enso",
        [11.0, 3.0, 0.5, 40.0, -0.7, -1.3, 25.0, -0.3, 1.4],
        [10.0, 3.0, 0.5, 44.0, -1.5, 0.5, 26.0, -0.1, 1.5],
        [
            1.0510749193e01,
            3.0762128085e00,
            5.3280138227e-01,
            4.4311088700e01,
            -1.6231428586e00,
            5.2554493756e-01,
            2.6887614440e01,
            2.1232288488e-01,
            1.4966870418e00,
        ],
        7.8853978668e02,
    ),
    _Set(
        "Gauss3",
        "gauss3ls",
        [94.9, 0.009, 90.1, 113.0, 20.0, 73.8, 140.0, 20.0],
        [96.0, 0.0096, 80.0, 110.0, 25.0, 74.0, 139.0, 25.0],
        [
            9.8940368970e01,
            1.0945879335e-02,
            1.0069553078e02,
            1.1163619459e02,
            2.3300500029e01,
            7.3705031418e01,
            1.4776164251e02,
            1.9668221230e01,
        ],
        1.2444846360e03,
    ),
    _Set(
        "Hahn1",
        "hahn1ls",
        [10.0, -1.0, 0.05, -0.00001, -0.05, 0.001, -0.000001],
        [1.0, -0.1, 0.005, -0.000001, -0.005, 0.0001, -0.0000001],
        [
            1.0776351733e00,
            -1.2269296921e-01,
            4.0863750610e-03,
            -1.4262662514e-06,
            -5.7609940901e-03,
            2.4053735503e-04,
            -1.2314450199e-07,
        ],
        1.5324382854e00,
    ),
    _Set(
        "Kirby2",
        "kirby",
        [2.0, -0.1, 0.003, -0.001, 0.00001],
        [1.5, -0.15, 0.0025, -0.0015, 0.00002],
        [1.6745063063e00, -1.3927397867e-01, 2.5961181191e-03, -1.7241811870e-03, 2.1664802578e-05],
        3.9050739624e00,
    ),
    _Set(
        "Lanczos1",
        "lanczos1",
        [1.2, 0.3, 5.6, 5.5, 6.5, 7.6],
        [0.5, 0.7, 3.6, 4.2, 4.0, 6.3],
        [9.5100000027e-02, 1.0000000001e00, 8.6070000013e-01, 3.0000000002e00, 1.5575999998e00, 5.0000000001e00],
        1.4307867721e-25,
    ),
    _Set(
        "Lanczos2",
        "lanczos2",
        [1.2, 0.3, 5.6, 5.5, 6.5, 7.6],
        [0.5, 0.7, 3.6, 4.2, 4.0, 6.3],
        [9.6251029939e-02, 1.0057332849e00, 8.6424689056e-01, 3.0078283915e00, 1.5529016879e00, 5.0028798100e00],
        2.2299428125e-11,
    ),
    _Set(
        "MGH17",
        "mgh17ls",
        [50.0, 150.0, -100.0, 1.0, 2.0],
        [0.5, 1.5, -1.0, 0.01, 0.02],
        [3.7541005211e-01, 1.9358469127e00, -1.4646871366e00, 1.2867534640e-02, 2.2122699662e-02],
        5.4648946975e-05,
    ),
    _Set(
        "Misra1c",
        "misra1cls",
        [500.0, 0.0001],
        [600.0, 0.0002],
        [6.3642725809e02, 2.0813627256e-04],
        4.0966836971e-02,
    ),
    _Set(
        "Misra1d",
        "misra1dls",
        [500.0, 0.0001],
        [450.0, 0.0003],
        [4.3736970754e02, 3.0227324449e-04],
        5.6419295283e-02,
    ),
    _Set(
        "Nelson",
        "nelsonls",
        [2.0, 0.0001, -0.01],
        [2.5, 0.000000005, -0.05],
        [2.5906836021e00, 5.6177717026e-09, -5.7701013174e-02],
        3.7976833176e00,
    ),
    _Set(
        "Roszman1",
        "roszman1ls",
        [0.1, -0.00001, 1000.0, -100.0],
        [0.2, -0.000005, 1200.0, -150.0],
        [2.0196866396e-01, -6.1953516256e-06, 1.2044556708e03, -1.8134269537e02],
        4.9484847331e-04,
    ),
    _Set(
        "Bennett5",
        "bennett5ls",
        [-2000.0, 50.0, 0.8],
        [-1500.0, 45.0, 0.85],
        [-2.5235058043e03, 4.6736564644e01, 9.3218483193e-01],
        5.2404744073e-04,
    ),
    _Set(
        "BoxBOD",
        "boxbodls",
        [1.0, 1.0],
        [100.0, 0.75],
        [2.1380940889e02, 5.4723748542e-01],
        1.1680088766e03,
    ),
    _Set(
        "Eckerle4",
        "eckerle4ls",
        [1.0, 10.0, 500.0],
        [1.5, 5.0, 450.0],
        [1.5543827178e00, 4.0888321754e00, 4.5154121844e02],
        1.4635887487e-03,
    ),
    _Set(
        "MGH09",
        "mgh09ls",
        [25.0, 39.0, 41.5, 39.0],
        [0.25, 0.39, 0.415, 0.39],
        [1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01],
        3.0750560385e-04,
    ),
    _Set(
        "MGH10",
        "mgh10ls",
        [2.0, 400000.0, 25000.0],
        [0.02, 4000.0, 250.0],
        [5.6096364710e-03, 6.1813463463e03, 3.4522363462e02],
        8.7945855171e01,
    ),
    _Set(
        "Rat42",
        "rat42ls",
        [100.0, 1.0, 0.1],
        [75.0, 2.5, 0.07],
        [7.2462237576e01, 2.6180768402e00, 6.7359200066e-02],
        8.0565229338e00,
    ),
    _Set(
        "Rat43",
        "rat43ls",
        [100.0, 10.0, 1.0, 1.0],
        [700.0, 5.0, 0.75, 1.3],
        [6.9964151270e02, 5.2771253025e00, 7.5962938329e-01, 1.2792483859e00],
        8.7864049080e03,
    ),
    _Set(
        "Thurber",
        "thurberls",
        [1000.0, 1000.0, 400.0, 40.0, 0.7, 0.3, 0.03],
        [1300.0, 1500.0, 500.0, 75.0, 1.0, 0.4, 0.05],
        [
            1.2881396800e03,
            1.4910792535e03,
            5.8323836877e02,
            7.5416644291e01,
            9.6629502864e-01,
            3.9797285797e-01,
            4.9727297349e-02,
        ],
        5.6427082397e03,
    ),
)

_CLASSES = {"DanWood": "DANIWOODLS"} | {name: name.upper() for name in ("ENSO", "Lanczos1", "Lanczos2", "Lanczos3")}
"""Names in sif2jax that are not the data set's name followed by LS.

A name without LS is a system of equations: ENSO and Lanczos3 have no other form, and the data of LANCZOS1LS and
LANCZOS2LS have other digits than NIST's (the certified sum of squares of Lanczos2 then differs by a factor of 8).
"""


def nist(names: tuple[str, ...] | None = None) -> list[Problem]:
    """All data sets, or only the named ones."""
    return [_problem(each) for each in _SETS if names is None or each.name in names]


def _problem(each: _Set) -> Problem:
    starts = np.array(each.start_1), np.array(each.start_2)
    return Problem(each.name, _loss(each), starts, each.sum_of_squares, np.array(each.certified))


def _loss(each: _Set) -> Loss:
    match each.name:
        case "Thurber":
            return thurber
        case "Roszman1":
            return _roszman1(*sif.arguments(each.module, "ROSZMAN1LS"))
    name = _CLASSES.get(each.name, each.name.upper() + "LS")
    return (sif.objective if name.endswith("LS") else sif.sum_of_squares)(each.module, name)


def _roszman1(x: Array, y: Array) -> Loss:
    """Quantum defects. The model in sif2jax has the opposite sign of the arc tangent, so only its data are used."""
    return lambda b: jnp.sum((y - (b[0] - b[1] * x - jnp.arctan(b[2] / (x - b[3])) / jnp.pi)) ** 2)


def thurber(b: Array) -> Array:
    """Electron mobility as a function of log density, a ratio of cubics; sif2jax does not have it."""
    x, y = jnp.asarray(_DENSITY), jnp.asarray(_MOBILITY)
    model = (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / (1 + x * (b[4] + x * (b[5] + x * b[6])))
    return jnp.sum((y - model) ** 2)


# fmt: off
_DENSITY = (
    -3.067, -2.981, -2.921, -2.912, -2.84, -2.797, -2.702, -2.699, -2.633, -2.481, -2.363, -2.322, -1.501,
    -1.46, -1.274, -1.212, -1.1, -1.046, -0.915, -0.714, -0.566, -0.545, -0.4, -0.309, -0.109, -0.103, 0.01,
    0.119, 0.377, 0.79, 0.963, 1.006, 1.115, 1.572, 1.841, 2.047, 2.2,
)
# fmt: on
# fmt: off
_MOBILITY = (
    80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854, 100.696, 101.06, 401.672,
    390.724, 567.534, 635.316, 733.054, 759.087, 894.206, 990.785, 1090.109, 1080.914, 1122.643, 1178.351,
    1260.531, 1273.514, 1288.339, 1327.543, 1353.863, 1414.509, 1425.208, 1421.384, 1442.962, 1464.35,
    1468.705, 1447.894, 1457.628,
)
# fmt: on
