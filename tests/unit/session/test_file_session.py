"""How logs without an engine name their containers, whatever stands beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lobtail.session.file_session import find_logs, name_of
from lobtail.sync import tail_files
from support.log_files import Message, json_record

ID = "ab" * 32


def container(folder: Path, ident: str = ID) -> Path:
    log = folder / ident / f"{ident}-json.log"
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


def test_containers_of_a_folder_are_chosen(tmp_path: Path) -> None:
    for ident, name in ((ID, "web"), ("cd" * 32, "db")):
        log = container(tmp_path, ident)
        settings = {"ID": ident, "Name": f"/{name}", "Config": {"Labels": {"tier": name}}}
        (log.parent / "config.v2.json").write_text(json.dumps(settings))

    def names(**options: Any) -> list[str]:
        with tail_files(str(tmp_path), **options) as tail:
            found = [ref.name for ref in tail.found]
            assert sorted(item.container.name for item in tail) == sorted(found)
            return sorted(found)

    assert names() == ["db", "web"]
    assert names(labels=("tier=web",)) == ["web"]
    assert names(exclude=("w*",)) == ["db"]
    assert names(services=("web",)) == []


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
