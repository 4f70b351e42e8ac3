"""attach and exec against an engine that answers what a test tells it to, and breaks off."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import pytest

from faults.fake_engine import (
    ID,
    MULTIPLEXED,
    RAW,
    Connection,
    FakeEngine,
    Script,
    Step,
    answer,
    await_event,
    chunk,
    cut,
    frame,
    head,
    json_answer,
    log_head,
    receive,
    receive_eof,
    repeat,
    reset,
    stall,
    tell,
    trickle,
)
from lobtail import (
    AttachStream,
    ConfigError,
    ConnectionLostError,
    ContainerStateError,
    Engine,
    EngineError,
    EngineStreamError,
    ExecStream,
    Frame,
    LobtailError,
    ProtocolError,
    Stream,
    TruncatedStream,
)

T = TypeVar("T")
ONE, TWO = frame(1, b"one\n"), frame(2, b"two\n")
OUT, ERR = Stream.STDOUT, Stream.STDERR
ENDED = {"StatusCode": 3, "Error": None}
SWITCH = head(101, "UPGRADED", content_type=RAW, connection="Upgrade", upgrade="tcp")
LABELLED = head(101, "UPGRADED", content_type=MULTIPLEXED, connection="Upgrade", upgrade="tcp")
OLD = head(200, "OK", content_type=RAW)
HEADS = {"101": SWITCH, "labelled": LABELLED, "200": OLD}


def inspect(**state: bool) -> dict[str, Any]:
    config = {"Tty": state.pop("tty", False), "OpenStdin": state.pop("stdin", True)}
    state = {"Running": True, **{name.title(): value for name, value in state.items()}}
    return {"Id": ID, "Name": "/web", "Config": config, "State": state}


def fake(
    *attach: Step,
    wait: Script = (stall,),
    tcp: bool = False,
    more: Mapping[str, Script] | None = None,
    **state: Any,
) -> FakeEngine:
    """Make an engine whose `…/attach` and exec's `…/start` are answered by `attach`."""
    answers: dict[str, Script] = {
        "/attach": attach,
        "/start": attach,
        "/wait": [log_head("application/json"), *wait],
        "/web/exec": json_answer({"Id": "e1"}, 201, "Created"),
        "/e1/json": json_answer({"Running": False, "ExitCode": 3}),
        **(more or {}),
    }
    return FakeEngine(tcp=tcp, inspect=inspect(**state), answers=answers)


def exited(value: object = ENDED) -> list[Step]:
    return [chunk(json.dumps(value).encode()), b"0\r\n\r\n"]


def talk(engine: FakeEngine, scenario: Callable[[AttachStream], Awaitable[T]], **more: Any) -> T:
    async def main() -> T:
        timeout = more.pop("timeout", 5)
        client = Engine(engine.host, timeout=timeout)
        async with client, client.attach("web", **more) as stream:
            return await scenario(stream)

    with engine:
        return asyncio.run(main())


async def collect(
    stream: AttachStream | ExecStream, into: list[Frame] | None = None
) -> list[Frame]:
    frames = into if into is not None else []
    async for batch in stream:
        assert batch
        frames += batch
    return frames


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
        return [item async for items in stream.runs() for item in items]

    frames = talk(fake(SWITCH + ONE + ONE + TWO, cut), scenario)
    assert frames == [Frame(OUT, b"one\none\n"), Frame(ERR, b"two\n")]


def test_a_loop_that_was_left_can_be_taken_up_again() -> None:
    go = threading.Event()

    async def scenario(stream: AttachStream) -> list[list[Frame]]:
        batches = []
        async for batch in stream:
            batches.append(batch)
            go.set()
            break
        return [*batches, *[batch async for batch in stream]]

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


# --- input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["101", "200"])
def test_input_and_its_end(start: str) -> None:
    async def scenario(stream: AttachStream) -> list[Frame]:
        await stream.write(b"hello ")
        await stream.write(bytearray(b"world\n"))
        await stream.write_eof()
        await stream.write_eof()
        with pytest.raises(RuntimeError, match="closed by write_eof"):
            await stream.write(b"more")
        return await collect(stream)

    engine = fake(HEADS[start], receive(b"hello world\n"), receive_eof, ONE, cut)
    assert talk(engine, scenario, stdin=True) == [Frame(OUT, b"one\n")]


def test_input_that_nobody_reads_waits() -> None:
    full = threading.Event()

    async def scenario(stream: AttachStream) -> int:
        written = 0
        data = b"x" * 65536
        while True:
            try:
                async with asyncio.timeout(0.5):
                    await stream.write(data)
            except TimeoutError:
                break
            written += len(data)
            assert written < 8 << 20
        full.set()
        await stream.write(b"end\n")
        await stream.write_eof()
        await collect(stream)
        return written

    engine = fake(SWITCH, await_event(full), receive(b"end\n"), receive_eof, cut)
    assert talk(engine, scenario, stdin=True) > 0


async def write_for_ever(stream: AttachStream) -> None:
    while True:
        await stream.write(b"y\n" * 1000)


