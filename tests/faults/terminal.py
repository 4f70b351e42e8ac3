"""Run lobtail on a terminal, and judge what reaches it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import termios

from faults.command import popen

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
    master, process = start_on_terminal(host, *args, stream=stream)
    shown = b"".join(iter(lambda: _read(master), b""))
    os.close(master)
    out, err = process.communicate(timeout=30)
    return shown, (out or b"") + (err or b""), process.returncode


def interrupted_on_terminal(host: str, *args: str, until: bytes) -> bytes:
    """Run lobtail on a terminal, send SIGINT once it shows `until`; return what that got."""
    master, process = start_on_terminal(host, *args)
    shown = b""
    while until not in shown:
        shown += _read(master)
    process.send_signal(signal.SIGINT)
    shown += b"".join(iter(lambda: _read(master), b""))
    os.close(master)
    assert process.wait(timeout=30) == 130
    return shown


def start_on_terminal(
    host: str, *args: str, stream: str = "both"
) -> tuple[int, subprocess.Popen[bytes]]:
    """Start lobtail with `stream` on a terminal; return the terminal's other side as well."""
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
    return master, process


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # EIO: nobody holds the other side any more
        return b""


def assert_harmless(shown: bytes) -> None:
    """Only SGR, LF and TAB act; the rest is valid UTF-8 without what is invisible."""
    left = SGR.sub(b"", shown).decode()  # strict
    bad = {c for c in left if c not in "\n\t" and not c.isprintable()}
    assert not bad, shown
