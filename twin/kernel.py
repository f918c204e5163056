"""What a kernel form hands to the driver: a stepper's address and the tables it reads."""

from typing import Any, NamedTuple

import numpy as np

HEAD = 32
"""Words in front of a family kernel's tables."""


class Kernel(NamedTuple):
    """A compiled stepper: its address, its tables, and the objects that keep the code alive."""

    address: int
    tables: np.ndarray
    keep: tuple[Any, ...]
