"""Row 13: on a terminal only colour acts; a pipe gets the very bytes, `--raw` also a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from collections.abc import Iterable

import pytest

from faults.command import lobtail, popen
from faults.fake_engine import FakeEngine, cut, frame, json_answer, log

HOSTILE = {
    "clear": b"\x1b[2J\x1b[H",
    "alternate screen": b"\x1b[?1049h",
    "decrqss": b"\x1bP$qm\x1b\\",
    "title": b"\x1b]0;owned\x07",
    "link": b"\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": b"\x1b]52;c;ZXZpbA==\x07",
    "open osc": b"\x1b]0;never ends",
    "open dcs": b"\x1bPnever ends",
    "reports": b"\x1b[6n\x1b[c\x05",
    "charset": b"\x1b(0\x0e",
    "reset": b"\x1bc",
    "c1 byte": b"\x9b2J\x90q\x9c",
    "c1 utf-8": "\x9b2J\x9d0;owned\x9c".encode(),
    "bidi": "\u202e\u2066evil\u2069\u202c\u200b\u200d".encode(),
    "keyboard": b"\x1b[>4;2m\x1b[?4m",
    "carriage return": b"nice\rEVIL",
    "backspace": b"nice\b\b\b\bEVIL",
    "nul": b"a\0b\x7f",
    "commands": b"##vso[task.x]y ::set-output name=a::b [link=http://x]y[/link] <script>",
    "long sgr": b"\x1b[" + b"1;" * 50 + b"m",
    "half": b"\x1b[3",
    "lone": b"\x1b",
}
COLOUR = b"\x1b[1;31mred\x1b[38;2;1;2;3mtrue\x1b[4:3mcurly\x1b[0m plain\n"
SGR = re.compile(rb"\x1b\[[0-9;:]{0,61}m")


def on_terminal(host: str, *args: str, stream: str = "both") -> tuple[bytes, bytes, int]:
    """Run lobtail with `stream` on a terminal; return what that got, the other one, the code."""
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    settings[1] &= ~termios.OPOST  # otherwise the terminal turns LF into CR LF
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    kept = subprocess.PIPE
    process = popen(
        host,
        *args,
        stdout=kept if stream == "stderr" else slave,
        stderr=kept if stream == "stdout" else slave,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # EIO: nobody holds the other side any more
            break
        if not data:
            break
        shown += data
    os.close(master)
    out, err = process.communicate(timeout=30)
    return shown, (out or b"") + (err or b""), process.returncode


def assert_harmless(shown: bytes) -> None:
    """Only SGR, LF and TAB act; the rest is valid UTF-8 without what is invisible."""
    left = SGR.sub(b"", shown).decode()  # strict
    bad = {c for c in left if c not in "\n\t" and not c.isprintable()}
    assert not bad, shown


def split(data: bytes, size: int) -> Iterable[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


@pytest.mark.parametrize("tty", [False, True], ids=["frames", "raw"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_row_13_split_over_frames(tty: bool, size: int) -> None:
    text = b"\n".join(HOSTILE.values()) + b"\n" + COLOUR
    pieces = list(split(text, size))
    body = pieces if tty else [frame(1, piece) for piece in pieces]
    label = "application/vnd.docker.raw-stream"
    script = log(body, content_type=label) if tty else log(body)
    with FakeEngine(script, tty=tty) as engine:
        shown, _, code = on_terminal(engine.host, "logs", "web")
        piped = lobtail(engine.host, "logs", "web")
        raw, _, _ = on_terminal(engine.host, "logs", "--raw", "web")
    assert code == 0
    assert_harmless(shown)
    assert COLOUR in shown
    assert "␛[2J␛[H\n␛[?1049h\n␛P$qm␛\\\n".encode() in shown
    assert (piped.stdout, piped.stderr, piped.code) == (text, b"", 0)
    assert raw == text


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("number", [1, 2], ids=["stdout", "stderr"])
def test_row_13_at_the_end_of_the_log(name: str, number: int) -> None:
    # Nothing follows that would complete a sequence, and nothing may be held back.
    with FakeEngine(log([frame(number, b"before " + HOSTILE[name])])) as engine:
        shown, _, code = on_terminal(engine.host, "logs", "web")
    assert code == 0
    assert_harmless(shown)
    assert shown.startswith(b"before ")
    visible = re.sub(rb"[^a-zA-Z]", b"", HOSTILE[name])
    assert all(byte in shown for byte in visible)


def test_row_13_sequences_split_between_the_streams() -> None:
    # stdout and stderr meet on one terminal: together they must not make a sequence either.
    frames = [frame(1, b"\x1b"), frame(2, b"[2J"), frame(1, b"\x1b]0"), frame(2, b";x\x07")]
    with FakeEngine(log(frames)) as engine:
        shown, _, _ = on_terminal(engine.host, "logs", "web")
    assert_harmless(shown)


def test_row_13_colours_do_not_outlive_the_log() -> None:
    with FakeEngine(log([frame(1, b"\x1b[31mred\n")])) as engine:
        shown, _, _ = on_terminal(engine.host, "logs", "web")
    assert shown == b"\x1b[31mred\n\x1b[0m"


def test_row_13_colours_do_not_outlive_an_error() -> None:
    with FakeEngine(log([frame(1, b"\x1b[31mred\n")], cut)) as engine:
        shown, line, code = on_terminal(engine.host, "logs", "web", stream="stdout")
    assert shown == b"\x1b[31mred\n\x1b[0m"
    assert line.startswith(b"lobtail: the engine at unix:")
    assert b" closed the connection" in line
    assert code == 1


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_row_13_only_the_stream_on_the_terminal_is_changed(stream: str) -> None:
    data = b"\x1b[2J\n"
    with FakeEngine(log([frame(1, data), frame(2, data)])) as engine:
        shown, piped, code = on_terminal(engine.host, "logs", "web", stream=stream)
    assert (shown, piped, code) == ("␛[2J\n".encode(), data, 0)


def test_row_13_the_engines_words() -> None:
    script = json_answer({"message": "\x1b[2J\x9b2J\u202eno\x07"}, 500)
    with FakeEngine(answers={"/json": script}) as engine:
        shown, _, code = on_terminal(engine.host, "logs", "web")
    assert shown == "Error response from daemon: ␛[2J\\x9b2J<U+202E>no␇\n".encode()
    assert code == 1


def test_row_13_the_daemons_words_in_the_stream() -> None:
    with FakeEngine(log([frame(3, b"\x1b[2J\x1b[31m\xff")])) as engine:
        shown, _, code = on_terminal(engine.host, "logs", "web")
    assert_harmless(shown)
    assert b"\x1b" not in shown
    assert code == 1


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_row_13_names_labels_and_images(form: tuple[str, ...]) -> None:
    evil = "a\x1b[2J\x9bb\u202ec\nd"
    labels = {"com.docker.compose.project": evil, "com.docker.compose.service": evil}
    listed = [{"Id": "4f" * 32, "Names": [f"/{evil}"], "Image": evil, "State": evil}]
    inspect = {
        "Id": "4f" * 32,
        "Name": f"/{evil}",
        "Config": {"Image": evil, "Labels": labels},
        "HostConfig": {"LogConfig": {"Type": evil}},
        "State": {"Status": evil},
    }
    with FakeEngine(inspect=inspect, answers={"/containers/json": json_answer(listed)}) as engine:
        shown, _, code = on_terminal(engine.host, "ps", *form)
    assert code == 0
    assert_harmless(shown)
    assert b"\x1b" not in shown
    assert shown.count(b"\n") == 2 - len(form)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_row_13_frames(form: tuple[str, ...]) -> None:
    frames = [frame(1, data[:64]) for data in (*HOSTILE.values(), COLOUR)]
    with FakeEngine(log(frames)) as engine:
        shown, _, code = on_terminal(engine.host, "frames", *form, "web")
        piped = lobtail(engine.host, "frames", *form, "web")
    assert code == 0
    assert_harmless(shown)
    assert b"\x1b" not in shown + piped.stdout
    assert shown.count(b"\n") == len(frames) + 1 - len(form)


def test_help_is_readable_on_a_terminal() -> None:
    shown, _, code = on_terminal("")
    assert code == 2
    assert shown.startswith(b"Usage: lobtail [OPTIONS] COMMAND [ARGS]...\n")
    assert "␊".encode() not in shown
