"""Logs that rotate under a reader of their files: all that the engine keeps comes, once."""

from __future__ import annotations

import threading
import time

import pytest

from engine.test_files import files_of
from lobtail.files import Damage, MissingRecords
from support.engines import WAIT, TestEngine
from support.records import text_of

COUNT = 20_000
SCRIPT = f"{WAIT}; seq 1 {COUNT}"


def follow(engine: TestEngine, driver: str, files: int, *more: str) -> list[int | MissingRecords]:
    """Read the files of a container that writes at full speed until its last line comes."""
    chosen = ("max-size=20k", f"max-file={files}", *more)
    words = [word for option in chosen for word in ("--log-opt", option)]
    name = engine.start(SCRIPT, "--log-driver", driver, *words)
    with files_of(engine, name, driver) as log:
        assert list(log.messages()) == []
        tail = log.tail()
    go = threading.Thread(target=engine.go, args=(name,))
    go.start()
    pause = threading.Event()
    out: list[int | MissingRecords] = []
    end = time.monotonic() + 50
    with tail:
        while not out or out[-1] != COUNT:
            assert time.monotonic() < end, f"the last line did not come: {out[-5:]}"
            before = len(out)
            for item in tail.read():
                assert not isinstance(item, Damage)
                if isinstance(item, MissingRecords):
                    out.append(item)
                else:
                    out += [int(text_of(frame)) for frame in item]
            if len(out) == before:
                pause.wait(0.001)
        assert list(tail.read()) == []
    go.join()
    return out


@pytest.mark.parametrize(
    ("driver", "more"),
    [
        ("json-file", ()),
        ("json-file", ("compress=true",)),
        ("local", ("compress=false",)),
        ("local", ()),
    ],
    ids=["json-file", "json-file-compressed", "local", "local-compressed"],
)
def test_nothing_is_missed_at_full_speed(
    engine: TestEngine, driver: str, more: tuple[str, ...]
) -> None:
    """The engine's own streams have a half of these lines, or a tenth, where its reader is late."""
    assert follow(engine, driver, 100, *more) == list(range(1, COUNT + 1))


@pytest.mark.parametrize(
    ("files", "more"),
    [(1, ()), (2, ()), (3, ()), (2, ("compress=true",)), (3, ("compress=true",))],
    ids=["1", "2", "3", "2-compressed", "3-compressed"],
)
def test_what_was_removed_unread_is_marked(
    engine: TestEngine, files: int, more: tuple[str, ...]
) -> None:
    last = 0
    marked = False
    for item in follow(engine, "json-file", files, *more):
        if isinstance(item, MissingRecords):
            marked = True
            continue
        assert item > last
        assert marked or item == last + 1, f"no mark before {item}, behind {last}"
        last, marked = item, False
