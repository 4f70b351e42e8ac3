"""attach against an engine that answers what a test tells it to: frames, refusals, breaks."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from faults.fake_engine import (
    ID,
    MULTIPLEXED,
    RAW,
    Script,
    answer,
    await_event,
    chunk,
    cut,
    frame,
    head,
    json_answer,
    log_head,
    reset,
    stall,
    trickle,
)
from lobtail import ConfigError, EngineError, Frame, Stream, TruncatedStream
from lobtail.docker import AttachStream
from lobtail.errors import (
    ConnectionLostError,
    ContainerStateError,
    EngineStreamError,
    ProtocolError,
)
from support.attaching import ERR, HEADS, ONE, OUT, SWITCH, TWO, collect, fake, talk

# --- the answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("start", HEADS)
@pytest.mark.parametrize("bytewise", [False, True])
def test_frames(start: str, bytewise: bool) -> None:
    data = HEADS[start] + ONE + TWO + frame(0, b"echo") + frame(1, b"")
    script = [trickle(data) if bytewise else data, cut]
    frames = talk(fake(*script), collect)
    assert frames == [
        Frame(OUT, b"one\n"),
        Frame(ERR, b"two\n"),
        Frame(Stream.STDIN, b"echo"),
        Frame(OUT, b""),
    ]


@pytest.mark.parametrize("start", HEADS)
def test_a_terminals_bytes(start: str) -> None:
    frames = talk(fake(HEADS[start] + b"one\r\n", b"two", cut, tty=True), collect)
    assert {item.stream for item in frames} == {OUT}
    assert b"".join(item.payload for item in frames) == b"one\r\ntwo"


def test_runs() -> None:
    async def scenario(stream: AttachStream) -> list[Frame]:
        return [item async for items in stream.batches(joined=True) for item in items]

    frames = talk(fake(SWITCH + ONE + ONE + TWO, cut), scenario)
    assert frames == [Frame(OUT, b"one\none\n"), Frame(ERR, b"two\n")]


def test_a_loop_that_was_left_can_be_taken_up_again() -> None:
    go = threading.Event()

    async def scenario(stream: AttachStream) -> list[list[Frame]]:
        batches = []
        async for batch in stream.batches():
            batches.append(batch)
            go.set()
            break
        return [*batches, *[batch async for batch in stream.batches()]]

    engine = fake(SWITCH + ONE, await_event(go), TWO, cut)
    assert talk(engine, scenario) == [[Frame(OUT, b"one\n")], [Frame(ERR, b"two\n")]]


def test_what_is_asked_for() -> None:
    engine = fake(SWITCH, cut)
    talk(engine, collect, stdin=True, stderr=False, logs=True, detach_keys="ctrl-a,b")
    asked = [target.partition("/containers/")[2] for target in engine.requests[1:]]
    assert asked == [
        "web/wait?condition=next-exit",
        "web/json",
        f"{ID}/attach?stream=1&stdin=1&stdout=1&logs=1&detachKeys=ctrl-a%2Cb",
    ]


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        (json_answer({"message": "No such container: web"}, 404), 404, "No such container: web"),
        # Docker takes the connection over before it refuses.
        ([head(409, "Conflict", content_type=RAW) + b"is paused\r\n", cut], 409, "is paused"),
        (answer("<html><title>Bad</title>", 502, "Bad Gateway"), 502, "502 Bad Gateway: an HTML"),
        ([head(403, "Forbidden", content_length=0)], 403, "403 Forbidden, without a word"),
    ],
    ids=["json", "text", "html", "empty"],
)
def test_a_refusal(script: Script, status: int, words: str) -> None:
    with pytest.raises(EngineError) as caught:
        talk(fake(*script), collect)
    assert caught.value.status == status
    assert str(caught.value).startswith(f"Error response from daemon: {words}")


def test_there_is_no_such_container() -> None:
    missing = json_answer({"message": "No such container: web"}, 404, "Not Found")
    other = json_answer({"message": "other words"}, 404, "Not Found")
    with pytest.raises(EngineError, match="No such container: web"):
        talk(fake(more={"/wait": other, "/json": missing}), collect)


def test_waiting_is_refused() -> None:
    with pytest.raises(EngineError, match="no waiting"):
        talk(fake(more={"/wait": json_answer({"message": "no waiting"}, 500)}), collect)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"running": False}, "stopped container, start it first"),
        ({"paused": True}, "paused container, unpause it first"),
        ({"restarting": True}, "restarting container, wait until it is running"),
    ],
)
def test_a_container_in_no_state_to_attach_to(state: dict[str, Any], word: str) -> None:
    engine = fake(**state)
    with pytest.raises(ContainerStateError, match=f"^You cannot attach to a {word}$"):
        talk(engine, collect)
    assert not [target for target in engine.requests if "/attach" in target]


def test_a_container_that_will_be_started() -> None:
    assert talk(fake(SWITCH + ONE, cut, running=False), collect, before_start=True) == [
        Frame(OUT, b"one\n")
    ]


def test_a_container_without_stdin() -> None:
    with pytest.raises(ConfigError, match="'web' was made without stdin"):
        talk(fake(stdin=False), collect, stdin=True)


def test_detach_keys_that_are_none() -> None:
    with pytest.raises(ConfigError, match="'ctrl-1' is no key"):
        talk(fake(), collect, detach_keys="ctrl-1")


def test_a_connection_that_is_not_handed_over() -> None:
    script = [log_head(MULTIPLEXED), chunk(ONE), b"0\r\n\r\n"]
    with pytest.raises(ProtocolError, match="did not hand the connection over: it answered 200 OK"):
        talk(fake(*script), collect, stdin=True)
    # Who only reads can do with it.
    assert talk(fake(*script), collect) == [Frame(OUT, b"one\n")]


@pytest.mark.parametrize(
    "start",
    [
        head(101, "UPGRADED"),
        head(101, "UPGRADED", connection="Upgrade"),
        head(101, "UPGRADED", upgrade="tcp"),
    ],
)
def test_a_switch_without_its_headers(start: bytes) -> None:
    with pytest.raises(ProtocolError):
        talk(fake(start + ONE, cut), collect)


# --- broken connections -------------------------------------------------------------------------


@pytest.mark.parametrize("start", HEADS)
@pytest.mark.parametrize("size", [3, 8, 10])
def test_cut_inside_a_frame(start: str, size: int) -> None:
    got: list[Frame] = []
    with pytest.raises(TruncatedStream) as caught:
        talk(fake(HEADS[start] + ONE + TWO[:size], cut), lambda stream: collect(stream, got))
    assert got == [Frame(OUT, b"one\n")]
    assert caught.value.got == (size if size < 8 else size - 8)


def test_reset() -> None:
    got: list[Frame] = []
    with pytest.raises(ConnectionLostError, match=r"Connection reset by peer$"):
        talk(fake(SWITCH + ONE, reset, tcp=True), lambda stream: collect(stream, got))
    assert got == [Frame(OUT, b"one\n")]


def test_reset_inside_a_frame() -> None:
    with pytest.raises(TruncatedStream, match="got 2 of 4 payload bytes; the connection to"):
        talk(fake(SWITCH + ONE + TWO[:10], reset, tcp=True), collect)


def test_silence_inside_a_frame() -> None:
    with pytest.raises(TruncatedStream, match=r"fell silent in mid-frame for 0\.2 s"):
        talk(fake(SWITCH + TWO[:10], stall), collect, timeout=0.2)


@pytest.mark.parametrize("junk", [b"plain text, no frames", b"\xff" * 100, frame(4, b"x")])
def test_garbage(junk: bytes) -> None:
    got: list[Frame] = []
    with pytest.raises(
        ProtocolError, match=r"unrecognized stream type \d+ .*at byte 12|at byte 12"
    ):
        talk(fake(SWITCH + ONE + junk, cut), lambda stream: collect(stream, got))
    assert got == [Frame(OUT, b"one\n")]


def test_the_daemons_own_error() -> None:
    got: list[Frame] = []
    with pytest.raises(EngineStreamError, match="it went wrong"):
        talk(
            fake(SWITCH + ONE + frame(3, b"it went\nwrong\n") + TWO, cut), lambda s: collect(s, got)
        )
    assert got == [Frame(OUT, b"one\n")]
