r"""Decode blocks of regular json-file records in bulk, without a look at each.

In a block whose records all end in ``\n`` and have the same keys and attributes, what stands
between two texts differs in the time only::

    text\n","stream":"stdout","time":"2006-01-02T15:04:05.1234Z"}⏎{"log":"text\n","stream":…

So one pattern finds all of these joints, and what is left are the texts. That nothing else is left
is proven afterwards: in JSON a quote stands in a text only behind a backslash. No quote left over,
no backslash and no NUL: every byte between two joints is text as it is (newlines aside, which are
counted). With backslashes, all texts together must be one valid JSON string. (``\\n"`` at the end
of a text without newline, as of ``C:\new``, looks like a joint with one more backslash before it;
put together again with ``\n`` between the texts, the string is what it was.)
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec
from msgspec.structs import replace

from lobtail.errors import ProtocolError
from lobtail.files.records import Buffer
from lobtail.model.frames import Frame, Stream
from lobtail.model.records import Record
from lobtail.model.timestamps import parse_rfc3339

__all__ = ["bulk_messages", "bulk_runs", "bulk_stamped_runs"]

_HEAD: Final = b'{"log":"'
_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,9}+Z"
_STRING: Final = r'"(?:[^"\\]++|\\.)*+"'
_FIRST: Final = re.compile(
    rf'\{{"log":{_STRING},"stream":"(std(?:out|err))"'
    rf'(,"attrs":\{{(?:{_STRING}:{_STRING},?)*+\}})?,"time":"'.encode(),
    re.DOTALL,
)
_LONG_ATTRS: Final = 1 << 12
_TEXT: Final = msgspec.json.Decoder(str)
_TEXTS: Final = msgspec.json.Decoder(list[str])

_KINDS: Final = {b"stdout": Stream.STDOUT, b"stderr": Stream.STDERR}


@lru_cache(maxsize=32)
def _joint(stream: str, attrs: bytes, group: str) -> re.Pattern[bytes]:
    """Return the pattern of what stands between two texts; ``group`` what of it is kept."""
    kept = {"": (stream, _TIME), "stream": (f"({stream})", _TIME)}
    kind, time = kept.get(group, (f"({stream})", f"({_TIME})"))
    text = rb'\\n","stream":"%b"%b,"time":"%b"}\n{"log":"'
    return re.compile(text % (kind.encode(), re.escape(attrs), time.encode()))


@lru_cache(maxsize=32)
def _end(attrs: bytes) -> re.Pattern[bytes]:
    text = rb'\\n","stream":"(stdout|stderr)"%b,"time":"(%b)"}\n'
    return re.compile(text % (re.escape(attrs), _TIME.encode()))


def _ends(body: Buffer, used: int) -> tuple[bytes, bytes, int, re.Match[bytes]] | None:
    """Look at the first and the last record; None if they are not alike.

    Returns the stream of the first one, the attributes, where the last text ends, and what
    stands behind it.
    """
    first = _FIRST.match(body)
    if first is None:
        return None
    attrs = first[2] or b""
    if len(attrs) > _LONG_ATTRS:  # patterns with them are kept
        return None
    stop = body.rfind(b'\\n","stream":"', 0, used)
    last = _end(attrs).fullmatch(body, stop, used) if stop >= 0 else None
    return None if last is None else (first[1], attrs, stop, last)


def _is_text(joined: bytes) -> bool:
    """Say whether texts without escapes are nothing but text."""
    if b'"' in joined or b"\0" in joined:
        return False
    if not joined.isascii():
        try:
            joined.decode()
        except UnicodeDecodeError:
            return False
    return True


class Hints:
    """What the last block was like: the next is probably like it. Wrong ones cost time only."""

    __slots__ = ("escaped", "mixed")

    def __init__(self) -> None:
        self.escaped = False
        self.mixed = False


def bulk_runs(
    body: Buffer, used: int, stdout: bool, stderr: bool, hints: Hints
) -> list[Frame] | None:
    """Return the texts of ``body[:used]``, neighbours of one stream joined into one frame.

    None if it is not regular.
    """
    ends = _ends(body, used)
    if ends is None:
        return None
    stream, attrs, stop, last = ends
    inner = memoryview(body)[len(_HEAD) : stop]
    if last[1] == stream and not hints.mixed:
        joint = _joint(stream.decode(), attrs, "")
        text, joints = (b"\\", 0) if hints.escaped else joint.subn(b"\n", inner)
        if b"\\" in text:
            text = _unescaped(joint.sub(rb"\\n", inner))
            hints.escaped = bool(text)
        elif _is_text(text) and text.count(b"\n") == joints:
            text += b"\n"
        else:
            text = b""
        if text:
            kind = _KINDS[stream]
            shown = stdout if kind is Stream.STDOUT else stderr
            return [Frame(kind, text)] if shown else []
    frames = _mixed_runs(inner, attrs, last[1], stdout, stderr)
    hints.mixed = frames is not None and len(frames) > 1
    return frames


def _mixed_runs(
    inner: memoryview, attrs: bytes, last: bytes, stdout: bool, stderr: bool
) -> list[Frame] | None:
    parts = _joint("stdout|stderr", attrs, "stream").split(inner)
    texts, kinds = parts[::2], [*parts[1::2], last]
    joined = b"".join(texts)
    escaped = b"\\" in joined
    if b"\n" in joined or not (escaped or _is_text(joined)):
        return None
    frames: list[Frame] = []
    shown = {b"stdout": stdout, b"stderr": stderr}
    for kind, group in groupby(zip(kinds, texts, strict=True), itemgetter(0)):
        run = [text for _, text in group]
        if escaped:
            text = _unescaped(b"\\n".join(run))
            if not text:
                return None
        else:
            text = b"\n".join(run) + b"\n"
        if shown[kind]:
            frames.append(Frame(_KINDS[kind], text))
    if stdout and stderr:
        return frames
    # Those of one stream alone are all neighbours.
    return [Frame(frames[0].stream, b"".join(f.payload for f in frames))] if frames else []


def bulk_messages(body: bytes, used: int) -> list[Record] | None:
    """Return the records of ``body[:used]``; None if it is not regular."""
    found = _columns(body, used)
    if found is None:
        return None
    kinds, stamps, texts, partial = found
    times = _times(stamps)
    if times is None:
        return None
    out, err = Stream.STDOUT, Stream.STDERR
    records = [
        Record(out if kind == b"stdout" else err, time_ns, text)
        for kind, time_ns, text in zip(kinds, times, texts, strict=True)
    ]
    for i in partial:
        records[i] = replace(records[i], partial=True)
    return records


def bulk_stamped_runs(body: bytes, used: int, stdout: bool, stderr: bool) -> list[Frame] | None:
    """Return what ``bulk_runs`` does, the time before each text."""
    found = _columns(body, used)
    if found is None:
        return None
    kinds, stamps, texts, partial = found
    lines = [
        b"%b %b\n" % (stamp if len(stamp) == 30 else stamp[:-1].ljust(29, b"0") + b"Z", text)
        for stamp, text in zip(stamps, texts, strict=True)
    ]
    for i in partial:
        lines[i] = lines[i][:-1]
    shown = {b"stdout": stdout, b"stderr": stderr}
    pairs = [pair for pair in zip(kinds, lines, strict=True) if shown[pair[0]]]
    return [
        Frame(_KINDS[kind], b"".join([line for _, line in run]))
        for kind, run in groupby(pairs, itemgetter(0))
    ]


def _columns(
    body: bytes, used: int
) -> tuple[list[bytes], list[bytes], list[bytes], list[int]] | None:
    """Return streams, stamps, texts, and which of these no newline ends; None if not regular."""
    ends = _ends(body, used)
    if ends is None:
        return None
    _, attrs, stop, last = ends
    parts = _joint("stdout|stderr", attrs, "all").split(memoryview(body)[len(_HEAD) : stop])
    texts = parts[::3]
    joined = b"".join(texts)
    if b"\n" in joined:
        return None
    partial: list[int] = []
    if b"\\" in joined:
        try:
            decoded = _TEXTS.decode(b'["%b\\n"]' % b'\\n","'.join(texts))
        except (msgspec.DecodeError, ValueError):
            return None
        if len(decoded) != len(texts):
            return None
        # The newline of one that ends in a backslash was none.
        partial = [i for i, text in enumerate(decoded) if text[-1] != "\n"]
        texts = [text.removesuffix("\n").encode() for text in decoded]
    elif not _is_text(joined):
        return None
    return [*parts[1::3], last[1]], [*parts[2::3], last[2]], texts, partial


def _times(stamps: list[bytes]) -> list[int] | None:
    """Return times as integers; None if one is no time."""
    times: list[int] = []
    add = times.append
    # Neighbours share their second.
    second, second_ns = b"", 0
    try:
        for stamp in stamps:
            if not stamp.startswith(second) or not second:
                second = stamp[:20]
                second_ns = parse_rfc3339(second[:-1] + b"Z")
            add(second_ns + int(stamp[20:-1].ljust(9, b"0")))
    except ProtocolError:
        return None
    return times


def _unescaped(text: bytes) -> bytes:
    """Return the text of a JSON string's inside and one newline more; nothing if it is none."""
    try:
        return _TEXT.decode(b'"%b\\n"' % text).encode()
    except (msgspec.DecodeError, ValueError):
        return b""
