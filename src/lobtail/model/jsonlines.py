"""Read what ``-o json`` has written, version 1 too: lines of JSON back into items.

``render.json`` describes the form. Version 1 left out labels, the CR that a TTY puts before each
newline, and the order of details; all else comes back from it, too. Keys may be in any order, and
those that are not known are passed over.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Final

import msgspec

from lobtail.errors import CodecError, ProtocolError
from lobtail.model.codec import MARKS
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Item, Line, Mark, encode_details
from lobtail.model.timestamps import parse_rfc3339

__all__ = ["MAX_OBJECT", "VERSIONS", "JsonDecoder"]

VERSIONS: Final = (1, 2)

# A line of 1 MiB takes six times as much where each byte is escaped, and a third more in base64.
MAX_OBJECT: Final = 9 << 20

# Containers that are remembered by their IDs, with what was last said of them. ``render.json`` says
# the labels again after a quarter as many.
_MAX_CONTAINERS: Final = 1 << 14

_STREAMS: Final = {stream.name.lower(): stream for stream in Stream}
_SECOND_SIZE: Final = 20  # 2006-01-02T15:04:05.


class _Object(msgspec.Struct, gc=False):
    v: int
    id: str
    container: str
    time: str | None = None
    image: str = ""
    project: str = ""
    service: str = ""
    host: str = ""
    labels: dict[str, str] | None = None
    stream: str = "stdout"
    line: str | None = None
    partial: bool = False
    cr: bool = False
    unterminated: bool = False
    late: bool = False
    continues: bool = False
    details: dict[str, str] | None = None
    mark: str | None = None
    exit_code: int | None = None
    oom: bool = False
    reason: str = ""
    count: int = 0
    time_ns: int | None = None
    line_base64: str | None = None
    details_base64: str | None = None
    reason_base64: str | None = None
    container_base64: str | None = None
    id_base64: str | None = None
    image_base64: str | None = None
    project_base64: str | None = None
    service_base64: str | None = None
    host_base64: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Object)
_BROKEN: Final = (msgspec.MsgspecError, ValueError, KeyError, RecursionError, ProtocolError)


class JsonDecoder:
    """Makes items of lines, in the order in which they were written.

    Labels stand at the first item of a container only, so it remembers containers.
    """

    def __init__(self) -> None:
        self._containers: dict[str, ContainerRef] = {}
        self._second = ""  # of the last time, as text, and in nanoseconds
        self._second_ns = 0

    def decode(self, line: bytes) -> Item:
        """Return the item of one line.

        Raises:
            CodecError: it is none.
        """
        try:
            return self._item(_DECODER.decode(line))
        except _BROKEN as exc:
            raise CodecError(f"this is no saved item: {exc}") from exc

    def decode_lines(self, data: bytes) -> list[Item | None]:
        r"""Return for each line of ``data``, which ends in ``\n``, its item; None if it is none."""
        try:
            found: list[_Object | None] = [*_DECODER.decode_lines(data)]
        except _BROKEN:
            found = []
        if len(found) != data.count(b"\n"):  # some are none, or blank
            found = [_object(line) for line in data.split(b"\n")[:-1]]
        items: list[Item | None] = []
        add = items.append
        for each in found:
            try:
                add(None if each is None else self._item(each))
            except _BROKEN:
                add(None)
        return items

    def _item(self, found: _Object) -> Item:
        if found.v not in VERSIONS:
            raise ValueError(f"version {found.v} is none of {', '.join(map(str, VERSIONS))}")
        text = found.line
        if (text is None) is (found.mark is None):
            raise ValueError("it is neither a line nor a mark")
        time_ns = found.time_ns if found.time is None else self._time(found.time)
        if text is None:
            return self._mark(found, time_ns)
        stream = _STREAMS[found.stream]
        if found.line_base64 is not None:
            raw = b64decode(found.line_base64, validate=True)
        elif found.cr:
            raw = text.encode() + b"\r"
        else:
            raw = text.encode()
        details = b""
        if found.details_base64 is not None:
            details = b64decode(found.details_base64, validate=True)
        elif found.details is not None:
            details = encode_details(found.details)
        container = self._container(found)
        return Line(
            container,
            stream,
            time_ns,
            raw,
            found.partial,
            found.unterminated,
            found.late,
            details,
            found.continues,
        )

    def _mark(self, found: _Object, time_ns: int | None) -> Mark:
        assert found.mark is not None
        kind = MARKS[found.mark]
        values = {name: getattr(found, name) for name in kind.__struct_fields__[2:]}
        if found.reason_base64 is not None and "reason" in values:
            values["reason"] = _text(found.reason, found.reason_base64)
        return kind(self._container(found), time_ns, **values)

    def _time(self, stamp: str) -> int:
        second, digits = stamp[:_SECOND_SIZE], stamp[_SECOND_SIZE:]
        # Neighbours share their second.
        if len(digits) == 10 and digits[-1] == "Z" and digits[:9].isdecimal() and digits.isascii():
            if second != self._second:
                self._second_ns = parse_rfc3339(f"{second}000000000Z")
                self._second = second
            return self._second_ns + int(digits[:9])
        return parse_rfc3339(stamp)

    def _container(self, found: _Object) -> ContainerRef:
        """Return the container of an item: the same object as long as the same is said of it."""
        key = _text(found.id, found.id_base64)
        known = self._containers.get(key)
        if (
            known is not None
            and known.name == found.container
            and known.image == found.image
            and known.project == found.project
            and known.service == found.service
            and known.host == found.host
            and found.labels is None
        ):
            return known
        labels = found.labels
        if labels is None:
            labels = {} if known is None else known.labels
        made = ContainerRef(
            key,
            _text(found.container, found.container_base64),
            _text(found.image, found.image_base64),
            _text(found.project, found.project_base64),
            _text(found.service, found.service_base64),
            labels,
            _text(found.host, found.host_base64),
        )
        if made == known:
            made = known
        # To the end: those of which nothing was said for longest are forgotten first.
        self._containers.pop(key, None)
        self._containers[key] = made
        if len(self._containers) > _MAX_CONTAINERS:
            del self._containers[next(iter(self._containers))]
        return made


def _object(line: bytes) -> _Object | None:
    try:
        return _DECODER.decode(line) if line else None
    except _BROKEN:
        return None


def _text(shown: str, data: str | None) -> str:
    """Return a text, of which ``data`` are the bytes if it is not Unicode."""
    if data is None:
        return shown
    return b64decode(data, validate=True).decode("utf-8", "surrogatepass")
