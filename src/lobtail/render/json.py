r"""The JSON format: for programs, and to be read back. One object a line, for lines as for marks.

::

    {"v":2,"time":"2026-01-02T15:04:05.000000123Z","container":"web-1","id":"3f…","image":"nginx",
     "project":"shop","service":"web","host":"","labels":{"tier":"front"},"stream":"stdout",
     "line":"GET / 200","level":null,"partial":false}
    {"v":2,"time":…,"container":…,…,"mark":"stopped","exit_code":137,"oom":true}

A line has the key ``line``, a mark the key ``mark``. What is not known is null. ``v`` grows when a
key changes its meaning or goes; new keys may come without that.

All of an item is there (``model.jsonlines`` reads it); what is seldom needed, only where it holds:

- ``labels`` at the first item of a container, and where they have changed: in each line they would
  be most of it.
- ``cr``: the text ended in a CR, as with a TTY. ``unterminated``, ``late``.
- ``continues``: the line belongs to the line of this container and stream before it: an entry of
  several lines, such as a stack trace, is so many objects, one behind the other.
- ``line_base64``: the text is not UTF-8. The same of a name or a reason that is not Unicode, and of
  ``details`` that are not as an engine writes them.
- ``time_ns``: a time that no calendar has.

What could act or hide where JSON is looked at (controls, also C1, and what reorders or hides text)
is escaped as ``\uXXXX``, which changes no value (``render.escaped``).
"""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import Any, Final

import msgspec

from lobtail.model.entries import lines_of
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line, Mark, encode_details, levels_of, parse_details
from lobtail.model.levels import Level
from lobtail.render.escaped import escaped, valid
from lobtail.render.stamps import UNKNOWN, Stamper
from lobtail.render.style import Chunk, Formatter, Style

__all__ = ["VERSION", "JsonFormatter"]

VERSION: Final = 2

_SECOND: Final = 1_000_000_000
_FOREVER: Final = 1 << 80

# The last characters for private use, which JSON does not escape and hardly any log has: between
# two texts, the first of which ends in a CR in the second case.
_BETWEEN: Final = "\U0010fffd".encode()
_CR: Final = "\U0010fffc".encode()

_encode: Final = msgspec.json.Encoder().encode

# Prefixes that are remembered, each of which is made in microseconds, and labels.
_MAX_CACHED: Final = 4096

_TAILS: Final = {
    level: b',"level":%b,"partial":false}\n' % _encode(level.name.lower() if level else None)
    for level in Level
}
_PARTIAL: Final = (b'"partial":false', b'"partial":true')


class JsonFormatter(Formatter):
    """Writes a JSON object for each item; of the style it only looks at ``marks``."""

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self._stamper = Stamper()
        self._heads: dict[tuple[str, Stream | None], tuple[ContainerRef, bytes]] = {}
        self._labels: dict[str, dict[str, str]] = {}  # what was said of each container, by its ID
        self._unsaid: dict[str, str] | None = {}  # what is as good as said of the others

    def _lines(self, lines: list[Line], now_ns: int) -> bytes:
        lines = lines_of(lines)
        show, heads, tails = self._stamper.show, self._heads, _TAILS
        parts: list[bytes] = []
        add = parts.append
        # Neighbours share their second, and as a rule their container and stream.
        clock, begin_ns = b"", _FOREVER
        container: ContainerRef | None = None
        stream: Stream | None = None
        named = b""
        for line, text, level in zip(lines, _texts(lines), levels_of(lines), strict=True):
            if line.container is not container or line.stream is not stream:
                container, stream = line.container, line.stream
                head = heads.get((container.id, stream))
                if head is None or head[0] is not container:
                    head = self._make_head(container, stream)
                    if labels := self._new_labels(container):
                        head = (container, _with_labels(head[1], labels))
                        container = None  # the next line has them no more
                named = head[1]
            time_ns = line.time_ns
            tail = tails[level]
            if line.partial or line.unterminated or line.late or line.continues or line.raw_details:
                tail = _with_extras(tail, line)
            if time_ns is not None and 0 <= time_ns - begin_ns < _SECOND:
                add(b'%b%09dZ"%b%b%b' % (clock, time_ns - begin_ns, named, text, tail))
                continue
            stamp = show(time_ns, now_ns)
            if time_ns is None or stamp == UNKNOWN:
                add(b'{"v":2,"time":' + _unknown(time_ns) + named + text + tail)
            else:
                begin_ns = time_ns - time_ns % _SECOND
                clock = b'{"v":2,"time":"' + stamp[:20].encode()
                add(b'{"v":2,"time":"' + stamp.encode() + b'"' + named + text + tail)
        return escaped(b"".join(parts))

    def _mark(self, mark: Mark, now_ns: int) -> Chunk:
        if not self.style.marks:
            return Chunk(b"")  # nothing is said with it
        stamp = self._stamper.show(mark.time_ns, now_ns)
        time = _unknown(mark.time_ns) if stamp == UNKNOWN else _encode(stamp)
        head = self._make_head(mark.container, None)[1]
        if labels := self._new_labels(mark.container):
            head += labels[1:] + b","
        fields: dict[str, Any] = {"mark": mark.kind}
        for name in mark.__struct_fields__[2:]:
            value = getattr(mark, name)
            fields |= _named(name, value) if isinstance(value, str) else {name: value}
        return Chunk(escaped(b'{"v":2,"time":' + time + head + _encode(fields)[1:] + b"\n"))

    def _make_head(
        self, container: ContainerRef, stream: Stream | None
    ) -> tuple[ContainerRef, bytes]:
        """Return what stands between the time and the text of each line of a stream."""
        if len(self._heads) >= _MAX_CACHED:
            self._heads.clear()
        named: dict[str, Any] = {
            **_named("container", container.name),
            **_named("id", container.id),
            **_named("image", container.image),
            **_named("project", container.project),
            **_named("service", container.service),
            **_named("host", container.host),
        }
        head = b"," + _encode(named)[1:-1] + b","
        if stream is not None:
            head += b'"stream":"%b","line":"' % stream.name.lower().encode()
        entry = self._heads[container.id, stream] = (container, head)
        return entry

    def _new_labels(self, container: ContainerRef) -> bytes:
        """Return the labels of a container as they are to be said, if they were not."""
        if self._labels.get(container.id, self._unsaid) == container.labels:
            return b""
        if len(self._labels) >= _MAX_CACHED:
            self._labels.clear()
            self._unsaid = None
        self._labels[container.id] = container.labels
        for stream in Stream:  # what is known of the others was said with other labels
            self._heads.pop((container.id, stream), None)
        labels = {valid(name): valid(value) for name, value in container.labels.items()}
        return b',"labels":' + _encode(labels)


