"""Logs that break off: what came whole is shown, one line says what happened, exit 1."""

from __future__ import annotations

import re

import pytest

from faults.command import IMPATIENT, line_of, lobtail
from faults.fake_engine import (
    MULTIPLEXED,
    FakeEngine,
    Script,
    chunk,
    cut,
    frame,
    head,
    log,
    log_head,
    reset,
    stall,
    trickle,
)

ONE = frame(1, b"one\n")
TWO = frame(2, b"two\n")
CLOSED = r"the engine at \S+ \(DOCKER_HOST\) closed the connection after \d+ bytes of its answer"
BROKE = (
    r"the connection to the engine at \S+ \(DOCKER_HOST\) broke after \d+ bytes of its answer: "
    r"Connection reset by peer"
)
IN_FRAME = "the stream ended inside a frame: got {} of {} bytes"
STREAM_HEAD = head(200, "OK", "1.0", content_type=MULTIPLEXED)


def logs(script: Script, *args: str, tty: bool = False, tcp: bool = False) -> tuple[bytes, str]:
    """Return what stdout held, and the line on stderr."""
    with FakeEngine(script, tty=tty, tcp=tcp) as engine:
        env = IMPATIENT if stall in script else None
        result = lobtail(engine.host, "logs", *args, "web", env=env)
    return result.stdout, line_of(result).removeprefix("lobtail: ")


@pytest.mark.parametrize("got", range(1, 8))
def test_row_1_cut_inside_a_header(got: int) -> None:
    stdout, line = logs(log([ONE, TWO[:got]], cut))
    assert stdout == b"one\n"
    assert re.fullmatch(f"{IN_FRAME.format(got, '8 header')}; {CLOSED}", line)


@pytest.mark.parametrize("got", range(4))
def test_row_1_cut_inside_a_payload(got: int) -> None:
    stdout, line = logs(log([ONE, TWO[: 8 + got]], cut))
    assert stdout == b"one\n"
    assert re.fullmatch(f"{IN_FRAME.format(got, '4 payload')}; {CLOSED}", line)


@pytest.mark.parametrize("got", [3, 8, 10])
def test_row_1_a_clean_end_inside_a_frame(got: int) -> None:
    part = IN_FRAME.format(got, "8 header") if got < 8 else IN_FRAME.format(got - 8, "4 payload")
    assert logs(log([ONE, TWO[:got]])) == (b"one\n", part)


def test_row_1_a_counted_answer_that_ends_inside_a_frame() -> None:
    body = ONE + TWO[:9]
    script = [head(content_length=len(body)) + body]
    assert logs(script) == (b"one\n", IN_FRAME.format(1, "4 payload"))


def test_row_1_a_long_payload_is_cut() -> None:
    data = frame(1, b"x" * 3_000_000)
    stdout, line = logs(log([ONE, data[:2_500_000]], cut))
    # What a frame longer than 1 MiB brought goes out in parts of that length.
    assert stdout == b"one\n" + b"x" * (2 << 20)
    assert line.startswith(IN_FRAME.format(2_499_992, "3000000 payload"))


@pytest.mark.parametrize("follow", [(), ("--follow",)])
def test_row_6_an_end_without_the_last_chunk(follow: tuple[str, ...]) -> None:
    stdout, line = logs(log([ONE, ONE], cut), *follow)
    assert stdout == b"one\none\n"
    assert re.fullmatch(CLOSED, line)


@pytest.mark.parametrize(
    "fragment",
    [b"c", b"c\r", b"c\r\n", chunk(ONE)[:-2], chunk(ONE)[:-1], b"0", b"0\r", b"0\r\n", b"0\r\n\r"],
    ids=repr,
)
def test_row_6_cut_inside_the_chunks_own_bytes(fragment: bytes) -> None:
    stdout, line = logs([log_head(), chunk(ONE), fragment, cut])
    assert stdout == (b"one\none\n" if ONE in fragment else b"one\n")
    assert re.fullmatch(CLOSED, line)


def test_row_6_a_counted_answer_is_cut() -> None:
    stdout, line = logs([head(content_length=1000), ONE, cut])
    assert stdout == b"one\n"
    assert re.fullmatch(CLOSED, line)


def test_row_6_a_terminals_bytes_are_cut() -> None:
    stdout, line = logs(log([b"plain te"], cut, content_type="text/plain"), tty=True)
    assert stdout == b"plain te"
    assert re.fullmatch(CLOSED, line)


