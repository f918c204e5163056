"""What a scenario reports of a branch: indicators of stations and of the line, orders, crews, and physics."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from twin.declare import Due, Quantity
from twin.errors import PlantError, TwinError, unknown
from twin.flow.blocks import Flow, Source, Station
from twin.flow.kpi import KPIS, Kpi, Kpis
from twin.flow.laying import Laid
from twin.flow.records import State
from twin.monitor.book import in_korean
from twin.plant import Plant

STATISTIC = re.compile(r"(min|mean|max|passes)\((.+)\)")
STATES = tuple(state.name.lower() for state in State)
STATION = {kpi.key: field for field, kpi in KPIS.items() if field in Kpis._fields}
COUNTS = {
    "made": ("parts made", "생산 수량"), "failures": ("failures", "고장 횟수"), "setups": ("setups", "작업준비 횟수"),
    "services": ("maintenances", "정비 횟수"),
}  # fmt: skip
STATISTICS = {
    "": ("in the end, ", " (종료 시)"), "min": ("lowest ", " 최솟값"), "mean": ("mean ", " 평균"),
    "max": ("highest ", " 최댓값"), "passes": ("a limit is passed by the ", "의 한계값 초과 확률"),
}  # fmt: skip
STATE_WORDS = {
    "idle": ("idle", "대기"), "setup": ("setting up", "작업준비"), "busy": ("at work", "가공"),
    "blocked": ("blocked", "막힘"), "down": ("down", "고장"),
    "waiting": ("waiting for people or tools", "인력·공구 대기"), "maintenance": ("under maintenance", "정비"),
    "off": ("off shift", "비가동"), "tool": ("changing over", "공구 교체"),
}  # fmt: skip
HELD = ("parts held", "평균 재고")
LINE = {
    "done": ("parts delivered", "출하 수량", "1", "more"),
    "scrapped": ("parts scrapped", "폐기 수량", "1", "less"),
    "escaped": ("bad parts delivered", "유출 불량", "1", "less"),
    "throughput": ("throughput rate", "시간당 생산량", "1/s", "more"),
    "lead": ("mean lead time", "평균 리드타임", "s", "less"),
    "wip": ("work in progress", "재공(WIP)", "1", "less"),
    "energy": ("energy", "소비 에너지", "J", "less"),
    "good_energy": ("energy per good part", "양품당 에너지", "J", "less"),
    "cost": ("result in money", "손익", "", "more"),
}
ORDER = {
    "on_time": ("on time", "납기 준수 확률", "1", "more"),
    "done": ("parts done", "완료 수량", "1", "more"),
    "finished": ("finished after, or the end where it is still open", "완료 시각(미완료 시 종료 시각)", "s", "less"),
    "late": ("late by", "지연 시간", "s", "less"),
}


class Measure(NamedTuple):
    """Something that is reported.

    Attributes
    ----------
    name : str
        As the scenario writes it.
    english, korean, unit : str
        SI.
    better : str
        ``more``, ``less`` or nothing.
    probability : bool
        Whether each branch says yes (1) or no (0).
    """

    name: str
    english: str
    korean: str
    unit: str
    better: str
    probability: bool = False


def measure(plant: Plant, name: str, money: bool = False) -> Measure:
    """Return what is meant by a name of a scenario's `report`.

    Raises
    ------
    PlantError
        If the plant has nothing of that name.
    """
    found = STATISTIC.fullmatch(name)
    path = found[2].strip() if found else name
    flow = plant.flow
    what, dot, key = path.rpartition(".")
    if not dot and path not in plant.tags:
        raise PlantError(f"{name}: write what of what it is: line.throughput, station.oee or asset.quantity")
    if flow is not None and not found:
        blocks = {block.name: block for block in Laid(flow).flow.blocks}
        if what == "line":
            return _of_line(name, key, money)
        if what.startswith("order."):
            return _of_order(flow, name, what.removeprefix("order."), key)
        if what.startswith("crew."):
            pools = [pool.name for pool in flow.pools]
            if what.removeprefix("crew.") not in pools:
                raise PlantError(f"{name}: {unknown('crew', what.removeprefix('crew.'), pools)}")
            if key != "busy":
                raise PlantError(f"{name}: {unknown('number of a crew', key, ['busy'])}")
            return Measure(name, f"{what.removeprefix('crew.')} at work", "투입 인원", "1", "")
        if what not in blocks and f"{what}.1" in blocks:
            raise PlantError(f"{name}: {what} has several servers; ask {what}.1.{key}, and so on")
        if what in blocks:
            return _of_block(name, what, key, isinstance(blocks[what], Station))
    limit = found is not None and found[1] == "passes"
    if limit and path not in plant.limits:
        raise PlantError(f"{name}: {unknown('tag with a limit', path, plant.limits)}")
    if path in plant.tags:
        path = plant.tags[path].reads
    try:
        quantity = sampled(plant, path) if found else plant.quantity(path)
    except TwinError as err:
        known = [*([b.name for b in flow.blocks] if flow else ()), *plant.assets, "line", "order", "crew"]
        raise PlantError(
            f"{name}: {unknown('block or asset', what or path, known)}" if "no asset" in str(err) else f"{name}: {err}"
        ) from None
    english, korean = STATISTICS[found[1] if found else ""]
    asset = path.partition(".")[0]
    english, korean = f"{asset}: {english}{quantity.doc}", f"{asset}: {korean_of(plant, path)}{korean}"
    return Measure(name, english, korean, "1" if limit else quantity.unit, "less" if limit else "", limit)


def sampled(plant: Plant, path: str) -> Quantity:
    """Return the declaration of a quantity that can be read on the way.

    Raises
    ------
    PlantError
        If there is none, or it is a time of the equipment's own.
    """
    if isinstance(quantity := plant.quantity(path), Due):
        raise PlantError(f"{path} is a time of the equipment's own; name a memory, input, state or output")
    return quantity


def korean_of(plant: Plant, path: str) -> str:
    """Return what a quantity is, in Korean as far as somebody has said it."""
    asset, _, name = path.partition(".")
    quantity = plant.quantity(path)
    return in_korean(plant.assets[asset].__name__, "quantity", name, quantity.doc) or quantity.doc


def _of_line(name: str, key: str, money: bool) -> Measure:
    if key not in LINE or (key == "cost" and not money):
        raise PlantError(f"{name}: {unknown('number of the line', key, [k for k in LINE if money or k != 'cost'])}")
    return Measure(name, *LINE[key])


def _of_order(flow: Flow, name: str, order: str, key: str) -> Measure:
    orders = Laid(flow).orders
    if order not in orders:
        raise PlantError(f"{name}: {unknown('order', order, orders)}")
    if key not in ORDER:
        raise PlantError(f"{name}: {unknown('number of an order', key, ORDER)}")
    dues = {each.name: each.due for b in flow.blocks if isinstance(b, Source) for each in b.orders}
    if key in ("on_time", "late") and not math.isfinite(dues[order]):
        raise PlantError(f"{name}: order {order} has no due date; give it `due`")
    english, korean, unit, better = ORDER[key]
    return Measure(name, f"order {order} {english}", f"주문 {order} {korean}", unit, better, key == "on_time")


def _of_block(name: str, block: str, key: str, station: bool) -> Measure:
    if station and key in STATION:
        kpi: Kpi = KPIS[STATION[key]]
        return Measure(name, f"{block}: {kpi.english}", f"{block}: {kpi.korean}", kpi.unit, kpi.better)
    if station and key in COUNTS:
        return Measure(name, f"{block}: {COUNTS[key][0]}", f"{block}: {COUNTS[key][1]}", "1", "")
    if station and key in STATES:
        return Measure(name, f"{block}: time {STATE_WORDS[key][0]}", f"{block}: {STATE_WORDS[key][1]} 시간", "s", "")
    if key == "held":
        return Measure(name, f"{block}: {HELD[0]}", f"{block}: {HELD[1]}", "1", "")
    known = [*STATION, *COUNTS, *STATES, "held"] if station else ["held"]
    raise PlantError(f"{name}: {unknown('number of a block', key, known)}")


class Money(NamedTuple):
    """What things cost: per joule, per part, per order, per second of each person."""

    currency: str
    energy: float
    scrap: float
    part: float
    late: float
    crew: Mapping[str, float]
