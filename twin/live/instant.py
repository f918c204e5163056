"""What one settled instant showed."""

from typing import NamedTuple

import numpy as np

from twin.live.diagnosis import Verdict
from twin.monitor.condition import Condition
from twin.monitor.life import Change


class Instant(NamedTuple):
    """What one settled instant showed.

    Attributes
    ----------
    time : float
        Source time [s since 1970, UTC].
    reading : (m,)
        What each tag read, SI; NaN where nothing that counts.
    quality : uint32, (m,)
    expected, deviation : (outputs,)
        What the twin expected of tags and watched quantities before it saw them, and the standard deviation of a
        reading about it, SI.
    verdict : Verdict
    conditions : tuple of Condition
    changes : tuple of Change
        Transitions of advisories.
    fit : float
        Normalised innovation squared over its degrees of freedom.
    believed : (2, unknowns)
        Value of each unknown and its standard deviation after the readings were seen, SI.
    """

    time: float
    reading: np.ndarray
    quality: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    verdict: Verdict
    conditions: tuple[Condition, ...]
    changes: tuple[Change, ...]
    fit: float
    believed: np.ndarray
