"""The whole state of a run as a value: hashed, saved without pickle, restored in any process, going on bit for bit."""

import ast
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from twin.declare import Asset
from twin.errors import DataError, SnapshotError
from twin.layout import Control, Layout
from twin.plant import Plant

FORMAT = 2
_FLOW = "flow."
_HEADER = {"format", "plant", "identity", "seed", "z_names", "c_names", "digest"}


@dataclass(frozen=True)
class Snapshot:
    """Every member's state at one instant.

    Attributes
    ----------
    plant : str
        Name of the plant.
    identity : str
        Hash of what the numbers belong to: equipment with its source, wires, solver, tags, schedule.
    seed : int
        Seed of the run's named random streams; they are counter-based, so this is all of them.
    z_names, c_names : tuple of str
        What each row of `z` and `c` is.
    z : (rows, members)
        States, held numbers, held inputs, last guard values.
    c : (rows, members)
        Times, solver memory, counters, dues; float64.
    flow : mapping of str to numpy.ndarray
        The records of each member's flow, by name; empty where there is none.
    """

    plant: str
    identity: str
    seed: int
    z_names: tuple[str, ...]
    c_names: tuple[str, ...]
    z: np.ndarray
    c: np.ndarray
    flow: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def time(self) -> float:
        """Time of the slowest member [s]."""
        return float(self.c[int(Control.T)].min())

    @property
    def members(self) -> int:
        """Number of members."""
        return int(self.z.shape[1])

    @cached_property
    def digest(self) -> str:
        """Hash of identity, seed, names and every number."""
        head = json.dumps(
            [FORMAT, self.identity, self.seed, str(self.z.dtype), self.z.shape, self.z_names, self.c_names]
        )
        arrays = [self.z, self.c, *(self.flow[name] for name in sorted(self.flow))]
        parts = [head.encode(), *(np.ascontiguousarray(array).tobytes() for array in arrays)]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    @property
    def nbytes(self) -> int:
        """Size of the numbers in memory."""
        return int(self.z.nbytes + self.c.nbytes + sum(array.nbytes for array in self.flow.values()))

    def save(self, path: Path) -> None:
        """Write the snapshot whole to a temporary name, then rename it to `path`.

        Raises
        ------
        DataError
            If it can't be written.
        """
        header = {
            "format": FORMAT,
            "plant": self.plant,
            "identity": self.identity,
            "seed": self.seed,
            "z_names": self.z_names,
            "c_names": self.c_names,
            "digest": self.digest,
        }
        buffer = io.BytesIO()
        arrays = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8), "z": self.z, "c": self.c}
        arrays |= {f"{_FLOW}{name}": array for name, array in self.flow.items()}
        np.savez(buffer, allow_pickle=False, **arrays)
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except OSError as err:
            Path(temporary).unlink(missing_ok=True) if temporary else None
            raise DataError(
                f"{path}: snapshot can't be written: {err.strerror}; make room or choose another folder"
            ) from None

    @classmethod
    def load(cls, path: Path) -> "Snapshot":
        """Read a snapshot and check its hash.

        Raises
        ------
        DataError
            If the file can't be read, is truncated or changed.
        SnapshotError
            If it was written in another format.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                z, c = file["z"], file["c"]
                flow = {name.removeprefix(_FLOW): file[name] for name in file.files if name.startswith(_FLOW)}
        except OSError as err:
            raise DataError(f"{path}: snapshot can't be read: {err.strerror or err}; check the path") from None
        except (BadZipFile, KeyError, ValueError, EOFError, TypeError, AttributeError, NotImplementedError) as err:
            raise DataError(f"{path}: not a whole snapshot ({err}); take it again") from None
        if not isinstance(header, dict) or not header.keys() >= _HEADER:
            raise DataError(f"{path}: not a snapshot: its header is incomplete; take it again")
        if header.get("format") != FORMAT:
            raise SnapshotError(
                f"{path}: snapshot format {header.get('format')}, this version reads {FORMAT}; take it again"
            )
        names = tuple(header["z_names"]), tuple(header["c_names"])
        read = cls(header["plant"], header["identity"], header["seed"], *names, z, c, flow)
        if read.digest != header["digest"]:
            raise DataError(f"{path}: numbers don't match their hash; the file was changed or damaged: take it again")
        return read


def identity(plant: Plant) -> str:
    """Return the hash of everything about a plant but its values and limits."""
    parts: list[object] = [plant.name, sorted(plant.wires.items()), plant.solver, sorted(plant.tags.items())]
    parts += [plant.schedule, [(a, _described(cls)) for a, cls in plant.assets.items()]]
    if plant.flow is not None:
        from twin.flow.laying import Laid  # and what it is made of: not for plants without a flow

        parts.append(Laid(plant.flow).structure)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _described(cls: type[Asset]) -> list[object]:
    """Return what a class's numbers mean: its quantities in order, its equations and its behaviour."""
    formulas = {**cls.outputs, **cls.dynamics, **cls.guards, **{n: f for n, (_, _, f) in cls.transitions.items()}}
    equations = [
        (n, f.arguments, [(line.target, ast.unparse(line.expression)) for line in f.lines], f.results)
        for n, f in formulas.items()
    ]
    triggers = [(n, kind, trigger) for n, (kind, trigger, _) in cls.transitions.items()]
    quantities = [(role.__name__, list(named)) for role, named in cls.roles.items()]
    return [cls.__name__, quantities, equations, triggers]