@pytest.mark.parametrize("got", [0, 1, 8, 20, len(log_head()) - 1])
def test_row_6_cut_inside_the_head(got: int) -> None:
    stdout, line = logs([log_head()[:got], cut])
    assert stdout == b""
    assert re.fullmatch(r"the engine at \S+ \(DOCKER_HOST\) closed the connection unanswered", line)


def test_row_6_reset() -> None:
    stdout, line = logs(log([ONE, TWO[:3]], reset), tcp=True)
    assert stdout == b"one\n"
    assert re.fullmatch(f"{IN_FRAME.format(3, '8 header')}; {BROKE}", line)


def test_row_6_reset_between_frames() -> None:
    stdout, line = logs(log([ONE], reset), tcp=True)
    assert stdout == b"one\n"
    assert re.fullmatch(BROKE, line)


def test_row_6_reset_of_an_http_1_0_answer() -> None:
    stdout, line = logs([STREAM_HEAD, ONE, reset], tcp=True)
    assert stdout == b"one\n"
    assert re.fullmatch(BROKE, line)


@pytest.mark.parametrize("got", [0, 1, 30])
def test_row_6_stall_in_the_head(got: int) -> None:
    stdout, line = logs([log_head()[:got], stall])
    assert stdout == b""
    assert re.fullmatch(
        r"the engine at unix:///tmp/\S+ \(DOCKER_HOST\) has not answered for 1 s", line
    )


@pytest.mark.parametrize("got", [3, 8, 10])
@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_row_6_stall_inside_a_frame(got: int, follow: tuple[str, ...]) -> None:
    stdout, line = logs(log([ONE, TWO[:got]], stall), *follow)
    assert stdout == b"one\n"
    part = IN_FRAME.format(got, "8 header") if got < 8 else IN_FRAME.format(got - 8, "4 payload")
    assert re.fullmatch(
        rf"{part}; the engine at unix:///tmp/\S+ \(DOCKER_HOST\) fell silent in mid-frame for 1 s",
        line,
    )


def test_row_6_stall_between_frames() -> None:
    # Ten times as patient: an engine may be searching its files.
    with FakeEngine(log([ONE], stall)) as engine:
        result = lobtail(engine.host, "logs", "web", env={"LOBTAIL_TIMEOUT": "0.1"})
    assert result.stdout == b"one\n"
    assert "fell silent in mid-log for 1 s" in line_of(result)


@pytest.mark.parametrize("path", ["/_ping", "/json"])
@pytest.mark.parametrize("script", [[stall], [cut], [b"HTTP/1.1 200 OK\r\nX", cut]])
def test_row_6_a_request_before_the_log_is_not_answered(path: str, script: Script) -> None:
    with FakeEngine(answers={path: script}) as engine:
        result = lobtail(engine.host, "logs", "web", env=IMPATIENT)
    assert result.stdout == b""
    assert re.search("has not answered for 1 s|closed the connection unanswered", line_of(result))


@pytest.mark.parametrize("end", [cut, stall])
def test_row_6_the_body_of_inspect_is_not_whole(end: object) -> None:
    assert callable(end)
    with FakeEngine(answers={"/json": [head(content_length=500) + b'{"Id":', end]}) as engine:
        result = lobtail(engine.host, "logs", "web", env=IMPATIENT)
    assert re.search("has not answered for 1 s|after [0-9]+ bytes of its answer", line_of(result))


def test_http_1_0_ends_with_the_connection() -> None:
    with FakeEngine([STREAM_HEAD, ONE, TWO, cut]) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"two\n", 0)


def test_http_1_0_ends_inside_a_frame() -> None:
    assert logs([STREAM_HEAD, ONE, TWO[:9], cut]) == (b"one\n", IN_FRAME.format(1, "4 payload"))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_row_3_a_byte_at_a_time(size: int) -> None:
    body = (ONE + TWO) * 5
    chunks = [chunk(body[i : i + size]) for i in range(0, len(body), size)]
    with FakeEngine([trickle(log_head() + b"".join(chunks) + b"0\r\n\r\n")]) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n" * 5, b"two\n" * 5, 0)


def test_frames_shows_the_frame_that_was_cut() -> None:
    with FakeEngine(log([ONE, TWO[:10]], cut)) as engine:
        result = lobtail(engine.host, "frames", "web")
    assert result.stdout.decode().splitlines()[1:] == [
        "         0  01 00 00 00 00 00 00 04  stdout          4  one␊",
        "        12  02 00 00 00 00 00 00 04  stderr          4  tw",
    ]
    assert re.fullmatch(f"lobtail: {CLOSED}", line_of(result))
