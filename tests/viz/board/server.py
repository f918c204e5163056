"""A server for the trend board alone, whose rows the test decides."""

import json
import math
import random
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

from viz import app

HERE = Path(__file__).parent
STATIC = HERE.parents[2] / "viz" / "static"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'"
SCRIPTS = "".join(
    f'<script src="/static/{name}"></script>\n' for name in app.SCRIPTS if name not in ("act.js", "view.js")
)
PAGE = (HERE / "board.html").read_text(encoding="utf-8").replace("<!-- scripts -->", SCRIPTS)
START = 1_750_000_000  # 2025-06-16 00:06:40 in Seoul
HOSTILE = "<img src=x onerror=alert(1)>"
TAGS = {"PI-102": 2.4, "FI-101": 41.0}


def chart(name: str, title: str, unit: str, **more: Any) -> dict[str, Any]:
    """Return what the server says of one column."""
    return {"kind": "tag", "asset": "pump_2", "low": None, "high": None, "healthy": None} | {
        "name": name,
        "title": title,
        "unit": unit,
        **more,
    }


class Plant:
    """Rows at 1 Hz from START, settled as far as the test says, and the server that gives them out."""

    def __init__(self) -> None:
        self.charts = [
            chart("PI-102", "pressure rise", "bar", high=2.75),
            chart("FI-101", "volume flow", "m3/h", healthy=[38.0, 44.0]),
            chart("wear", "bearing wear", "mm", kind="hidden"),
        ]
        self.settled = 300  # rows
        self.missing: set[int] = set()
        self.quality: dict[int, int] = {}
        self.drift = 0.0
        self.forecast = True
        self.heads = 2
        self.lost = 0  # the rows up to this cursor are never streamed
        self.repeated = 0  # rows that each event sends once more
        self.streams = True
        self.asked: list[str] = []
        self.moved = threading.Condition()
        self.port = 0
        self.lines: set[socket.socket] = set()
        self.server: ThreadingHTTPServer | None = None
        self.open()

    # What it measures and expects.

    def value(self, name: str, second: int) -> dict[str, float]:
        """Return actual, twin and deviation of a column in a second."""
        base = TAGS.get(name, 0.8)
        deviation = base * 0.008 * (1 + 3 * math.exp(-second / 40))
        twin = base * (1 + 0.02 * math.sin(second / 45))
        noise = random.Random(f"{name}{second}").gauss(0, 0.7) * base * 0.008
        drift = self.drift * max(0, second - 180) * base * 0.008 if name == "PI-102" else 0
        return {"actual": twin + noise + drift, "twin": twin, "deviation": deviation}

    def rows(self, first: int, last: int) -> tuple[list[float], dict[str, dict[str, list[Any]]]]:
        """Return the rows from `first` to before `last`, without those that are missing."""
        seconds = [second for second in range(max(0, first), last) if second not in self.missing]
        columns = {}
        for entry in self.charts:
            values = [self.value(entry["name"], second) for second in seconds]
            columns[entry["name"]] = {
                "twin": [v["twin"] for v in values],
                "deviation": [v["deviation"] for v in values],
            }
            if entry["kind"] == "tag":
                columns[entry["name"]] |= {
                    "actual": [v["actual"] for v in values],
                    "quality": [self.quality.get(second, 0) for second in seconds],
                }
        return [float(START + second) for second in seconds], columns

    def sequence(self, rows: int) -> int:
        return (START + rows - 1) * 1_000_000

    def ahead(self) -> dict[str, Any] | None:
        if not self.forecast:
            return None
        steps = range(self.settled + 5, self.settled + 600, 5)
        columns = {}
        for entry in self.charts:
            values = [self.value(entry["name"], step) for step in steps]
            columns[entry["name"]] = {
                "twin": [v["twin"] for v in values],
                "deviation": [v["deviation"] * (1 + i / 20) for i, v in enumerate(values)],
            }
        return {"t": [START + step for step in steps], "columns": columns}

    def trend(self, span: float, points: int, until: float | None) -> dict[str, Any]:
        """Return a window, in buckets where it has more rows than points."""
        end = self.settled if until is None else min(self.settled, math.floor(until - START) + 1)
        times, columns = self.rows(math.ceil(end - 1 - span), end)
        size = math.ceil(len(times) / points) or 1
        given = {}
        for name, column in columns.items():
            given[name] = {field: column[field][::size] for field in ("twin", "deviation")}
            if "actual" in column:
                buckets = [column["actual"][i : i + size] for i in range(0, len(times), size)]
                given[name] |= {"lo": [min(b) for b in buckets], "hi": [max(b) for b in buckets]}
                given[name]["quality"] = column["quality"][::size]
        return {
            "seq": self.sequence(end),
            "from": START + end - 1 - span,
            "until": START + end - 1,
            "live": until is None,
            "charts": self.charts,
            "t": times[::size],
            "columns": given,
            "ahead": self.ahead(),
            "gap": 5.0 * size,
        }

    def delta(self, since: int) -> dict[str, Any]:
        """Return all rows after a cursor."""
        first = since // 1_000_000 - START + 1
        times, columns = self.rows(first, self.settled)
        head_times, head = self.rows(self.settled, self.settled + self.heads)
        return {
            "since": since,
            "seq": self.sequence(self.settled),
            "t": times,
            "columns": columns,
            "head": {"t": head_times, "columns": head} if self.heads else None,
            "ahead": self.ahead(),
        }

    def settle(self, rows: int) -> None:
        """Let time pass."""
        with self.moved:
            self.settled += rows
            self.moved.notify_all()

    def lose(self, rows: int) -> None:
        """Let time pass without telling those who listen."""
        with self.moved:
            self.settled += rows
            self.lost = self.sequence(self.settled)

    # How it goes off and on.

    def open(self) -> None:
        """Listen, on the same port as before."""

        class Handler(Answer):
            plant = self

        ThreadingHTTPServer.daemon_threads = True
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        """Stop listening and cut every line, as a server that dies."""
        server, self.server = self.server, None
        if server is None:
            return
        server.shutdown()
        self.thread.join()
        server.server_close()
        with self.moved:
            self.moved.notify_all()
        for line in list(self.lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class Answer(BaseHTTPRequestHandler):
    """Answers the page's requests."""

    plant: Plant

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def handle(self) -> None:
        self.plant.lines.add(self.connection)
        with suppress(OSError):
            super().handle()
        self.plant.lines.discard(self.connection)

    def give(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        address = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        plant = self.plant
        if address.path.startswith("/api/v1/"):
            plant.asked.append(self.path)
        match address.path:
            case "/":
                self.give(PAGE.encode(), TYPES[".html"])
            case "/favicon.ico":
                self.give(b"", "image/x-icon", 204)
            case "/api/v1/trend":
                until = float(query["until"]) if "until" in query else None
                self.give_json(plant.trend(float(query["span"]), int(query["points"]), until))
            case "/api/v1/delta":
                self.give_json(plant.delta(int(query["since"])))
            case "/api/v1/export.csv":
                self.give(b'{"detail": "300 rows are too many; ask for fewer"}', "application/json", 413)
            case "/api/v1/stream":
                self.stream(int(query["since"]))
            case path if path.startswith("/static/"):
                file = STATIC / path.removeprefix("/static/")
                self.give(file.read_bytes(), TYPES[file.suffix])
            case _:
                self.give(b"", "text/plain", 404)

    def give_json(self, document: dict[str, Any]) -> None:
        self.give(json.dumps(document).encode(), "application/json")

    def stream(self, since: int) -> None:
        """Send what has settled, again and again, until the server goes off or the page goes away."""
        plant, server = self.plant, self.server
        if not plant.streams:
            self.give(b"", "text/plain", 503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.flush()
        while True:
            with plant.moved:
                while plant.server is server and plant.sequence(plant.settled) <= max(since, plant.lost):
                    plant.moved.wait()
                if plant.server is not server:
                    return
                event = plant.delta(max(since, plant.lost) - plant.repeated * 1_000_000)
            since = event["seq"]
            self.wfile.write(f"id: {since}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
