"""Decode blocks of regular records of the local driver in bulk, without a look at each.

What stands between the texts of two whole lines has one form::

    text | its size | the next size | 0a 06 stdout 10 time | 1a length | text …

So one pattern finds all of it but the sizes, which stay at the ends of the texts. A text may hold
such bytes, too; but then it is cut, and the sizes that stand around it are not its own. So all are
computed from the lengths of the texts, and held against those that are there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby
from operator import add, itemgetter
from typing import Any, Final

from lobtail.files.records import Buffer
from lobtail.model.frames import Frame, Stream
from lobtail.model.records import Record

__all__ = ["bulk_messages", "bulk_runs"]

_LENGTH: Final = rb"(?:\x1a([\x00-\x7f]|[\x80-\xff][\x01-\x7f]))?"
_TIME: Final = rb"[\x80-\xff]{8}[\x00-\x7f]"
_TEXTS: Final = re.compile(rb"\n\x06std(out|err)\x10" + _TIME + _LENGTH)
_ALL: Final = re.compile(rb"\n\x06std(out|err)\x10" + _LENGTH.join((b"(" + _TIME + b")", b"")))
_KINDS: Final = {b"out": Stream.STDOUT, b"err": Stream.STDERR}
_FIXED: Final = 18  # bytes of source and time
_SIZES: Final = 8


class _Sizes(dict[int, bytes]):
    """What stands before and behind the entry of a text of some length."""

    def __missing__(self, length: int) -> bytes:
        varint = _lengths[length]
        size = _FIXED + length + (0 if varint is None else 1 + len(varint))
        found = self[length] = size.to_bytes(4, "big")
        return found


class _Lengths(dict[int, "bytes | None"]):
    """What stands before a text of some length; nothing before an empty one."""

    def __missing__(self, length: int) -> bytes | None:
        if length < 1 << 7:
            found = bytes((length,)) if length else None
        else:  # longer ones are pieces, or none
            found = bytes((length & 127 | 128, length >> 7 & 127))
        self[length] = found
        return found


_sizes: Final = _Sizes()
_lengths: Final = _Lengths()


def _split(
    data: Buffer, length: int, joint: re.Pattern[bytes]
) -> tuple[list[Any], list[bytes], int] | None:
    """Cut a block into what the joints keep and the texts, up to the last record.

    Returns the parts, the texts, and where the last record begins; None if some are irregular.
    """
    parts: list[Any] = joint.split(memoryview(data)[:length])
    step = joint.groups + 1
    pieces = parts[step::step]
    if len(pieces) < 2:
        return None
    last = pieces.pop()
    texts = [piece[:-_SIZES] for piece in pieces]
    lengths = list(map(len, texts))
    if max(lengths) >= 1 << 14 or parts[joint.groups : -step : step] != [
        *map(_lengths.__getitem__, lengths)
    ]:
        return None
    sizes = list(map(_sizes.__getitem__, lengths))
    borders = list(map(add, sizes, [*sizes[1:], pieces[-1][-4:]]))
    if parts[0] != sizes[0] or [piece[-_SIZES:] for piece in pieces] != borders:
        return None
    varint = parts[-2]
    joint_size = _FIXED + (0 if varint is None else 1 + len(varint))
    return parts, texts, length - len(last) - joint_size - 4


def bulk_runs(
    data: Buffer, length: int, stdout: bool, stderr: bool
) -> tuple[list[Frame], int] | None:
    """Return the texts of ``data[:length]``, joined as runs are, and how far they reach."""
    found = _split(data, length, _TEXTS)
    if found is None:
        return None
    parts, texts, used = found
    kinds = parts[1:-3:3]
    shown = {b"out": stdout, b"err": stderr}
    if len(set(kinds)) == 1:
        kind = kinds[0]
        text = b"\n".join(texts) + b"\n"
        return ([Frame(_KINDS[kind], text)] if shown[kind] else []), used
    pairs = [pair for pair in zip(kinds, texts, strict=True) if shown[pair[0]]]
    frames = [
        Frame(_KINDS[kind], b"\n".join([text for _, text in run]) + b"\n")
        for kind, run in groupby(pairs, itemgetter(0))
    ]
    return frames, used


def bulk_messages(
    data: bytes, time_of: Callable[[bytes], int | None]
) -> tuple[list[Record], int] | None:
    """Return the records of a block, and how far they reach; ``time_of`` reads a varint."""
    found = _split(data, len(data), _ALL)
    if found is None:
        return None
    parts, texts, used = found
    out, err = Stream.STDOUT, Stream.STDERR
    return [
        Record(out if kind == b"out" else err, time_ns, text)
        for kind, time_ns, text in zip(
            parts[1:-4:4], map(time_of, parts[2:-4:4]), texts, strict=True
        )
    ], used
