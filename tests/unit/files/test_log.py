"""A log's files together: rotation, since, until and tail, damage, and what is refused."""

from __future__ import annotations

import os
import random
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from lobtail.files import LogFiles, open_log
from lobtail.model.frames import Stream
from lobtail.model.records import Record
from support.chance import examples
from support.log_files import START, Message, write_rotated

SECOND = 10**9
NAMES = {"json-file": "c-json.log", "local": "container.log", "k8s-file": "ctr.log"}
ROTATING = list(NAMES)


def log(count: int, seed: int = 1, step: int = 10**6, *, shuffle: int = 0) -> list[Message]:
    """Return messages `step` ns apart, of both streams; within `shuffle` they change places."""
    rng = random.Random(seed)
    times = [START + i * step + rng.randrange(step // 2) for i in range(count)]
    for _ in range(shuffle):
        i = rng.randrange(1, count)
        times[i - 1], times[i] = times[i], times[i - 1]
    streams = rng.choices([Stream.STDOUT, Stream.STDERR], [4, 1], k=count)
    return [
        Message(b"line %d " % i + b"x" * rng.randrange(80), stream, time)
        for i, (time, stream) in enumerate(zip(times, streams, strict=True))
    ]


def split(batch: list[Message], parts: int) -> list[list[Message]]:
    size = -(-len(batch) // parts)
    return [batch[i : i + size] for i in range(0, len(batch), size)]


def all_frames(log: LogFiles, **options: Any) -> list[Record]:
    frames: list[Record] = []
    for batch in log.messages(**options):
        assert isinstance(batch, list), batch
        assert batch, "a batch is never empty"
        frames += batch
    return frames


def all_runs(log: LogFiles, **options: Any) -> list[tuple[Stream, bytes]]:
    """Return the runs, those of one stream joined over the borders of batches."""
    frames = []
    for batch in log.runs(**options):
        assert isinstance(batch, list), batch
        frames += batch
    return [
        (stream, b"".join(f.payload for f in group))
        for stream, group in groupby(frames, lambda f: f.stream)
    ]


def model(
    batch: list[Message],
    since: int | None = None,
    until: int | None = None,
    tail: int | None = None,
) -> list[Message]:
    """Return what an engine gives, done the simple way."""
    if tail is not None and tail >= 0:
        batch = batch[len(batch) - min(tail, len(batch)) :]
    out = []
    for message in batch:
        if since is not None and message.time_ns < since:
            continue
        if until is not None and message.time_ns > until:
            break
        out.append(message)
    return out


def write(path: Path, driver: str, parts: list[list[Message]], *, compress: bool) -> Path:
    path /= NAMES[driver]
    write_rotated(path, driver, parts, compress=compress)
    return path


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("driver", ROTATING)
class TestRange:
    def test_all(self, tmp_path: Path, driver: str, parts: int, compress: bool) -> None:
        batch = log(3000)
        path = write(tmp_path, driver, split(batch, parts), compress=compress)
        with open_log(path) as files:
            assert files.driver == driver
            assert len(files.paths) == parts
            assert all_frames(files) == [message.record() for message in batch]

    def test_since_until_tail(
        self, tmp_path: Path, driver: str, parts: int, compress: bool
    ) -> None:
        batch = log(2500, shuffle=300)
        path = write(tmp_path, driver, split(batch, parts), compress=compress)
        first, last = batch[0].time_ns, batch[-1].time_ns
        rng = random.Random(7)
        moments = [
            *(None, first - 5 * SECOND, first, last, last + 1, last + SECOND, 0, 10**20, -(10**20)),
            *(rng.choice(batch).time_ns + rng.choice([-1, 0, 1]) for _ in range(25)),
        ]
        tails = [None, -1, 0, 1, 2, 832, 833, 834, 835, 1667, 2499, 2500, 2501, 10**9]
        records = {id(message): message.record() for message in batch}
        with open_log(path) as files:
            for i in range(examples(90)):
                asked: dict[str, int | None] = {
                    "since": rng.choice(moments),
                    "until": rng.choice(moments) if i % 3 == 0 else None,
                    "tail": rng.choice(tails) if i % 3 == 1 else None,
                }
                expected = [records[id(message)] for message in model(batch, **asked)]
                assert all_frames(files, **asked) == expected, asked
            for tail in tails:
                expected = [records[id(message)] for message in model(batch, tail=tail)]
                assert all_frames(files, tail=tail) == expected, tail

    def test_runs(self, tmp_path: Path, driver: str, parts: int, compress: bool) -> None:
        batch = log(2000, shuffle=50)
        path = write(tmp_path, driver, split(batch, parts), compress=compress)
        middle = batch[1000].time_ns
        with open_log(path) as files:
            for show in (
                *({}, {"timestamps": True}, {"stdout": False}, {"stderr": False}),
                {"details": True},
                {"timestamps": True, "details": True, "stderr": False},
            ):
                for asked in ({}, {"since": middle}, {"until": middle}, {"tail": 777}):
                    runs = all_runs(files, **asked, **show)
                    assert runs == expected_runs(model(batch, **asked), **show), (asked, show)


def expected_runs(
    batch: list[Message],
    *,
    timestamps: bool = False,
    details: bool = False,
    stdout: bool = True,
    stderr: bool = True,
) -> list[tuple[Stream, bytes]]:
    shown = [m for m in batch if (stdout if m.stream is Stream.STDOUT else stderr)]
    return [
        (
            stream,
            b"".join(
                m.payload(details=details) if timestamps else m.shown(details=details)
                for m in group
            ),
        )
        for stream, group in groupby(shown, lambda m: m.stream)
    ]


def test_since_of_a_long_log_reads_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = log(60_000)
    path = write(tmp_path, "json-file", [batch], compress=False)
    read = 0
    pread = os.pread

    def counted(fd: int, size: int, offset: int) -> bytes:
        nonlocal read
        data = pread(fd, size, offset)
        read += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    with open_log(path) as files:
        for options in ({"since": batch[-100].time_ns}, {"tail": 100}):
            read = 0
            assert len(all_frames(files, **options)) == 100
            assert read < files.size / 5
