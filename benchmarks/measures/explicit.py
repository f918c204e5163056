"""Fixed steps: our kernels against C and ProgPy, for one member and for a thousand."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.peers.c_peer import FLAGS, CMembers, compiled
from benchmarks.peers.figures import Report
from benchmarks.peers.members import MEMBERS, settled, stepping, varied
from benchmarks.peers.straight import straight
from benchmarks.peers.timing import Rate, alternate
from twin.ensemble import Ensemble
from twin.plant import Plant

_ONE_STEPS, _LANE_STEPS = 20_000, 200
_SAME = 1e-9
"""C and our kernels round differently; by more than this they would not be the same equations."""


def measure(plant: Plant, report: Report, folder: Path) -> None:
    """Report single members and lanes of `plant` against C."""
    single(plant, report, folder)
    lanes(plant, report, folder)


def single(plant: Plant, report: Report, folder: Path) -> None:
    """Report one member, flat and families, against C; and against ProgPy where it is installed."""
    ours = settled(plant)
    families = Ensemble(plant, 1, form="families")
    families.restore(*ours.member_state())
    peers = _c_members(ours, folder, "double") if report_gcc(plant, report, "single_vs_c", "single_vs_c_native") else {}
    begun = ours.time
    rates = alternate(
        {
            **{f"C {name}": _c_work(peer, _ONE_STEPS) for name, peer in peers.items()},
            "flat": stepping(ours, _ONE_STEPS),
            "families": stepping(families, _ONE_STEPS),
        }
    )
    _shown(f"{plant.name}: one member, RK4 {plant.solver.step:g} s, steps per CPU second", rates)
    for peer in peers.values():
        _check_same(peer, ours)
    if peers:
        flat = rates["flat"]
        report.add("single_vs_c", plant.name, flat.over(rates["C O3"]), "flat / gcc -O3")
        report.add("single_vs_c_native", plant.name, flat.over(rates["C O3 native"]), "flat / gcc -O3 -march=native")
    report.add("single_families_vs_flat", plant.name, rates["families"].over(rates["flat"]), f"from t = {begun:g} s")
    _progpy(plant, report, rates["flat"])


def _progpy(plant: Plant, report: Report, flat: Rate) -> None:
    try:
        from benchmarks.peers.progpy_peer import ProgPyMember, straight_model, usual_model
    except ImportError as err:
        report.absent("progpy", str(err), "vs_progpy", plants=[plant.name])
        return
    start = settled(plant)
    written = {"usual": usual_model, "straight": straight_model}
    peers = {name: ProgPyMember(straight(plant), start, write) for name, write in written.items()}
    rates = alternate({name: partial(peer.advance, 100) for name, peer in peers.items()}, rounds=5)
    start.advance(start.time + peers["usual"].steps * plant.solver.step)
    gap = max(peer.difference(start) for peer in peers.values())
    if gap > _SAME:
        raise RuntimeError(f"{plant.name}: ProgPy is {gap:.2g} away from our states: not the same equations")
    _shown(f"{plant.name}: the same equations, step and error in ProgPy (states agree to {gap:.1g})", rates)
    report.add("vs_progpy", plant.name, flat.best / rates["usual"].best, "flat / ProgPy rk4, as its models are written")
    report.add("vs_progpy_straight", plant.name, flat.best / rates["straight"].best, "around ProgPy's containers")


def lanes(plant: Plant, report: Report, folder: Path) -> None:
    """Report 1,024 members in lanes against C over blocks, in float64 and float32."""
    one = settled(plant)
    ours = {
        f"{form}{'' if real is np.float64 else '32'}": varied(one, form, real=real)
        for form in ("flat", "families")
        for real in (np.float64, np.float32)
    }
    keys = ("lanes_vs_c_fast", "lanes_vs_c_fast_native", "lanes32_vs_c_fast")
    peers: dict[str, CMembers] = {}
    if report_gcc(plant, report, *keys):
        for real in ("double", "float"):
            for name, peer in _c_members(ours["flat"], folder, real).items():
                peers[f"C {name} {real}"] = peer
    rates = alternate(
        {
            **{name: _c_work(peer, _LANE_STEPS) for name, peer in peers.items()},
            **{name: stepping(ensemble, _LANE_STEPS) for name, ensemble in ours.items()},
            "one": stepping(one, 10 * _LANE_STEPS),
        }
    )
    _shown(f"{plant.name}: {MEMBERS} members, RK4 {plant.solver.step:g} s, member-steps per CPU second", rates)
    for name, peer in peers.items():
        if "double" in name:
            _check_same(peer, ours["flat"])
    for form in ("flat", "families"):
        _lane_figures(plant, report, rates, form, c=bool(peers))


def _lane_figures(plant: Plant, report: Report, rates: dict[str, Rate], form: str, *, c: bool) -> None:
    end = "" if form == "flat" else "_families"
    lane, lane32 = rates[form], rates[f"{form}32"]
    report.add(f"lanes_vs_scalar{end}", plant.name, lane.over(rates["one"]), f"{form} 64 lanes / flat, one member")
    if not c:
        return
    fast, native = rates["C fast double"], rates["C fast native double"]
    report.add(f"lanes_vs_c_fast{end}", plant.name, lane.over(fast), f"{form} / gcc -O3 -ffast-math, blocks of 64")
    report.add(f"lanes_vs_c_fast_native{end}", plant.name, lane.over(native), "and -march=native")
    report.add(f"lanes32_vs_c_fast{end}", plant.name, lane32.over(fast), "float32 / C in double")
    for name, flags in (("", "C fast float"), ("_native", "C fast native float")):
        report.add(f"lanes32_vs_c_fast{name}_float{end}", plant.name, lane32.over(rates[flags]), "float32 / C in float")


def report_gcc(plant: Plant, report: Report, *keys: str) -> bool:
    """Return whether there is gcc; say so where there is none."""
    if shutil.which("gcc"):
        return True
    report.absent("gcc", "not on PATH", *keys, plants=[plant.name])
    return False


def _c_members(ensemble: Ensemble, folder: Path, real: str) -> dict[str, CMembers]:
    peers = {}
    for name in FLAGS:
        c = compiled(ensemble, name, folder, real)
        peers[name] = CMembers(c, ensemble)
        if ensemble.members > 1:
            print(
                f"  gcc {' '.join(FLAGS[name])}, {real}: loop over members {'' if c.vectorised else 'not '}vectorised"
            )
    return peers


def _c_work(peer: CMembers, steps: int) -> Callable[[], float]:
    def work() -> float:
        peer.advance(steps)
        return float(steps * peer.members)

    return work


def _check_same(peer: CMembers, ours: Ensemble) -> None:
    """Refuse to compare C whose states are not ours after the same steps."""
    mine = np.array([ours.get(path) for path in ours.layout.states])
    gap = float(np.max(np.abs(peer.states() - mine) / (np.abs(mine) + 1e-9)))
    if gap > _SAME:
        raise RuntimeError(f"{ours.plant.name}: C is {gap:.2g} away from our states: not the same equations")


def _shown(title: str, rates: dict[str, Rate]) -> None:
    print(title, flush=True)
    for name, rate in rates.items():
        print(f"    {name:24s} median {rate.median / 1e6:10.5f} M   best {rate.best / 1e6:10.5f} M", flush=True)
