"""What `lobtail tail` says of filters that cannot do what was meant."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

STAMP = "2026-01-01T00:00:00.5Z"


def tail(path: Path, *args: str) -> tuple[list[str], list[str]]:
    command = [sys.executable, "-m", "lobtail", "tail", "--no-follow", "-o", "raw", *args]
    done = subprocess.run([*command, "--file", str(path)], capture_output=True, text=True)
    return done.stdout.splitlines(), done.stderr.splitlines()


def log(path: Path, *lines: str) -> Path:
    records = [{"log": line + "\n", "stream": "stdout", "time": STAMP} for line in lines]
    path = path / "x-json.log"
    path.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records))
    return path


def test_a_field_that_no_line_has_is_named_at_the_end(tmp_path: Path) -> None:
    path = log(tmp_path, '{"res":{"statusCode":500}}')
    hint = "lobtail: no line has statusCode; did you mean res.statusCode?"
    assert tail(path, "-w", "statusCode>=500") == ([], [hint])
    assert tail(path, "-w", "res.statusCode>=500")[1] == []


def test_what_is_not_searched_of_long_lines_is_said(tmp_path: Path) -> None:
    long = "ccc " + "ab" * 100_000
    path = log(tmp_path, long, long, "short accc")
    pattern = "a.{1,900}ccc|accc"
    shown, said = tail(path, "-i", pattern)
    assert shown == ["short accc"]
    assert said[0].startswith(f"lobtail: long lines are searched for /{pattern}/ in their first ")
    assert said[1:] == [f"{said[0]}: 2 lines"]


def test_what_is_not_searched_to_be_highlighted_is_said_too(tmp_path: Path) -> None:
    path = log(tmp_path, "ccc " + "ab" * 100_000)
    said = tail(path, "--highlight", "a.{1,900}ccc", "-o", "pretty", "--color", "always")[1]
    assert [line.partition(" in their")[0] for line in said] == [
        "lobtail: long lines are searched for /a.{1,900}ccc/"
    ]
