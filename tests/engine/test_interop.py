"""`demux`, `ademux` and `stdcopy` on what docker-py and aiodocker hand out, on real engines."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from typing import Any

import aiodocker
import docker
import pytest

from lobtail import Frame, Stream, ademux, demux, stdcopy
from lobtail.errors import ProtocolError
from support.engines import WAIT, TestEngine, until

# Output of both streams, bytes that are no text, and a line longer than any buffer on the way.
SCRIPT = (
    "for i in 1 2 3; do echo out $i; echo err $i >&2; usleep 20000; done; "
    "printf 'a\\377\\0b\\n'; head -c 100000 /dev/zero | tr '\\0' x; echo; printf tail >&2"
)
LONG = b"x" * 100_000 + b"\n"
OUT = b"out 1\nout 2\nout 3\na\xff\0b\n" + LONG
ERR = b"err 1\nerr 2\nerr 3\ntail"
WAITS = f"{WAIT}; " + SCRIPT


@pytest.fixture
def client(any_engine: TestEngine) -> Iterator[Any]:
    client = docker.DockerClient(base_url=any_engine.host)
    yield client
    client.close()


def split(frames: list[Frame]) -> tuple[bytes, bytes]:
    assert {frame.stream for frame in frames} <= {Stream.STDOUT, Stream.STDERR}
    out = b"".join(frame.payload for frame in frames if frame.stream is Stream.STDOUT)
    return out, b"".join(frame.payload for frame in frames if frame.stream is Stream.STDERR)


def logs(client: Any, name: str, **more: Any) -> Any:
    """Ask docker-py for the raw answer to a request for logs."""
    address = f"{client.api.base_url}/v{client.api.api_version}/containers/{name}/logs"
    asked = {"stdout": 1, "stderr": 1, **more}
    response = client.api.get(address, params=asked, stream=True)
    response.raise_for_status()
    return response


FORMS: dict[str, Callable[[Any], Any]] = {
    "raw": lambda response: response.raw,
    "iter_content": lambda response: response.iter_content(None),
    "response": lambda response: response,
}


@pytest.mark.parametrize("form", FORMS)
def test_docker_py_logs(any_engine: TestEngine, client: Any, form: str) -> None:
    name = any_engine.ended("interop", SCRIPT)
    with logs(client, name) as response:
        out, err = io.BytesIO(), io.BytesIO()
        stdcopy(FORMS[form](response), out, err)
    expected = any_engine.run("docker", "logs", name)
    assert (out.getvalue(), err.getvalue()) == (expected.stdout, expected.stderr)


def test_docker_py_logs_come_as_they_are_written(any_engine: TestEngine, client: Any) -> None:
    name = any_engine.start("echo first; " + WAITS)
    with logs(client, name, follow=1) as response:
        frames = demux(response.raw)
        assert next(frames) == Frame(Stream.STDOUT, b"first\n")  # no buffer is waited for
        any_engine.go(name)
        out, err = split(list(frames))
    assert out.replace("\ufffd".encode(), b"\xff") == OUT  # as json-file keeps it
    # 20.10 loses a last line without newline while following, and so does who reads it raw.
    assert ERR.startswith(err)


def close(sock: Any) -> None:
    sock._response.close()  # which docker-py leaves open with its socket
    sock.close()


def test_docker_py_attach_socket(engine: TestEngine) -> None:
    client = docker.DockerClient(base_url=engine.host)
    name = engine.start(WAITS)
    asked = {"stdout": 1, "stderr": 1, "stream": 1}
    sock = client.containers.get(name).attach_socket(params=asked)
    engine.go(name)
    assert split(list(demux(sock))) == (OUT, ERR)
    close(sock)
    client.close()


def test_docker_py_attach_socket_loses_nothing_that_came_with_the_head(engine: TestEngine) -> None:
    client = docker.DockerClient(base_url=engine.host)
    name = engine.start("echo out; " + WAITS)
    until(lambda: engine.logs(name), "it has written its first line")
    asked = {"logs": 1, "stdout": 1, "stderr": 1, "stream": 1}
    for _ in range(5):
        sock = client.containers.get(name).attach_socket(params=asked)
        # The container writes no more: what is lost now does not come.
        assert next(demux(sock)) == Frame(Stream.STDOUT, b"out\n")
        close(sock)
    client.close()


def test_docker_py_exec_socket(engine: TestEngine) -> None:
    client = docker.DockerClient(base_url=engine.host)
    name = engine.start("sleep 60")
    ident = client.api.exec_create(name, ["sh", "-c", SCRIPT])["Id"]
    sock = client.api.exec_start(ident, socket=True)
    out, err = io.BytesIO(), io.BytesIO()
    assert stdcopy(sock, out, err) == len(OUT) + len(ERR)
    assert (out.getvalue(), err.getvalue()) == (OUT, ERR)
    close(sock)
    client.close()


def test_docker_py_with_a_terminal_is_no_such_stream(engine: TestEngine) -> None:
    client = docker.DockerClient(base_url=engine.host)
    name = engine.ended("interop-tty", "echo hello terminal", "-t")
    with logs(client, name) as response, pytest.raises(ProtocolError, match="TTY"):
        list(demux(response.raw))
    client.close()


def test_aiodocker_logs(any_engine: TestEngine) -> None:
    name = any_engine.ended("interop", SCRIPT)
    expected = any_engine.run("docker", "logs", name)

    async def read() -> list[list[Frame]]:
        found = []
        async with aiodocker.Docker(url=any_engine.host) as client:
            address = f"{client.docker_host}/containers/{name}/logs"
            asked = {"stdout": "1", "stderr": "1"}
            for form in ("content", "iter_any", "chunks"):
                async with client.session.get(address, params=asked) as response:
                    src: Any = response.content
                    if form == "iter_any":
                        src = src.iter_any()
                    elif form == "chunks":
                        src = src.iter_chunked(1000)
                    found.append([frame async for frame in ademux(src)])
        return found

    for frames in asyncio.run(read()):
        assert split(frames) == (expected.stdout, expected.stderr)


def test_aiodocker_logs_come_as_they_are_written(engine: TestEngine) -> None:
    name = engine.start("printf first; usleep 1000; echo; " + WAITS)

    async def read() -> tuple[Frame, list[Frame]]:
        async with aiodocker.Docker(url=engine.host) as client:
            address = f"{client.docker_host}/containers/{name}/logs"
            asked = {"stdout": "1", "stderr": "1", "follow": "1"}
            async with client.session.get(address, params=asked) as response:
                frames = ademux(response.content)
                first = await anext(frames)
                await asyncio.to_thread(engine.go, name)
                return first, [frame async for frame in frames]

    first, rest = asyncio.run(read())
    assert first == Frame(Stream.STDOUT, b"first\n")
    assert split(rest)[0].replace("\ufffd".encode(), b"\xff") == OUT
