"""Find where to begin: the last N messages, or a moment, without reading what stands before.

*The last N* are counted backwards from the end, block by block. Only a compressed file has to be
read whole, and twice: to count, and again to show; nothing of it is kept.

*A moment* is found by bisection: over the files by the stamps of their first messages, then over
the bytes of the file. Stamps are taken before the writers of stdout and stderr meet at the file, so
they rise but for small inversions. Therefore what is found is verified: none of the messages in the
``LOOK_BACK`` bytes before it, some thousands, may belong to the range, or it goes on before them.
All messages from there on are compared one by one. Where the machine's clock was set back while
they were written, messages of the range may stand farther than that before older ones: some
records are looked at all over the files, and if one of these belongs to the range, it is read from
the beginning of its file on.
"""

from __future__ import annotations

from typing import Final

from lobtail.files.formats import Format
from lobtail.files.log_file import LogFile
from lobtail.files.span import NEVER
from lobtail.files.walk import Walk
from lobtail.model.records import Record

__all__ = ["find_first", "find_moment", "find_tail", "first_message"]

# Two writers cannot overtake one another by more: the lock of the file is fair within 1 ms (Go,
# sync.Mutex, starvation mode), and an engine writes some 200 messages in that time.
LOOK_BACK: Final = 1 << 19

_PEEK: Final = 1 << 12  # bytes that hold a record or some
_NEAR: Final = 1 << 16  # bytes that are rather read than halved
_FAR: Final = 1 << 20  # bytes that are looked at in one go
_PROBES: Final = 32  # records that are looked at in all files


def find_tail(parts: list[LogFile], form: Format, count: int) -> tuple[int, int, int]:
    """Return where the last ``count`` messages begin: file, offset, how many to skip there."""
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if part.compressed or not form.seekable:
            found = sum(len(block.records) for block in Walk(form).read(part))
            if found >= count:
                return index, 0, found - count
            count -= found
            continue
        end = floor = part.size  # what lies between has no record's beginning
        reach = _NEAR
        whole = True  # the end is the file's own
        while end > 0:
            start = max(0, floor - reach)
            first = _first_record(form, part, start, floor) if start else 0
            if first < 0:
                floor = start
                reach *= 2
                continue
            blocks = Walk(form).read(part, first, None if whole else end)
            found = sum(len(block.records) for block in blocks)
            if found >= count:
                return index, first, found - count
            count -= found
            end = floor = first
            whole = False
            reach = min(reach * 2, _FAR)
    return 0, 0, 0


def find_moment(parts: list[LogFile], form: Format, since: int) -> tuple[int, int]:
    """Return where the messages from ``since`` on begin: file, offset.

    Some that are older may stand behind that place, too.
    """
    index, offset = _find_moment(parts, form, since)
    earlier = _set_back(parts, form, since, index, offset)
    return (index, offset) if earlier is None else (earlier, 0)


def find_first(
    parts: list[LogFile], form: Format, since: int, begin: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Return where the first message from ``since`` on is: file, offset, how many to skip there.

    ``begin`` is where to look from, of the same form.
    """
    index, offset, skip = begin
    for number in range(index, len(parts)):
        count = 0
        for block in Walk(form).read(parts[number], offset):
            for place, record in enumerate(block.records, count):
                if place >= skip and _time(record) >= since:
                    return number, offset, place
            count += len(block.records)
        offset, skip = 0, max(0, skip - count)
    return len(parts), 0, 0


def _set_back(
    parts: list[LogFile], form: Format, since: int, index: int, offset: int
) -> int | None:
    """Return the first file with a message of the range before a place that was found; or None."""
    probes = max(2, _PROBES // len(parts))
    for number, part in enumerate(parts[: index + 1]):
        stop = offset if number == index else part.size
        if part.compressed:
            last = part.last_time()
            if number < index and last is not None and last >= since:
                return number
            continue
        places = sorted({stop * i // probes for i in range(probes)})
        found = (_first_record(form, part, place, stop) for place in places)
        for start in found:
            time = None if start < 0 else _first_time(form, part, start, stop)
            if time is not None and time >= since:
                return number
    return None


def _find_moment(parts: list[LogFile], form: Format, since: int) -> tuple[int, int]:
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        first = _first_time(form, part)
        if first is not None and first < since:
            break
    else:
        return 0, 0
    offset = 0 if part.compressed else _bisect(form, part, since)
    while offset == 0 and index > 0 and _may_reach(parts[index - 1], since):
        # The file begins with messages of this moment; the one before may end with such.
        index -= 1
        part = parts[index]
        if not part.compressed:
            offset = _verified(form, part, part.size, since)
            if offset == part.size:
                return index + 1, 0
    return index, offset


def _may_reach(part: LogFile, since: int) -> bool:
    """Say whether a file may hold messages from ``since`` on."""
    last = part.last_time()
    return last is None or last >= since


def _bisect(form: Format, part: LogFile, since: int) -> int:
    """Return the offset of a record in a plain file before which all are older than ``since``."""
    low = 0
    high = part.size
    while high - low > _NEAR:
        middle = (low + high) // 2
        found = _first_record(form, part, middle, high)
        time = None if found < 0 else _first_time(form, part, found, high)
        if time is not None and time < since:
            low = found
        else:
            high = middle
    return _verified(form, part, low, since)


def _verified(form: Format, part: LogFile, low: int, since: int) -> int:
    """Return ``low``, or a record before it if there are messages from ``since`` on there."""
    reach = LOOK_BACK
    start = low
    while start > 0:
        before = _first_record(form, part, start - reach, start) if start > reach else 0
        if before < 0:
            reach *= 2
            continue
        blocks = Walk(form).read(part, before, start)
        if all(_time(record) < since for block in blocks for record in block.records):
            break
        low = start = before
    return low


def _first_record(form: Format, part: LogFile, start: int, end: int) -> int:
    """Return the offset of a record that begins between two places, the first or so; or -1."""
    size = form.probe
    while start < end:
        data = part.read_at(start, size)
        stop = start + len(data)
        found = form.align(data, ends=stop >= part.size)
        if found >= 0:
            return start + found if start + found < end else -1
        if not data:
            break
        # A hole may have any size.
        start = stop if any(data) else part.behind_hole(stop)
        size = min(4 * size, _FAR)
    return -1


def _first_time(
    form: Format, part: LogFile, offset: int = 0, stop: int | None = None
) -> int | None:
    """Return the time of the first message from ``offset`` on."""
    first = first_message(form, part, offset, stop)
    return None if first is None else _time(first)


def _time(record: Record) -> int:
    return NEVER if record.time_ns is None else record.time_ns


def first_message(
    form: Format, part: LogFile, offset: int = 0, stop: int | None = None
) -> Record | None:
    """Return the first message of a file from ``offset`` on, if it holds one."""
    for block in Walk(form).read(part, offset, stop, _PEEK):
        if block.records:
            first: Record = block.records[0]
            return first
    return None
