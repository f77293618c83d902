"""The settings of a simulation."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from cgcore.errors import InputError
from cgcore.export.checks import MASS
from cgcore.numbers import is_whole

TEMPERATURE = 300.0
"""Temperature if neither the user nor the data state one [K]."""

FRAMES = 1000
"""Largest number of saved frames of a replica if no interval is given."""

MOST_STEPS = 2**31 - 1
"""Largest number of steps, which are counted in int32."""

MOST_REPLICAS = 2**16
"""Largest number of replicas, far more than fill a GPU."""

MOST_SAVED = 2**31
"""Largest number of coordinates in the saved frames of all replicas, which stay in memory: 8 GiB in float32."""

_PER_NS = {"ns": 1.0, "ps": 1e-3, "fs": 1e-6, "us": 1e3}
_TIME = re.compile(r"\s*([-+0-9.eE]+)\s*(ns|ps|fs|us)?\s*")


@dataclass(frozen=True)
class Settings:
    """Settings of a simulation.

    Arguments:
        temperature: temperature of the thermostat [K].
        replicas: number of independent runs, each starting from another frame.
        time: length of each run [ps].
        timestep: time step [fs].
        friction: friction coefficient [1/ps].
        mass: mass of a bead [g/mol].
        interval: time between saved frames [ps].
        seed: seed of starting frames, velocities and noise.

    Raises:
        InputError: a value is out of range.
    """

    temperature: float = TEMPERATURE
    replicas: int = 32
    time: float = 1000.0
    timestep: float = 5.0
    friction: float = 1.0
    mass: float = MASS
    interval: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("temperature", "time", "timestep", "friction", "mass", "interval"):
            _require_positive(name, getattr(self, name))
        for name, least in (("replicas", 1), ("seed", 0)):
            if not is_whole(getattr(self, name)):
                raise InputError(f"{name} is {getattr(self, name)!r}; give a whole number")
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; give at least {least}")
        if self.replicas > MOST_REPLICAS:
            raise InputError(f"replicas is {self.replicas}; give at most {MOST_REPLICAS}")
        if self.seed > MOST_STEPS:
            raise InputError(f"seed is {self.seed}; give at most {MOST_STEPS}")
        if self.interval * 1000 < self.timestep:
            raise InputError(
                f"interval is {self.interval:g} ps, less than a timestep of {self.timestep:g} fs; give a longer one"
            )
        if self.frames < 1:
            raise InputError(
                f"time is {self.time:g} ps, less than the interval of {self.interval:g} ps between saved frames; "
                "give a longer time, or a shorter interval"
            )
        if self.steps > MOST_STEPS:
            raise InputError(f"time is {self.time:g} ps, more than {MOST_STEPS} steps; give less, or a longer timestep")

    @property
    def steps_per_frame(self) -> int:
        """Number of steps between saved frames."""
        return max(round(self.interval * 1000 / self.timestep), 1)

    @property
    def frames(self) -> int:
        """Number of saved frames of a replica, the first one `steps_per_frame` after the start."""
        # Rounded first, since 1 ns with 5 fs must be 200,000 steps, whatever the quotient of two floats.
        return round(self.time * 1000 / self.timestep) // self.steps_per_frame

    @property
    def steps(self) -> int:
        """Number of all steps of a replica."""
        return self.frames * self.steps_per_frame

    def require_memory(self, beads: int) -> None:
        """Refuse to save more frames of chains with this number of beads than fit into memory.

        Raises:
            InputError: the frames would take more than 8 GiB.
        """
        if self.replicas * self.frames * beads * 3 > MOST_SAVED:
            raise InputError(
                f"{self.frames} saved frames of {self.replicas} replicas of {beads} beads take more than 8 GiB of "
                "memory; give a longer interval, or fewer replicas"
            )

    def at(self, step: int) -> float:
        """Time after a number of steps [ps]."""
        return step * self.timestep / 1000


def picoseconds(time: float | str) -> float:
    """Convert a number of ns, or a text such as "100ps" or "1 ns", to ps.

    Raises:
        InputError: `time` is neither.
    """
    found = _TIME.fullmatch(time) if isinstance(time, str) else None
    try:
        number = float(found[1] if found else time)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"time is {time!r}; give a number of ns above 0, or one with a unit such as 100ps or 1ns")
    return number * 1000 * _PER_NS[found[2] or "ns" if found else "ns"]


def usual_interval(time: float) -> float:
    """The default interval between saved frames [ps], for a run of `time` ps."""
    return min(max(1.0, time / FRAMES), time)


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} is {value}; give a finite number above 0")
