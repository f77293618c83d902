"""`gates.toml`: recorded values, their bounds, and the date of and the reason for the record."""

from __future__ import annotations

import datetime
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import cgcore
from validation import files
from validation.gate.bounds import KINDS, Bound
from validation.gate.modes import STATUS, Key, Measured

BUNDLED = Path(__file__).parents[1] / "gates.toml"


@dataclass(frozen=True)
class Gates:
    """A gate file.

    Arguments:
        path: path of the file.
        date: date of the last update, ISO 8601.
        reason: reason for that update.
        bounds: bound of each quantity, by class of modes.
        modes: class of each mode.
        values: measured values, by data set and mode.
    """

    path: Path
    date: str
    reason: str
    bounds: Mapping[str, Mapping[str, Bound]]
    modes: Mapping[str, str]
    values: Mapping[Key, Measured]

    def bounds_of(self, mode: str) -> Mapping[str, Bound]:
        """The bounds of a mode, by quantity.

        Raises:
            InputError: the file assigns no class to this mode.
        """
        if mode not in self.modes:
            raise cgcore.InputError(f"{self.path}: modes has no {mode!r}; give it one of {', '.join(self.bounds)}")
        return self.bounds[self.modes[mode]]


def read(path: Path = BUNDLED) -> Gates:
    """Read and check a gate file.

    Raises:
        InputError: it cannot be read, or a key is missing or wrong.
    """
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise cgcore.InputError(f"{path}: cannot be read ({error.strerror}); make it with gate --update") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise cgcore.InputError(f"{path}: is not TOML ({error}); correct or restore it") from error

    def refuse(key: str, what: str) -> NoReturn:
        raise cgcore.InputError(f"{path}: {key} {what}")

    def table(key: str, value: Any) -> dict[str, Any]:
        return value if isinstance(value, dict) else refuse(key, "is missing or not a table; correct or restore it")

    def bound(key: str, entry: Any) -> Bound:
        entry = table(key, entry)
        kinds = [kind for kind in KINDS if kind in entry]
        if len(kinds) != 1 or set(entry) - {kinds[0], "why"}:
            refuse(key, f"needs one of {', '.join(KINDS)}, and why, and nothing else")
        size = entry[kinds[0]]
        if isinstance(size, bool) or not isinstance(size, int | float) or not 0 <= size < math.inf:
            refuse(key, f"{kinds[0]} is {size!r}; give a finite number of at least 0")
        if not isinstance(entry.get("why"), str) or not entry["why"].strip():
            refuse(key, "has no why; say in a line why it is this size")
        return Bound(kinds[0], size, entry["why"])

    def measured(key: str, entry: Any, bounds: Iterable[str]) -> Measured:
        entry = table(key, entry)
        if entry.get(STATUS) not in cgcore.Status.__members__:
            refuse(f"{key}.{STATUS}", f"is {entry.get(STATUS)!r}; give one of {', '.join(cgcore.Status.__members__)}")
        for name in bounds:
            value = entry.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                refuse(f"{key}.{name}", f"is {value!r}; give a finite number")
        return entry

    classes = {
        name: {quantity: bound(f"bounds.{name}.{quantity}", entry) for quantity, entry in table(name, group).items()}
        for name, group in table("bounds", known.get("bounds")).items()
    }
    modes = table("modes", known.get("modes"))
    for mode, name in modes.items():
        if name not in classes:
            refuse(f"modes.{mode}", f"is {name!r}; give one of {', '.join(classes)}")
    values = {
        (data, mode): measured(f"values.{data}.{mode}", entry, classes[modes[mode]] if mode in modes else ())
        for data, group in table("values", known.get("values", {})).items()
        for mode, entry in table(f"values.{data}", group).items()
    }
    return Gates(path, str(known.get("date", "")), str(known.get("reason", "")), classes, modes, values)


def write(gates: Gates) -> None:
    """Write the file atomically.

    Raises:
        InputError: it cannot be written.
    """
    import tomli_w

    values: dict[str, dict[str, Measured]] = {}
    for (data, mode), entry in gates.values.items():
        values.setdefault(data, {})[mode] = entry
    record = {
        "date": gates.date,
        "reason": gates.reason,
        "modes": dict(gates.modes),
        "bounds": {
            name: {quantity: {b.kind: b.size, "why": b.why} for quantity, b in group.items()}
            for name, group in gates.bounds.items()
        },
        "values": values,
    }
    files.write(gates.path, tomli_w.dumps(record))


def updated(gates: Gates, values: Mapping[Key, Measured], reason: str) -> Gates:
    """The gates with new values, today's date and this reason."""
    return replace(gates, date=datetime.date.today().isoformat(), reason=reason, values=dict(values))
