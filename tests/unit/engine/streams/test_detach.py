"""Detach keys, in docker's notation, and their scanner at every split."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.engine.streams.detach import DEFAULT_KEYS, DetachScanner, parse_detach_keys
from lobtail.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", DEFAULT_KEYS),
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("ctrl-a,b", b"\x01b"),
        ("a", b"a"),
        ("A,ctrl-@,DEL", b"A\x00\x7f"),
        ("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\x1b\x1c\x1d\x1e\x1f"),
        ("ctrl-z", b"\x1a"),
    ],
)
def test_keys(text: str, keys: bytes) -> None:
    assert parse_detach_keys(text) == keys


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ctrl-A", "ctrl-A"),
        ("a,,b", ""),
        (",", ""),
        ("ctrl-aa", "ctrl-aa"),
        ("del", "del"),
        ("a, b", " b"),
        ("ä", "ä"),
    ],
)
def test_keys_that_are_none(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_detach_keys(text, "--detach-keys")
    assert str(caught.value).startswith(f"--detach-keys {text!r} cannot be used: {key!r} is no key")


def check(keys: bytes, data: bytes, expected: bytes, *, detach: bool) -> None:
    """Feed `data` whole, byte by byte, and in two pieces at every place."""
    places = [[0, len(data)], [0, *range(1, len(data)), len(data)]]
    places += [[0, i, len(data)] for i in range(1, len(data))]
    for cuts in places:
        scanner = DetachScanner(keys)
        out, detached = b"", False
        for start, end in pairwise(cuts):
            if not detached:
                sent, detached = scanner.feed(data[start:end])
                out += sent
        assert detached == detach
        assert out + (b"" if detached else scanner.flush()) == expected


@pytest.mark.parametrize(
    ("data", "expected", "detach"),
    [
        (b"", b"", False),
        (b"ls\r", b"ls\r", False),
        (b"ab\x10\x11never", b"ab", True),
        (b"\x10\x11", b"", True),
        (b"\x10x\x11", b"\x10x\x11", False),
        (b"\x11\x10", b"\x11\x10", False),
        # As docker has it, the key that breaks the sequence off does not begin it anew.
        (b"\x10\x10\x11", b"\x10\x10\x11", False),
        (b"\x10\x10\x10\x11", b"\x10\x10", True),
    ],
)
def test_scanner(data: bytes, expected: bytes, detach: bool) -> None:
    check(DEFAULT_KEYS, data, expected, detach=detach)


def test_one_key_and_three() -> None:
    check(b"q", b"abq", b"ab", detach=True)
    check(b"aab", b"xaab", b"x", detach=True)
    check(b"aab", b"aax", b"aax", detach=False)


@given(st.lists(st.sampled_from([b"\x10", b"\x11", b"x", b""]), max_size=12))
def test_nothing_is_lost_or_invented(pieces: list[bytes]) -> None:
    scanner = DetachScanner()
    out = b""
    for i, piece in enumerate(pieces):
        sent, detached = scanner.feed(piece)
        out += sent
        if detached:
            assert b"".join(pieces[: i + 1]).startswith(out + DEFAULT_KEYS)
            return
    assert out + scanner.flush() == b"".join(pieces)
