"""How logs without an engine name their containers, whatever stands beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lobtail.offline import find_logs, name_of
from support.log_files import Message, json_record

ID = "ab" * 32


def container(folder: Path) -> Path:
    log = folder / ID / f"{ID}-json.log"
    log.parent.mkdir()
    log.write_bytes(json_record(Message(b"hi")))
    return log


def test_the_name_that_the_engine_keeps(tmp_path: Path) -> None:
    log = container(tmp_path)
    config = {"Image": "app", "Labels": {"a": "b"}}
    settings = {"ID": ID, "Name": "/web", "Config": config}
    (log.parent / "config.v2.json").write_text(json.dumps(settings))
    for path in (log, log.parent):
        ref = name_of(path)
        assert (ref.id, ref.name, ref.image, ref.labels) == (ID, "web", "app", {"a": "b"})
    assert find_logs((str(tmp_path),)) == [log.parent]


@pytest.mark.parametrize("kind", ["named pipe", "device", "folder", "huge", "deep", "digits"])
def test_case_fifo_beside_a_log(tmp_path: Path, kind: str) -> None:
    log = container(tmp_path)
    beside = log.parent / "config.v2.json"
    if kind == "named pipe":
        os.mkfifo(beside)
    elif kind == "device":
        beside.symlink_to("/dev/zero")
    elif kind == "folder":
        beside.mkdir()
    elif kind == "huge":
        beside.touch()
        os.truncate(beside, 1 << 40)
    elif kind == "deep":  # case deep-json
        beside.write_bytes(b'{"Name":"/a","zz":' + b"[" * 100_000)
    else:
        beside.write_bytes(b'{"Name":"/a","Config":{"Image":' + b"9" * 100_000 + b"}}")
    ref = name_of(log)
    assert (ref.id, ref.name) == (ID, ID[:12])
