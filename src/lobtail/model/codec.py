"""Items as bytes: all of each line and mark, in a compact form for storage and for the wire.

An ``Encoder`` makes a *batch* of a list of items, a ``Decoder`` makes the items of it again, equal
in every field. The batches of one encoder are a sequence: a container is written once, in the first
batch that has an item of it, and later ones refer to it by its number. So they are decoded in the
order in which they were made; a batch that shall stand for itself is the first of a new encoder.

A batch is a version byte and a msgpack array. Lines are kept by columns, since neighbours differ in
little but time and text: times are differences to the line before, and all else is a number of
``heads``. Marks say how many lines stand before them.

Texts are bytes, for names of files may not be Unicode; so are integers that 64 bits do not hold.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec

from lobtail.errors import CodecError
from lobtail.model.entries import expand, rejoin
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

__all__ = ["MARKS", "MAX_BATCH", "VERSION", "Batch", "Decoder", "Encoder"]

VERSION: Final = 1

# Bytes that are decoded in one go: a batch is what one read has brought, or a piece of an archive.
MAX_BATCH: Final = 64 << 20

# After so many containers the numbers begin anew, so that neither side keeps all that ever were.
MAX_CONTAINERS: Final = 4096

MARKS: Final[dict[str, type[Mark]]] = {
    mark.kind: mark
    for mark in (
        Started,
        Stopped,
        Removed,
        Gap,
        Resumed,
        Dropped,
        Skipped,
        EngineLost,
        EngineBack,
    )
}

# Times that are kept as differences, which then fit into 64 bits: up to the year 2116.
_LATEST: Final = 1 << 62

# Of the flags of a line.
_CONTINUES: Final = 8

_Integer: TypeAlias = int | bytes
_Index: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Batch(NamedTuple):
    """Items, and what was kept with them."""

    items: list[Item]
    position: bytes = b""
    """Where their reader stood behind them, in a form of its own; empty for nothing."""


class _Container(msgspec.Struct, array_like=True):
    id: bytes
    name: bytes
    image: bytes
    project: bytes
    service: bytes
    labels: dict[bytes, bytes]
    host: bytes


class _Head(msgspec.Struct, array_like=True):
    """What lines have in common."""

    container: _Index
    stream: _Index
    flags: _Index
    details: bytes


class _Mark(msgspec.Struct, array_like=True):
    before: int
    """How many lines of the batch stand before it."""
    kind: str
    container: _Index
    time_ns: _Integer | None
    exit_code: _Integer | None = None
    oom: bool = False
    reason: bytes = b""
    count: _Integer = 0


class _Batch(msgspec.Struct, array_like=True):
    first: _Index
    """The number of the first of ``containers``; where it is 0, those before are forgotten."""
    containers: list[_Container]
    heads: list[_Head]
    lines: list[_Index]
    """The head of each line."""
    times: list[int]
    """Of each line, how much later it is than the one before; that of the first is its time."""
    odd_times: dict[_Index, _Integer | None]
    """Of lines whose time is none or out of range, by their place; for ``times`` they have none."""
    texts: list[bytes]
    marks: list[_Mark]
    position: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Batch).decode
_BROKEN: Final = (msgspec.MsgspecError, ValueError, IndexError, KeyError, RecursionError)


class Encoder:
    """Makes batches, for one ``Decoder`` to read in the same order."""

    def __init__(self) -> None:
        self._containers: list[ContainerRef] = []
        self._numbers: dict[int, int] = {}  # by id(), of objects that the list keeps

    def encode(self, items: list[Item], position: bytes = b"") -> bytes:
        """Return a batch of ``items``, with the position of their reader."""
        if len(self._containers) > MAX_CONTAINERS:
            self._containers.clear()
            self._numbers.clear()
        first = len(self._containers)
        lines: list[Line] = []
        marks: list[_Mark] = []
        for item in expand(items):
            if isinstance(item, Line):
                lines.append(item)
            else:
                marks.append(self._mark(item, len(lines)))
        heads, numbers = self._heads(lines)
        times, odd_times = _differences([line.time_ns for line in lines])
        batch = _Batch(
            first,
            [],
            heads,
            numbers,
            times,
            odd_times,
            [line.raw for line in lines],
            marks,
            position,
        )
        batch.containers = list(map(_container, self._containers[first:]))
        return bytes((VERSION,)) + _encode(batch)

    def _heads(self, lines: list[Line]) -> tuple[list[_Head], list[int]]:
        known: dict[tuple[object, ...], int] = {}
        heads: list[_Head] = []
        numbers: list[int] = []
        for line in lines:
            flags = line.partial | line.unterminated << 1 | line.late << 2 | line.continues << 3
            key = (id(line.container), line.stream, flags, line.raw_details)
            number = known.get(key)
            if number is None:
                number = known[key] = len(heads)
                container = self._number(line.container)
                heads.append(_Head(container, line.stream, flags, line.raw_details))
            numbers.append(number)
        return heads, numbers

    def _mark(self, mark: Mark, before: int) -> _Mark:
        row = _Mark(before, mark.kind, self._number(mark.container), _small(mark.time_ns))
        for name in mark.__struct_fields__[2:]:
            value = getattr(mark, name)
            setattr(row, name, _bytes(value) if isinstance(value, str) else _small(value))
        return row

    def _number(self, container: ContainerRef) -> int:
        number = self._numbers.get(id(container))
        if number is None:
            number = self._numbers[id(container)] = len(self._containers)
            self._containers.append(container)
        return number


class Decoder:
    """Makes the items of batches, in the order in which one ``Encoder`` made them."""

    def __init__(self) -> None:
        self._containers: list[ContainerRef] = []

    def decode(self, data: bytes) -> Batch:
        """Return the items of a batch.

        Raises:
            CodecError: the bytes are no batch, or not the next one; nothing was taken from them.
        """
        if not data or data[0] != VERSION:
            found = f"version {data[0]}" if data else "nothing"
            raise CodecError(f"this is no batch of items: found {found}, expected {VERSION}")
        if len(data) > MAX_BATCH:
            raise CodecError(f"a batch of {len(data)} bytes is larger than {MAX_BATCH}")
        try:
            batch = _decode(memoryview(data)[1:])
            if batch.first and not batch.first == len(self._containers) <= MAX_CONTAINERS:
                raise ValueError("a batch before it is missing")
            known = self._containers[: batch.first] + list(map(_ref, batch.containers))
            items = _items(batch, known)
        except _BROKEN as exc:
            raise CodecError(f"this is no batch of items: {exc}") from exc
        self._containers = known
        joined = any(head.flags & _CONTINUES for head in batch.heads)
        return Batch(rejoin(items) if joined else items, batch.position)


def _items(batch: _Batch, containers: list[ContainerRef]) -> list[Item]:
    heads = [
        (
            containers[head.container],
            Stream(head.stream),
            bool(head.flags & 1),
            bool(head.flags & 2),
            bool(head.flags & 4),
            head.details,
            bool(head.flags & _CONTINUES),
        )
        for head in batch.heads
    ]
    times: list[int | None] = [*accumulate(batch.times)]
    for place, time in batch.odd_times.items():
        times[place] = _whole(time)
    lines: list[Item] = []
    add = lines.append
    for number, time_ns, raw in zip(batch.lines, times, batch.texts, strict=True):
        container, stream, partial, unterminated, late, details, continues = heads[number]
        add(Line(container, stream, time_ns, raw, partial, unterminated, late, details, continues))
    if not batch.marks:
        return lines
    items: list[Item] = []
    done = 0
    for row in batch.marks:
        if not done <= row.before <= len(lines):
            raise ValueError("a mark stands nowhere")
        items += lines[done : row.before]
        items.append(_mark(row, containers))
        done = row.before
    return items + lines[done:]


def _mark(row: _Mark, containers: list[ContainerRef]) -> Mark:
    kind = MARKS[row.kind]
    values = {name: getattr(row, name) for name in kind.__struct_fields__[2:]}
    for name, value in values.items():
        values[name] = _text(value) if name == "reason" else _whole(value)
    return kind(containers[row.container], _whole(row.time_ns), **values)


def _container(ref: ContainerRef) -> _Container:
    return _Container(
        _bytes(ref.id),
        _bytes(ref.name),
        _bytes(ref.image),
        _bytes(ref.project),
        _bytes(ref.service),
        {_bytes(key): _bytes(value) for key, value in ref.labels.items()},
        _bytes(ref.host),
    )


def _ref(row: _Container) -> ContainerRef:
    return ContainerRef(
        _text(row.id),
        _text(row.name),
        _text(row.image),
        _text(row.project),
        _text(row.service),
        {_text(key): _text(value) for key, value in row.labels.items()},
        _text(row.host),
    )


def _differences(times: list[int | None]) -> tuple[list[int], dict[int, _Integer | None]]:
    odd: dict[int, _Integer | None] = {}
    whole: list[int] = []
    last = 0
    for place, time in enumerate(times):
        if time is None or not 0 <= time < _LATEST:
            odd[place] = _small(time)
        else:
            last = time
        whole.append(last)
    return [now - before for before, now in pairwise((0, *whole))], odd


def _small(value: int | None) -> _Integer | None:
    if value is None or -_LATEST <= value < _LATEST:
        return value
    return value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)


def _whole(value: _Integer | None) -> int | None:
    return int.from_bytes(value, "little", signed=True) if isinstance(value, bytes) else value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
