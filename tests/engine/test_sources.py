"""Files and the API give the same; where an engine is wrong, files give all."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lobtail import Engine, tail_files
from lobtail.model.items import Gap, Item, Line
from support.engines import WAIT, Lab, TestEngine, finish, until
from support.proxy import SocketProxy

ROTATED = {
    "json-file": ("json-file", "max-size=20k", "max-file=50"),
    "json-file compressed": ("json-file", "max-size=20k", "max-file=50", "compress=true"),
    "local": ("local", "max-size=20k", "max-file=50"),
}


def options(kind: str) -> list[str]:
    driver, *opts = ROTATED[kind]
    return ["--log-driver", driver, *(word for opt in opts for word in ("--log-opt", opt))]


def rotated(engine: TestEngine, kind: str) -> str:
    """Return a container that wrote 4000 lines into some 20 files."""
    script = (
        "for i in $(seq 0 39); do seq $((i*100+1)) $((i*100+100)) | sed s/^/o/; usleep 20000; done"
    )
    return engine.ended(f"rotated {kind}", script, *options(kind))


async def items_of(engine: TestEngine, name: str, **more: Any) -> list[Item]:
    async with Engine(engine.host) as client, client.tail(name, follow=False, **more) as tail:
        return [item async for item in tail]


@pytest.mark.parametrize("kind", ROTATED)
def test_tail_gives_the_same_from_files(engine: TestEngine, kind: str) -> None:
    name = rotated(engine, kind)
    for more in ({}, {"tail": 17}, {"tail": 1000}, {"where": "/7$/ and not /77/"}):
        api = asyncio.run(items_of(engine, name, source="api", **more))
        files = asyncio.run(items_of(engine, name, source="files", **more))
        assert files == api
        assert api


@pytest.mark.parametrize("kind", ROTATED)
def test_row_18_since_in_rotated_logs_gives_all_lines(engine: TestEngine, kind: str) -> None:
    """20.10 leaves out every newer rotated file where those are compressed."""
    name = rotated(engine, kind)
    stamped = engine.run("docker", "logs", "-t", name).stdout.splitlines()
    assert len(stamped) == 4000
    for first in (0, 137, 2000, 3999):
        since = stamped[first].split()[0].decode()
        shown = engine.run("lobtail", "logs", "-t", "--source", "files", "--since", since, name)
        assert shown.stdout.splitlines() == stamped[first:]


def test_files_are_found_without_being_asked_for(engine: TestEngine) -> None:
    name = rotated(engine, "json-file")
    for command in (("logs",), ("tail", "--no-follow")):
        told = engine.run("lobtail", *command, "--verbose", name).stderr.decode()
        assert told.startswith(f"lobtail: {name}: ")
        assert "from its files" in told
        assert f"{engine.inspect(name)['Id']}-json.log" in told


def test_the_api_serves_where_files_cannot_be_read(engine: TestEngine) -> None:
    name = engine.ended("by tcp", "seq 10")
    with SocketProxy(engine.host) as tcp:
        for command in (("logs",), ("tail", "--no-follow", "-o", "raw")):
            shown = engine.run("lobtail", "-H", tcp, *command, "--verbose", name)
            assert shown.stdout == b"".join(b"%d\n" % i for i in range(1, 11))
            assert b"from the API: the engine at tcp://" in shown.stderr
            assert b"is not on this machine" in shown.stderr
            refused = engine.run("lobtail", "-H", tcp, *command, "--source", "files", name)
            assert refused.code == 1
            assert refused.stderr.startswith(b"lobtail: --source files: ")
            assert refused.stderr.count(b"\n") == 1


def test_podman_is_read_by_its_api(lab: Lab) -> None:
    podman = TestEngine("podman", lab.host("podman"))
    name = podman.start("seq 10")
    podman.wait(name)
    assert podman.run("lobtail", "logs", name).stdout.splitlines()[-1] == b"10"
    refused = podman.run("lobtail", "logs", "--source", "files", name)
    assert refused.code == 1
    assert b"Podman" in refused.stderr
    podman.remove(name)


@pytest.mark.parametrize("command", ["logs", "tail"])
@pytest.mark.parametrize("kind", ["without a limit", *ROTATED])
def test_following_from_files_on(engine: TestEngine, kind: str, command: str) -> None:
    """The history is read while lines are written: at the seam none is lost, none comes twice.

    A log without a size limit is followed by the API from there on, others in their files.
    """
    script = "i=0; while [ $i -lt 6000 ]; do a=$((i+1)); i=$((i+20)); seq $a $i; usleep 5000; done"
    # Who comes when all is over would be told that nothing runs.
    script += f"; {WAIT}"
    name = engine.start(script, *(options(kind) if kind in ROTATED else ()))
    until(lambda: b"500\n" in engine.logs(name), "some lines")
    arguments = ["logs", "-f"] if command == "logs" else ["tail", "-n", "all", "-o", "raw"]
    more = [] if command == "logs" else ["--until-match", "^6000$"]
    processes = [
        engine.popen("lobtail", *arguments, "--source", "files", *more, name) for _ in range(3)
    ]
    if command == "logs":
        engine.go(name)
    for process in processes:
        result = finish(process)
        assert result.code == 0
        assert result.stderr == b""
        assert [int(x) for x in result.stdout.split()] == list(range(1, 6001))
    engine.go(name)
    assert engine.wait(name) == 0


@pytest.mark.parametrize("kind", ["NULs", "half a record", "garbage"])
def test_row_6_files_have_what_stands_behind_damage(engine: TestEngine, kind: str) -> None:
    damage = {"NULs": b"\0" * 512, "half a record": b'{"log":"half a rec', "garbage": b"garbage\n"}
    name = engine.start(f"seq 1 100; {WAIT}; seq 101 300")
    path = Path(engine.inspect(name)["LogPath"])
    until(lambda: path.read_bytes().count(b"\n") == 100, "all lines")
    with path.open("ab") as log:
        log.write(damage[kind])
    engine.go(name)
    engine.wait(name)
    items = asyncio.run(items_of(engine, name))
    numbers = [int(item.text) for item in items if isinstance(item, Line)]
    # A record that was appended to half another one is lost with it.
    assert set(range(1, 301)) - set(numbers) <= {101}
    assert numbers == sorted(numbers)
    gaps = [item for item in items if isinstance(item, Gap)]
    assert len(gaps) == 1
    assert "hold no record" in gaps[0].reason
    shown = engine.run("lobtail", "logs", name)
    assert [int(x) for x in shown.stdout.split()] == numbers
    assert shown.stderr.startswith(b"lobtail: lines may be missing here: ")


def test_logs_without_an_engine(engine: TestEngine) -> None:
    """The names stand beside the logs, and lines of all are merged by time."""
    script = "for i in $(seq 50); do echo $i; usleep 2000; done"
    names = [engine.start(script, "--label", "com.docker.compose.service=api") for _ in range(2)]
    for name in names:
        engine.wait(name)
    ids = [engine.inspect(name)["Id"] for name in names]
    root = Path(engine.root, "containers")
    env = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    for name, identifier in zip(names, ids, strict=True):
        log = root / identifier / f"{identifier}-json.log"
        docker = engine.run("docker", "logs", "-t", name)
        for path in (log, log.parent):
            assert engine.run("lobtail", "logs", "-t", "--file", str(path), env=env) == docker
    folders = [str(root / identifier) for identifier in ids]
    shown = engine.run("lobtail", "tail", "--file", *folders, "-o", "json", env=env)
    assert shown.code == 0
    objects = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [o["time"] for o in objects] == sorted(o["time"] for o in objects)
    for name in names:
        mine = [o for o in objects if o["container"] == name]
        assert [o["line"] for o in mine] == [str(i) for i in range(1, 51)]
        assert {o["service"] for o in mine} == {"api"}

    async def collect() -> set[str]:
        async with tail_files(str(root), tail=1) as tail:
            return {item.container.name async for item in tail}

    assert set(names) <= asyncio.run(collect())


def test_a_captured_stream_is_read_as_well(engine: TestEngine, tmp_path: Path) -> None:
    name = engine.ended("mixed", "echo out; echo err >&2")
    capture = tmp_path / "capture.bin"

    async def save() -> None:
        async with Engine(engine.host) as client:
            chunks = [chunk async for chunk in client.containers.logs(name).chunks()]
        capture.write_bytes(b"".join(chunks))

    asyncio.run(save())
    shown = engine.run("lobtail", "logs", "--file", str(capture))
    assert (shown.stdout, shown.stderr, shown.code) == (b"out\n", b"err\n", 0)
    tailed = engine.run("lobtail", "tail", "--file", str(capture), "-o", "raw")
    assert sorted(tailed.stdout.split()) == [b"err", b"out"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("logs", "--file", "{}/nothing"),
        ("tail", "--file", "{}/nothing"),
        ("tail", "--file", "{}"),
        ("logs", "--file", "/dev/null"),
    ],
)
def test_what_is_no_log_is_an_error_in_one_line(
    engine: TestEngine, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    shown = engine.run("lobtail", *(word.format(tmp_path) for word in arguments))
    assert (shown.stdout, shown.code) == (b"", 1)
    assert shown.stderr.startswith(b"lobtail: ")
    assert shown.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("logs", "-f", "--file", "x"),
        ("logs", "--file", "x", "web"),
        ("tail", "-f", "--file", "x"),
        ("tail", "--all", "--file", "x"),
        ("logs",),
    ],
)
def test_what_does_not_go_with_a_file(engine: TestEngine, arguments: tuple[str, ...]) -> None:
    shown = engine.run("lobtail", *arguments)
    assert (shown.stdout, shown.code) == (b"", 2)
    assert shown.stderr.startswith(b"lobtail: ")
