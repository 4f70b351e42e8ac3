"""`lobtail ps` and `lobtail frames` on real engines, and the library below them."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess

import pytest

from lobtail import Engine, EngineError, Frame, Stream, stdcopy
from lobtail.docker import Ping, Version
from support.engines import LOBTAIL, TestEngine, docker_cli


def mix(engine: TestEngine) -> str:
    return engine.ended(
        "frames mix", "echo out; usleep 20000; echo err >&2; usleep 20000; echo end"
    )


def ps(engine: TestEngine, *arguments: str) -> dict[str, dict[str, object]]:
    result = engine.run("lobtail", "ps", "--json", *arguments)
    assert (result.code, result.stderr) == (0, b"")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return {row["name"]: row for row in rows}


def test_ps_lists_what_runs(engine: TestEngine) -> None:
    labels = ["com.docker.compose.project=shop", "com.docker.compose.service=api"]
    options = [option for label in labels for option in ("--label", label)]
    name = engine.start("sleep 1000", "-t", "--log-driver", "local", *options)
    ended = mix(engine)
    row = ps(engine)[name]
    assert row == {
        "name": name,
        "id": engine.inspect(name)["Id"],
        "image": "lobtail-test",
        "state": "running",
        "driver": "local",
        "tty": True,
        "project": "shop",
        "service": "api",
        "host": "",
    }
    assert ended not in ps(engine)
    assert ps(engine, "-a")[ended]["state"] == "exited"
    engine.remove(name)


def test_ps_agrees_with_docker_ps(engine: TestEngine) -> None:
    mix(engine)
    named = engine.docker("ps", "-a", "--format", "{{.Names}}").split()
    assert sorted(ps(engine, "--all")) == sorted(named)


def test_ps_is_a_table_for_people(engine: TestEngine) -> None:
    name = mix(engine)
    result = engine.run("lobtail", "ps", "-a")
    lines = result.stdout.decode().splitlines()
    assert lines[0].split() == [
        "NAME",
        "ID",
        "IMAGE",
        "STATE",
        "DRIVER",
        "TTY",
        "PROJECT",
        "SERVICE",
    ]
    row = next(line for line in lines if line.startswith(name))
    assert row.split()[2:] == ["lobtail-test", "exited", "json-file", "no", "-", "-"]


def test_frames_shows_headers(engine: TestEngine) -> None:
    result = engine.run("lobtail", "frames", mix(engine))
    assert (result.code, result.stderr) == (0, b"")
    assert result.stdout.decode().splitlines() == [
        "    OFFSET  HEADER                   STREAM       SIZE  PAYLOAD",
        "         0  01 00 00 00 00 00 00 04  stdout          4  out␊",
        "        12  02 00 00 00 00 00 00 04  stderr          4  err␊",
        "        24  01 00 00 00 00 00 00 04  stdout          4  end␊",
    ]


def test_frames_as_json(engine: TestEngine) -> None:
    result = engine.run("lobtail", "frames", "--json", "-n", "1", mix(engine))
    assert json.loads(result.stdout) == {
        "offset": 0,
        "header": "01 00 00 00 00 00 00 04",
        "stream": "stdout",
        "size": 4,
        "preview": "end\n",
    }


def test_frames_of_a_tty_says_that_there_are_none(engine: TestEngine) -> None:
    name = engine.ended("frames tty", "echo hi", "-t")
    result = engine.run("lobtail", "frames", name)
    assert result.code == 0
    assert b"has a TTY" in result.stderr
    assert "-- -- -- -- -- -- -- --  raw             4  hi␍␊" in result.stdout.decode()


def test_stdcopy_reads_what_the_engine_sends(engine: TestEngine) -> None:
    """A raw capture from the API, through `stdcopy` and through `frames -`."""
    name = mix(engine)

    async def capture() -> bytes:
        async with Engine(engine.host) as client, client.containers.logs(name) as stream:
            return b"".join([chunk async for chunk in stream.chunks()])

    data = asyncio.run(capture())
    out, err = io.BytesIO(), io.BytesIO()
    assert stdcopy(data, out, err) == 12
    assert (out.getvalue(), err.getvalue()) == (b"out\nend\n", b"err\n")
    done = subprocess.run([*LOBTAIL, "frames", "-"], input=data, capture_output=True, check=True)
    assert done.stdout == engine.run("lobtail", "frames", name).stdout


def test_the_library_gives_frames_in_batches(engine: TestEngine) -> None:
    name = mix(engine)

    async def read() -> tuple[list[Frame], list[Frame]]:
        async with Engine(engine.host) as client:
            async with client.containers.logs(name, tail=2) as stream:
                frames = [frame for batch in [b async for b in stream.batches()] for frame in batch]
                assert stream.multiplexed
                assert stream.container.name == f"/{name}"
            async with client.containers.logs(name, stderr=False) as stream:
                runs = [frame async for batch in stream.batches(joined=True) for frame in batch]
        return frames, runs

    frames, runs = asyncio.run(read())
    assert frames == [Frame(Stream.STDERR, b"err\n"), Frame(Stream.STDOUT, b"end\n")]
    assert b"".join(frame.payload for frame in runs) == b"out\nend\n"


def test_the_library_says_what_the_engine_says(engine: TestEngine) -> None:
    async def ask() -> tuple[Ping, Version, tuple[int, int]]:
        async with Engine(engine.host) as client:
            with pytest.raises(EngineError, match="No such container: nosuch") as caught:
                await client.containers.inspect("nosuch")
            assert caught.value.status == 404
            return await client.ping(), await client.version(), await client.api_version()

    ping, version, api = asyncio.run(ask())
    assert version.version == engine.docker("version", "--format", "{{.Server.Version}}")
    assert ping.api_version == version.api_version == ".".join(map(str, api))


def test_a_stream_can_be_left_at_any_time(engine: TestEngine) -> None:
    name = engine.start("while :; do echo line; usleep 1000; done")

    async def leave() -> None:
        async with Engine(engine.host) as client:
            for _ in range(20):
                async with client.containers.logs(name, follow=True) as stream:
                    async for batch in stream.batches():
                        assert batch
                        break
            tasks = asyncio.all_tasks()
            assert tasks == {asyncio.current_task()}

    asyncio.run(leave())
    engine.remove(name)


def test_the_docker_cli_is_there_to_compare_with() -> None:
    assert subprocess.run([docker_cli(), "--version"], capture_output=True, check=True).stdout
