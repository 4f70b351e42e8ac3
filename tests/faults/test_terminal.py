"""Row 13: on a terminal only colour acts; a pipe gets the very bytes, `--raw` also a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest

from faults.command import lobtail
from faults.fake_engine import FakeEngine, cut, frame, json_answer, log
from faults.fake_host import Box, FakeHost, line
from faults.terminal import (
    COLOUR,
    HOSTILE,
    assert_harmless,
    interrupted_on_terminal,
    on_terminal,
)


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
    if name == "carriage return":
        assert shown == b"EVIL"
        return
    assert shown.startswith(b"before ")
    seen = b"click" if name == "link" else HOSTILE[name]
    visible = re.sub(rb"[^a-zA-Z]", b"", seen)
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
    assert shown == b"\x1b[31mred\x1b[0m\n"


def test_row_13_colours_do_not_outlive_an_error() -> None:
    with FakeEngine(log([frame(1, b"\x1b[31mred\n")], cut)) as engine:
        shown, line, code = on_terminal(engine.host, "logs", "web", stream="stdout")
    assert shown == b"\x1b[31mred\x1b[0m\n"
    assert line.startswith(b"lobtail: the engine at unix:")
    assert b" closed the connection" in line
    assert code == 1


@pytest.mark.parametrize("form", [(), ("-t",)], ids=["bare", "times"])
def test_case_terminal_text_logs_show_a_bar_in_its_last_state(form: tuple[str, ...]) -> None:
    stamp = b"2024-05-01T12:00:00.000000000Z " if form else b""
    body = [frame(1, stamp + b"get   0%\rget 100%\n"), frame(1, stamp + b"\x1b[31mred\n")]
    with FakeEngine(log([*body, frame(1, stamp + b"still\r\n")])) as engine:
        shown, _, _ = on_terminal(engine.host, "logs", *form, "web")
        piped = lobtail(engine.host, "logs", *form, "web")
    lines = [b"get 100%", b"\x1b[31mred\x1b[0m", b"still"]
    resumed = b"\x1b[31m" + stamp + b"still\x1b[0m"
    assert shown == b"".join(stamp + line + b"\n" for line in lines[:2]) + resumed + b"\n"
    assert b"get   0%\rget 100%\n" in piped.stdout


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


EVIL = "a\x1b[2J\x9bb\u202ec\nd"
FORMS = {
    "pretty": (),
    "times": ("-t", "--highlight", "EVIL"),
    "raw": ("-o", "raw", "--prefix"),
    "json": ("-o", "json"),
    "template": ("--template", "{container} {image} {service} {label.k} {.a} {text}"),
}


def evil_box() -> Box:
    labels = {"com.docker.compose.project": EVIL, "com.docker.compose.service": EVIL, "k": EVIL}
    texts = [data.replace(b"\n", b"") for data in HOSTILE.values()]
    history = [
        *(line(data, i, 1 + i % 2) for i, data in enumerate(texts)),
        line(COLOUR.rstrip(), 90),
        line(json.dumps({"a": EVIL}), 91),
        line(b"\x1b[31mnever reset", 92),
    ]
    return Box(EVIL, history, image=EVIL, labels=labels)


@pytest.mark.parametrize("form", FORMS)
def test_row_13_tail(form: str) -> None:
    box = evil_box()
    with FakeHost(box) as engine:
        args = ("tail", "--no-follow", "--color", "always", *FORMS[form])
        shown, _, code = on_terminal(engine.host, *args)
        piped = lobtail(engine.host, "tail", "--no-follow", "-o", "raw")
    assert code == 0
    assert_harmless(shown)
    assert shown.count(b"\n") == len(list(box.history))
    if form != "json":
        assert COLOUR.rstrip() in shown
        assert "␛[2J␛[H".encode() in shown
        assert shown.rstrip(b"\n").endswith(b"never reset\x1b[0m")
    else:
        assert b"\x1b" not in shown
    assert piped.stdout == b"".join(frame[8:].partition(b" ")[2] for frame in box.history)


def test_row_13_tail_lets_all_act_with_raw() -> None:
    box = Box("web", [line(b"\x1b[2J\x07", 1)])
    with FakeHost(box) as engine:
        shown, _, _ = on_terminal(engine.host, "tail", "--no-follow", "--raw", "-o", "raw")
    assert shown == b"\x1b[2J\x07\n"


@pytest.mark.parametrize("form", ["pretty", "raw", "json"])
def test_row_13_marks_of_tail(form: str) -> None:
    refusal = {"/logs": json_answer({"message": EVIL}, 501)}
    with FakeHost(Box(EVIL, driver="none"), answers=refusal) as engine:
        shown, _, code = on_terminal(engine.host, "tail", "--no-follow", "-o", form)
    assert code == 0
    assert_harmless(shown)
    assert shown.count(b"\n") == 1


def test_row_13_what_tail_says_of_its_arguments() -> None:
    with FakeHost() as engine:
        args = ("tail", "--no-follow", EVIL, "-w", "text contains x")
        shown, _, code = on_terminal(engine.host, *args)
        bad, _, bad_code = on_terminal(engine.host, "tail", "-w", f"a > {EVIL}")
    assert (code, bad_code) == (1, 2)
    assert_harmless(shown)
    assert_harmless(bad)


def test_row_13_the_account_of_tail() -> None:
    with FakeHost(evil_box()) as engine:
        shown = interrupted_on_terminal(engine.host, "tail", "-n", "all", until=b"never reset")
    assert_harmless(shown.replace(b"\r", b""))
    assert b"\rlobtail: 25 lines of 1 container, 0 gaps, 0 dropped\n" in shown


def test_help_is_readable_on_a_terminal() -> None:
    shown, _, code = on_terminal("")
    assert code == 2
    assert shown.startswith(b"Usage: lobtail [OPTIONS] COMMAND [ARGS]...\n")
    assert "␊".encode() not in shown
