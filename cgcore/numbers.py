"""What counts as a number in settings and stored files."""

from __future__ import annotations

import numpy as np


def is_whole(value: object) -> bool:
    """Whether it is a whole number: True, 3.0 and "3" are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def are_finite(values: object) -> bool:
    """Whether they are a tuple of finite numbers."""
    return isinstance(values, tuple) and all(
        isinstance(one, int | float | np.integer | np.floating) and not isinstance(one, bool) and abs(one) < LARGEST
        for one in values
    )


LARGEST = 1e300
"""Beyond this a number is as good as infinite, and a whole one may be too long for a float."""
