"""What the driver is given: a stepper's address, and a plant's behaviour as tables."""

from typing import Any, NamedTuple

import numpy as np

HEAD = 32
"""Words in front of a family kernel's tables."""


class Kernel(NamedTuple):
    """A compiled stepper: its address, its tables, and the objects that keep the code alive."""

    address: int
    tables: np.ndarray
    keep: tuple[Any, ...]


class Program(NamedTuple):
    """A plant's behaviour as tables; all arrays are int64 unless said.

    Attributes
    ----------
    on, at : (guards + 1,), (dues + 1,)
        Transitions of guard or due i are rows ``on[i]:on[i + 1]`` of `transitions`.
    transitions : (n, 5)
        Address, first argument, number of arguments, first result, number of results.
    cells : (m, 2)
        What arguments and results are: 0 and a row of ``z``, or 1 and a control row.
    cell_bounds : float64, (m, 2)
        Between what a result must lie.
    sample_rows, sample_starts : rows of ``z`` by sampling period
    periods : float64
    change_times : float64, change_rows, change_values : float64
    bounds : float64, (2, states)
    watched : (guards + dues,)
        Codes at which a lane pauses.
    meeting : (5,)
        How the physics meets the flow of each member: address of the function, of the first member's addresses, from
        one to the next, of the bonds, and how many bonds. All 0 where there is no flow.
    meets : float64, (members,)
        When each member's flow is due.
    """

    on: np.ndarray
    at: np.ndarray
    transitions: np.ndarray
    cells: np.ndarray
    cell_bounds: np.ndarray
    sample_rows: np.ndarray
    sample_starts: np.ndarray
    periods: np.ndarray
    change_times: np.ndarray
    change_rows: np.ndarray
    change_values: np.ndarray
    bounds: np.ndarray
    watched: np.ndarray
    meeting: np.ndarray
    meets: np.ndarray


class Shape(NamedTuple):
    """Sizes that the driver needs: lanes per block, rows, first rows."""

    width: int
    nx: int
    ng: int
    gp: int
    g: int
    xp: int