def test_the_output_of_a_process_that_does_not_read_to_the_end() -> None:
    # As `yes | exec -i head -1`: the write fails while the output waits to be read.
    closed = threading.Event()

    def close_both(connection: Connection) -> None:
        connection.taken()
        connection.sock.setblocking(False)
        try:
            while connection.sock.recv(65536):
                pass
        except BlockingIOError:
            pass
        connection.sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    async def scenario(stream: AttachStream) -> list[Frame]:
        # Hold the loop, so that what comes is not read before the write fails.
        assert closed.wait(5)
        with pytest.raises(ConnectionLostError, match="takes no more input"):
            await asyncio.wait_for(write_for_ever(stream), 5)
        return await collect(stream)

    engine = fake(SWITCH + ONE * 1000, close_both)
    assert talk(engine, scenario, stdin=True) == [Frame(OUT, b"one\n")] * 1000


def test_input_that_was_not_asked_for() -> None:
    async def scenario(stream: AttachStream) -> None:
        with pytest.raises(RuntimeError, match="stdin=True"):
            await stream.write(b"x")

    talk(fake(SWITCH, cut), scenario)


def test_detaching() -> None:
    async def scenario(stream: AttachStream) -> list[Frame]:
        await stream.write(b"a\x10")
        before = stream.detached
        await stream.write(b"\x11never")
        assert (before, stream.detached) == (False, True)
        with pytest.raises(ConnectionLostError):
            await stream.write(b"x")
        return await collect(stream)

    assert talk(fake(SWITCH, receive(b"a"), stall, tty=True), scenario, stdin=True) == []


def test_keys_that_are_held_back_are_sent_at_the_end() -> None:
    async def scenario(stream: AttachStream) -> None:
        await stream.write(b"a\x10")
        await stream.write_eof()
        await collect(stream)

    talk(fake(SWITCH, receive(b"a\x10"), receive_eof, cut, tty=True), scenario, stdin=True)


def test_without_a_terminal_no_keys_detach() -> None:
    async def scenario(stream: AttachStream) -> None:
        await stream.write(b"\x10\x11")
        assert not stream.detached
        await collect(stream)

    talk(fake(SWITCH, receive(b"\x10\x11"), cut), scenario, stdin=True)


# --- flow ---------------------------------------------------------------------------------------


def test_a_slow_reader_holds_the_engine_up() -> None:
    block = frame(1, b"x" * 32760)

    async def scenario(stream: AttachStream) -> int:
        sent = -1
        while engine.sent != sent:  # until it can send no more
            sent = engine.sent
            await asyncio.sleep(0.2)
        assert engine.sent < 4 << 20
        return len(await collect(stream))

    engine = fake(SWITCH, repeat(block, 400), cut)
    assert talk(engine, scenario) == 400


# --- the end ------------------------------------------------------------------------------------


def test_the_exit_code() -> None:
    async def scenario(stream: AttachStream) -> int:
        await collect(stream)
        code = await stream.wait()
        assert stream.ended
        return code

    assert talk(fake(SWITCH, cut, wait=exited()), scenario) == 3


def test_an_end_that_cannot_be_waited_for() -> None:
    async def scenario(stream: AttachStream) -> int:
        return await stream.wait()

    said = {"StatusCode": -1, "Error": {"Message": "it is gone"}}
    with pytest.raises(LobtailError, match=r"^it is gone$"):
        talk(fake(SWITCH, stall, wait=exited(said)), scenario)
    with pytest.raises(ConnectionLostError):
        talk(fake(SWITCH, stall, wait=[cut]), scenario)


def test_waiting_ends_with_the_stream() -> None:
    async def scenario(stream: AttachStream) -> asyncio.Task[int]:
        waiting = asyncio.create_task(stream.wait())
        await asyncio.sleep(0)
        stream.close()
        with pytest.raises(ConnectionLostError, match="closed before the container ended"):
            await waiting
        return waiting

    talk(fake(SWITCH, stall), scenario)


def test_a_stream_that_the_engine_forgets_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lobtail.engine.two_way.FORGOTTEN", 0.1)
    attached = threading.Event()

    async def scenario(stream: AttachStream) -> list[Frame]:
        return await collect(stream)

    engine = fake(SWITCH + ONE, tell(attached), stall, wait=[await_event(attached), *exited()])
    assert talk(engine, scenario) == [Frame(OUT, b"one\n")]


def test_an_end_that_is_heard_of_early_ends_no_wait() -> None:
    # The exit code comes before the output, and just when somebody begins to wait for that.
    waited, read = threading.Event(), threading.Event()

    async def scenario(stream: AttachStream) -> list[Frame]:
        while not stream.ended:
            await asyncio.sleep(0)
        reading = asyncio.create_task(collect(stream))
        await asyncio.sleep(0)
        read.set()
        return await reading

    engine = fake(SWITCH, tell(waited), await_event(read), ONE, cut, wait=exited())
    for _ in range(20):
        read.clear()
        assert talk(engine, scenario) == [Frame(OUT, b"one\n")]
        engine = fake(SWITCH, tell(waited), await_event(read), ONE, cut, wait=exited())


