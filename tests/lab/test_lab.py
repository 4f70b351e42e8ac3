"""`scripts/lab` starts real engines, and nothing of them outlives `down`, however rude the end."""

import contextlib
import importlib
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
LAB = SCRIPTS / "lab"

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        "LOBTAIL_TEST_HOST" in os.environ and os.geteuid() != 0,
        reason="an engine was given, and the lab's own need root",
    ),
]


def lab(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `scripts/lab`; its stderr is in the failure's message."""
    command = [sys.executable, str(LAB), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def until(condition: Callable[[], object], timeout: float = 30) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "this did not come true in time"
        time.sleep(0.05)


def running(text: str) -> list[int]:
    """Return the processes with `text` in their arguments or environment, zombies left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end at any moment; one that is not ours may be unreadable.
        with contextlib.suppress(OSError):
            content = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if text.encode() in content and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def assert_nothing_left(directory: Path) -> None:
    assert not directory.exists()
    assert not Path(f"{directory}.lock").exists()
    assert running(str(directory)) == []
    assert str(directory) not in Path("/proc/self/mountinfo").read_text()


@pytest.fixture
def directory() -> Iterator[Path]:
    # Not tmp_path, which is too long for a Unix socket.
    with tempfile.TemporaryDirectory(prefix="lt", dir="/tmp") as base:
        path = Path(base, "e")
        try:
            yield path
        finally:
            lab("down", "--dir", path)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    monkeypatch.syspath_prepend(SCRIPTS)
    module = importlib.import_module("labkit.api")
    return lambda directory: module.Api(f"unix://{directory}/docker.sock")


def start_container(engine: Any, *, pause: bool = False) -> str:
    """Start a container that never ends; return a text that is in its command line only."""
    marker = f"9{secrets.randbelow(10**9):09}"
    created = engine.json(
        "POST",
        "/containers/create",
        {
            "Image": "lobtail-test",
            # As PID 1 it ignores SIGTERM: an engine that stops in good order waits 10 s for it.
            "Cmd": ["sleep", marker],
            "HostConfig": {"NetworkMode": "none"},
        },
    )
    engine.call("POST", f"/containers/{created['Id']}/start")
    until(lambda: running(marker))
    if pause:
        engine.call("POST", f"/containers/{created['Id']}/pause")
    return marker


def engine_pid(directory: Path) -> int:
    return int((directory / "dockerd.pid").read_text())


@pytest.mark.parametrize("suite", ["bookworm", "trixie", "podman"])
def test_up_host_down(suite: str, directory: Path, api: Callable[[Path], Any]) -> None:
    host = f"unix://{directory}/docker.sock\n"
    assert lab("up", suite, "--dir", directory).stdout == host
    assert lab("up", suite, "--dir", directory).stdout == host
    assert lab("host", "--dir", directory).stdout == host
    engine = api(directory)
    marker = start_container(engine)
    paused = start_container(engine, pause=True)

    lab("down", "--dir", directory)

    assert running(marker) == []
    assert running(paused) == []
    assert_nothing_left(directory)
    assert lab("host", "--dir", directory, check=False).returncode == 1
    assert lab("down", "--dir", directory).stdout == ""


@pytest.mark.parametrize("suite", ["bookworm", "podman"])
def test_reached_by_tls_and_ssh(suite: str, directory: Path) -> None:
    lab("up", suite, "--dir", directory, "--remote")
    remote = directory / "remote"
    folder = remote / "tls"
    hosts = {path.parent.name: path.read_text() for path in remote.glob("*/host")}
    assert sorted(hosts) == (["ssh"] if suite == "podman" else ["ssh", "tls"])
    port = hosts["ssh"].rpartition(":")[2]
    program = "podman" if suite == "podman" else "docker"
    command = [str(remote / "ssh" / "bin" / "ssh"), "-p", port, "127.0.0.1"]
    command += [program, "system", "dial-stdio"]
    request = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    said = subprocess.run(command, input=request, capture_output=True, check=False).stdout
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    if "tls" in hosts:
        context = ssl.create_default_context(cafile=folder / "ca.pem")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        address = ("127.0.0.1", int(hosts["tls"].rpartition(":")[2]))
        with (
            socket.create_connection(address) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            secure.sendall(request)
            assert secure.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
    # A session that goes on: nothing of it outlives the engine either.
    with subprocess.Popen(
        [*command[:-3], "/bin/sleep", "1000"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as session:
        until(lambda: running(f"{directory}/far"))
        lab("down", "--dir", directory)
        assert session.wait() == 255
    assert_nothing_left(directory)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port))).close()


def test_an_engine_that_is_up_does_not_become_remote(directory: Path) -> None:
    lab("up", "podman", "--dir", directory)
    done = lab("up", "podman", "--dir", directory, "--remote", check=False)
    assert done.returncode == 1
    assert "is up without --remote: take it down first" in done.stderr


def test_down_after_the_engine_was_killed(directory: Path, api: Callable[[Path], Any]) -> None:
    lab("up", "bookworm", "--dir", directory)
    marker = start_container(api(directory), pause=True)
    os.kill(engine_pid(directory), signal.SIGKILL)
    until(lambda: not api(directory).answers())
    assert running(marker)

    lab("down", "--dir", directory)

    assert running(marker) == []
    assert_nothing_left(directory)


def test_up_cleans_what_a_crash_left(directory: Path, api: Callable[[Path], Any]) -> None:
    lab("up", "bookworm", "--dir", directory)
    marker = start_container(api(directory))
    for pid in running(f"LOBTAIL_LAB_DIR={directory}"):
        if b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    until(lambda: not api(directory).answers())

    lab("up", "bookworm", "--dir", directory)

    assert running(marker) == []
    assert api(directory).json("GET", "/containers/json", all=1) == []


def test_the_engine_goes_with_its_owner(directory: Path, api: Callable[[Path], Any]) -> None:
    with subprocess.Popen(["sleep", "1000"]) as owner:
        lab("up", "bookworm", "--dir", directory, "--owner", owner.pid)
        marker = start_container(api(directory))
        owner.kill()
        until(lambda: not directory.exists() and not running(str(directory)))
        assert running(marker) == []
        assert_nothing_left(directory)


def test_down_ends_the_supervisor_too(directory: Path) -> None:
    lab("up", "bookworm", "--dir", directory, "--owner", os.getpid())
    assert [pid for pid in running(str(directory)) if "_watch" in cmdline(pid)]
    lab("down", "--dir", directory)
    assert_nothing_left(directory)


def cmdline(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_broken_off_leaves_nothing(directory: Path, number: signal.Signals) -> None:
    command = [sys.executable, str(LAB), "up", "bookworm", "--dir", str(directory)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        until(lambda: (directory / "containerd.log").exists())
        child.send_signal(number)
        output = child.communicate()[0]
    # It may have been done before the signal came; then the engine is up, and that is fine too.
    if child.returncode == 0:
        assert output == f"unix://{directory}/docker.sock\n".encode()
    else:
        assert child.returncode == 128 + number
        assert_nothing_left(directory)


def test_an_owner_who_dies_during_up(directory: Path) -> None:
    command = [sys.executable, str(LAB), "up", "bookworm", "--dir", str(directory)]
    with subprocess.Popen(["sleep", "1000"]) as owner:
        command += ["--owner", str(owner.pid)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as child:
            until(lambda: (directory / "containerd.log").exists())
            owner.kill()
            child.kill()
    until(lambda: not directory.exists() and not running(str(directory)))
    assert_nothing_left(directory)


def test_two_ups_at_once_make_one_engine(directory: Path) -> None:
    command = [sys.executable, str(LAB), "up", "bookworm", "--dir", str(directory)]
    with contextlib.ExitStack() as stack:
        both = [
            stack.enter_context(
                subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                )
            )
            for _ in range(2)
        ]
        answers = [child.communicate()[0] for child in both]
    assert answers == [f"unix://{directory}/docker.sock\n"] * 2
    engines = [p for p in running(str(directory)) if cmdline(p)[0].endswith("/dockerd")]
    assert len(engines) == 1


def test_engines_with_similar_names_are_told_apart(
    directory: Path, api: Callable[[Path], Any]
) -> None:
    other = Path(f"{directory}2")
    try:
        lab("up", "bookworm", "--dir", directory)
        lab("up", "bookworm", "--dir", other)
        marker = start_container(api(other))
        lab("down", "--dir", directory)
        assert api(other).answers()
        assert running(marker)
    finally:
        lab("down", "--dir", other)


def test_clients_are_left_alone(directory: Path) -> None:
    lab("up", "bookworm", "--dir", directory)
    with subprocess.Popen(
        ["tail", "-f", f"{directory}/dockerd.log"], stdout=subprocess.DEVNULL
    ) as client:
        lab("down", "--dir", directory)
        assert client.poll() is None
        client.kill()


def test_what_is_not_the_labs_is_not_touched(directory: Path) -> None:
    directory.mkdir()
    (directory / "thesis.txt").write_text("ten years of work")
    for command in (("up", "bookworm"), ("down",)):
        done = lab(*command, "--dir", directory, check=False)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
    assert (directory / "thesis.txt").exists()
    (directory / "thesis.txt").unlink()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dir", "/tmp/" + "x" * 90), "too long for the path of a Unix socket"),
        (("--dir", "/tmp/no such/place"), "can be in the path"),
        (("--dir", "/tmp/no-such/place"), "there is no such directory"),
        (("--owner", 2**22 + 1), "there is no such process"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: tuple[object, ...], message: str) -> None:
    done = lab("up", "bookworm", *arguments, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            "# a comment\nTypes: deb\nURIs: http://mirror.example/debian/\n"
            "Suites: bookworm\nComponents: main\nSigned-By: /k.gpg\n",
            {"URIs": "http://mirror.example/debian/", "Signed-By": "/k.gpg"},
            id="deb822",
        ),
        pytest.param(
            "deb [arch=amd64 signed-by=/k.gpg] https://vendor.example/debian bookworm stable\n"
            "deb http://security.example/debian-security bookworm-security main\n"
            "# deb http://old.example/debian bookworm main\n"
            "deb http://mirror.example/debian bookworm main\n",
            {"URIs": "http://mirror.example/debian"},
            id="one-line",
        ),
        pytest.param(
            "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nComponents: main\n\n"
            "Types: deb\nURIs: http://on.example/debian\nComponents: main\nSigned-By:\n"
            " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==\n",
            {
                "URIs": "http://on.example/debian",
                "Signed-By": "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==",
            },
            id="disabled, inline key",
        ),
        pytest.param("", {"URIs": "http://deb.debian.org/debian"}, id="none"),
    ],
)
def test_a_foreign_suite_comes_from_the_machines_own_mirror(
    source: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    text = importlib.import_module("labkit.packages").foreign_source("trixie", [source])
    for key, value in expected.items():
        assert f"{key}: {value}\n" in text
    assert "Types: deb\n" in text
    assert "Suites: trixie\n" in text


def test_a_swarm_of_what_is_no_engine_is_refused_in_one_line(directory: Path) -> None:
    done = lab("swarm", f"unix://{directory}/docker.sock", check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
