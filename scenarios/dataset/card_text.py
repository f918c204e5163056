"""The text of a data set's card: what it is, how it was made, what it lacks, and how to load it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from scenarios.conclude import guessed
from scenarios.dataset.contract import Contract
from scenarios.dataset.manifest import SPEC, Manifest
from scenarios.dataset.reading import MISFITS, PER_CHANNEL, SERIES, Dataset
from scenarios.dataset.spec import Spec
from scenarios.markup import clean
from twin.errors import DataError
from twin.runs import Scale

ALPHABET = str.maketrans({"|": "\\|", "\n": " ", "<": "&lt;", "*": "\\*", "`": "'"})
EXACT = (
    "Every number is simulated: no plant was recorded. Labels are exact: they are what the simulation did, not what "
    "somebody judged."
)
WINDOW = 128
"""Rows of a window in the examples, where runs are as long."""


TRAINING = """```python
from scenarios.dataset import TwinDataset

train = TwinDataset(".", "train", rows={rows}, label="fault")
x, measured, y, run, first = train[0]
print(len(train), x.shape, train.classes[y])
```"""
PLAIN = """```python
{plugin}import h5py

with h5py.File({shard!r}) as shard:
    signals = shard["signals"][0]  # rows and channels of a run
    fault = shard["labels/fault"][0]
    names = shard["axes/channel"].asstr()[:]
print(signals.shape, list(names))
```"""
HUGGING_FACE = """```python
{plugin}from datasets import Dataset, load_dataset

{calls}
```"""
AGAIN = """```
twin dataset make {spec} --runs {said.runs} --seed {said.seed} --codec {codec} --out again
```

The same bytes come out where `identity` in `dataset.json` is the same: {identity}. It was made with {versions}."""


class Told(NamedTuple):
    """What a card tells of.

    Attributes
    ----------
    data : Dataset
    asked : Spec or None
        What it was made from, where that may be known.
    why : str
        Why it isn't known.
    contract : Contract or None
    realism : dict
        What a comparison with a recording found.
    exports : tuple of str
        Folders of exports that are there.
    """

    data: Dataset
    asked: Spec | None
    why: str
    contract: Contract | None
    realism: dict[str, Any]
    exports: tuple[str, ...]


def body(told: Told) -> str:
    """Return the card below its head, in Markdown."""
    said = told.data.manifest
    size = f"{said.runs} simulated runs of {said.rows} rows, one every {said.every:g} s, {len(said.channels)} signals"
    parts = [
        f"# {cell(said.name)}",
        cell(said.about),
        f"{size}; {said.machines} machines of {' and '.join(cell(plant) for plant in said.plants)}. {EXACT}",
    ]
    for title, text in (
        ("Signals", _signals(told)), ("What goes wrong", _faults(told)), ("Instruments", _instruments(told)),
        ("Labels", _labels(told)), ("Splits", _splits(said)), ("Known gaps", _gaps(told)),
        ("Realism", _realism(told)), ("Licence", _license(told)), ("Loading", _loading(told)),
        ("Making it again", _again(told)),
    ):  # fmt: skip
        parts += [f"## {title}", text]
    return "\n\n".join(parts) + "\n"


def cell(text: object) -> str:
    """Return text as one line that can't leave its cell of a table."""
    return clean(str(text).strip()).translate(ALPHABET)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    return f"{value:.4g}"


def _between(low: float, high: float, unit: str = "") -> str:
    ends = _number(low) if low == high else f"{_number(low)} to {_number(high)}"
    return f"{ends} {unit}".strip()


def _signals(told: Told) -> str:
    said = told.data.manifest
    rows = [
        (column.name, column.unit, column.doc, column.reads, _number(mean), _number(deviation))
        for column, mean, deviation in zip(said.channels, said.mean, said.deviation, strict=True)
    ]
    return table(("signal", "unit", "what", "reads", "mean", "deviation"), rows) + (
        "\n\nMean and standard deviation are those of the train split's measured values; all splits are normalised "
        "with them, by `TwinDataset` and in the windows files. Signals are stored as they were measured."
    )


