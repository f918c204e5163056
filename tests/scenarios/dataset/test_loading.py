"""A specification that can't be made is refused with its line, and says what to do."""

import re
from pathlib import Path

import pytest

from scenarios.dataset.loading import load
from scenarios.dataset.making import Order, make
from scenarios.dataset.manifest import load as manifest
from twin.errors import PlantError

ADVICE = re.compile(r"; |did you mean|: give a |is outside \[|is not a finite number|names no parameter")
MODES = "modes: {idle: {}, pumping: {set: {upper.flow_in: [1e-5 m3/s, 3e-5 m3/s]}}}\n"

CASES = [
    # what is written instead, its line, what is said of it
    ("upper.leak: 1e-5 m2", "upper.leek: 1e-5 m2", 15, "faults.leak: upper.leek: no quantity 'leek'"),
    ("upper.leak: 1e-5 m2", "upper.area: 1 m2", 15, "faults.leak: no fault 'upper.area'"),
    ("upper.leak: 1e-5 m2", "upper.leak: 9 m2", 15, "faults.leak: upper.leak: 9 m2 is outside [0, 0.1] m2"),
    ("upper.leak: 1e-5 m2", "upper.leak: 1e-5 K", 15, "'1e-5 K' is not a value in m2"),
    ("upper.leak: 1e-5 m2", "upper.leak: 0 m2", 15, "upper.leak is 0 m2 in the plant already"),
    ("to: {upper.leak: 1e-5 m2}", "to: {}", 15, "faults.leak.to: dictionary should have at least 1 item"),
    ("to: {upper.leak: 1e-5 m2}", "to: {upper.leak: [0 m2, 1e-5 m2]}", 15, "input should be a valid string"),
    ("tag: level, kind: stuck", "tag: level, share: 1e308, kind: stuck", 20, "share: 1e308 is outside [0, 1e+06]"),
    ("seed: 7", f"contract: {'a' * 5000}", 8, "contract: there is no file"),
    ("tag: level, kind: stuck", "tag: levle, kind: stuck", 20, "sensor_faults.stuck.tag: no tag 'levle'"),
    ("every: 4 s}", "every: 4 s, tags: [levle]}", 9, "sampling.tags: no tag 'levle'"),
    ("every: 4 s}", "every: 4 s, tags: []}", 9, "sampling.tags: list should have at least 1 item"),
    ("every: 4 s}", "every: 4 s, truth: [upper.lvl]}", 9, "sampling.truth: upper.lvl: no quantity 'lvl'"),
    ("every: 4 s}", "every: 0 s}", 9, "sampling.every: 0 s is outside"),
    ("size: 5 %", "size: 500 %", 12, "spread.size: 500 % is outside [0, 0.3]"),
    ("size: 5 %", "size: -5 %", 12, "spread.size: -5 % is outside [0, 0.3]"),
    ("assets: [upper]", "assets: [uper]", 12, "spread: no asset 'uper'"),
    ("  spread:", "  within: {lower.area: [2 m2, 1 m2]}\n  spread:", 12, "lower.area: 2 m2 is above 1 m2"),
    ("  spread:", "  within: {lower.area: [-1 m2, 1 m2]}\n  spread:", 12, "lower.area: -1 m2 is outside"),
    ("  spread:", "  within: {lower.leak: [0 m2, 1e-6 m2]}\n  spread:", 12, "faults are drawn under `faults`"),
    ("  spread:", "  within: {upper.area: [1 m2, 2 m2]}\n  spread:", 12, "upper.area is drawn by machines.spread too"),
    ("  spread:", "  instruments: {level: -3 mm}\n  spread:", 12, "a standard deviation is from 0 to 1e+20"),
    ("count: 10", "count: 0", 11, "machines.count: '0': give a whole number from 1"),
    ("count: 10", "count: 1", 23, "0 of 1 machines are held out for unseen_machine"),
    ("train: 50 %", "train: 60 %", 23, "splits: shares sum to 1.1, not to 1"),
    ("train: 50 %, validation: 10 %", "train: 0 %, validation: 60 %", 23, "splits.train: no runs to train with"),
    ("faults: [lower_leak]", "faults: [lower_leek]", 23, "splits.faults: no fault 'lower_leek'"),
    ("faults: [lower_leak]", "faults: [lower_leak, leak, blocked]", 23, "splits.faults: holds out every fault"),
    ("faults: [lower_leak]", "faults: [leak]", 23, "unseen_severity has nothing to draw"),
    (", faults: [lower_leak]", "", 23, "unseen_fault has nothing to draw"),
    ("faults: [lower_leak]", "by: window, faults: [lower_leak]", 23, "splits.by: no way 'window'"),
    ("healthy: 40 %", "healthy: 0 %", 13, "healthy: no healthy runs"),
    ("healthy: 40 %", "healthy: 100 %", 13, "healthy: leaves no run for the faults"),
    ("healthy: 40 %", "healthy: -40 %", 13, "healthy: -40 % is outside [0, 1]"),
    ("healthy: 40 %", "healthy:", 13, "healthy: '' is not a number"),
    ("healthy: 40 %", "healthy: 40 %\nhealthy: 30 %", 14, "'healthy' was already given at spec.yaml:13"),
    ("healthy: 40 %", "helthy: 40 %", 13, "no key 'helthy'; did you mean 'healthy'"),
    ("unseen: [80 %, 100 %]", "unseen: [50 %, 100 %]", 15, "50 % to 100 % overlaps the seen severities, 20 % to 60 %"),
    ("severity: [20 %, 60 %]", "severity: [0 %, 60 %]", 15, "faults.leak.severity: 0 % is outside"),
    ("severity: [20 %, 60 %]", "severity: [60 %, 20 %]", 15, "faults.leak.severity: 60 % is above 20 %"),
    ("severity: [20 %, 60 %]", "severity: 60 %", 15, "faults.leak.severity: input should be a valid list"),
    ("growth: ramp", "growth: rampp", 15, "no growth 'rampp'; did you mean 'ramp'"),
    ("growth: ramp", "growth: ramp, onset: [100 %, 100 %]", 15, "240 s leaves no row in which it is seen"),
    ("growth: ramp", "growth: ramp, onset: [10 min, 20 min]", 15, "faults.leak.onset: 10 min is outside [0, 240] s"),
    ("growth: ramp", "growth: ramp, share: -1", 15, "faults.leak.share: -1 is outside"),
    ("over: [20 s, 60 s]", "over: [0 s, 60 s]", 15, "faults.leak.over: 0 s is outside"),
    ("over: [20 s, 60 s]", "over: [nan s, 60 s]", 15, "faults.leak.over: 'nan s' is not a finite number"),
    ("over: [20 s, 60 s]", "over: [20 s, inf s]", 15, "faults.leak.over: 'inf s' is not a finite number"),
    ("over: [20 s, 60 s]", "over: [20 s, 1e400 s]", 15, "faults.leak.over: '1e400 s' is not a finite number"),
    ("leak: {about: A hole in the upper", "healthy: {about: A hole in the upper", 15, "healthy is no fault"),
    ("leak: {about: A hole in the upper", "a/b: {about: A hole in the upper", 15, "a name is letters, digits, - and _"),
    ("healthy:", MODES + "healthy:", 13, "modes: nothing says in which order; give a `duty`"),
    ("healthy:", MODES + "duty: {a: {cycle: [idle 1 min, buzy 1 min]}}\nhealthy:", 14, "duty.a.cycle: no mode 'buzy'"),
    ("healthy:", MODES + "duty: {a: {cycle: [idle 1 s]}}\nhealthy:", 14, "duty.a.cycle: 1 s is outside [4, 1e+09] s"),
    ("healthy:", MODES + "duty: {a: {cycle: [idle]}}\nhealthy:", 14, "duty.a.cycle: 'idle' has no time"),
    ("healthy:", MODES + "duty: {a: {}}\nhealthy:", 14, "duty.a: has neither `cycle` and `modes`"),
    ("healthy:", MODES + "duty: {a: {modes: [idle]}}\nhealthy:", 14, "duty.a.each: 0 values; give [least, greatest]"),
    ("healthy:", "modes: {a: {set: {lower.flow_in: 1 m3/s}}}\nhealthy:", 13, "lower.flow_in: is wired to upper.drain"),
    ("healthy:", "modes: {a: {set: {upper.level: 1 m}}}\nhealthy:", 13, "upper.level is no input or parameter"),
    ("healthy:", "life: {ends: [upper.worn]}\nhealthy:", 13, "life.ends: no guard 'upper.worn'"),
    ("healthy:", "life: {ends: [upper.running_low], horizon: -1 s}\nhealthy:", 13, "life.horizon: -1 s is outside"),
    ("healthy:", "begin: {upper.leak: [0 m2, 1e-6 m2]}\nhealthy:", 13, "faults are drawn under `faults`"),
    ("healthy:", "begin: {upper.area: [1 m2, 2 m2]}\nhealthy:", 13, "upper.area is drawn by machines.spread too"),
    ("healthy:", "begin: {upper.level: 1 m}\nhealthy:", 13, "begin.upper.level: input should be a valid list"),
    (
        "healthy:",
        ("modes: {full: {set: {upper.flow_in: 5 m3/s}}}\nduty: {a: {cycle: [full 1 min]}}\n"
        "environment: {feed: {of: [upper.flow_in], levels: [0 m3/s, 6 m3/s]}}\nhealthy:"),
        15,
        "environment.feed: upper.flow_in would leave",
    ),
    ("runs: 40", f"runs: {10**30}", 7, "give a whole number from 1 to"),
    ("runs: 40", "runs: 10**30", 7, "'10**30': give a whole number"),
    ("runs: 40", "runs: -1", 7, "'-1': give a whole number"),
    ("runs: 40", "runs: [40]", 7, "runs: input should be a valid string"),
    ("seed: 7", "seed: -7", 8, "'-7': give a whole number from 0"),
    ("seed: 7", "solver: {method: euler}", 8, "solver.method: no method 'euler'"),
    ("seed: 7", "contents: [truht]", 8, "contents: no content 'truht'"),
    ("seed: 7", 'license: "MIT\\nevil: 1"', 8, "is no SPDX name"),
    ("seed: 7", "purpose: ''", 8, "purpose: string should have at least 1 character"),
    ("seed: 7", "contract: nowhere.yaml", 8, "contract: there is no file 'nowhere.yaml' beside this one"),
    ("seed: 7", "noise: -1", 8, "noise: -1 is outside"),
    ("about: Two tanks with", "about: [Two, tanks] #", 2, "about: input should be a valid string"),
    ("dataset: tiny", "dataset: a/b", 1, "dataset: 'a/b': a name is letters"),
    ("plants: [two_tanks]", "plants: [탱크]", 3, "plants: no plant '탱크'"),
    ("plants: [two_tanks]", "plants: []", 3, "plants: list should have at least 1 item"),
    ("plants: [two_tanks]", "plants: two_tanks", 3, "plants: input should be a valid list"),
    ("plants: [two_tanks]", "plants: [two_tanks, two_tanks]", 3, "2 plants are called 'two_tanks'"),
    ("plants: [two_tanks]", "plants: [two_tanks, cooling_station]", 3, "differ in more than numbers"),
    ("length: 4 min", "length: nan s", 4, "length: 'nan s' is not a finite number"),
    ("length: 4 min", "length: 1e9 s", 4, "250000000 rows a run, 10000000 at most"),
    ("length: 4 min", "length: 4.01 min", 4, "length: 4.01 min is no whole number of 4 s"),
    ("settle: 4 min\nhold: 4 s", "settle: 0 s\nhold: 400 s", 6, "400 s is longer than a run"),
    ("settle: 4 min", "settle: 1e9 s", 5, "1e9 s is outside [0, 1e+07] s"),
    ("about: Two tanks with", "about: '' #", 2, "about: string should have at least 1 character"),
    (
        "healthy:",
        "environment: {air: {of: [upper.T_amb], levels: [0 K, 1 K], every: 10 s}}\nhealthy:",
        13,
        "environment.air.every: 10 s is no whole number of `hold`s of 4 s",
    ),
    ("kind: stuck", "kind: stack", 20, "no kind 'stack'; did you mean 'stuck'"),
    ("lasts: [1 min, 2 min]", "lasts: [0 s, 2 min]", 20, "0 s is less than a row; give 4 s or more"),
    ("size: [20 mm, 40 mm]", "size: [40 mm, 20 mm]", 21, "[40 mm, 20 mm] is not two positive sizes"),
    ("size: [20 mm, 40 mm]", "size: [-20 mm, 40 mm]", 21, "is not two positive sizes"),
    ("size: [20 mm, 40 mm]", "size: [20 mm, 1e300 m]", 21, "is not two positive sizes up to 1e+20"),
    ("size: [20 mm, 40 mm]", "size: [20 K, 40 K]", 21, "'20 K' is not a value in m"),
    (", size: [20 mm, 40 mm]", "", 21, "sensor_faults.offset.size: offset needs a size"),
    ("sensor_faulty: 30 %", "sensor_faulty: 0 %", 19, "sensor_faults: none is ever drawn"),
    ("each: 1 %", "each: 100 %", 22, "missing.each: 100 % is outside [0, 0.999]"),
    ("gaps: 5", "gaps: -5", 22, "missing.gaps: -5 is outside"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line", "said"), CASES, ids=[f"{c[2]}-{c[3][:50]}" for c in CASES])
def test_a_wrong_specification_is_refused_with_its_line(
    tmp_path: Path, tiny_spec: Path, right: str, wrong: str, line: int, said: str
) -> None:
    text = tiny_spec.read_text(encoding="utf-8")
    assert right in text
    with pytest.raises(PlantError) as refused:
        load(written(tmp_path, text.replace(right, wrong, 1)))
    message = str(refused.value)
    assert message.startswith(f"spec.yaml:{line}: ")
    assert said in message
    assert ADVICE.search(message)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n", "a: [\n"])
def test_a_file_that_is_no_specification_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlantError, match=r"^spec\.yaml:[12]: "):
        load(written(tmp_path, text))


@pytest.mark.parametrize("key", ["faults", "sensor_faults", "modes"])
def test_more_classes_than_a_byte_counts_are_refused(tmp_path: Path, tiny_spec: Path, key: str) -> None:
    entry = {"faults": "{to: {upper.leak: 1e-5 m2}}", "sensor_faults": "{tag: level, kind: gap}", "modes": "{}"}[key]
    many = f"{key}:\n" + "".join(f"  more_{k}: {entry}\n" for k in range(256))
    text = tiny_spec.read_text(encoding="utf-8")
    text = text.replace(f"\n{key}:\n", f"\n{many}") if key != "modes" else text + "\n" + many
    with pytest.raises(PlantError, match=rf"{key}: 25\d of them, 255 at most; leave some out"):
        load(written(tmp_path, text))


def test_a_parameter_is_not_recorded_where_parameters_are_left_out(tmp_path: Path, tiny_spec: Path) -> None:
    text = tiny_spec.read_text(encoding="utf-8").replace("every: 4 s}", "every: 4 s, truth: [upper.area]}")
    assert load(written(tmp_path, text)).truth[0] == "upper.area"
    with pytest.raises(PlantError, match=r"spec\.yaml:9: sampling\.truth: upper\.area is a parameter, and `contents`"):
        load(written(tmp_path, text + "\ncontents: [truth, plant]\n"))


def test_a_plant_whose_name_is_no_file_name_is_refused_before_anything_is_made(tmp_path: Path, tiny_spec: Path) -> None:
    from twin.shipped import path_of

    plant = path_of("two_tanks").read_text(encoding="utf-8").replace("plant: two_tanks", "plant: ../two_tanks")
    (tmp_path / "tanks.yaml").write_text(plant, encoding="utf-8")
    text = tiny_spec.read_text(encoding="utf-8").replace("[two_tanks]", "[tanks.yaml]")
    with pytest.raises(PlantError, match=r"spec\.yaml:3: plants: '\.\./two_tanks' can't be part of a file's name"):
        load(written(tmp_path, text))


def test_a_spread_that_another_plant_would_leave_its_bounds_with_is_refused(tmp_path: Path, tiny_spec: Path) -> None:
    from twin.shipped import path_of

    plant = path_of("two_tanks").read_text(encoding="utf-8").replace("plant: two_tanks", "plant: others")
    (tmp_path / "others.yaml").write_text(plant.replace("area: 15 cm2", "area: 1.05 cm2", 1), encoding="utf-8")
    text = tiny_spec.read_text(encoding="utf-8").replace("[two_tanks]", "[two_tanks, others.yaml]")
    with pytest.raises(PlantError, match=r"spec\.yaml:12: machines\.spread: upper\.area of others would leave"):
        load(written(tmp_path, text))


def test_names_in_korean_are_kept(tmp_path: Path, tiny_spec: Path) -> None:
    text = (
        tiny_spec.read_text(encoding="utf-8").replace("dataset: tiny", "dataset: 물탱크").replace("  leak:", "  누수:")
    )
    make(Order(written(tmp_path, text.replace("runs: 40", "runs: 16")), tmp_path / "out", workers=1))
    said = manifest(tmp_path / "out")
    assert (said.name, said.classes[1].name) == ("물탱크", "누수")


def written(folder: Path, text: str) -> Path:
    """Return a specification's file."""
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return path
