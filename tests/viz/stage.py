"""A data folder as a twin leaves it, made by hand, and the view that is served over it."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from twin.catalogue import find
from twin.documents import Advisory
from twin.history.plan import Link, Machine, Plan, Shown
from twin.live.diagnosis import UNSUSPICIOUS
from twin.live.instant import Instant
from twin.live.scribe import Scribe
from twin.monitor import names
from twin.monitor.life import Change
from viz.feed import Feed
from viz.serve import bound, guarded

T0 = 1_795_000_000.0
PUMP, TANK = find("centrifugal_pump"), find("tank")


def plan(pump: str = "pump_1", tag: str = "PI-101", about: str = "a pump and a tank") -> Plan:
    """Return a plant of a pump with two tags, a parameter and a hidden state, and a tank with one tag."""
    pressure = Shown(tag, "tag", pump, names.place(f"{pump}.dp", PUMP), "bar", 1e5, 0.0)
    heat = Shown("TI-111", "tag", pump, names.place(f"{pump}.T_b", PUMP), "degC", 1.0, 273.15, None, 353.15)
    level = Shown("LI-101", "tag", "tank", names.place("tank.level", TANK), "m", 1.0, 0.0)
    path = f"{pump}.head_0"
    head = Shown(path, "parameter", pump, names.place(path, PUMP), "m", 1.0, 0.0, usual=(24.0, 27.0))
    speed = Shown(f"{pump}.w", "hidden", pump, names.place(f"{pump}.w", PUMP), "rad/s", 1.0, 0.0)
    return Plan(
        "water loop", about, "Asia/Seoul", 1.0, 2.0,
        (Machine("tank", "Tank", names.asset("tank", TANK), 0),
         Machine(pump, "CentrifugalPump", names.asset(pump, PUMP), 1)),
        (Link("tank", pump, "liquid"),), (pressure, heat, level), (speed, head), 3,
    )  # fmt: skip


def advisory(number: int = 1, **changed: object) -> Advisory:
    """Return an advisory about a rough bearing of the pump."""
    readings = names.readings([("TI-111", 6.5), ("PI-101", 3.1)])
    values = {**names.fault("pump_1.rough", PUMP), "probability": 0.97, "since": T0 + 100.0, "readings": readings}
    said = {
        "id": f"adv-{number}", "key": "deviation", "code": "fault", "state": "unacknowledged", "priority": 2,
        "size": 6.5, "peak": 6.5, "probability": 0.97, "since": T0 + 100.0, "raised": T0 + 110.0,
        "changed": T0 + 110.0, "values": values, "about": ("pump_1",), **changed,
    }  # fmt: skip
    return Advisory(**said)  # type: ignore[arg-type]


def instant(k: int, *, hole: bool = False, changes: tuple[Change, ...] = ()) -> Instant:
    """Return the instant k seconds after the beginning: all readings as expected, and half a sigma beside."""
    expected = np.array([2.3e5 + 100.0 * np.sin(0.01 * k), 320.0 + 0.001 * k, 0.8])
    deviation = np.array([1000.0, 0.25, 0.002])
    reading = np.full(3, np.nan) if hole else expected + 0.5 * deviation
    believed = np.array([[290.0, 25.5], [0.1, 0.2]])
    return Instant(
        T0 + k, reading, np.zeros(3, np.uint32), expected, deviation, UNSUSPICIOUS, (), changes, 1.0, believed
    )


class Stage:
    """Writes what a twin would write.

    Parameters
    ----------
    folder : Path
        The data folder; it is made.
    shown : Plan
        Of the plant.
    """

    def __init__(self, folder: Path, shown: Plan | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.count = folder, 0
        self.standing: list[Advisory] = []
        with Scribe(folder) as scribe:
            scribe.describe(every=1.0, plan=shown or plan())
        self.show()

    def live(self, seconds: int, changes: tuple[Change, ...] = ()) -> None:
        """Let so many seconds pass."""
        told = [
            (k, instant(k, changes=changes if k == self.count else ())) for k in range(self.count, self.count + seconds)
        ]
        with Scribe(self.folder) as scribe:
            scribe.add(told, self.standing)
        self.count += seconds
        self.show()

    def raise_advisory(self, said: Advisory) -> None:
        """Let an advisory stand, with its change."""
        self.standing.append(said)
        self.live(1, (Change(T0 + self.count, said.id, "normal", said.state, "twin", "", "raised", said.key),))

    def show(self) -> None:
        """Say how the twin is doing."""
        heard = dict.fromkeys([shown.name for shown in plan().outputs], T0 + self.count)
        gateway = {
            "alive": True,
            "comes": True,
            "newest": T0 + self.count,
            "rate": 1.0,
            "ahead_s": 0.0,
            "lost": 0,
            "late": 0,
        }
        rates = {
            "last_10_min": 1, "last_hour": 1, "standing": 1, "hidden": 0, "chattering": [], "top": [["deviation", 1]],
            "flood": False,
        }  # fmt: skip
        with Scribe(self.folder) as scribe:
            scribe.show(status={
                "entry": self.count, "behind_entries": 0, "settled": T0 + self.count, "newest": T0 + self.count,
                "lag_s": 2.0, "running": {"pump_1": True}, "heard": heard, "gateways": {"gw": gateway}, "rates": rates,
                "counts": {}, "longest_shelf_s": 28800.0,
            })  # fmt: skip


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[str]:
    """Serve the view over a folder, guarded by these settings; yield its address."""
    listening, feed = bound("127.0.0.1", 0), Feed(folder)
    with ThreadPoolExecutor(1) as aside:  # Playwright has a loop running in this thread
        app = aside.submit(guarded, feed, **settings).result()
    config = uvicorn.Config(
        app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        deadline = time.monotonic() + 20.0
        while not server.started and time.monotonic() < deadline:
            thread.join(0.01)
        yield address
    finally:
        feed.close()
        server.should_exit = True
        thread.join(10.0)
        listening.close()


def asked(address: str) -> dict[str, object]:
    """Return what an address of the interface answers."""
    with urllib.request.urlopen(address, timeout=60.0) as answer:
        found: dict[str, object] = json.loads(answer.read())
    return found
