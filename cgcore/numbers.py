"""What counts as a number in settings and stored files."""

from __future__ import annotations

import numpy as np


def is_whole(value: object) -> bool:
    """Whether the value is an integer; True, 3.0 and "3" are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def are_finite(values: object) -> bool:
    """Whether the values are a tuple of finite numbers."""
    return isinstance(values, tuple) and all(
        isinstance(one, int | float | np.integer | np.floating) and not isinstance(one, bool) and abs(one) < LARGEST
        for one in values
    )


LARGEST = 1e300
"""Larger numbers are treated as infinite; a larger integer may not fit into a float."""
