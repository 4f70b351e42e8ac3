"""Hypothesis strategies of items: whatever can stand in a field of one."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from lobtail.model.frames import Stream
from lobtail.model.items import (
    ContainerRef,
    Dropped,
    EngineBack,
    EngineLost,
    Gap,
    Item,
    Line,
    Removed,
    Resumed,
    Skipped,
    Started,
    Stopped,
)

__all__ = ["any_items"]

# Also halves of surrogate pairs: Python has them for the bytes of a file's name that are not UTF-8.
_texts: Final = st.text(st.characters(), max_size=12) | st.sampled_from(["\udcff", "a\ud800"])
# But labels come from an engine, which has none.
_labels: Final = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)

# Few of them, so that they come again; and some that differ in one field only.
_containers: Final = st.lists(
    st.builds(
        ContainerRef,
        id=st.sampled_from(["a" * 64, "b" * 64]) | _texts,
        name=st.sampled_from(["web", "db"]) | _texts,
        image=_texts,
        project=_texts,
        service=_texts,
        labels=_labels,
        host=st.just("") | _texts,
    ),
    min_size=1,
    max_size=4,
)

_integers: Final = st.integers() | st.sampled_from(
    [0, -1, 1 << 62, (1 << 62) - 1, -(1 << 62), 1 << 63, -(1 << 63) - 1, 1 << 64, 1 << 200]
)
_times: Final = (
    st.none()
    | st.integers(1_767_225_599_999_999_999, 1_767_225_601_000_000_000)
    | st.integers(-70_000_000_000 * 10**9, 300_000_000_000 * 10**9)
    | _integers
)
_raws: Final = (
    st.binary(max_size=40)
    | st.text(max_size=20).map(str.encode)
    | st.sampled_from([b"", b"\r", b"10%\r", b"\r\r", "\U0010fffd".encode(), b"\xff\r", b"a\nb"])
)
_details: Final = st.sampled_from([b"", b"a=1,b=2", b"b=2,a=1", b"a=%20", b"a=+", b"a", b"\xff=1"])


_nobody: Final = st.just(ContainerRef("", ""))
_anything: Final[st.SearchStrategy[Item]] = st.one_of(
    st.builds(
        Line,
        container=_nobody,
        stream=st.sampled_from(Stream),
        time_ns=_times,
        raw=_raws,
        partial=st.booleans(),
        unterminated=st.booleans(),
        late=st.booleans(),
        raw_details=_details,
    ),
    st.builds(Started, _nobody, _times),
    st.builds(Stopped, _nobody, _times, exit_code=st.none() | _integers, oom=st.booleans()),
    st.builds(Removed, _nobody, _times),
    st.builds(Gap, _nobody, _times, reason=_texts),
    st.builds(Resumed, _nobody, _times, reason=_texts),
    st.builds(Dropped, _nobody, _times, count=_integers),
    st.builds(Skipped, _nobody, _times, count=_integers),
    st.builds(EngineLost, _nobody, _times, reason=_texts),
    st.builds(EngineBack, _nobody, _times),
)


def _assigned(refs: list[ContainerRef], items: list[tuple[int, Item]]) -> list[Item]:
    return [replace(item, container=refs[number % len(refs)]) for number, item in items]


any_items: Final[st.SearchStrategy[list[Item]]] = st.builds(
    _assigned, _containers, st.lists(st.tuples(st.integers(0, 3), _anything), max_size=8)
)
"""Some items of few containers."""
