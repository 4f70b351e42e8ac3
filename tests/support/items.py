"""One list of items for all formats: every mark, every flag, and text that means harm."""

from __future__ import annotations

from typing import Final

from lobtail.model.frames import Stream
from lobtail.model.items import (
    ContainerRef,
    Dropped,
    EngineBack,
    EngineLost,
    Gap,
    Item,
    Line,
    Mark,
    Removed,
    Resumed,
    Skipped,
    Started,
    Stopped,
)

__all__ = [
    "DB",
    "EVIL",
    "HOSTILE",
    "ITEMS",
    "NOW_NS",
    "OLD_ITEMS",
    "REMOTE",
    "START_NS",
    "WEB",
    "WIDE",
    "line",
]

SECOND: Final = 1_000_000_000
START_NS: Final = 1_714_564_799 * SECOND + 123_456_789  # 2024-05-01T11:59:59.123456789Z
NOW_NS: Final = START_NS + 90 * SECOND
"""When the items are looked at, for relative times."""

WEB: Final = ContainerRef("a" * 64, "app-web-1", "web:1", "app", "web", {"tier": "front"})
DB: Final = ContainerRef("b" * 64, "app-db-1", "postgres:16", "app", "db")
WIDE: Final = ContainerRef("c" * 64, "データ-1", "wide")
REMOTE: Final = ContainerRef("d" * 64, "a-rather-long-name-of-a-worker-17", "w", host="build-7")
ENGINE: Final = ContainerRef("", "", host="build-7")
EVIL: Final = ContainerRef("e" * 64, "evil\x1b[2J\x1b]0;x\x07\n\u202eeman", "evil:\x1b[31m")

# What must not act or hide on a terminal, as it comes over the wire.
HOSTILE: Final = (
    b"\x1b[2J",
    b"\x1b[?1049h",
    b"\x1b]52;c;cm0gLXJm\x07",
    b"\x1b]8;;http://x\x1b\\",
    b"\x1bP$qm\x1b\\",
    b"\x9b2J",
    "\x9b2J".encode(),
    "\u202egnp.exe".encode(),
    "\u2066\u200b\u200d\ufeff".encode(),
    b"\r\x00\x07\x08\x7f",
)


def line(
    raw: bytes,
    container: ContainerRef = WEB,
    *,
    stderr: bool = False,
    time_ns: int | None = START_NS,
    partial: bool = False,
    unterminated: bool = False,
    late: bool = False,
) -> Line:
    """Return a line; what does not matter to a test has its default."""
    stream = Stream.STDERR if stderr else Stream.STDOUT
    return Line(container, stream, time_ns, raw, partial, unterminated, late)


def _at(seconds: float) -> int:
    return START_NS + int(seconds * SECOND)


_MARKS: Final[tuple[Mark, ...]] = (
    Stopped(WEB, _at(20), 137, oom=True),
    Stopped(DB, _at(20), 0),
    Stopped(WIDE, _at(20)),
    Gap(WEB, _at(21), "the log was rotated while the reader was slow"),
    Gap(EVIL, None, "\x1b[2Jcut\r\nby \u202eevil\x9b"),
    Gap(DB, None),
    Resumed(DB, _at(22), "the connection broke"),
    Resumed(DB, _at(22)),
    Dropped(WEB, _at(23), 1),
    Dropped(REMOTE, _at(23), 12_345),
    Skipped(DB, _at(23), 7),
    EngineLost(ENGINE, None, "connection refused"),
    EngineBack(ENGINE, None),
    Removed(WEB, _at(24)),
    Removed(EVIL, _at(24)),
)

ITEMS: Final[tuple[Item, ...]] = (
    Started(WEB, _at(0)),
    line(b"hello, world", time_ns=_at(0.1)),
    line(b"cannot connect to db, will retry", stderr=True, time_ns=_at(0.2)),
    line(b"", time_ns=_at(0.3)),
    line(b"database system is ready", DB, time_ns=_at(1)),
    line("準備完了 größe 12 °C".encode(), WIDE, time_ns=_at(1.5)),
    line(b"from another engine", REMOTE, time_ns=_at(2)),
    line(b"from a name that means harm", EVIL, stderr=True, time_ns=_at(2.5)),
    # Levels.
    line(b"TRACE enter", DB, time_ns=_at(3)),
    line(b"[debug] cache miss", DB, time_ns=_at(3)),
    line(b"INFO: started", DB, time_ns=_at(3)),
    line(b'{"level":"warn","msg":"disk at 91%"}', DB, time_ns=_at(3)),
    line(b'level=error msg="no route"', DB, stderr=True, time_ns=_at(3)),
    line(b"FATAL: out of disk", DB, stderr=True, time_ns=_at(3)),
    line(b"ERROR in \x1b[35mits own colours\x1b[0m", DB, time_ns=_at(3)),
    # Flags and times.
    line(b"the first part of a long line", time_ns=_at(4), partial=True),
    line(b"and its end, unt", time_ns=_at(4), unterminated=True),
    line(b"younger ones were shown before", DB, time_ns=_at(-1), late=True),
    line(b"late and in parts", DB, stderr=True, time_ns=_at(-1), partial=True, late=True),
    line(b"nobody knows when", time_ns=None),
    # Colours, ends of lines, bytes.
    line(b"\x1b[32mgreen, never reset", time_ns=_at(5)),
    line(b"from a TTY\r", time_ns=_at(5)),
    line(b"10%\r20%\r", time_ns=_at(5)),
    line(b"invalid \xff\xfe \xc0\xaf \xed\xa0\x80 \xe2\x82", time_ns=_at(5)),
    line(b"NUL \x00 BEL \x07 tab\tend", time_ns=_at(5)),
    # An escape sequence in two lines, and a newline that no engine would put here.
    line(b"split \x1b[", EVIL, time_ns=_at(6)),
    line(b"2J in two", EVIL, time_ns=_at(6)),
    line(b"one\ntwo", EVIL, time_ns=_at(6)),
    *(line(b"<" + raw + b">", EVIL, time_ns=_at(7)) for raw in HOSTILE),
    # Text that is a command elsewhere.
    line(b"##vso[task.setvariable variable=x]y", EVIL, time_ns=_at(8)),
    line(b"::set-output name=x::y", EVIL, time_ns=_at(8)),
    line(b"<script>alert(1)</script> <a href=javascript:x>", EVIL, time_ns=_at(8)),
    line(b"[link=http://x]Rich[/link] [bold red]markup[/]", EVIL, time_ns=_at(8)),
    line(b"{time} %s $HOME `id`", EVIL, time_ns=_at(8)),
    *_MARKS,
)
"""Bytes that are not UTF-8, marks of all kinds, names that act, text that acts elsewhere."""

OLD_ITEMS: Final = tuple(i for i in ITEMS if not isinstance(i, EngineLost | EngineBack))
"""Those that version 1 of the JSON format had."""
