"""The two faces have the same classes, methods, arguments, types and words."""

from __future__ import annotations

import functools
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lobtail
import lobtail.docker
import lobtail.sync

ROOT = Path(__file__).parents[3]
RENAMED = {
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
}
# `requests` is how methods are made, not one of them; iterators have no items to be asked for.
ASYNC_ONLY = {"requests", "__anext__"}


def members(cls: type) -> dict[str, Any]:
    """Return what a class and its bases offer, as it stands in their bodies."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("lobtail"):
            found.update(vars(base))
    return {
        name: member
        for name, member in found.items()
        if (not name.startswith("_") or name in RENAMED or name in RENAMED.values())
        and name not in ASYNC_ONLY
    }


def is_asynchronous(value: object) -> bool:
    if not inspect.isclass(value) or issubclass(value, BaseException):
        return False
    found = members(value)
    return "__aiter__" in found or any(map(inspect.iscoroutinefunction, found.values()))


CLASSES = {
    name: getattr(module, name)
    for module in (lobtail, lobtail.docker)
    for name in dir(module)
    if is_asynchronous(getattr(module, name))
}


def blocking(annotation: str) -> str:
    """Return what a blocking method returns where an asynchronous one returns `annotation`."""
    return re.sub(r"^Async(?:Iterator|Generator)\[(.*?)(?:, None)?\]$", r"Iterator[\1]", annotation)


def test_every_asynchronous_class_has_a_blocking_one() -> None:
    assert len(CLASSES) >= 15
    assert set(lobtail.sync.__all__) == {*CLASSES, "tail_engines", "tail_files"}
    assert lobtail.sync.__all__ == sorted(lobtail.sync.__all__)


@pytest.mark.parametrize("name", CLASSES)
def test_methods_and_signatures(name: str) -> None:
    ours, theirs = members(getattr(lobtail.sync, name)), members(CLASSES[name])
    expected = {RENAMED.get(key, key): member for key, member in theirs.items()}
    attributes = {"endpoint", "timeout", "warning"} if name == "Engine" else set()
    assert set(ours) == set(expected) | attributes
    for key, member in expected.items():
        mine = ours[key]
        if isinstance(member, property | functools.cached_property):
            getter = member.func if isinstance(member, functools.cached_property) else member.fget
            assert isinstance(mine, property), key
            assert mine.fget is not None
            assert getter is not None
            assert inspect.signature(mine.fget) == inspect.signature(getter)
            assert mine.__doc__
            continue
        assert not inspect.iscoroutinefunction(mine), key
        assert not inspect.isasyncgenfunction(mine), key
        actual, wanted = inspect.signature(mine), inspect.signature(member)
        assert actual.parameters == wanted.parameters, key
        if key == "__iter__":
            assert str(actual.return_annotation).startswith("Iterator["), key
        elif not re.search(r"\bT\b", str(wanted.return_annotation)):
            assert actual.return_annotation == blocking(wanted.return_annotation), key
        assert bool(mine.__doc__) == bool(member.__doc__), key


def test_the_way_in() -> None:
    init = inspect.signature(lobtail.Engine.__init__)
    assert inspect.signature(lobtail.sync.Engine.__init__).parameters == init.parameters
    assert inspect.signature(lobtail.sync.tail_files) == inspect.signature(lobtail.tail_files)
    assert inspect.signature(lobtail.sync.tail_engines) == inspect.signature(lobtail.tail_engines)


def test_no_word_of_waiting_is_left() -> None:
    for name in lobtail.sync.__all__:
        value = getattr(lobtail.sync, name)
        for thing in [value, *members(value).values()] if inspect.isclass(value) else [value]:
            words = inspect.getdoc(thing) or ""
            assert not re.search(r"\b(?:async (?:with|for)|await|aclose)\b", words), (name, words)


def test_the_file_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "sync-face"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
