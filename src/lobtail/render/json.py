r"""The JSON format: for programs. One object a line, for lines as for marks.

::

    {"v":1,"time":"2026-01-02T15:04:05.000000123Z","container":"web-1","id":"3f…","image":"nginx",
     "project":"shop","service":"web","host":"","stream":"stdout","line":"GET / 200",
     "level":null,"partial":false}
    {"v":1,"time":…,"container":…,…,"mark":"stopped","exit_code":137,"oom":true}

A line has the key ``line``, a mark the key ``mark``. What is not known is null. ``line_base64``
follows ``line`` where that is not UTF-8; ``unterminated``, ``late`` and ``details`` are there where
they hold. ``v`` grows when a key changes its meaning or goes; new keys may come without that.

What could act or hide where JSON is looked at (controls, also C1, and what reorders or hides text)
is escaped as ``\uXXXX``, which changes no value (``render.escaped``).
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

import msgspec

from lobtail.core.frames import Stream
from lobtail.core.levels import Level
from lobtail.core.model import ContainerRef, Line, Mark, level_of
from lobtail.render.escaped import escaped, valid
from lobtail.render.stamps import UNKNOWN, Stamper
from lobtail.render.style import Chunk, Formatter, Style

__all__ = ["VERSION", "JsonFormatter"]

VERSION: Final = 1

_SECOND: Final = 1_000_000_000

# The last character for private use: one that JSON does not escape and hardly any log has.
_BETWEEN: Final = "\U0010fffd".encode()

_encode: Final = msgspec.json.Encoder().encode

# Prefixes that are remembered; each is made in microseconds.
_MAX_CACHED: Final = 4096

_TAILS: Final = {
    (level, partial): b',"level":%b,"partial":%b'
    % (_encode(level.name.lower() if level else None), _encode(partial))
    for level in Level
    for partial in (False, True)
}


class JsonFormatter(Formatter):
    """Writes a JSON object for each item; of the style it only looks at ``marks``."""

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self._stamper = Stamper()
        self._heads: dict[tuple[str, Stream | None], tuple[ContainerRef, bytes]] = {}

    def _lines(self, lines: list[Line], now_ns: int) -> bytes:
        show, heads, tails = self._stamper.show, self._heads, _TAILS
        parts: list[bytes] = []
        add = parts.append
        # Neighbours share their second, and as a rule their container and stream.
        second, clock = -1, b""
        container: ContainerRef | None = None
        stream: Stream | None = None
        named = b""
        for line, text in zip(lines, _texts(lines), strict=True):
            if line.container is not container or line.stream is not stream:
                container, stream = line.container, line.stream
                head = heads.get((container.id, stream))
                if head is None or head[0] is not container:
                    head = self._make_head(container, stream)
                named = head[1]
            time_ns = line.time_ns
            tail = tails[level_of(line), line.partial]
            if time_ns is not None and time_ns // _SECOND == second:
                add(b'%b%09dZ"%b%b%b' % (clock, time_ns % _SECOND, named, text, tail))
            else:
                stamp = show(time_ns, now_ns)
                if time_ns is None or stamp == UNKNOWN:
                    add(b'{"v":1,"time":null' + named + text + tail)
                else:
                    second = time_ns // _SECOND
                    clock = b'{"v":1,"time":"' + stamp[:20].encode()
                    add(b'{"v":1,"time":"' + stamp.encode() + b'"' + named + text + tail)
            if line.unterminated or line.late or line.raw_details:
                add(_extras(line))
            add(b"}\n")
        return escaped(b"".join(parts))

    def _mark(self, mark: Mark, now_ns: int) -> Chunk:
        stamp = self._stamper.show(mark.time_ns, now_ns)
        head = self._make_head(mark.container, None)[1]
        fields = {
            name: valid(value) if isinstance(value := getattr(mark, name), str) else value
            for name in mark.__struct_fields__
            if name not in ("container", "time_ns")
        }
        what = _encode({"mark": mark.kind, **fields})
        time = _encode(None if stamp == UNKNOWN else stamp)
        return Chunk(escaped(b'{"v":1,"time":' + time + head + what[1:] + b"\n"))

    def _make_head(
        self, container: ContainerRef, stream: Stream | None
    ) -> tuple[ContainerRef, bytes]:
        """Return what stands between the time and the text of each line of a stream."""
        if len(self._heads) >= _MAX_CACHED:
            self._heads.clear()
        named: dict[str, Any] = {
            "container": valid(container.name),
            "id": valid(container.id),
            "image": valid(container.image),
            "project": valid(container.project),
            "service": valid(container.service),
            "host": valid(container.host),
        }
        if stream is not None:
            named["stream"] = stream.name.lower()
        head = b"," + _encode(named)[1:-1] + (b"," if stream is None else b',"line":')
        entry = self._heads[container.id, stream] = (container, head)
        return entry


def _texts(lines: list[Line]) -> list[bytes]:
    """Return the texts as JSON, and the bytes where those are no UTF-8."""
    raws = [line.raw for line in lines]
    whole = _BETWEEN.join(raws)
    if whole.count(_BETWEEN) == len(raws) - 1:
        if b"\r" in whole:
            whole = (whole + _BETWEEN).replace(b"\r" + _BETWEEN, _BETWEEN).removesuffix(_BETWEEN)
        try:
            # All in one go, which is three times as fast.
            encoded = _encode(whole.decode())
        except UnicodeDecodeError:
            pass
        else:
            return [b'"%b"' % text for text in encoded[1:-1].split(_BETWEEN)]
    return [_text(line) for line in lines]


def _text(line: Line) -> bytes:
    try:
        # Line.text, and whether it is all of it.
        return _encode(line.raw.removesuffix(b"\r").decode())
    except UnicodeDecodeError:
        return _encode(line.text) + b',"line_base64":' + _encode(b64encode(line.raw).decode())


def _extras(line: Line) -> bytes:
    extras: dict[str, Any] = {}
    if line.unterminated:
        extras["unterminated"] = True
    if line.late:
        extras["late"] = True
    if line.raw_details:
        extras["details"] = line.details
    return b"," + _encode(extras)[1:-1]