def _with_labels(head: bytes, labels: bytes) -> bytes:
    """Put labels in front of the stream."""
    before, stream, after = head.rpartition(b',"stream":')
    return before + labels + stream + after


def _unknown(time_ns: int | None) -> bytes:
    """Return a time that cannot be shown, as it stands behind its key."""
    return b"null" if time_ns is None else b'null,"time_ns":%d' % time_ns


def _named(key: str, text: str) -> dict[str, str]:
    """Return a text, and its bytes if it is not Unicode, as the names of files may be."""
    shown = valid(text)
    if shown == text:
        return {key: text}
    data = text.encode("utf-8", "surrogatepass")
    return {key: shown, f"{key}_base64": b64encode(data).decode()}


def _texts(lines: list[Line]) -> list[bytes]:
    """Return what stands behind ``"line":"``: the text as JSON, and what else is to be told of it.

    That it ended in a CR, and its bytes where it is not UTF-8.
    """
    raws = [line.raw for line in lines]
    whole = _BETWEEN.join(raws) + _BETWEEN
    if whole.count(_BETWEEN) == len(raws) and _CR not in whole:
        ended = whole.replace(b"\r" + _BETWEEN, _CR) if b"\r" in whole else whole
        try:
            # All in one go, which is three times as fast.
            encoded = _encode(ended.decode())
        except UnicodeDecodeError:
            pass
        else:
            texts = encoded[1:-1].replace(_BETWEEN, b'"' + _BETWEEN)
            if ended is not whole:
                texts = texts.replace(_CR, b'","cr":true' + _BETWEEN)
            return texts.split(_BETWEEN)[:-1]
    return [_text(line.raw) for line in lines]


def _text(raw: bytes) -> bytes:
    text = raw.removesuffix(b"\r")
    try:
        return _encode(text.decode())[1:] + (b"" if len(text) == len(raw) else b',"cr":true')
    except UnicodeDecodeError:
        shown = _encode(text.decode("utf-8", "replace"))[1:]
        return shown + b',"line_base64":"' + b64encode(raw) + b'"'


def _with_extras(tail: bytes, line: Line) -> bytes:
    """Add to the end of an object what is seldom to be told of a line."""
    flags = b',"unterminated":true' if line.unterminated else b""
    if line.late:
        flags += b',"late":true'
    if line.continues:
        flags += b',"continues":true'
    if line.raw_details:
        flags += _details(line.raw_details)
    return (tail.replace(*_PARTIAL) if line.partial else tail)[:-2] + flags + b"}\n"


@lru_cache(maxsize=64)
def _details(raw: bytes) -> bytes:
    """Return details as JSON, and their bytes if an engine would write them otherwise."""
    details = parse_details(raw)
    shown = b',"details":' + _encode(details)
    if encode_details(details) != raw:
        shown += b',"details_base64":"' + b64encode(raw) + b'"'
    return shown
