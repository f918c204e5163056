"""A history as a twin would have written it in a day: 20 tags of one pump at 10 Hz."""

from pathlib import Path

import numpy as np

from twin.catalogue import find
from twin.history.plan import Machine, Plan, Shown
from twin.live.diagnosis import UNSUSPICIOUS
from twin.live.instant import Instant
from twin.live.scribe import Scribe
from twin.monitor import names

HERTZ = 10
"""Instants a second."""


def lived(data: Path, hours: float) -> None:
    """Write a history of 20 tags of one pump at 10 Hz."""
    pump, tags = find("centrifugal_pump"), 20
    outputs = tuple(
        Shown(f"T-{i}", "tag", "pump_1", names.place("pump_1.T_b", pump), "degC", 1.0, 273.15)
        for i in range(1, 1 + tags)
    )
    machines = (Machine("pump_1", "CentrifugalPump", names.asset("pump_1", pump), 0),)
    rng, count = np.random.default_rng(1), round(hours * 3600.0 * HERTZ)
    quality, deviation, nothing = np.zeros(tags, np.uint32), np.full(tags, 0.2), np.zeros((2, 0))
    with Scribe(data) as scribe:
        scribe.describe(
            every=1.0 / HERTZ, plan=Plan("day", "", "Asia/Seoul", 0.1, 0.3, machines, (), outputs, (), tags)
        )
        for first in range(0, count, 2000):
            noise = rng.standard_normal((2000, tags))
            rows = []
            for k in range(first, min(first + 2000, count)):
                expected = np.full(tags, 320.0 + 5.0 * np.sin(k / 40_000.0))
                rows.append((k, Instant(
                    1_795_000_000.0 + k / HERTZ, expected + 0.2 * noise[k - first], quality, expected, deviation,
                    UNSUSPICIOUS, (), (), 1.0, nothing,
                )))  # fmt: skip
            scribe.add(rows, [])
