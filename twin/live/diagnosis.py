"""What the estimator's evidence means: a declared fault, an instrument, or something that no declaration explains."""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from twin.declare import Asset
from twin.estimate.choose import Filter
from twin.live.excursion import HALF, Excursion
from twin.monitor import names
from twin.monitor.condition import Condition
from twin.units import from_si

SUSPECT = 15.0
"""Evidence (log-likelihood ratio, tempered) from which something is taken to be wrong."""
UNEXPLAINED = 25.0
"""Excess of the innovations, in the same measure, from which something is wrong even if nothing explains it."""
TOLERANT = 2.0 / 3.0
"""Share of both that is enough where a plant says what it tolerates: a deviation must then be larger than that too."""
CALM = 5.0
"""Evidence and excess below which a suspicion is over."""
EXPLAINED = 0.9
"""Share of the excess that a hypothesis must explain to be believed."""
WHOLLY = 1.0
"""The same for an instrument: its error adds to one reading exactly; whatever else deviates speaks against it."""
RIVAL = 0.05
"""Hypotheses whose evidence is this close to the best one's, relative to it, can't be told apart."""
GONE, GONE_FOR = 4.0, 120.0
"""A suspicion is over once every tag has been within so many sigma of the held baseline for so long [s]."""
AT_LEAST = 6.0
"""Evidence by which one hypothesis must lead another at least."""
SURE = 0.8
"""Probability from which an instrument is blamed though equipment might be, and one fault though others might be."""
PLAUSIBLE = 0.25
"""A fault that has less than this share of a leading instrument's probability isn't told."""
MOST = 8
"""Candidates at most: what can't be told apart is told together."""
KEY = "deviation"
"""One excursion of the plant is one advisory, whatever it turns out to be."""
READINGS = 4
"""How many tags an advisory names."""


class Verdict(NamedTuple):
    """What is wrong, if anything is: hypotheses, likeliest first, with probabilities; empty where none explains it."""

    suspicious: bool
    candidates: tuple[tuple[str, float], ...]
    size: float
    since: float


UNSUSPICIOUS = Verdict(False, (), 0.0, 0.0)
"""Nothing is suspected."""


