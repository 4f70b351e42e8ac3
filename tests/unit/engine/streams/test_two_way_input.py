"""Input to what is attached to, flow, and the end of both."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from faults.fake_engine import (
    Connection,
    await_event,
    cut,
    frame,
    receive,
    receive_eof,
    repeat,
    stall,
    tell,
)
from lobtail import Engine, Frame, LobtailError
from lobtail.docker import AttachStream
from lobtail.errors import ConnectionLostError
from support.attaching import HEADS, ONE, OUT, SWITCH, TWO, collect, exited, fake, talk

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
        await stream.aclose()
        with pytest.raises(ConnectionLostError, match="closed before the container ended"):
            await waiting
        return waiting

    talk(fake(SWITCH, stall), scenario)


def test_a_stream_that_the_engine_forgets_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lobtail.engine.streams.hijacked.FORGOTTEN", 0.1)
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
        await stream.aclose()
        await stream.aclose()
        assert await collect(stream) == []
        with pytest.raises(ConnectionLostError):
            await stream.write(b"x")

    talk(fake(SWITCH + TWO[:5], stall), scenario, stdin=True)


def test_a_stream_that_is_not_open() -> None:
    async def main() -> None:
        stream = Engine("unix:///nowhere").containers.attach("web", stdin=True)
        for call in (stream.wait, stream.__anext__, lambda: stream.write(b"x")):
            with pytest.raises(RuntimeError, match="is not open"):
                await call()
        with pytest.raises(RuntimeError, match="is not open"):
            _ = stream.container

    asyncio.run(main())