def _faults(told: Told) -> str:
    said, asked, runs = told.data.manifest, told.asked, told.data.runs
    rows = []
    for fault in said.classes[1:]:
        mine = runs["severity"][runs["fault"] == fault.code]
        drawn = _between(mine.min(), mine.max()) if mine.size else "no run"
        grows = "?"
        if asked is not None:
            entry = asked.faults[fault.code - 1]
            grows = entry.growth if entry.growth == "step" else f"{entry.growth}, {_between(*entry.over, 's')}"
        rows.append((fault.code, fault.name, fault.doc or "", ", ".join(fault.moves), drawn, grows))
    if not rows:
        return "Nothing: all runs are healthy."
    text = table(("code", "class", "what happens", "moves", "severities", "growth"), rows)
    text += (
        "\n\nSeverity is a share of the way to the worst that the specification declares. A run has one fault of "
        "equipment at most; before its onset the run is a healthy one, and its machine, duty, environment and "
        "instruments are drawn without regard to the fault."
    )
    return text + ("" if asked else f" Growth isn't told: {told.why}.")


def _instruments(told: Told) -> str:
    said, asked = told.data.manifest, told.asked
    parts = []
    if said.sensor_faults:
        rows = []
        for fault in said.sensor_faults:
            size = "?"
            if asked is not None:
                entry = asked.sensor_faults[fault.code - 1]
                unit = "" if entry.kind == "gain" else asked.plant.quantity(asked.channels[entry.channel].reads).unit
                size = _between(*entry.size, unit) if entry.size.high else ""
            rows.append((fault.code, fault.name, fault.doc, ", ".join(fault.moves), size))
        parts.append(table(("code", "fault of an instrument", "kind", "tag", "size"), rows))
    if asked is None:
        return "\n\n".join([*parts, f"Noise and missing readings aren't told: {told.why}."])
    noisy = []
    for tag in asked.plant.tags.values():
        factor = Scale.of(asked.plant.quantity(tag.reads).unit, tag.unit).factor
        sizes = [_number(factor * size) if size else "" for size in (tag.noise, tag.quantum, tag.bias)]
        error = asked.machines.instruments.get(tag.name, 0.0)
        noisy.append((tag.name, tag.unit, *sizes, _number(factor * error) if error else "", f"{tag.dropout:.3g}"))
    parts.append(table(("tag", "unit", "noise", "steps", "bias", "differs between machines", "dropout"), noisy))
    missing = asked.missing
    parts.append(
        "Noise is white and normal; it and differences between machines are standard deviations, in the tag's unit. "
        f"A reading is missing with probability {missing.each:g} beside its dropout; all readings are missing "
        f"{3600.0 * missing.gaps:g} times an hour for {_between(*missing.lasts, 's')}. "
        "Missing values are NaN, with quality 1. "
        f"An instrument goes wrong in {100.0 * asked.sensor_faulty:g} % of the runs."
    )
    return "\n\n".join(parts)


def _labels(told: Told) -> str:
    file, _ = told.data.shard(0)
    rows = []
    for name in (each for each in SERIES if each in file and not each.startswith("truth/")):
        try:
            attrs, axes = file[name].attrs, "run, time" + ", channel" * (name in PER_CHANNEL)
            rows.append((name, axes, attrs["units"], attrs["long_name"], _codes(attrs)))
        except MISFITS as err:
            raise DataError(f"{told.data.folder}: {name} doesn't say what it is: {err}; make it again") from None
    truth = (
        "`truth/` holds what instruments don't show" if told.data.has("truth/signals") else "Hidden truth is left out"
    )
    ends = ", ".join(told.data.manifest.ends)
    life = (
        f"counts down to {cell(ends)}, and is NaN where no end was seen"
        if ends
        else "is NaN: no end of life is declared"
    )
    return table(("dataset", "axes", "unit", "what", "codes"), rows) + (
        "\n\nA row shows what was in force just before its instant: the first row after an onset is the first one "
        f"labelled. Remaining useful life {life}. {truth}."
    )


def _codes(attrs: Any) -> str:
    """Return what codes mean."""
    if "flag_meanings" not in attrs:
        return ""
    words = str(attrs["flag_meanings"]).split(" ")
    return ", ".join(f"{code} {word}" for code, word in zip(attrs["flag_values"], words, strict=True))


