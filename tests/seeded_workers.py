"""Faults of one line in cgcore, as in `seeded_fits`: the processes of a cluster."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore.cluster import connection, parts
from cgcore.cluster import workers as cluster_workers
from cgcore.cluster.parcel import Parcel
from validation.checks import workers

FAULTS: Faults = {
    "parts that were changed": (
        "workers",
        edited(
            parts._Folder,
            "read",
            "str(arrays[CHECKSUM]) == checksum(arrays, sorted(names)) and str",
            "str",
        ),
    ),
    "parts under another's name": ("workers", edited(parts._Folder, "read", ' and str(arrays["key"]) == key', "")),
    "parts are passed on in the order in which they arrive": (
        "workers",
        edited(
            workers,
            "in_order",
            "while number in early:\n            yield early.pop(number)",
            "while early:\n            yield early.pop(next(iter(early)))",
        ),
    ),
    "no process": ("workers", edited(connection, "_started", "not 1 <= int(found[1])", "not 0 <= int(found[1])")),
    "one process less": (
        "workers",
        edited(connection, "_started", "n_workers=int(found[1])", "n_workers=int(found[1]) - 1"),
    ),
    "a limit of memory": ("workers", edited(connection, "_started", "memory_limit=None", 'memory_limit="auto"')),
    "no environment": ("workers", edited(connection, "_started", "env=dict(environment)", "env={}")),
    "processes that stay": (
        "workers",
        edited(connection, "_started", "stack.enter_context(cluster)", "cluster.__enter__()"),
    ),
    "a file as an address": ("workers", edited(connection, "_target", 'not where.endswith(".json")', "True")),
    "a lost scheduler as a failure of a worker": (
        "workers",
        edited(cluster_workers, "_result", "except (CancelledError, OSError)", "except CancelledError"),
    ),
    "refused input as a failure of a worker": (
        "workers",
        edited(cluster_workers, "_result", "except InputError:", "except KeyError:"),
    ),
    "more pieces at a time": ("workers", edited(workers, "on_workers", "len(handed) < AHEAD", "len(handed) <= AHEAD")),
    "any size at a time": ("workers", edited(workers, "on_workers", "(weight < BYTES_AHEAD or not handed)", "True")),
    "sizes that are never freed": ("workers", edited(workers, "on_workers", "weight -= freed", "pass")),
    "pieces that nobody needs": (
        "workers",
        edited(workers, "on_workers", "for future in (*handed, shared)", "for future in (shared,)"),
    ),
    "numbers in the order of arrival": (
        "workers",
        edited(
            workers, "on_workers", "yield which, _result(future)", "yield number - len(handed) - 1, _result(future)"
        ),
    ),
    "workers of any version": ("workers", edited(cluster_workers, "_part", "!= wanted", "is None")),
    "files that no worker sees": (
        "workers",
        edited(Parcel, "require_files", "not os.path.exists(array.file)", "False"),
    ),
    "forces without size": ("workers", edited(Parcel, "nbytes", "self.source.store.F, ", "")),
    "weights without size": ("workers", edited(Parcel, "nbytes", ", self.source.weights)", ")")),
    "all files of a folder are parts": ("workers", edited(workers, "clear", "_NAME.fullmatch(path.name)", "True")),
    "the folder of parts stays": (
        "workers",
        edited(workers, "clear", '*Path(folder).glob("??"), Path(folder)', '*Path(folder).glob("??"),'),
    ),
    "parts that were there are left out": (
        "workers",
        edited(workers, "keeping", "for number in there:", "for number in ():"),
    ),
}
