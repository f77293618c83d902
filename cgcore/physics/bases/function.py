"""A user's own functions of the coordinate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.numbers import is_whole
from cgcore.physics.bases.basis import Basis


@dataclass(frozen=True)
class Function(Basis):
    """Any JAX functions of the coordinate.

    Stored factors hold no code, so they treat functions with the same title and count as equal.

    Arguments:
        title: name of these functions in a factor's fingerprint; different functions need different titles.
        count: number of functions.
        call: takes x of any shape and returns (count, *shape of x), differentiable by JAX. None for a basis read from a
            file, which can be compared but not evaluated.

    Raises:
        InputError: there is no title, or the count is below 1.
    """

    title: str
    count: int
    call: Callable[[Any], Any] | None = field(default=None, compare=True, repr=False)

    kind: ClassVar[str] = "function"

    def __post_init__(self) -> None:
        if not isinstance(self.title, str) or not self.title or not is_whole(self.count) or self.count < 1:
            raise InputError("functions of your own need a title and a count of at least 1")

    @property
    def size(self) -> int:  # not the number of names: a damaged file may state a billion
        return self.count

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.title}_{k}" for k in range(1, self.count + 1))

    def functions(self, x: Float[Any, " ..."]) -> Float[Any, "size ..."]:
        if self.call is None:
            raise InputError(
                f"the functions {self.title!r} were read from a file, which holds no code; give them again"
            )
        return self.call(x)

    def as_dict(self) -> dict[str, Any]:
        return {"basis": self.kind, "title": self.title, "count": self.count}
