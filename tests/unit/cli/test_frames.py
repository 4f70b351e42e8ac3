"""`lobtail frames -`: a captured stream, row by row."""

from __future__ import annotations

import subprocess

import pytest

from faults.command import line_of, popen
from faults.fake_engine import frame
from support.engines import Result

CAPTURE = b"".join(
    [
        frame(1, b"plain\n"),
        b"\2\xff\1\x80\0\0\0\5caf\xe9\n",
        frame(0, b""),
        frame(1, b"\x1b[31mred\x1b[0m\ttab\r\n\x9b\0\x7f"),
        frame(3, "daemon “says” \u202e".encode()),
        frame(1, b"x" * 64),
        frame(1, b"y" * 65),
    ]
)

TEXT = """\
    OFFSET  HEADER                   STREAM       SIZE  PAYLOAD
         0  01 00 00 00 00 00 00 06  stdout          6  plain␊
        14  02 ff 01 80 00 00 00 05  stderr          5  caf\\xe9␊
        27  00 00 00 00 00 00 00 00  stdin           0  
        35  01 00 00 00 00 00 00 15  stdout         21  ␛[31mred␛[0m␉tab␍␊\\x9b␀␡
        64  03 00 00 00 00 00 00 15  systemerr      21  daemon “says” <U+202E>
        93  01 00 00 00 00 00 00 40  stdout         64  {x}
       165  01 00 00 00 00 00 00 41  stdout         65  {y}…
""".format(x="x" * 64, y="y" * 64)  # noqa: W291 - an empty payload

JSON = (
    (
        r"""
{"offset":0,"header":"01 00 00 00 00 00 00 06","stream":"stdout","size":6,"preview":"plain\n"}
{"offset":14,"header":"02 ff 01 80 00 00 00 05","stream":"stderr","size":5,"preview":"caf?\n"}
{"offset":27,"header":"00 00 00 00 00 00 00 00","stream":"stdin","size":0,"preview":""}
"""
    )
    .lstrip()
    .replace("?", "\ufffd")
)


def frames(data: bytes, *args: str) -> Result:
    process = popen("", "frames", *args, "-", stdin=subprocess.PIPE)
    stdout, stderr = process.communicate(data, timeout=30)
    return Result(stdout, stderr, process.returncode)


def test_text() -> None:
    result = frames(CAPTURE)
    assert result.stdout.decode() == TEXT
    assert (result.stderr, result.code) == (b"", 0)


def test_json() -> None:
    result = frames(CAPTURE[:35], "--json")
    assert result.stdout.decode() == JSON
    assert (result.stderr, result.code) == (b"", 0)


def test_byte_by_byte() -> None:
    process = popen("", "frames", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    for i in range(len(CAPTURE)):
        process.stdin.write(CAPTURE[i : i + 1])
        process.stdin.flush()
    stdout, stderr = process.communicate(timeout=30)
    assert (stdout.decode(), stderr, process.returncode) == (TEXT, b"", 0)


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_nothing(args: tuple[str, ...]) -> None:
    result = frames(b"", *args)
    assert result.stdout.decode() == ("" if args else TEXT.splitlines(keepends=True)[0])
    assert (result.stderr, result.code) == (b"", 0)


def test_row_1_the_capture_ends_inside_a_payload() -> None:
    result = frames(CAPTURE[:25])
    rows = TEXT.splitlines(keepends=True)
    assert result.stdout.decode() == "".join(rows[:2]) + rows[2].replace("\\xe9␊", "")
    assert line_of(result) == ("lobtail: the stream ended inside a frame: got 3 of 5 payload bytes")


def test_row_1_the_capture_ends_inside_a_header() -> None:
    result = frames(CAPTURE[:18])
    assert result.stdout.decode() == "".join(TEXT.splitlines(keepends=True)[:2])
    assert line_of(result) == "lobtail: the stream ended inside a frame: got 4 of 8 header bytes"


@pytest.mark.parametrize("text", [b"root@web:/# ls\r\n", b"x", b"2026-11-24 short\n"])
def test_row_2_a_terminals_text(text: bytes) -> None:
    result = frames(text)
    assert result.stdout.decode() == TEXT.splitlines(keepends=True)[0]
    line = line_of(result)
    assert line.startswith(f"lobtail: unrecognized stream type {text[0]} ({chr(text[0])!r})")
    assert "at byte 0: " in line
    assert "TTY" in line


def test_row_2_text_behind_frames() -> None:
    result = frames(CAPTURE[:27] + b"plain text")
    assert result.stdout.decode() == "".join(TEXT.splitlines(keepends=True)[:3])
    assert "at byte 27: " in line_of(result)


def test_row_4_a_huge_size() -> None:
    result = frames(b"\1\0\0\0\xff\xff\xff\xffabc")
    assert result.stdout.decode().splitlines()[1] == (
        "         0  01 00 00 00 ff ff ff ff  stdout     4294967295  abc…"
    )
    assert "got 3 of 4294967295 payload bytes" in line_of(result)


def test_a_row_is_shown_as_soon_as_its_frame_is_whole() -> None:
    process = popen("", "frames", "--json", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(CAPTURE[:27])
    process.stdin.flush()
    assert [process.stdout.readline() for _ in range(2)] == [
        row.encode() for row in JSON.splitlines(keepends=True)[:2]
    ]
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()


def test_stdin_that_cannot_be_read() -> None:
    program = ["bash", "-c", 'exec "$@" <&-', "bash"]
    from support.engines import LOBTAIL

    process = popen("", "frames", "-", program=[*program, *LOBTAIL])
    stdout, stderr = process.communicate(timeout=30)
    result = Result(stdout, stderr, process.returncode)
    assert line_of(result) == "lobtail: cannot read stdin: Bad file descriptor"
