"""Accounts and the audit log: who is let in, what a file may look like, and what a changed line gives away."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from twin.errors import DataError
from viz.accounts import Account, Patience, accounts_of, add, check, found, listed, may, refuse_open, remove, required
from viz.audit import FIRST, Audit, audit_of, verify, view_of

PASSWORD = "pump head flow"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the accounts of a data folder are."""
    return accounts_of(tmp_path)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at the least cost a file may name: the tests wait for nothing."""
    monkeypatch.setattr("viz.accounts._COST", 1 << 14)
    monkeypatch.setattr("viz.accounts._PASSES", 1)


def test_an_account_is_found_by_its_password_and_by_no_other(path: Path) -> None:
    added = add(path, "김 민수", "operator", PASSWORD)
    assert check(path, "김 민수", PASSWORD) == added == found(path, "김 민수")
    assert (added.name, added.role) == ("김 민수", "operator")
    for name, password in (("김 민수", "pump head flox"), ("김 민수", ""), ("nobody", PASSWORD), ("", "")):
        assert check(path, name, password) is None
    assert check(path, "김 민수", "x" * 1_000_000) is None


def test_a_password_is_the_same_however_the_keyboard_composes_it(path: Path) -> None:
    add(path, "kim", "viewer", "펌프 양정과 유량 그리고 효율")
    assert check(path, "kim", "\u1111\u1165\u11b7\u1111\u1173 양정과 유량 그리고 효율") is not None


def test_the_hash_of_no_account_fits_a_made_up_password(path: Path) -> None:
    add(path, "kim", "viewer", PASSWORD)
    stored = json.loads(path.read_bytes())["kim"]
    assert check(path, "kim", stored["hash"]) is None
    assert PASSWORD not in path.read_text()
    add(path, "lee", "viewer", PASSWORD)
    assert json.loads(path.read_bytes())["lee"]["hash"] != stored["hash"]


def test_a_name_that_is_not_there_takes_as_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viz.accounts._PASSES", 4)
    add(path, "kim", "viewer", PASSWORD)
    took = {"kim": 9.0, "nobody": 9.0}
    for _ in range(3):
        for name in took:
            begun = time.process_time()
            assert check(path, name, "wrong password") is None
            took[name] = min(took[name], time.process_time() - begun)
    assert took["nobody"] > 0.5 * took["kim"]


@pytest.mark.parametrize(
    "name", ["", " ", " kim", "kim ", "a" * 65, "a\nb", "<b>", "a/b", "a:b", "山", "ㄱ", "a\u202eb"]
)
def test_a_name_that_could_mislead_is_refused(path: Path, name: str) -> None:
    with pytest.raises(DataError, match="that is no name; use 1 to 64 letters"):
        add(path, name, "viewer", PASSWORD)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("x2345678901", "a password of 11 characters; give 12 to 128"),
        ("ab cd ef" * 17, "a password of 136 characters"),
        ("a" * 12, "that password is tried first"),
        ("KimchiKimchi", "that password is tried first"),
    ],
)
def test_a_password_that_is_short_or_tried_first_is_refused(path: Path, password: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        add(path, "kimchi", "viewer", password)
    assert password not in str(caught.value)


def test_a_role_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="no role 'enginer'; did you mean 'engineer'"):
        add(path, "kim", "enginer", PASSWORD)


def test_the_mark_changes_with_the_role_and_with_the_password(path: Path) -> None:
    first = add(path, "kim", "viewer", PASSWORD)
    assert found(path, "kim") == first
    marks = {first.mark, add(path, "kim", "viewer", PASSWORD).mark, add(path, "kim", "operator", PASSWORD).mark}
    assert len(marks) == 3


def test_accounts_are_listed_and_removed(path: Path) -> None:
    assert listed(path) == ()
    for name in ("lee", "kim"):
        add(path, name, "viewer", PASSWORD)
    assert [account.name for account in listed(path)] == ["kim", "lee"]
    remove(path, "kim")
    assert [account.name for account in listed(path)] == ["lee"]
    with pytest.raises(DataError, match="no account 'le'; did you mean 'lee'"):
        remove(path, "le")


def test_accounts_that_are_added_at_once_are_all_there(path: Path) -> None:
    names = [f"user{number}" for number in range(6)]
    threads = [threading.Thread(target=add, args=(path, name, "viewer", PASSWORD)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [account.name for account in listed(path)] == names


def test_files_are_for_their_owner_alone_and_are_refused_otherwise(path: Path) -> None:
    add(path, "kim", "viewer", PASSWORD)
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert [other.name for other in path.parent.iterdir()] == ["accounts.json"]
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(DataError, match=f"accounts.json: others can reach it; .*`chmod 600 {path}`"):
            listed(path)
    path.parent.chmod(0o750)
    with pytest.raises(DataError, match=r"view: others can reach it; .*chmod 700"):
        accounts_of(path.parents[1])


def test_a_link_or_a_folder_in_place_of_the_accounts_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("{}")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="can't be read"):
        listed(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match="is no regular file"):
        listed(path)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"kim": {}}', '{"kim": {"role": "root", "salt": "", "hash": ""}}', "\xff", "[" * 9000,
        json.dumps({"kim": {"role": "viewer", "salt": "0" * 32, "hash": "0" * 64, "cost": 1 << 30, "passes": 1}}),
        json.dumps({"kim": {"role": "viewer", "salt": "0" * 32, "hash": "0" * 64, "admin": True}}),
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_file_lets_nobody_in(path: Path, text: str) -> None:
    path.write_text(text, encoding="latin-1")
    path.chmod(0o600)
    for asked in (lambda: listed(path), lambda: check(path, "kim", PASSWORD)):
        with pytest.raises(DataError, match=r"is damaged: .*; put back a copy"):
            asked()


def test_roles_may_what_the_service_says_and_a_viewer_nothing() -> None:
    kinds = ("acknowledge", "shelve", "unshelve", "comment", "suppress", "bypass", "restore", "maintenance")
    able = {
        role: [kind for kind in kinds if may(Account("kim", role), kind)] for role in ("viewer", "operator", "engineer")
    }  # type: ignore[arg-type]
    assert able == {"viewer": [], "operator": list(kinds[:4]), "engineer": list(kinds[:7])}


def test_a_login_is_required_wherever_others_can_reach() -> None:
    here = ("127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST", "::1", "[::1]")
    there = (
        "0.0.0.0",
        "::",
        "[::]",
        "192.0.2.1",
        "",
        "localhost.evil.example",
        "twin",
        "127.0.0.1.nip.io",
        "::ffff:0.0.0.0",
    )
    assert [required(bind) for bind in here] == [False] * len(here)
    assert [required(bind) for bind in there] == [True] * len(there)


def test_a_view_that_nobody_can_log_in_to_does_not_start(path: Path) -> None:
    refuse_open("127.0.0.1", path)
    with pytest.raises(
        DataError, match=r"^0.0.0.0: nobody can log in; make an account with `twin view DATA --add-account NAME`$"
    ):
        refuse_open("0.0.0.0", path)
    add(path, "kim", "viewer", PASSWORD)
    refuse_open("0.0.0.0", path)


def test_the_wait_doubles_up_to_a_longest_and_is_forgotten() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0])
    waits = []
    for number in range(Patience.FREE + 7):
        assert patience.begin("kim", f"192.0.2.{number}") == 0.0
        waits.append(patience.begin("kim", "198.51.100.1") if number >= Patience.FREE - 1 else 0.0)
        now[0] += waits[-1]
    assert waits[Patience.FREE - 1 :] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    now[0] += Patience.FORGOTTEN + 1.0
    assert [patience.begin("kim", "192.0.2.1") for _ in range(Patience.FREE + 1)] == [0.0] * Patience.FREE + [1.0]
    assert patience.begin("kim", "192.0.2.1") == 1.0  # asking during the wait prolongs nothing


def test_a_success_forgets_the_name_and_not_the_address() -> None:
    patience = Patience(lambda: 0.0)
    for number in range(Patience.FREE):
        assert patience.begin(f"user{number}", "192.0.2.1") == 0.0
    assert patience.begin("kim", "192.0.2.1") > 0.0
    assert patience.begin("kim", "192.0.2.2") == 0.0
    patience.succeeded("kim", "192.0.2.2")
    assert patience.begin("user0", "192.0.2.1") > 0.0


def test_the_names_that_are_remembered_are_bounded() -> None:
    patience = Patience(lambda: 0.0)
    for number in range(2 * Patience.MOST):
        patience.begin(str(number), str(number))
    assert len(patience._failures) == Patience.MOST


def logged(tmp_path: Path) -> Path:
    """Return a log of four lines."""
    path = audit_of(view_of(tmp_path))
    audit = Audit(path)
    audit.write("login", who="김 민수", role="operator", address="192.0.2.1")
    audit.write("action", who="김 민수", role="operator", target="adv-2", outcome="acknowledge\n\u2028\ud800 <b>")
    audit.write("refused", who="x" * 10_000, target="/api/act", outcome="role viewer may not shelve")
    Audit(path).write("logout", who="김 민수")
    return path


def test_a_log_is_in_order_line_by_line(tmp_path: Path) -> None:
    path = logged(tmp_path)
    assert verify(path).lines == 4
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["what"] for line in lines] == ["login", "action", "refused", "logout"]
    assert lines[0]["before"] == FIRST
    assert lines[0]["time"].endswith("+00:00")
    assert len(lines[2]["who"]) == 512
    assert lines[1]["outcome"] == "acknowledge\ufffd\ufffd\ufffd <b>"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("change", "first"), [("change", 3), ("remove", 2), ("insert", 3), ("swap", 2), ("blank", 2)])
def test_the_first_line_that_was_tampered_with_is_named(tmp_path: Path, change: str, first: int) -> None:
    path = logged(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "change":
        lines[1] = lines[1].replace(b"adv-2", b"adv-3")
    elif change == "remove":
        del lines[1]
    elif change == "insert":
        lines.insert(1, lines[1])
    elif change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        lines.insert(1, b"\n")
    path.write_bytes(b"".join(lines))
    with pytest.raises(DataError, match=f"audit.jsonl:{first}: the line "):
        verify(path)


@pytest.mark.parametrize("left", [1, 20, 200])
def test_a_torn_last_line_is_put_aside_and_told(tmp_path: Path, left: int) -> None:
    path = logged(tmp_path)
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    path.write_bytes(whole[: -len(last)] + last[:left])
    with pytest.raises(DataError, match=r"audit.jsonl:4: the line is torn"):
        verify(path)
    said: list[str] = []
    Audit(path, tell=said.append).write("login", who="lee")
    assert verify(path).lines == 5
    assert [json.loads(line)["what"] for line in path.read_text().splitlines()[3:]] == ["repaired", "login"]
    (aside,) = path.parent.glob("audit.torn-*")
    assert aside.read_bytes() == last[:left]
    assert len(said) == 1
    assert f"torn, {left} bytes" in said[0]


def test_two_that_write_one_log_keep_its_chain(tmp_path: Path) -> None:
    path = audit_of(view_of(tmp_path))
    audits = [Audit(path), Audit(path)]
    threads = [
        threading.Thread(target=lambda audit=audit: [audit.write("export") for _ in range(10)]) for audit in audits * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(path).lines == 40


def test_a_log_that_others_can_read_or_that_is_full_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = logged(tmp_path)
    audit = Audit(path)
    path.chmod(0o644)
    with pytest.raises(DataError, match="others can reach it; take their rights away"):
        audit.write("export")
    path.chmod(0o600)

    def full(handle: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DataError, match="can't be written: No space left on device; make room"):
        audit.write("export")
