"""What `-o json` saves of containers is, read back, what the engine has shown."""

from __future__ import annotations

import asyncio
import gzip
import time
from pathlib import Path

from lobtail import Engine, tail_files
from lobtail.model.items import Item, Line, Started, Stopped
from lobtail.render.json import JsonFormatter
from lobtail.render.style import Style
from support.engines import TestEngine, until

SCRIPTS = {
    "out": ("for i in 1 2 3; do echo out $i; echo err $i >&2; done; printf unended", ()),
    "tty": ("for i in 1 2 3; do echo WARN $i; done; printf '10%%\\r20%%\\n'", ("-t",)),
    "bytes": (r"printf 'a\0b\n\377\376\n\r\n\n'; seq -s , 20000", ("--label", "tier=front")),
}


def containers(engine: TestEngine) -> list[str]:
    names = []
    for key, (script, opts) in SCRIPTS.items():
        names.append(engine.ended(f"saved {key}", script, *opts))
        if engine.suite == "podman":
            # Its stamps are whole seconds: lines of one have no order among containers.
            _await_next_second()
    return names


def _await_next_second() -> None:
    now = int(time.time())
    until(lambda: time.time() >= now + 1, "the next second")


def saved(*batches: list[Item]) -> bytes:
    formatter = JsonFormatter(Style())
    return b"".join(chunk.data for batch in batches for chunk in formatter.render(batch))


def test_a_saved_log_is_shown_as_the_engine_shows_it(
    any_engine: TestEngine, tmp_path: Path
) -> None:
    names = containers(any_engine)

    def shown(*args: str) -> bytes:
        result = any_engine.run("lobtail", "tail", "--no-follow", *args)
        assert (result.stderr, result.code) == (b"", 0)
        return result.stdout

    data = shown("-o", "json", *names)
    path, packed = tmp_path / "saved.jsonl", tmp_path / "packed.jsonl.gz"
    path.write_bytes(data)
    packed.write_bytes(gzip.compress(data))
    for file in (path, packed):
        assert shown("--file", str(file), "-o", "json") == data
    for look in (
        ("-o", "pretty", "-t"),
        ("-o", "raw"),
        ("--template", "{container}|{id}|{image}|{label.tier}|{stream}|{time}|{text}"),
        ("--level", "warn"),
        ("-i", "2$", "-C", "1"),
        ("-w", "stream==stderr and not /3/"),
        ("--stream", "stderr"),
        ("--since", "1h"),
    ):
        assert shown("--file", str(path), *look) == shown(*look, *names), look


def test_runs_and_details_are_saved(engine: TestEngine, tmp_path: Path) -> None:
    name = engine.docker(
        *("create", "--network", "none", "--label", "b=1 2", "--label", "a=x,y"),
        *("--log-driver", "json-file", "--log-opt", "labels=b,a", "lobtail-test"),
        *("sh", "-c", "echo one; echo two >&2"),
    )

    async def watch() -> list[Item]:
        async with (
            Engine(engine.host) as client,
            client.tail(name, details=True, until_stopped=True) as tail,
        ):
            engine.act("start", name)
            return [item async for item in tail]

    async def read() -> list[Item]:
        async with tail_files(str(tmp_path / "saved.jsonl")) as tail:
            return [item async for item in tail]

    items = asyncio.run(watch())
    (tmp_path / "saved.jsonl").write_bytes(saved(items))
    assert asyncio.run(read()) == items
    assert {Line, Started, Stopped} == set(map(type, items))
    lines = [item for item in items if isinstance(item, Line)]
    assert [line.details for line in lines] == [{"a": "x,y", "b": "1 2"}] * 2
    assert all(line.container.labels["b"] == "1 2" for line in lines)
