"""What splits may not share: runs, held-out machines, faults and severities; and copies of a run or a machine."""

import hashlib

import numpy as np

from scenarios.dataset.findings import Findings, Outcome, listed, several
from scenarios.dataset.manifest import Manifest
from scenarios.dataset.pieces import AGAIN, Known, Piece
from scenarios.dataset.spec import SPLITS

TRAIN, MACHINE, SEVERITY, FAULT = (
    SPLITS.index(name) for name in ("train", "unseen_machine", "unseen_severity", "unseen_fault")
)


class Separation:
    """Checks that splits hold out what they say, and that each has healthy runs."""

    name = "splits"

    def __init__(self, manifest: Manifest, known: Known) -> None:
        self._said, self._known = manifest, known
        self._drawn: dict[str, list[np.ndarray]] = {n: [] for n in ("number", "split", "fault", "machine", "severity")}

    def take(self, piece: Piece) -> None:
        """Take note of what a shard's runs are."""
        for name, pieces in self._drawn.items():
            pieces.append(piece.drawn[name])

    def outcome(self) -> Outcome:
        """Return what was found."""
        findings = Findings()
        if not self._drawn["split"]:
            return Outcome(self.name, "not tried", "no shard can be read")
        drawn = {name: np.concatenate(pieces) for name, pieces in self._drawn.items()}
        strange = np.flatnonzero((drawn["split"] >= len(SPLITS)) | (drawn["fault"] >= len(self._said.classes)))
        for run in strange:
            findings.add(f"run {drawn['number'][run]}", "is of a split or class that there isn't", AGAIN)
        self._faults(drawn, findings)
        self._machines(drawn, findings)
        self._severities(drawn, findings)
        counts = []
        for code, split in enumerate(SPLITS):
            mine = drawn["split"] == code
            if mine.any():
                counts.append(f"{split} {mine.sum()}")
                if not (mine & (drawn["fault"] == 0)).any():
                    findings.add(f"split {split}", "has no healthy run to tell faults from", "make more runs")
        return findings.outcome(self.name, ", ".join(counts) + ": faults, machines, severities are where they may be")

    def _faults(self, drawn: dict[str, np.ndarray], findings: Findings) -> None:
        held = set(drawn["fault"][drawn["split"] == FAULT].tolist()) - {0}
        if self._known.spec is not None:
            held |= {self._known.spec.classes.index(name) for name in self._known.spec.splits.faults}
        others = drawn["split"] != FAULT
        for code in sorted(held & set(drawn["fault"][others].tolist())):
            runs = drawn["number"][others & (drawn["fault"] == code)]
            name = self._said.classes[code].name
            findings.add(f"run {listed(runs.tolist(), 3)}", f"{name} is held out for unseen_fault, and is here", AGAIN)

    def _machines(self, drawn: dict[str, np.ndarray], findings: Findings) -> None:
        groups = [(MACHINE, [c for c in range(len(SPLITS)) if c != MACHINE])]
        if self._known.spec is not None and self._known.spec.splits.by == "machine":
            names = ("train", "validation", "test")
            codes = [SPLITS.index(name) for name in names]
            groups += [(code, [c for c in codes if c != code]) for code in codes]
        for code, others in groups:
            mine = np.unique(drawn["machine"][drawn["split"] == code])
            both = np.intersect1d(mine, drawn["machine"][np.isin(drawn["split"], others)])
            if both.size:
                said = f"is in {SPLITS[code]} and in another split, which may not share machines"
                findings.add(f"machine {listed(both.tolist(), 3)}", said, AGAIN)

    def _severities(self, drawn: dict[str, np.ndarray], findings: Findings) -> None:
        for each in self._said.classes[1:]:
            mine = drawn["fault"] == each.code
            unseen = drawn["severity"][mine & (drawn["split"] == SEVERITY)]
            seen = drawn["severity"][mine & (drawn["split"] != SEVERITY)]
            if unseen.size and seen.size and unseen.min() <= seen.max() and seen.min() <= unseen.max():
                said = f"severities of unseen_severity, {unseen.min():.3g} to {unseen.max():.3g}, overlap the seen ones"
                findings.add(each.name, f"{said}, {seen.min():.3g} to {seen.max():.3g}", AGAIN)


class Copies:
    """Checks that no run is there twice, and that machines that were held out aren't those of train."""

    name = "duplicates"

    def __init__(self, manifest: Manifest, known: Known) -> None:
        self._said, self._known = manifest, known
        self._digests: list[np.ndarray] = []
        self._drawn: list[np.ndarray] = []
        self._names: tuple[str, ...] = ()
        self._machines: dict[int, np.ndarray] = {}
        self._fixed: np.ndarray | None = None
        self._split: dict[int, set[int]] = {}

    def take(self, piece: Piece) -> None:
        """Take note of a shard's runs."""
        signals = piece["signals"]
        digests = [hashlib.blake2b(each.tobytes(), digest_size=8).digest() for each in signals[piece.good]]
        self._digests.append(np.frombuffer(b"".join(digests), np.uint64))
        self._drawn.append(np.stack([piece.number, piece.drawn["split"]], axis=1)[piece.good])
        self._names, values = piece.parameters()
        for k, machine in enumerate(piece.drawn["machine"].tolist()):
            first = self._machines.setdefault(machine, values[k])
            same = values[k] == first
            self._fixed = same if self._fixed is None else self._fixed & same
            self._split.setdefault(machine, set()).add(int(piece.drawn["split"][k]))

    def outcome(self) -> Outcome:
        """Return what was found."""
        findings = Findings()
        if not any(each.size for each in self._digests):
            return Outcome(self.name, "not tried", "no run has numbers")
        digests, drawn = np.concatenate(self._digests), np.concatenate(self._drawn)
        order = np.argsort(digests, kind="stable")
        for k in np.flatnonzero(digests[order][1:] == digests[order][:-1]):
            (one, split), (other, second) = drawn[order[k]], drawn[order[k + 1]]
            said = f"has the same signals as run {one} of {SPLITS[split]}"
            findings.add(f"run {other} of {SPLITS[second]}", said, AGAIN)
        said = f"no two of {several(len(digests), 'run')} are the same; {self._alike(findings)}"
        return findings.outcome(self.name, said)

    def _alike(self, findings: Findings) -> str:
        """Look for machines of `unseen_machine` whose parameters are a train machine's; return what was done."""
        unseen = [m for m, splits in self._split.items() if MACHINE in splits]
        if not unseen:
            return "no machine is held out"
        if "parameters" not in self._said.contents:
            return "machines not compared: the data set carries no parameters"
        spec = self._known.spec
        fixed = self._fixed if self._fixed is not None else np.zeros(0, bool)
        if not fixed.any() and spec is not None and spec.machines.instruments:
            return "machines differ in their instruments alone"
        trained = {values[fixed].tobytes(): m for m, values in self._machines.items() if TRAIN in self._split[m]}
        for held in sorted(unseen):
            same = trained.get(self._machines[held][fixed].tobytes())
            if same is not None:
                said = "is held out for unseen_machine, and has the parameters of one of train"
                findings.add(f"machine {held} (as {same})", said, "give machines a spread, and " + AGAIN)
        return "held-out machines differ from train's"
