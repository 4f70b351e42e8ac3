"""A text is found wherever ``bytes.find`` finds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.files.rare_bytes import _EVERY, _MISSES, RareByteFinder

few = st.text("ab\n", max_size=60).map(str.encode)


def finds(finder: RareByteFinder, data: bytes, start: int, end: int) -> list[int]:
    found = []
    while (start := finder.find(data, start, end)) >= 0:
        found.append(start)
        start += 1
    return found


def reference(text: bytes, data: bytes, start: int, end: int) -> list[int]:
    found = []
    while (start := data.find(text, start, end)) >= 0:
        found.append(start)
        start += 1
    return found


@given(st.lists(few, max_size=4), st.text("ab", min_size=1, max_size=4), st.data())
def test_as_bytes_find(windows: list[bytes], word: str, data: st.DataObject) -> None:
    text = word.encode()
    finder = RareByteFinder(text)
    for window in windows:
        end = data.draw(st.integers(0, len(window)))
        start = data.draw(st.integers(0, end))
        finder.look(window, end)
        assert finds(finder, window, start, end) == reference(text, window, start, end)


@pytest.mark.parametrize("text", [b"RARE", b"aR", b"Ra", b"R", b"aaRaa"])
@pytest.mark.parametrize("many", [b"", b"R" * 100, b"aRb" * (_MISSES + 1)])
def test_a_byte_that_was_rare_becomes_common(text: bytes, many: bytes) -> None:
    finder = RareByteFinder(text)
    windows = [b"a" * 20_000 + b"RARE\n" + b"aaRaa", many + b"RARE" + b"aaRaa" + many]
    for window in windows * _EVERY:
        finder.look(window, len(window))
        assert finds(finder, window, 0, len(window)) == reference(text, window, 0, len(window))
