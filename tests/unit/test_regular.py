"""Only regular files are opened, and settings of bounded size: nothing hangs, nothing fills."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from lobtail.regular import open_regular, read_regular

LIMIT = 1000


def test_what_a_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for size in (0, 1, LIMIT - 1, LIMIT):
        path.write_bytes(b"x" * size)
        assert read_regular(path, LIMIT) == b"x" * size
        assert read_regular(str(path), LIMIT) == b"x" * size
    # It has a size of 0 bytes and holds some thousand.
    assert read_regular("/proc/self/status").startswith(b"Name:")


def test_a_file_above_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(OSError, match="larger than 1000 bytes"):
        read_regular(path, LIMIT)
    os.truncate(path, 1 << 40)
    with pytest.raises(OSError, match="larger than 16 MiB"):
        read_regular(path)
    with pytest.raises(OSError, match="larger than 1000 bytes"):
        read_regular("/proc/self/smaps", LIMIT)


@pytest.mark.parametrize("kind", ["named pipe", "socket", "folder", "device", "terminal"])
def test_what_is_no_regular_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    held: list[int | socket.socket] = []
    if kind == "named pipe":
        os.mkfifo(path)
    elif kind == "socket":
        held.append(listener := socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        held += os.openpty()
        path.symlink_to(os.ttyname(held[-1]))  # type: ignore[arg-type]
        kind = "device"
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for read in (open_regular, read_regular):
        with pytest.raises(OSError, match=rf"not a regular file \({kind}\)") as caught:
            read(path)
        assert caught.value.filename == str(path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    for one in held:
        if isinstance(one, int):
            os.close(one)
        else:
            one.close()


def test_a_pipe_that_takes_the_place_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"x")
    state = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: state)
    with pytest.raises(OSError, match="named pipe"):
        read_regular(path)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(OSError, match="not a valid path"):
        read_regular(name)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none")


def test_the_null_device_holds_no_settings() -> None:
    assert read_regular(os.devnull) == b""
