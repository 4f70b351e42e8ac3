"""Lines of all kinds through `lobtail tail`: bytes, commands, JSON, stamps."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from faults.command import lobtail
from faults.fake_engine import frame
from faults.fake_host import Box, FakeHost, line, stamp


def shown(frames: list[bytes], *args: str, **more: Any) -> bytes:
    with FakeHost(Box("web", frames, **more)) as engine:
        result = lobtail(engine.host, "tail", "--no-follow", *args)
    assert (result.stderr, result.code) == (b"", 0)
    return result.stdout


def test_row_11_empty_lines_and_carriage_returns() -> None:
    frames = [line(""), line("a\r"), line("10%\r20%"), line(""), line("\r"), line("end")]
    assert shown(frames, "-o", "raw") == b"\na\r\n10%\r20%\n\n\r\nend\n"
    lines = [json.loads(text)["line"] for text in shown(frames, "-o", "json").splitlines()]
    assert lines == ["", "a", "10%\r20%", "", "", "end"]


def test_row_11_a_carriage_return_and_its_newline_in_two_messages() -> None:
    head = stamp(1).encode() + b" "
    assert shown([frame(1, head + b"a\r"), frame(1, head + b"\n")], "-o", "raw") == b"a\r\n"


NOT_UTF8 = [b"NUL \0", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbfBOM", b"\xe2\x82"]


@pytest.mark.parametrize("args", [("-o", "raw"), ("--no-prefix",), ("--template", "{text}")])
def test_row_12_bytes_are_kept(args: tuple[str, ...]) -> None:
    assert shown([line(raw) for raw in NOT_UTF8], *args) == b"\n".join(NOT_UTF8) + b"\n"


def test_row_12_json_has_the_bytes_too() -> None:
    output = shown([line(raw) for raw in NOT_UTF8], "-o", "json")
    found = [json.loads(text) for text in output.splitlines()]
    for raw, item in zip(NOT_UTF8, found, strict=True):
        assert item["line"] == raw.decode("utf-8", "replace")
        if "line_base64" in item:
            assert b64decode(item["line_base64"]) == raw
        else:
            assert item["line"].encode() == raw


def test_row_12_a_character_in_two_pieces_of_a_line() -> None:
    data = b"x" * 16383 + "é".encode() + b"\n"
    head = stamp(1).encode() + b" "
    frames = [frame(1, head + data[:16384]), frame(1, head + data[16384:])]
    (found,) = shown(frames, "-o", "json").splitlines()
    assert json.loads(found)["line"] == "x" * 16383 + "é"


COMMANDS = [
    "##vso[task.setvariable variable=x]y",
    "::set-output name=x::y",
    "<script>alert(1)</script>",
    "[link=javascript:x]Rich[/link] [bold]",
    "{time} %s $HOME `id`",
]


@pytest.mark.parametrize("args", [("-o", "raw"), ("--no-prefix",), ("--template", "{text}")])
def test_row_14_text_that_is_a_command_elsewhere(args: tuple[str, ...]) -> None:
    output = shown([line(text) for text in COMMANDS], *args, "--highlight", "i", "--color", "never")
    assert output.decode().splitlines() == COMMANDS


@pytest.mark.parametrize(
    "text",
    ["[" * 10_000 + "]" * 10_000, '{"a":' * 10_000 + "1" + "}" * 10_000, '{"level":1e400}'],
    ids=["deep list", "deep object", "1e400"],
)
def test_row_15_json_out_of_bounds_is_text(text: str) -> None:
    args = ("-o", "json", "-w", "not has level and not has .a.b", "--level", "unknown")
    (found,) = shown([line(text[:16000], 1)], *args).splitlines()
    assert json.loads(found)["line"] == text[:16000]


def test_row_15_of_equal_keys_the_last_wins() -> None:
    frames = [line('{"status":200,"status":500}')]
    assert shown(frames, "-o", "raw", "-w", "status=500")
    assert not shown(frames, "-o", "raw", "-w", "status=200")


def test_row_16_stamps_of_all_kinds() -> None:
    stamps = {
        "0000-01-01T00:00:00.000000000Z": "0000-01-01T00:00:00.000000000Z",
        "2024-05-01T12:00:00Z": "2024-05-01T12:00:00.000000000Z",
        "2024-05-01T14:00:00.000000001+02:00": "2024-05-01T12:00:00.000000001Z",
        "9999-12-31T23:59:59.999999999Z": "9999-12-31T23:59:59.999999999Z",
        "2024-05-01T12:00:00.500000000Z": "2024-05-01T12:00:00.500000000Z",
    }
    frames = [frame(1, f"{stamp} x\n".encode()) for stamp in stamps]
    found = [json.loads(text) for text in shown(frames, "-o", "json").splitlines()]
    assert [item["time"] for item in found] == list(stamps.values())
    assert {item["line"] for item in found} == {"x"}


def test_row_16_without_a_stamp() -> None:
    found = json.loads(shown([frame(1, b"no stamp at all\n")], "-o", "json"))
    assert (found["time"], found["line"]) == (None, "no stamp at all")


def test_row_16_ten_thousand_lines_of_one_moment_keep_their_order() -> None:
    output = shown([line(f"{i}", 1) for i in range(10_000)], "-o", "raw")
    assert output.decode().split() == [str(i) for i in range(10_000)]
