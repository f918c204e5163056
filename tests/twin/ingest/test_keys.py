"""Files of keys: what is written, who may read it, and what is refused."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq

from twin import cli
from twin.errors import DataError
from twin.ingest import keys

DOCUMENTED = ("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")


def pair() -> tuple[str, str]:
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_a_new_gateway_has_a_file_that_only_its_owner_reads_and_may_connect(data: Path) -> None:
    path = keys.new(data, "press-1")
    assert path == data / "keys" / "press-1.key"
    assert mode(path) == mode(data / "keys" / "server.key") == mode(data / "keys" / "allow.txt") == 0o600
    assert mode(data / "keys") == 0o700
    made, server = keys.gateway_keys(path), keys.server_keys(data)
    assert server is not None
    assert (made.gateway, made.server) == ("press-1", server.public)
    assert keys.public_part(made.secret) == made.public
    assert keys.allowed(data) == {"press-1": made.public}


def test_the_umask_does_not_open_a_file_of_keys(data: Path) -> None:
    before = os.umask(0)
    try:
        path = keys.new(data, "press-1")
    finally:
        os.umask(before)
    assert mode(path) == mode(data / "keys" / "server.key") == 0o600


def test_the_second_gateway_finds_the_same_twin_with_another_key(data: Path) -> None:
    first, second = (keys.gateway_keys(keys.new(data, name)) for name in ("a", "b"))
    assert first.server == second.server
    assert first.secret != second.secret


def test_keys_are_never_made_twice_for_one_name(data: Path) -> None:
    path = keys.new(data, "a")
    before = path.read_text()
    with pytest.raises(DataError, match="a may connect already; remove its line"):
        keys.new(data, "a")
    (data / "keys" / "allow.txt").write_text("")
    with pytest.raises(DataError, match="it is there already; remove it"):
        keys.new(data, "a")
    assert path.read_text() == before


def test_a_public_key_is_allowed_once_and_for_one_gateway(data: Path) -> None:
    public, _ = pair()
    keys.allow(data, "a", public)
    keys.allow(data, "a", public)
    assert keys.allowed(data) == {"a": public}
    with pytest.raises(DataError, match="b has the key of a; every gateway needs its own"):
        keys.allow(data, "b", public)
    with pytest.raises(DataError, match="a has a line already; keep one"):
        keys.allow(data, "a", pair()[0])
    assert keys.allowed(data) == {"a": public}


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", ".hidden", "-x", "a b", "a\n", "é", "x" * 65, "=1+1", "a\0b", "\u202egw"]
)
def test_what_is_no_name_is_refused_before_a_file_is_made(data: Path, name: str) -> None:
    with pytest.raises(DataError, match="is no name of a gateway"):
        keys.new(data, name)
    with pytest.raises(DataError, match="is no name of a gateway"):
        keys.allow(data, name, pair()[0])
    assert not data.exists()


def test_no_gateway_takes_the_name_of_the_twins_own_file(data: Path) -> None:
    with pytest.raises(DataError, match="give the gateway another name"):
        keys.new(data, "server")


@pytest.mark.parametrize("key", ["", "short", "x" * 41, " " * 40, "#" * 40, "é" * 40, "a" * 39 + "\n", "a" * 39 + "~"])
def test_what_is_no_key_is_refused_and_not_shown(data: Path, key: str) -> None:
    with pytest.raises(DataError, match="a key is 40 characters of Z85") as refused:
        keys.allow(data, "a", key)
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("key", DOCUMENTED)
def test_keys_from_the_manual_of_libzmq_are_refused(data: Path, key: str) -> None:
    with pytest.raises(DataError, match="printed in libzmq's manual"):
        keys.allow(data, "a", key)


def test_a_server_key_from_the_manual_of_libzmq_is_refused(data: Path) -> None:
    (data / "keys").mkdir(parents=True)
    path = data / "keys" / "server.key"
    path.write_text("public {}\nsecret {}\n".format(*DOCUMENTED))
    path.chmod(0o600)
    with pytest.raises(DataError, match="printed in libzmq's manual"):
        keys.server_keys(data)


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o601])
def test_a_secret_that_others_can_read_is_refused(data: Path, bits: int) -> None:
    path = keys.new(data, "a")
    for file, read in ((path, keys.gateway_keys), (data / "keys" / "server.key", lambda _: keys.server_keys(data))):
        file.chmod(bits)
        with pytest.raises(DataError, match=r"can be read by others than its owner; run chmod 600"):
            read(file)


def test_a_list_that_others_can_change_is_refused(data: Path) -> None:
    keys.new(data, "a")
    path = data / "keys" / "allow.txt"
    path.chmod(0o644)
    assert list(keys.allowed(data)) == ["a"]
    path.chmod(0o664)
    with pytest.raises(DataError, match="can be changed by others"):
        keys.allowed(data)


def changed(old: str, new: str) -> Any:
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    "change",
    [
        changed("gateway a\n", ""),
        changed("gateway a\n", "gateway a\ngateway a\n"),
        changed("gateway a\n", "gateway ../a\n"),
        changed("server", "Server"),
        changed("public ", "public  "),
        changed("\n", "\r\n"),
        lambda text: text + "extra 1\n",
        lambda text: re.sub(r"secret \S+", "secret " + pair()[1], text),
        lambda text: text[:-10],
        lambda text: text + "\0" * (1 << 20),
        lambda text: "é" + text,
    ],
)
def test_a_key_file_is_read_strictly_and_the_message_shows_no_secret(data: Path, change: Any) -> None:
    path = keys.new(data, "a")
    secret = keys.gateway_keys(path).secret
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError) as refused:
        keys.gateway_keys(path)
    assert str(path) in str(refused.value)
    assert secret not in str(refused.value)
    assert secret[:-9] not in str(refused.value)


def test_a_remark_is_no_line(data: Path) -> None:
    path = keys.new(data, "a")
    path.write_text("# from the cabinet of press 1\n" + path.read_text())
    assert keys.gateway_keys(path).gateway == "a"


@pytest.mark.parametrize("line", ["a", "a  KEY", "a KEY KEY", "a/b KEY", " a KEY", "a\tKEY"])
def test_a_malformed_line_of_the_list_is_named(data: Path, line: str) -> None:
    keys.new(data, "b")
    path = data / "keys" / "allow.txt"
    path.write_text(path.read_text() + line.replace("KEY", pair()[0]) + "\n")
    with pytest.raises(DataError, match=re.escape(f"{path}:2: ")):
        keys.allowed(data)


def test_what_is_no_file_of_keys_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read: No such file"):
        keys.gateway_keys(tmp_path / "none.key")
    (data / "keys" / "allow.txt").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no regular file|Is a directory"):
        keys.allowed(data)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't be made: Not a directory; check the path"):
        keys.new(tmp_path / "file", "a")


def test_gateways_added_at_the_same_time_are_all_on_the_list(data: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from twin.ingest import keys; keys.new(Path(sys.argv[1]), sys.argv[2])"
    )
    names = [f"gw{n}" for n in range(4)]
    running = [subprocess.Popen([sys.executable, "-c", script, data, name]) for name in names]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]
    assert sorted(keys.allowed(data)) == names
    assert len({keys.gateway_keys(data / "keys" / f"{name}.key").server for name in names}) == 1
    assert not list((data / "keys").glob("*.part"))


def said(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(["keys", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(str(left.value.code)), out + err


def test_the_commands_print_no_secret(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "new", "a", "--data", data, "--to", tmp_path)
    assert (code, "a may connect" in text) == (0, True)
    made, server = keys.gateway_keys(tmp_path / "a.key"), keys.server_keys(data)
    assert server is not None
    public, secret = pair()
    code, more = said(capsys, "allow", "b", public, "--data", data)
    assert (code, more.splitlines()[-1]) == (0, server.public)
    code, listed = said(capsys, "list", "--data", data)
    assert (code, listed) == (0, f"a {made.public}\nb {public}\n")
    for hidden in (made.secret, server.secret, secret):
        assert hidden not in text + more + listed


def test_a_key_that_begins_like_an_option_is_allowed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "-" + "0" * 39
    assert said(capsys, "allow", "a", key, "--data", data)[0] == 0
    assert keys.allowed(data) == {"a": key}


def test_a_wrong_key_ends_with_the_code_of_files(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "allow", "a", "nonsense", "--data", data)
    assert code == 4
    assert len(text.splitlines()) == 1