class Diagnosis:
    """Reads a filter's suspicions at every instant.

    Parameters
    ----------
    judged : Filter
    plant_assets : dict
        Class of each asset.
    """

    def __init__(self, judged: Filter, plant_assets: dict[str, type[Asset]]) -> None:
        self.judged, self.assets = judged, plant_assets
        self.tags = tuple(t.name for t in judged.tags)
        self.suspicious = False
        self.newest = [float(v) for v in judged.shown[: len(self.tags)]]
        """What each tag read last, SI."""
        self.fresh = 0.0
        """When what was known was forgotten last: nothing began before [s]."""
        self.near = 0.0
        """When some tag was last away from what is expected while something was suspected [s]."""
        self.excursion = Excursion(self.tags, judged.estimation.tolerance, judged.estimation.every)

    def judge(self, suspicious: bool) -> None:
        """Go on from what was judged before."""
        self.suspicious = suspicious
        self.judged.hold(suspicious)
        if not suspicious:
            self.excursion.end()

    def state(self) -> dict[str, Any]:
        """Return everything that the next verdict depends on beside the filter."""
        return {
            "suspicious": self.suspicious,
            "newest": list(self.newest),
            "near": self.near,
            "fresh": self.fresh,
            "excursion": self.excursion.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; the filter's own state comes after."""
        self.judge(bool(state["suspicious"]))
        self.newest = [float(v) for v in state["newest"]]
        self.near = float(state["near"])
        self.fresh = float(state["fresh"])
        self.excursion.restore(state["excursion"])

    def verdict(self, now: float) -> Verdict:
        """Return what is wrong `now`, in seconds since the first reading; hold or release what the filter learns."""
        if now < self.judged.estimation.commission:
            self._forget(now)
            self.excursion.settle()
            return Verdict(False, (), 0.0, now)
        s = self.judged.suspicions
        excess, best = float(s.excess[0]), int(np.argmax(s.evidence)) if s.evidence.size else -1
        top = float(s.evidence[best]) if best >= 0 else 0.0
        evident = self._evident(top, excess)
        before = self.suspicious
        gone = self._gone(now)
        if before:
            self.suspicious = (top > CALM or excess > CALM) and self.excursion.lasts() and not gone
        else:
            self.suspicious = evident and self.excursion.begins()
        self.judged.hold(self.suspicious)
        if not self.suspicious:
            self.excursion.end()
            if before:
                self.excursion.settle()
            if before and gone:
                self._forget(now)  # sums of what was keep growing with how far off it was; it is over all the same
            if self.excursion.declared and (before or (evident and self.excursion.size < HALF)):
                self._forget(now)  # what doesn't matter is no evidence of what may come
            return Verdict(False, (), 0.0, now)
        since = float(min(s.onset[best], s.excess[1])) if top >= self._enough * SUSPECT else float(s.excess[1])
        if self.excursion.declared:
            since = max(since, self.excursion.left)
        return Verdict(True, self._candidates(top, excess), self._size(), max(since, self.fresh))

    @property
    def strength(self) -> float:
        """How much speaks for a deviation, over what makes a suspicion: the least of evidence and size; 0 at first."""
        if self.excursion.time < self.judged.estimation.commission:
            return 0.0
        s = self.judged.suspicions
        evidence = max(float(s.evidence.max(initial=0.0)) / SUSPECT, float(s.excess[0]) / UNEXPLAINED) / self._enough
        return min(evidence, self.excursion.size) if self.excursion.declared else evidence

    @property
    def _enough(self) -> float:
        return TOLERANT if self.excursion.declared else 1.0

    def _evident(self, top: float, excess: float) -> bool:
        """Return whether evidence or excess is enough to take something to be wrong."""
        return top >= self._enough * SUSPECT or excess >= self._enough * UNEXPLAINED

    def renew(self, now: float, subject: str) -> None:
        """Believe anew what the plant's file says of an asset or a tag: it was replaced or repaired."""
        self.judged.renew(subject)
        self.fresh = now

    def _forget(self, now: float) -> None:
        self.judged.forget()
        self.fresh = now

    def _gone(self, now: float) -> bool:
        """Return whether every tag has long been where the held baseline expects it: whatever it was is over."""
        if not self.suspicious or self._size() >= GONE:
            self.near = now
        return now - self.near >= GONE_FOR

    def _candidates(self, top: float, excess: float) -> tuple[tuple[str, float], ...]:
        """Return the hypotheses that explain enough, each with its probability."""
        s, suspects = self.judged.suspicions, self.judged.suspects
        instrument = suspects[int(np.argmax(s.evidence))] in self.tags if suspects else False
        if top < (WHOLLY if instrument else EXPLAINED) * excess or top < self._enough * SUSPECT:
            return ()
        width = AT_LEAST + RIVAL * top
        weights = np.exp((s.evidence - top) / (0.5 * width))
        shares = weights / weights.sum()
        order = sorted(range(len(suspects)), key=lambda i: (-shares[i], i))
        return tuple((suspects[i], float(shares[i])) for i in order if s.evidence[i] >= top - width)[:MOST]

    def see(self, now: float, reading: np.ndarray, expected: np.ndarray) -> None:
        """Take note of what the tags read, and of what was expected of them."""
        self.excursion.see(now, reading, expected[: len(self.tags)])
        self.newest = [float(new) if math.isfinite(new) else old for old, new in zip(self.newest, reading, strict=True)]

    def deviations(self) -> np.ndarray:
        """Return how far each tag is from what is expected, smoothed, in standard deviations of that."""
        memory = self.judged.settings.memory
        return np.asarray(self.judged.suspicions.rest[-1][: len(self.tags)] / math.sqrt(memory / (2.0 - memory)))

    def _size(self) -> float:
        return float(np.abs(self.deviations()).max(initial=0.0))

    def fault_of(self, verdict: Verdict) -> str:
        """Return the declared fault that an operator is told of first; empty where none is."""
        faults = self._faults(verdict)
        blamed = verdict.candidates[0] if verdict.candidates else ("", 0.0)
        return "" if not faults or (blamed[0] in self.tags and blamed[1] >= SURE) else faults[0][0]

    def _faults(self, verdict: Verdict) -> list[tuple[str, float]]:
        """Return the declared faults among the candidates that are not far behind the first."""
        found = [(name, p) for name, p in verdict.candidates if name in self.judged.trial.faults]
        return found if found and found[0][1] >= PLAUSIBLE * verdict.candidates[0][1] else []

    def conditions(
        self, verdict: Verdict, epoch: float, outlook: Mapping[str, float | str] = MappingProxyType({})
    ) -> Iterator[Condition]:
        """Yield what the verdict means to an operator.

        Parameters
        ----------
        epoch : float
            Source time of the first reading [s].
        outlook : mapping
            Parameters of the text that say what the next hours bring.
        """
        if not verdict.suspicious:
            return
        since = epoch + verdict.since
        shifts = self.deviations()
        order = sorted(range(len(self.tags)), key=lambda j: (-abs(shifts[j]), j))[:READINGS]
        told = [(self.tags[j], float(shifts[j])) for j in order if abs(shifts[j]) >= 3.0] or [
            (self.tags[order[0]], float(shifts[order[0]]))
        ]
        values: dict[str, float | str] = {"readings": names.readings(told), "since": since}
        faults = self._faults(verdict)
        size = max(verdict.size, 4.0)  # the evidence says that something is wrong; smoothing comes after
        best, share = verdict.candidates[0] if verdict.candidates else ("", 0.0)
        if not verdict.candidates:
            near = self._near([tag for tag, _ in told])
            about = [*(tag for tag, _ in told), *(self._owner(tag) for tag, _ in told)]
            yield Condition(KEY, "unknown", size, 0.5, since, {**values, **near}, tuple(dict.fromkeys(about)))
        elif best in self.tags and (share >= SURE or not faults):
            yield self._sensor(best, share, size, since)
        elif len(faults) > 1 and faults[0][1] < SURE:
            yield self._rivals(faults, size, since, {**values, **outlook})
        else:
            yield self._fault(*faults[0], size, since, {**values, **outlook})

    def _fault(self, path: str, share: float, size: float, since: float, values: dict[str, float | str]) -> Condition:
        cls = self.assets[path.partition(".")[0]]
        estimate: dict[str, float | str] = {
            "estimate": self.severity(path),
            "estimate_unit": self.judged.plant.quantity(path).unit,
        }
        told = {**values, **names.fault(path, cls), "probability": share, **estimate}
        return Condition(KEY, "fault", size, share, since, told, (path.partition(".")[0],))

    def _rivals(
        self, faults: list[tuple[str, float]], size: float, since: float, values: dict[str, float | str]
    ) -> Condition:
        owned = [(path, self.assets[path.partition(".")[0]], share) for path, share in faults]
        first = [names.fault(path, cls) for path, cls, _ in owned]
        soonest = min(first, key=lambda f: float(f["within"]))
        advice = {name: soonest[name] for name in ("respond", "within")}
        told = {**values, "candidates": names.faults(owned), **advice}
        about = tuple(dict.fromkeys(path.partition(".")[0] for path, _ in faults))
        return Condition(KEY, "fault_candidates", size, faults[0][1], since, told, about)

    def _sensor(self, tag: str, share: float, size: float, since: float) -> Condition:
        instrument = next(t for t in self.judged.tags if t.name == tag)
        asset = instrument.reads.partition(".")[0]
        declared = self.judged.plant.quantity(instrument.reads).unit
        shown = self.newest[self.tags.index(tag)]
        told: dict[str, float | str] = {
            "tag": tag,
            "place": names.place(instrument.reads, self.assets[asset]),
            "shown": from_si(shown, declared, instrument.unit),
            "expected": from_si(shown - self.severity(tag), declared, instrument.unit),
            "unit": instrument.unit,
            "size": float(self.deviations()[self.tags.index(tag)]),
            "since": since,
        }
        return Condition(KEY, "sensor", size, share, since, told, (tag, asset))

    def _owner(self, tag: str) -> str:
        """Return the asset that a tag reads: who works at it may be who moves the tag."""
        return next(t for t in self.judged.tags if t.name == tag).reads.partition(".")[0]

    def _near(self, tags: list[str]) -> dict[str, float | str]:
        """Return the asset whose tags deviate, if it is one."""
        owners = {t.reads.partition(".")[0] for t in self.judged.tags if t.name in tags[:2]}
        if len(owners) != 1:
            return {}
        owner = owners.pop()
        return {"near": names.asset(owner, self.assets[owner])}

    def severity(self, suspect: str) -> float:
        """Return the estimated severity of a fault, or error of an instrument, SI."""
        return self.judged.severity(self.judged.suspects.index(suspect))
