"""`lobtail attach` and `lobtail exec` by TLS, ssh and TCP: both ways, and one way closed first."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from faults.process import MIB
from support.engines import LOBTAIL, Result, until
from support.proxy import SocketProxy
from support.remote import Far
from support.terminals import Terminal

BIG = bytes(range(256)) * (4 * MIB // 256)
WAYS = ["tls", "ssh", "tcp"]


@pytest.fixture
def flags(request: pytest.FixtureRequest, far: Far) -> Iterator[list[str]]:
    if request.param == "tls":
        yield ["-H", far.tls, "--tlsverify", *far.certificates]
    elif request.param == "ssh":
        yield ["-H", far.ssh]
    else:
        with SocketProxy(far.engine.host) as host:
            yield ["-H", host]


def run(far: Far, *args: str, data: bytes) -> Result:
    with far.popen("lobtail", *args, stdin=subprocess.PIPE) as process:
        try:
            stdout, stderr = process.communicate(data, timeout=40)
        finally:
            process.kill()
    return Result(stdout, stderr, process.returncode)


@pytest.mark.parametrize("flags", WAYS, indirect=True)
def test_exec(far: Far, flags: list[str]) -> None:
    name = far.engine.start("sleep 1000")
    # All is read before anything is written: it must come whole behind the end of the input.
    command = ("exec", "-i", name, "sh", "-c", "cat >/data; cat /data; echo err >&2; exit 3")
    assert run(far, *flags, *command, data=BIG) == Result(BIG, b"err\n", 3)
    assert run(far, *flags, "exec", "-i", name, "cat", data=BIG) == Result(BIG, b"", 0)
    assert run(far, *flags, "exec", "-i", name, "wc", "-c", data=b"") == Result(b"0\n", b"", 0)
    far.engine.remove(name)


@pytest.mark.parametrize("flags", WAYS, indirect=True)
def test_attach_on_a_terminal(far: Far, flags: list[str]) -> None:
    name = far.engine.start("while read x; do echo got $x; done; exit 5", "-i", "-t")
    for keys, end, code in (
        (b"one\r", b"\x10\x11", 1),
        (b"two\r", b"\x04", 5),
    ):
        with Terminal() as terminal:
            terminal.start([*LOBTAIL, *flags, "attach", name], far.environment())
            until(lambda t=terminal: t.raw, "the terminal is raw")  # type: ignore[misc]
            terminal.type(keys)
            terminal.read_until(b"got " + keys[:3])
            terminal.type(end)
            assert terminal.finish().code == code
            assert terminal.restored
