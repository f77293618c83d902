"""The factor pass on several processes: pieces of the data go to workers, and finished parts can be kept in files.

`connected` and `on_workers` use Dask; `keeping` works with any way to execute. `compress(..., execute=...)` takes
either, and the factor is identical to the last bit.
"""

from __future__ import annotations

from cgcore.lazy import lazily

TYPE_CHECKING = False  # as in cgcore/__init__.py
if TYPE_CHECKING:
    from cgcore.cluster.connection import connected as connected
    from cgcore.cluster.parts import clear as clear
    from cgcore.cluster.parts import keeping as keeping
    from cgcore.cluster.workers import on_workers as on_workers

_HOME = {
    "clear": "cgcore.cluster.parts",
    "connected": "cgcore.cluster.connection",
    "keeping": "cgcore.cluster.parts",
    "on_workers": "cgcore.cluster.workers",
}

__all__ = ["clear", "connected", "keeping", "on_workers"]

__getattr__, __dir__ = lazily(__name__, _HOME)