def _splits(said: Manifest) -> str:
    names = [each.name for each in said.classes]
    rows = [(split, sum(counts.values()), *(counts[name] for name in names)) for split, counts in said.counts.items()]
    return table(("split", "runs", *map(cell, names)), rows) + (
        "\n\nRuns are split, never windows. No other split has a machine of `unseen_machine`, a severity of "
        "`unseen_severity`, or a fault of `unseen_fault`. `dataset.json` and `index.h5` hold the splits."
    )


def _gaps(told: Told) -> str:
    said, asked = told.data.manifest, told.asked
    parts = [
        f"All signals are sampled at the same instants, every {said.every:g} s: no jitter, no clocks that differ.",
        "One fault of equipment and one of an instrument a run, at most. Faults grow by themselves, not by use.",
        "What happens is what the plant's equations and declared faults hold. Real plants do more.",
    ]
    if asked is None:
        parts.append(f"How many parameters are guesses isn't told: {told.why}.")
    else:
        for plant in asked.plants:
            guesses, parameters = guessed(plant)
            parts.append(
                f"{guesses} of {parameters} parameters of the equipment of {cell(plant.name)} are declared as guesses."
            )
    if said.failed:
        parts.append(f"{said.failed} runs have no numbers: their physics went wrong. `TwinDataset` leaves them out.")
    return "\n".join(f"* {part}" for part in parts)


def _realism(told: Told) -> str:
    numbers = {key: value for key, value in told.realism.items() if isinstance(value, str | int | float)}
    if not numbers:
        return "Not compared with a recording yet: `twin dataset compare` does that."
    rows = [(key, _number(value) if isinstance(value, float) else value) for key, value in sorted(numbers.items())]
    return table(("compared with a recording", ""), rows) + "\n\nMore in `realism/`."


def _license(told: Told) -> str:
    said, contract = told.data.manifest, told.contract
    text = f"{cell(said.license)}. Made for: {cell(said.purpose)}."
    if contract is None:
        return f"{text} It was made under no data contract."
    rows = [(s.name, s.contact, ", ".join(s.recordings), ", ".join(s.parameters)) for s in contract.suppliers]
    kept = f"until {contract.retention}" if contract.retention else "for ever"
    terms = [
        f"for {', '.join(contract.purposes)}", f"redistribution is {contract.redistribution}", f"to be kept {kept}",
        f"left out: {', '.join(contract.forbids) or 'nothing'}",
    ]  # fmt: skip
    return (
        f"{text} Made under the data contract {cell(contract.name)}, version {cell(contract.version)} "
        f"(`contract.yaml`): {cell('; '.join(terms))}.\n\n"
    ) + table(("supplier", "contact", "recordings", "parameters"), rows)


def _loading(told: Told) -> str:
    said = told.data.manifest
    plugin = "import hdf5plugin  # its codec\n" if said.codec != "gzip" else ""
    splits = [split for split, counts in said.counts.items() if sum(counts.values())]
    calls = {
        "windows": f"splits = {splits}\n"
        'windows = load_dataset("hdf5", data_files={split: f"windows/{split}.h5" for split in splits})',
        "parquet": 'table = Dataset.from_parquet("parquet/train.parquet")',
    }
    parts = [
        "Windows for training, with equipment-twin (PyTorch's `DataLoader` takes it as it is):",
        TRAINING.format(rows=min(WINDOW, said.rows)),
        "Runs, with h5py alone:",
        PLAIN.format(plugin=plugin, shard=said.shards[0].file),
    ]
    if told.exports:
        found = HUGGING_FACE.format(plugin=plugin, calls="\n".join(calls[kind] for kind in told.exports))
        parts += ["With Hugging Face's `datasets`:", found]
    else:
        parts.append(
            f"For Hugging Face's `datasets` run `twin dataset export . --windows {min(WINDOW, said.rows // 2)}`, then "
            "`twin dataset card .`."
        )
    return "\n\n".join(parts)


def _again(told: Told) -> str:
    said = told.data.manifest
    versions = cell(", ".join(f"{name} {version}" for name, version in said.versions.items()))
    text = AGAIN.format(spec=SPEC, said=said, codec=cell(said.codec), identity=cell(said.identity), versions=versions)
    if told.asked is None:
        return f"{text} That needs its specification and plant: {told.why}."
    return f"{text} `{SPEC}` is here, and each plant as `plant-NAME.yaml`: put them where the specification names them."
