"""The engine's own files beside its API: the same messages, byte for byte."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.test_logs_differential import SCRIPTS as LOGGED
from engine.test_logs_differential import x
from lobtail import Engine
from lobtail.files import Damage, LogFiles, SkippedRecords, open_log
from lobtail.model.frames import Frame, Stream
from lobtail.model.records import Record, records_of
from lobtail.query.literals import Literals
from support.engines import TestEngine
from support.records import sent, text_of

DRIVERS = ("json-file", "local")
ROTATED = ("--log-opt", "max-size=20k", "--log-opt", "max-file=50")


# The containers are those of the tests beside docker, where these want the same.
SHARED = (
    *("mix", "empty", "empty lines", "no final newline", "16383", "16384", "CRLF", "many"),
    *("UTF-8 across 16 KiB", "NUL and invalid UTF-8"),
)
SCRIPTS = {
    **{key: LOGGED[key] for key in SHARED},
    "16385 twice": f"{x(16385)}; echo; {x(16385)} >&2; echo >&2; echo next",
    "50000": f"{x(50_000)}; echo; echo next",
    "escapes and quotes": (
        "printf '\\033[31mred\\033[0m \\t \\233 \"q\" \\\\\\\\n <&> \\342\\200\\250\\n'"
    ),
    "backslashes": r"printf 'a\\\n\\n\\\\\n'; printf 'C:\\new'",
}


def files_of(engine: TestEngine, name: str, driver: str) -> LogFiles:
    found = engine.inspect(name)
    path = found["LogPath"] or f"{engine.root}/containers/{found['Id']}/local-logs/container.log"
    # Through the container's folder, and by content.
    folder = Path(path).parent if driver == "json-file" else Path(path).parent.parent
    files = open_log(folder, legacy=is_old(engine))
    assert files.paths[-1] == path
    return files


def is_old(engine: TestEngine) -> bool:
    return int(engine.version.split(".")[0]) < 23


def from_files(files: LogFiles, **options: Any) -> list[Record]:
    frames: list[Record] = []
    for item in files.messages(**options):
        assert isinstance(item, list)
        frames += item
    return frames


def from_api(engine: TestEngine, name: str, **options: Any) -> list[Record]:
    frames = frames_of(engine, name, timestamps=True, **options)
    return records_of(frames, details="details" in options)


def frames_of(engine: TestEngine, name: str, **options: Any) -> list[Frame]:
    async def read() -> list[Frame]:
        async with Engine(engine.host) as client, client.containers.logs(name, **options) as stream:
            return [frame async for frame in stream]

    return asyncio.run(read())


def time_of(record: Record) -> int:
    assert record.time_ns is not None
    return record.time_ns


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_messages_are_those_of_the_api(engine: TestEngine, script: str, driver: str) -> None:
    name = engine.ended(f"{driver} {script}", SCRIPTS[script], "--log-driver", driver)
    with files_of(engine, name, driver) as files:
        if script != "empty":
            assert files.driver == driver
        for tail in (None, 1, 3):
            api = {} if tail is None else {"tail": tail}
            expected = from_api(engine, name, **api)
            assert from_files(files, tail=tail) == expected
        for shown in ({}, {"stderr": False}, {"timestamps": True, "details": True}):
            sent = frames_of(engine, name, **shown)
            runs = [
                frame for item in files.runs(**shown) if isinstance(item, list) for frame in item
            ]
            for stream in (Stream.STDOUT, Stream.STDERR):
                assert text(runs, stream) == text(sent, stream)


def text(frames: list[Frame], stream: Stream) -> bytes:
    return b"".join(frame.payload for frame in frames if frame.stream is stream)


@pytest.mark.parametrize("driver", DRIVERS)
def test_details(engine: TestEngine, driver: str) -> None:
    # The local driver takes none of these before 29.0, and then has no details.
    logged = {"labels": "a,z-b", "env": "LANG,X", "tag": "t/{{.Name}}"}
    options = [word for pair in logged.items() for word in ("--log-opt", "=".join(pair))]
    options = options if driver == "json-file" else []
    run = ["--label", "a=1 2,3=ü", "--label", "z-b=~*", "--env", "X=&<>\"'", "--env", "LANG=C"]
    script = "echo out; echo err >&2; echo"
    name = engine.ended(f"details {driver}", script, "--log-driver", driver, *options, *run)
    with files_of(engine, name, driver) as files:
        details = from_files(files, details=True)
        assert details == from_api(engine, name, details=True)
        assert from_files(files) == from_api(engine, name)
    assert (b"X=%26%3C%3E%22%27" in details[0].details) == (driver == "json-file")


@pytest.mark.parametrize("compress", ["false", "true"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_rotated_logs(engine: TestEngine, driver: str, compress: str) -> None:
    script = "for i in $(seq 1500); do echo o$i some more text; echo e$i >&2; done"
    options = ("--log-driver", driver, *ROTATED, "--log-opt", f"compress={compress}")
    name = engine.ended(f"rotated {driver} {compress}", script, *options)
    with files_of(engine, name, driver) as files:
        assert len(files.paths) > 3
        assert any(path.endswith(".gz") for path in files.paths) == (compress == "true")
        messages = from_files(files)
        assert numbers(messages, b"o") == list(range(1, 1501))
        assert numbers(messages, b"e") == list(range(1, 1501))
        assert messages == from_api(engine, name)
        for place in (10, 700, 1500, 2990):
            moment = time_of(messages[place])
            younger = [record for record in messages if time_of(record) >= moment]
            # Here 20.10 loses lines: with the first file that is too old it leaves out all behind.
            assert from_files(files, since=moment) == younger
            if not (is_old(engine) and compress == "true"):
                api = from_api(engine, name, since=moment)
                # From 24.0 on the first that is not older lets all behind it pass.
                assert [record for record in api if time_of(record) >= moment] == younger
            if moment < max(map(time_of, messages[:place])):
                continue
            until = from_api(engine, name, until=moment)
            assert from_files(files, until=moment) == until
            tail = from_api(engine, name, tail=place)
            assert from_files(files, tail=place) == tail
        wanted = list(files.messages(wanted=Literals((("o777 ",),))))
        kept = [frame for item in wanted if isinstance(item, list) for frame in item]
        assert any(b" o777 " in sent(frame) for frame in kept)
        # Of the local driver's format only larger files are worth a search.
        assert any(isinstance(item, SkippedRecords) for item in wanted) == (driver == "json-file")


def numbers(messages: list[Record], prefix: bytes) -> list[int]:
    texts = (text_of(frame).split()[0] for frame in messages)
    return [int(text[1:]) for text in texts if text[:1] == prefix]


@pytest.mark.parametrize("compress", ["false", "true"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_while_it_is_written(engine: TestEngine, driver: str, compress: str) -> None:
    """A snapshot has what was there when it was opened: numbers without a gap, none twice."""
    options = ("--log-driver", driver, *ROTATED, "--log-opt", f"compress={compress}")
    name = engine.start("seq 40000", *options)
    ended = threading.Event()

    def wait() -> None:
        engine.wait(name)
        ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    rounds = 0
    try:
        while not ended.is_set() or rounds < 5:
            with files_of(engine, name, driver) as files:
                damages, found = snapshot(files)
            assert not damages
            assert found == list(range(found[0], found[-1] + 1)) if found else True
            rounds += 1
    finally:
        waiting.join()
    assert found[-1] == 40_000


def snapshot(files: LogFiles) -> tuple[list[Damage], list[int]]:
    damages: list[Damage] = []
    found: list[int] = []
    for item in files.messages():
        if isinstance(item, Damage):
            damages.append(item)
        elif isinstance(item, list):
            found += [int(text_of(frame)) for frame in item]
    return damages, found


def test_a_damaged_file(engine: TestEngine, tmp_path: Path) -> None:
    """A NUL byte ends the stream of an engine; the file has what stands behind it."""
    name = engine.ended("json-file many", SCRIPTS["many"], "--log-driver", "json-file")
    with files_of(engine, name, "json-file") as files:
        messages = from_files(files)
        data = Path(files.paths[-1]).read_bytes()
    lines = data.splitlines(keepends=True)
    assert json.loads(lines[0])["log"].endswith("\n")
    copy = tmp_path / "copy-json.log"
    copy.write_bytes(b"".join(lines[:100]) + bytes(500) + b"".join(lines[100:]))
    with open_log(copy) as files:
        items = list(files.messages())
    kept = [frame for item in items if isinstance(item, list) for frame in item]
    assert kept == messages
    assert [(d.offset, d.size) for d in damages_of(items)] == [(len(b"".join(lines[:100])), 500)]


def damages_of(items: list[list[Record] | Damage | SkippedRecords]) -> Iterator[Damage]:
    return (item for item in items if isinstance(item, Damage))