def test_the_end_of_input_where_a_connection_has_no_half(monkeypatch: pytest.MonkeyPatch) -> None:
    # As with TLS.
    monkeypatch.setattr(
        "asyncio.selector_events._SelectorSocketTransport.can_write_eof", lambda _: False
    )

    async def scenario(stream: AttachStream) -> None:
        with pytest.raises(LobtailError, match="can only be closed both ways"):
            await stream.write_eof()

    talk(fake(SWITCH, stall), scenario, stdin=True)


def test_a_stream_is_entered_once() -> None:
    async def scenario(stream: AttachStream) -> None:
        with pytest.raises(RuntimeError, match="entered before"):
            await stream.__aenter__()

    talk(fake(SWITCH, cut), scenario)


def test_a_stream_that_was_closed() -> None:
    async def scenario(stream: AttachStream) -> None:
        stream.close()
        stream.close()
        assert await collect(stream) == []
        with pytest.raises(ConnectionLostError):
            await stream.write(b"x")

    talk(fake(SWITCH + TWO[:5], stall), scenario, stdin=True)


def test_a_stream_that_is_not_open() -> None:
    async def main() -> None:
        stream = Engine("unix:///nowhere").attach("web", stdin=True)
        for call in (stream.wait, stream.__anext__, lambda: stream.write(b"x")):
            with pytest.raises(RuntimeError, match="is not open"):
                await call()
        with pytest.raises(RuntimeError, match="is not open"):
            _ = stream.container

    asyncio.run(main())


# --- exec ---------------------------------------------------------------------------------------


def execute(engine: FakeEngine, scenario: Callable[[ExecStream], Awaitable[T]], **more: Any) -> T:
    async def main() -> T:
        client = Engine(engine.host, timeout=5)
        command = more.pop("command", ["true"])
        async with client, client.exec("web", command, **more) as stream:
            return await scenario(stream)

    with engine:
        return asyncio.run(main())


def test_exec() -> None:
    async def scenario(stream: ExecStream) -> tuple[list[Frame], int]:
        await stream.write(b"in")
        await stream.write_eof()
        assert stream.id == "e1"
        return await collect(stream), await stream.wait()

    engine = fake(SWITCH, receive(b"in"), receive_eof, ONE + TWO, cut)
    assert execute(engine, scenario, stdin=True) == (
        [Frame(OUT, b"one\n"), Frame(ERR, b"two\n")],
        3,
    )


def test_what_is_to_be_executed() -> None:
    bodies: list[dict[str, Any]] = []

    def keep(script: Script) -> Script:
        def step(connection: Connection) -> None:
            bodies.append(json.loads(connection.body))

        return [step, *script]

    more = {
        "/web/exec": keep(json_answer({"Id": "e1"}, 201)),
        "/start": keep([SWITCH, cut]),
    }
    execute(
        fake(more=more),
        collect,
        command=["sh", "-c", "x"],
        stdin=True,
        tty=True,
        size=(24, 80),
        env={"A": "1"},
        user="u",
        workdir="/w",
        privileged=True,
        detach_keys="a",
    )
    assert bodies == [
        {
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": ["sh", "-c", "x"],
            "ConsoleSize": [24, 80],
            "DetachKeys": "a",
            "Env": ["A=1"],
            "Privileged": True,
            "Tty": True,
            "User": "u",
            "WorkingDir": "/w",
        },
        {"ConsoleSize": [24, 80], "Detach": False, "Tty": True},
    ]


@pytest.mark.parametrize("command", ["ls -l", [], ()])
def test_a_command_that_is_none(command: Any) -> None:
    with pytest.raises(ConfigError, match=r"one text|no command"):
        Engine("unix:///nowhere").exec("web", command)


def test_detached() -> None:
    async def scenario(stream: ExecStream) -> tuple[list[Frame], int]:
        with pytest.raises(RuntimeError):
            await stream.write(b"x")
        return await collect(stream), await stream.wait()

    engine = fake(more={"/start": answer("")})
    assert execute(engine, scenario, detach=True, stdin=True) == ([], 3)


def test_exec_is_refused() -> None:
    said = {"message": "Container web is not running"}
    for path in ("/web/exec", "/start"):
        with pytest.raises(EngineError, match="is not running") as caught:
            execute(fake(more={path: json_answer(said, 409, "Conflict")}), collect)
        assert caught.value.status == 409


def test_the_exit_code_is_known_when_the_command_has_ended() -> None:
    looks: list[int] = []

    def look(connection: Connection) -> None:
        looks.append(0)
        running = len(looks) < 3
        body = json.dumps({"Running": running, "ExitCode": None if running else 5})
        for step in answer(body):
            assert isinstance(step, bytes)
            connection.send(step)

    async def scenario(stream: ExecStream) -> int:
        return await stream.wait()

    assert execute(fake(SWITCH, cut, more={"/e1/json": [look]}), scenario) == 5
    assert len(looks) == 3


def test_resize() -> None:
    async def scenario(stream: AttachStream) -> None:
        await stream.resize(24, 80)

    engine = fake(SWITCH, stall, tty=True, more={"/resize": answer("")})
    talk(engine, scenario)
    assert re.search(rf"/containers/{ID}/resize\?h=24&w=80$", engine.requests[-1])
