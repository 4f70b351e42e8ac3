"""Logs of a fake engine: what is asked for, frames and runs, how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from faults.fake_engine import FakeEngine, Script, answer, cut, frame, head, log, stall
from lobtail import ConfigError, Engine, EngineError, Frame, Stream, TruncatedStream
from lobtail.engine.streams.logs import LogOptions
from lobtail.errors import ConnectionLostError, EngineStreamError, ProtocolError
from support.talking import talk

ONE, TWO = frame(1, b"one\n"), frame(2, b"two\n")
OUT, ERR = Stream.STDOUT, Stream.STDERR


def options(**more: Any) -> dict[str, str]:
    plain: dict[str, Any] = {
        "tail": None,
        "since": None,
        "until": None,
        "stdout": True,
        "stderr": True,
        "follow": False,
        "timestamps": False,
        "details": False,
    }
    return LogOptions.build(**{**plain, **more}).query()


BASE = {"tail": "all", "stdout": "1", "stderr": "1"}
MOMENT = datetime(2026, 11, 24, 1, 2, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({}, BASE),
        ({"stdout": False}, {"tail": "all", "stderr": "1"}),
        ({"stderr": False}, {"tail": "all", "stdout": "1"}),
        ({"follow": True, "timestamps": True}, {**BASE, "follow": "1", "timestamps": "1"}),
        ({"details": True}, {**BASE, "details": "1"}),
        ({"tail": 0}, {**BASE, "tail": "0"}),
        ({"tail": 7}, {**BASE, "tail": "7"}),
        ({"tail": "x"}, {**BASE, "tail": "x"}),
        ({"tail": -1}, {**BASE, "tail": "-1"}),
        ({"since": 0}, {**BASE, "since": "0.000000000"}),
        ({"since": 1_500_000_000_000_000_001}, {**BASE, "since": "1500000000.000000001"}),
        ({"since": "1500000000.5"}, {**BASE, "since": "1500000000.500000000"}),
        ({"since": "2026-11-24T01:02:03.000004Z"}, {**BASE, "since": "1795482123.000004000"}),
        ({"since": MOMENT}, {**BASE, "since": "1795482123.000004000"}),
        (
            {"until": MOMENT.astimezone(timezone(timedelta(hours=-5)))},
            {**BASE, "until": "1795482123.000004000"},
        ),
        ({"since": "", "until": ""}, BASE),
        ({"until": "0"}, BASE),
    ],
)
def test_query(given: dict[str, Any], query: dict[str, str]) -> None:
    assert options(**given) == query


@pytest.mark.parametrize("name", ["since", "until"])
def test_times_that_are_none(name: str) -> None:
    for value in ("lately", "2026-13-01", datetime(2026, 1, 1)):
        with pytest.raises(ConfigError, match=name):
            options(**{name: value})


def frames_of(fake: FakeEngine, *, runs: bool = False, **more: Any) -> list[Frame]:
    """Return the frames that came, also those before an error, which is the last's payload."""
    got: list[Frame] = []

    async def scenario(engine: Engine) -> None:
        async with engine.containers.logs("web", **more) as stream:
            async for frames in stream.batches(joined=True) if runs else stream.batches():
                assert frames
                got.extend(frames)

    try:
        talk(fake, scenario)
    except (ConnectionLostError, ProtocolError, EngineStreamError) as exc:
        exc.add_note(repr(got))
        raise
    return got


def test_frames_and_runs() -> None:
    body = [ONE, ONE, TWO, frame(1, b""), ONE]
    assert frames_of(FakeEngine(log(body))) == [
        Frame(OUT, b"one\n"),
        Frame(OUT, b"one\n"),
        Frame(ERR, b"two\n"),
        Frame(OUT, b""),
        Frame(OUT, b"one\n"),
    ]
    # One packet, so that it is one read.
    whole = [b"".join(step for step in log(body) if isinstance(step, bytes))]
    assert frames_of(FakeEngine(whole), runs=True) == [
        Frame(OUT, b"one\none\n"),
        Frame(ERR, b"two\n"),
        Frame(OUT, b"one\n"),
    ]


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize(
    ("body", "end", "error"),
    [
        ([ONE, TWO[:9]], (), TruncatedStream),
        ([ONE, TWO[:9]], (cut,), TruncatedStream),
        ([ONE], (cut,), ConnectionLostError),
        ([ONE, frame(9, b"")], (), ProtocolError),
        ([ONE, frame(3, b"broke\n")], (), EngineStreamError),
    ],
)
def test_what_came_whole_comes_before_the_error(
    body: list[bytes], end: Script, error: type[Exception], runs: bool
) -> None:
    with pytest.raises(error) as caught:
        frames_of(FakeEngine(log(body, *end)), runs=runs)
    assert caught.value.__notes__ == [repr([Frame(OUT, b"one\n")])]


def test_a_truncated_stream_says_how_it_was_cut() -> None:
    with pytest.raises(TruncatedStream) as caught:
        frames_of(FakeEngine(log([ONE, TWO[:9]], cut)))
    error = caught.value
    assert (error.part, error.got, error.wanted, error.fragment) == ("payload", 1, 4, b"t")
    assert "closed the connection after" in error.cause
    assert isinstance(error.__cause__, ConnectionLostError)


def test_until_ends_a_silent_follow() -> None:
    frames = frames_of(FakeEngine(log([ONE], stall)), follow=True, until=1)
    assert frames == [Frame(OUT, b"one\n")]


def test_neither_stream_is_asked_for() -> None:
    fake = FakeEngine(log([ONE]))
    with pytest.raises(ConfigError, match="neither stdout nor stderr"):
        frames_of(fake, stdout=False, stderr=False)
    assert fake.connections == 0


def test_a_stream_is_read_once() -> None:
    async def scenario(engine: Engine) -> None:
        stream = engine.containers.logs("web")
        with pytest.raises(RuntimeError, match="not open yet"):
            _ = stream.container
        async with stream:
            assert stream.container.name == "/web"
            assert stream.multiplexed
            assert b"".join([c async for c in stream.chunks()]) == ONE
        with pytest.raises(RuntimeError, match="has been read"):
            await anext(aiter(stream.batches()))

    talk(FakeEngine(log([ONE])), scenario)


def test_a_log_read_to_its_end_gives_its_connection_back() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(3):
            async with engine.containers.logs("web") as stream:
                async for _ in stream.batches():
                    pass

    fake = FakeEngine(log([ONE]))
    talk(fake, scenario)
    assert fake.connections == 1


def test_a_log_left_early_closes_its_connection() -> None:
    async def scenario(engine: Engine) -> None:
        async with engine.containers.logs("web", follow=True) as stream:
            async for _ in stream.batches():
                break
        await engine.containers.inspect("web")

    fake = FakeEngine(log([ONE], stall))
    talk(fake, scenario)
    assert fake.connections == 2


def test_http_1_0_and_a_body_without_a_length() -> None:
    script: Script = [head(200, "OK", "1.0"), ONE, TWO, cut]
    assert [f.payload for f in frames_of(FakeEngine(script))] == [b"one\n", b"two\n"]


def test_a_refused_log_is_an_engine_error() -> None:
    script = answer("configured logging driver does not support reading\n", 501)
    with pytest.raises(EngineError, match="does not support reading") as caught:
        frames_of(FakeEngine(script))
    assert caught.value.status == 501
