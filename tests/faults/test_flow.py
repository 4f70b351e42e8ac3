"""Row 19: readers that stop or go away, signals, full disks, closed descriptors."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from faults.command import line_of, lobtail, popen
from faults.fake_engine import (
    LAST,
    FakeEngine,
    Script,
    await_event,
    chunk,
    frame,
    json_answer,
    log,
    log_head,
    repeat,
    stall,
    tell,
)
from faults.fake_host import Box, FakeHost, line
from faults.process import MIB, memory, memory_or_gone, settled, sleeps_in_write
from support.engines import LOBTAIL, Result, finish, until

ONE = frame(1, b"one\n")
LINE = b"x" * 109 + b"\n"
MESSAGE = chunk(frame(1, LINE))


STAMPED = chunk(line(LINE.rstrip(), 1))


@pytest.mark.parametrize("form", ["pretty", "raw", "json"])
def test_row_19_a_stopped_reader_of_tail_stops_all_engine_connections(form: str) -> None:
    count = 50_000  # three times 8 MiB of messages, far more than all buffers on the way
    boxes = [Box(name, live=[repeat(STAMPED, count), stall]) for name in ("a", "b", "c")]
    with FakeHost(*boxes) as engine:
        args = ("tail", "-o", form, "--max-lines", str(3 * count))
        process = popen(engine.host, *args)
        assert process.stdout is not None
        until(lambda: sleeps_in_write(process.pid), "lobtail waits for its reader")
        until(settled(lambda: engine.sent), "the engine waits for lobtail")
        assert engine.sent < 6 * MIB
        assert process.poll() is None
        assert memory(process.pid) < 80 * MIB
        got = sum(1 for _ in process.stdout)
        assert memory_or_gone(process) < 80 * MIB
        result = finish(process)
    assert (got, result.stderr, result.code) == (3 * count, b"", 0)


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
def test_row_19_a_stopped_reader_stops_the_engine(tcp: bool) -> None:
    count = 150_000  # 16 MiB of lines, far more than all buffers on the way
    with FakeEngine([log_head(), repeat(MESSAGE, count), LAST], tcp=tcp) as engine:
        process = popen(engine.host, "logs", "web")
        assert process.stdout is not None
        until(lambda: sleeps_in_write(process.pid), "lobtail waits for its reader")
        until(settled(lambda: engine.sent), "the engine waits for lobtail")
        assert engine.sent < (8 if tcp else 4) * MIB  # TCP's own buffers grow to 6 MiB
        assert process.poll() is None
        assert memory(process.pid) < 60 * MIB
        got = 0
        for line in process.stdout:
            assert line == LINE
            got += 1
        assert memory_or_gone(process) < 60 * MIB
        result = finish(process)
    assert got == count
    assert (result.stderr, result.code) == (b"", 0)


def test_row_10_a_line_without_end_needs_no_memory() -> None:
    # 256 MiB of one line, in frames of 16 KiB.
    piece = chunk(frame(1, b"x" * 16384))
    with FakeEngine([log_head(), repeat(piece, 16384), LAST]) as engine:
        process = popen(engine.host, "logs", "web")
        assert process.stdout is not None
        size = peak = 0
        while data := os.read(process.stdout.fileno(), MIB):
            assert data.count(b"x") == len(data)
            size += len(data)
            peak = max(peak, memory_or_gone(process))
        result = finish(process)
    assert size == 256 * MIB
    assert 0 < peak < 60 * MIB
    assert (result.stderr, result.code) == (b"", 0)


def test_row_4_a_payload_of_4_gib_needs_no_memory() -> None:
    start = chunk(b"\1\0\0\0\xff\xff\xff\xff")
    with FakeEngine([log_head(), start, repeat(chunk(b"x" * 65536), 2048), LAST]) as engine:
        process = popen(engine.host, "logs", "web")
        assert process.stdout is not None
        size = peak = 0
        while data := os.read(process.stdout.fileno(), MIB):
            size += len(data)
            peak = max(peak, memory_or_gone(process))
        result = finish(process)
    assert size == 128 * MIB
    assert 0 < peak < 60 * MIB
    assert line_of(result) == (
        f"lobtail: the stream ended inside a frame: got {128 * MIB} of 4294967295 payload bytes"
    )


@pytest.mark.parametrize("args", [("logs", "web"), ("logs", "-f", "web"), ("frames", "web")])
def test_row_19_stdout_closed_is_a_quiet_end(args: tuple[str, ...]) -> None:
    with FakeEngine([log_head(), repeat(MESSAGE)]) as engine:
        read, write = os.pipe()
        process = popen(engine.host, *args, stdout=write)
        os.close(write)
        assert os.read(read, 4)
        os.close(read)
        _, stderr = process.communicate(timeout=30)
    assert (stderr, process.returncode) == (b"", -signal.SIGPIPE)


@pytest.mark.parametrize("form", ["pretty", "raw", "json"])
def test_row_19_stdout_closed_is_a_quiet_end_of_tail(form: str) -> None:
    with FakeHost(Box("a", live=[repeat(STAMPED)]), Box("b")) as engine:
        program = ["bash", "-c", '"$@" | head -2; exit ${PIPESTATUS[0]}', "bash"]
        result = lobtail(engine.host, "tail", "-o", form, program=[*program, *LOBTAIL])
    assert len(result.stdout.splitlines()) == 2
    assert (result.stderr, result.code) == (b"", 141)


def test_row_19_stdout_closed_before_the_first_byte() -> None:
    with FakeEngine(log([ONE])) as engine:
        read, write = os.pipe()
        os.close(read)
        process = popen(engine.host, "logs", "web", stdout=write)
        os.close(write)
        _, stderr = process.communicate(timeout=30)
    assert (stderr, process.returncode) == (b"", -signal.SIGPIPE)


def test_row_19_stderr_closed_is_a_quiet_end() -> None:
    with FakeEngine(log([ONE, frame(2, b"two\n"), ONE])) as engine:
        read, write = os.pipe()
        os.close(read)
        process = popen(engine.host, "logs", "web", stderr=write)
        os.close(write)
        stdout, _ = process.communicate(timeout=30)
    assert (stdout, process.returncode) == (b"one\n", -signal.SIGPIPE)


def test_row_19_the_shell_sees_141() -> None:
    with FakeEngine([log_head(), repeat(MESSAGE)]) as engine:
        program = ["bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "bash"]
        result = lobtail(engine.host, "logs", "web", program=[*program, *LOBTAIL])
    assert (result.stdout, result.stderr, result.code) == (LINE, b"", 141)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
class TestSignals:
    def end(self, process: subprocess.Popen[bytes], number: int) -> Result:
        process.send_signal(number)
        return finish(process, timeout=20)

    @pytest.mark.parametrize("follow", [(), ("-f",)], ids=["", "follow"])
    def test_row_19_while_the_engine_is_silent(
        self, number: int, code: int, follow: tuple[str, ...]
    ) -> None:
        with FakeEngine(log([ONE], stall)) as engine:
            process = popen(engine.host, "logs", *follow, "web", env={"LOBTAIL_TIMEOUT": "60"})
            assert process.stdout is not None
            assert process.stdout.readline() == b"one\n"
            result = self.end(process, number)
        assert (result.stdout, result.stderr, result.code) == (b"", b"", code)

    def test_row_19_while_blocked_in_writing(self, number: int, code: int) -> None:
        with FakeEngine([log_head(), repeat(MESSAGE)]) as engine:
            process = popen(engine.host, "logs", "-f", "web")
            until(lambda: sleeps_in_write(process.pid), "lobtail waits for its reader")
            process.send_signal(number)
            # Nobody reads: it must end by itself.
            assert process.wait(timeout=20) == code
            _, stderr = process.communicate()
        assert stderr == b""

    def test_row_19_while_the_engine_has_not_answered(self, number: int, code: int) -> None:
        asked = threading.Event()
        script: Script = [tell(asked), stall]
        with FakeEngine(answers={"/_ping": script}) as engine:
            process = popen(engine.host, "logs", "web", env={"LOBTAIL_TIMEOUT": "60"})
            assert asked.wait(30)
            result = self.end(process, number)
        assert (result.stdout, result.stderr, result.code) == (b"", b"", code)

    def test_row_19_tail_while_the_engine_is_silent(self, number: int, code: int) -> None:
        with FakeHost(Box("web", [line("one")])) as engine:
            process = popen(engine.host, "tail", "-o", "raw", env={"LOBTAIL_TIMEOUT": "60"})
            assert process.stdout is not None
            assert process.stdout.readline() == b"one\n"
            result = self.end(process, number)
        assert (result.stdout, result.code) == (b"", code)
        assert result.stderr.startswith(b"lobtail: 1 line of " if code == 130 else b"")
        assert bool(result.stderr) == (code == 130)

    def test_row_19_tail_while_blocked_in_writing(self, number: int, code: int) -> None:
        with FakeHost(Box("web", live=[repeat(STAMPED)])) as engine:
            process = popen(engine.host, "tail", "-o", "raw")
            until(lambda: sleeps_in_write(process.pid), "lobtail waits for its reader")
            process.send_signal(number)
            assert process.wait(timeout=20) == code
            _, stderr = process.communicate()
        assert bool(stderr) == (code == 130)

    def test_row_19_tail_while_all_output_is_blocked(self, number: int, code: int) -> None:
        # The account must not wait for a reader who has stopped, either.
        with FakeHost(Box("web", live=[repeat(STAMPED)])) as engine:
            process = popen(engine.host, "tail", "-o", "raw", stderr=subprocess.STDOUT)
            until(lambda: sleeps_in_write(process.pid), "lobtail waits for its reader")
            process.send_signal(number)
            assert process.wait(timeout=20) == code
            process.communicate()

    def test_row_19_tail_before_the_engine_has_answered(self, number: int, code: int) -> None:
        asked = threading.Event()
        with FakeHost(answers={"/info": [tell(asked), stall]}) as engine:
            process = popen(engine.host, "tail", env={"LOBTAIL_TIMEOUT": "60"})
            assert asked.wait(30)
            result = self.end(process, number)
        assert (result.stdout, result.stderr, result.code) == (b"", b"", code)

    def test_row_19_while_reading_from_stdin(self, number: int, code: int) -> None:
        process = popen("", "frames", "-", stdin=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(ONE)
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"    OFFSET")
        assert process.stdout.readline().endswith("one␊\n".encode())
        result = self.end(process, number)
        assert (result.stdout, result.stderr, result.code) == (b"", b"", code)


@pytest.mark.parametrize(
    "args", [("logs", "web"), ("logs", "-f", "web"), ("frames", "web"), ("ps",), ("--help",)]
)
def test_row_19_no_space_left(args: tuple[str, ...]) -> None:
    listed = [{"Id": "4f" * 32, "Names": ["/web"]}]
    script = json_answer(listed)
    with (
        FakeEngine(log([ONE]), answers={"/containers/json": script}) as engine,
        Path("/dev/full").open("wb") as full,
    ):
        process = popen(engine.host, *args, stdout=full)
        _, stderr = process.communicate(timeout=30)
    result = Result(b"", stderr, process.returncode)
    assert line_of(result) == "lobtail: cannot write to stdout: No space left on device"


@pytest.mark.parametrize("args", [("tail", "--no-follow"), ("tail",), ("config",)])
def test_row_19_no_space_left_for_tail(args: tuple[str, ...]) -> None:
    with FakeHost(Box("web", [line("one")])) as engine, Path("/dev/full").open("wb") as full:
        process = popen(engine.host, *args, stdout=full)
        _, stderr = process.communicate(timeout=30)
    result = Result(b"", stderr, process.returncode)
    assert line_of(result) == "lobtail: cannot write to stdout: No space left on device"


def test_row_19_no_space_left_for_stderr() -> None:
    with FakeEngine(log([ONE, frame(2, b"two\n")])) as engine, Path("/dev/full").open("wb") as full:
        process = popen(engine.host, "logs", "web", stderr=full)
        stdout, _ = process.communicate(timeout=30)
    assert (stdout, process.returncode) == (b"one\n", 1)


@pytest.mark.parametrize("closed", ["1", "01", "12", "012"])
def test_row_19_closed_descriptors_do_not_become_sockets(closed: str) -> None:
    with FakeEngine(log([ONE])) as engine:
        shell = 'exec "$@" ' + " ".join(f"{fd}>&-" for fd in closed)
        program = ["bash", "-c", shell, "bash", *LOBTAIL]
        result = lobtail(engine.host, "logs", "web", program=program)
    if "2" not in closed:
        assert line_of(result) == "lobtail: cannot write to stdout: Bad file descriptor"
    assert (result.stdout, result.code) == (b"", 1)
    assert len(engine.requests) == 3


def test_row_19_a_pipe_set_to_non_blocking_by_its_other_owner() -> None:
    count = 20_000
    read, write = os.pipe()
    os.set_blocking(write, False)
    with FakeEngine([log_head(), repeat(MESSAGE, count), LAST]) as engine:
        process = popen(engine.host, "logs", "web", stdout=write)
        os.close(write)
        with os.fdopen(read, "rb") as stdout:
            assert stdout.read() == LINE * count
        _, stderr = process.communicate(timeout=30)
    assert (stderr, process.returncode) == (b"", 0)


def test_each_line_comes_at_once() -> None:
    go = threading.Event()
    script: Script = [log_head(), chunk(ONE), await_event(go), chunk(ONE), LAST]
    with FakeEngine(script) as engine:
        process = popen(engine.host, "logs", "-f", "web")
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"  # before the second was sent
        go.set()
        result = finish(process)
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
