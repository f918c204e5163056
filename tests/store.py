"""A plant small enough to compile in a moment: a store that fills, with an instrument of every kind."""

from pathlib import Path

ASSET = '''"""A store that something flows into."""

from twin.declare import Asset, Input, Memory, Output, Param, Source, State, guard, on, physics


class Store(Asset):
    """Store that fills. Valid until it is full."""

    size = Param("m2", "cross-section", 1.0, (0.1, 10.0), Source("guess", "after nothing in particular"))
    flow = Input("m3/s", "inflow", 0.1, (-1.0, 1.0))
    level = State("m", "height of what is stored", 0.0, (-1.0, 5.0))
    T = State("K", "temperature", 300.0, (200.0, 400.0))
    passed = Output("m3/s", "what passes on")
    halves = Memory("1", "how often it was half full")

    @physics
    def passing(flow):
        passed = 0.5 * flow
        return passed

    @physics
    def filling(flow, size):
        d_level = flow / size
        d_T = 0.0 * flow
        return d_level, d_T

    @guard
    def half_full(level):
        margin = level - 2.5
        return margin

    @on("half_full")
    def count(halves):
        halves = halves + 1.0
        return halves
'''

PLANT = """\
plant: stores
solver: {method: rk4, step: 100 ms}
assets:
  first: {is: store, with: {flow: 0.1 m3/s}}
  second: {is: store}
wires:
  second.flow: first.passed
tags:
  LI-1: {reads: first.level, unit: cm, every: 1 s, noise: 1 mm}
  LI/2: {reads: second.level, every: 0.5 s, quantum: 10 mm, dropout: 0.2}
  TI-1: {reads: first.T, unit: degC, every: 1 s, bias: 0.5 K, delay: 2 s}
limits:
  LI-1: {high: 2 m}
"""


def folder_of_assets(path: Path) -> Path:
    """Write the asset into a new folder."""
    folder = path / "extra"
    folder.mkdir()
    (folder / "store.py").write_text(ASSET, encoding="utf-8")
    return folder


def plant_file(path: Path, text: str = PLANT) -> Path:
    """Write the plant."""
    file = path / "stores.yaml"
    file.write_text(text, encoding="utf-8")
    return file