def row_names(layout: Layout) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the rows of `Ensemble.member_state` are."""
    by_row = {row: path for path, row in layout.rows.items()}
    by_row |= {layout.gp + i: f"guard:{name}" for i, name in enumerate(layout.guards)}
    by_row |= {layout.compensation + i: f"lost:{p}" for i, p in enumerate(layout.states) if layout.real is np.float32}
    controls = {int(row): row.name.lower() for row in Control}
    controls |= {len(Control) + k: f"sample:{period!r}" for k, period in enumerate(layout.periods)}
    controls |= {row: path for path, row in layout.dues.items()}
    return (
        tuple(by_row[int(r)] for r in layout.member_rows()),
        tuple(controls[int(r)] for r in layout.member_controls()),
    )


def checked(snapshot: Snapshot, plant: Plant, layout: Layout) -> Snapshot:
    """Return the snapshot if it is of this plant and number type.

    Raises
    ------
    SnapshotError
        If it belongs to another plant, or to other versions of its equipment.
    """
    if snapshot.identity != identity(plant):
        raise SnapshotError(
            f"{plant.name}: the snapshot is of {snapshot.plant} {snapshot.identity[:12]}, not of this plant "
            f"{identity(plant)[:12]}; use the plant it was taken from, or rebase it"
        )
    if (snapshot.z_names, snapshot.c_names) != row_names(layout) or snapshot.z.dtype != layout.real:
        raise SnapshotError(
            f"{plant.name}: the snapshot holds {snapshot.z.dtype} rows of another kernel; run with the same number type"
        )
    return snapshot


def rebased(snapshot: Snapshot, z: np.ndarray, c: np.ndarray, layout: Layout) -> tuple[Snapshot, tuple[str, ...]]:
    """Return a snapshot for another plant with rows mapped by name, and the names that stay at their defaults.

    Parameters
    ----------
    z, c : arrays
        State of the other plant at rest, as `Ensemble.member_state` returns it.
    """
    plant = layout.plant
    z_names, c_names = row_names(layout)
    z_old = {name: i for i, name in enumerate(snapshot.z_names)}
    c_old = {name: i for i, name in enumerate(snapshot.c_names)}
    new_z = np.repeat(z[:, :1], snapshot.members, axis=1)
    new_c = np.repeat(c[:, :1], snapshot.members, axis=1)
    for i, name in enumerate(z_names):
        if name in z_old:
            new_z[i] = snapshot.z[z_old[name]]
    for i, name in enumerate(c_names):
        if name in c_old:
            new_c[i] = snapshot.c[c_old[name]]
        elif name.startswith("sample:"):  # those before now have been
            new_c[i] = np.ceil(snapshot.c[int(Control.T)] / float(name.removeprefix("sample:")))
    defaulted = tuple(name for name in (*z_names, *c_names) if name not in z_old and name not in c_old)
    return Snapshot(
        plant.name, identity(plant), snapshot.seed, z_names, c_names, new_z, new_c, snapshot.flow
    ), defaulted
