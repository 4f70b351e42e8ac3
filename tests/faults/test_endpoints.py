"""Engines that cannot be reached: which endpoint, who named it, what to try; exit 1."""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.command import IMPATIENT, line_of, lobtail
from faults.fake_engine import FakeEngine, frame, log

NOBODY = 65534
TRY = "start the engine, or name another with --host"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="fe", dir="/tmp") as name:
        yield Path(name)


@pytest.mark.parametrize("command", [("logs", "web"), ("ps",), ("frames", "web")], ids=" ".join)
def test_row_8_no_socket(folder: Path, command: tuple[str, ...]) -> None:
    host = f"unix://{folder}/none"
    assert line_of(lobtail(host, *command)) == (
        f"lobtail: cannot connect to the engine at {host} (DOCKER_HOST): "
        f"there is no such socket; {TRY}"
    )


def test_row_8_the_flag_is_named_as_the_origin(folder: Path) -> None:
    host = f"unix://{folder}/none"
    for args in (("-H", host, "logs", "web"), ("logs", f"--host={host}", "web")):
        line = line_of(lobtail("tcp://127.0.0.1:1", *args))
        assert line.startswith(f"lobtail: cannot connect to the engine at {host} (--host): ")


def test_row_8_a_file_that_is_no_socket(folder: Path) -> None:
    (folder / "file").touch()
    line = line_of(lobtail(f"unix://{folder}/file", "logs", "web"))
    assert line.endswith(f"/file (DOCKER_HOST): nobody listens there; {TRY}")


def test_row_8_a_folder(folder: Path) -> None:
    line = line_of(lobtail(f"unix://{folder}", "logs", "web"))
    assert line.endswith(f"{folder} (DOCKER_HOST): nobody listens there; {TRY}")


def test_row_8_a_folder_on_the_way_is_a_file(folder: Path) -> None:
    (folder / "file").touch()
    line = line_of(lobtail(f"unix://{folder}/file/socket", "logs", "web"))
    assert line.endswith("/file/socket (DOCKER_HOST): Not a directory")


def test_row_8_a_socket_whose_owner_is_gone(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{folder}/left")
    line = line_of(lobtail(f"unix://{folder}/left", "logs", "web"))
    assert line.endswith(f"/left (DOCKER_HOST): nobody listens there; {TRY}")


def test_row_8_a_path_that_is_too_long(folder: Path) -> None:
    line = line_of(lobtail(f"unix://{folder}/{'a' * 200}", "logs", "web"))
    assert line.endswith("(DOCKER_HOST): AF_UNIX path too long")


@pytest.mark.parametrize("barred", ["folder", "socket"])
def test_row_8_permission_denied(folder: Path, barred: str) -> None:
    with FakeEngine() as engine:
        path = Path(engine.path)
        path.parent.chmod(0o700 if barred == "folder" else 0o755)
        path.chmod(0o777 if barred == "folder" else 0o600)
        # All is imported before: an unprivileged user may not be able to read this Python.
        code = (
            "import os, lobtail.cli.logs, lobtail.cli.main, lobtail.cli.entry, encodings.idna\n"
            "import asyncio, lobtail.engine.net.blocking, lobtail.engine.net.transport\n"
            "import lobtail.engine.net.http, lobtail.sources.opening\n"
            f"if os.getuid() == 0: os.setgroups([]); os.setuid({NOBODY})\n"
            "lobtail.cli.entry.main()"
        )
        if os.getuid() != 0:
            path.chmod(0)
        program = [sys.executable, "-c", code]
        line = line_of(lobtail(engine.host, "logs", "web", program=program))
    assert line == (
        f"lobtail: cannot connect to the engine at {engine.host} (DOCKER_HOST): "
        "permission denied; use sudo, or become a member of the socket's group"
    )
    assert engine.connections == 0


def test_row_8_tcp_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    line = line_of(lobtail(f"tcp://127.0.0.1:{port}", "logs", "web"))
    assert line == (
        f"lobtail: cannot connect to the engine at tcp://127.0.0.1:{port} (DOCKER_HOST): "
        f"nobody listens there; {TRY}"
    )


def test_row_8_no_such_host() -> None:
    line = line_of(lobtail("tcp://nonexistent.invalid:2375", "logs", "web"))
    # The resolver's words depend on whether there is a network.
    assert re.fullmatch(
        r"lobtail: cannot connect to the engine at tcp://nonexistent\.invalid:2375 "
        r"\(DOCKER_HOST\): [\w ]+; check the host's name",
        line,
    )


@pytest.mark.parametrize("name", ["a" * 70, "a..b"])
def test_row_8_a_host_that_is_no_name(name: str) -> None:
    line = line_of(lobtail(f"tcp://{name}:2375", "logs", "web"))
    assert line == (
        f"lobtail: cannot connect to the engine at tcp://{name}:2375 (DOCKER_HOST): "
        "that cannot be the name of a host"
    )


def test_row_8_a_server_that_never_accepts(folder: Path) -> None:
    path = f"{folder}/full"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
        server.bind(path)
        server.listen(0)
        first.connect(path)  # the queue is full from here on
        line = line_of(lobtail(f"unix://{path}", "logs", "web", env=IMPATIENT))
    assert line == (
        f"lobtail: cannot connect to the engine at unix://{path} (DOCKER_HOST): "
        "no answer within 1 s"
    )


@pytest.mark.parametrize("base", ["/v/é例", "/a%20b", "/engines/1/"])
def test_a_path_before_every_request(base: str) -> None:
    with FakeEngine(log([frame(1, b"one\n")]), tcp=True) as engine:
        result = lobtail(engine.host + base, "logs", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    sent = {"/v/é例": "/v/%C3%A9%E4%BE%8B", "/engines/1/": "/engines/1"}.get(base, base)
    assert engine.requests[0] == f"{sent}/_ping"


def test_tcp_end_to_end() -> None:
    with FakeEngine(log([frame(1, b"one\n"), frame(2, b"two\n")]), tcp=True) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"two\n", 0)
