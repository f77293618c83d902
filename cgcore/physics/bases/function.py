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

    Two of one title and number of functions are the same to stored factors, which hold no code.

    Arguments:
        title: of these functions, for the factor's fingerprint: give others another title.
        count: how many functions there are.
        call: takes x of any shape, returns (count, *shape of x), differentiable by JAX. None: as read from a file,
            which can be compared and not evaluated.

    Raises:
        InputError: there is no title, or the number is below 1.
    """

    title: str
    count: int
    call: Callable[[Any], Any] | None = field(default=None, compare=True, repr=False)

    kind: ClassVar[str] = "function"

    def __post_init__(self) -> None:
        if not isinstance(self.title, str) or not self.title or not is_whole(self.count) or self.count < 1:
            raise InputError("functions of your own need a title and a count of at least 1")

    @property
    def size(self) -> int:  # not the length of the names: a damaged file may say a billion
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
