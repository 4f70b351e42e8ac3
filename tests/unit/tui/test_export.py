"""Where a log may be saved: in a file, and in the place of nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lobtail.errors import ConfigError
from lobtail.tui.export import destination


def test_a_file_that_is_there_and_one_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    assert destination(f" {tmp_path}/old ") == (tmp_path / "old", True)
    assert destination(f"{tmp_path}/new") == (tmp_path / "new", False)
    assert destination("~/new") == (Path.home() / "new", False)


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    for name, there in (("old", True), ("new", False)):
        (tmp_path / f"to-{name}").symlink_to(name)
        if there:
            (tmp_path / name).write_text("x")
        assert destination(f"{tmp_path}/to-{name}") == (tmp_path / name, there)


def test_a_device_a_pipe_or_a_folder_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for path, why in {
        "/dev/null": "/dev/null is not a regular file (device)",
        f"{tmp_path}/null": "/dev/null is not a regular file (device)",
        f"{tmp_path}/pipe": f"{tmp_path}/pipe is not a regular file (named pipe)",
        f"{tmp_path}": f"{tmp_path} is a folder",
        f"{tmp_path}/none/x": f"there is no folder {tmp_path}/none",
    }.items():
        with pytest.raises(ConfigError) as caught:
            destination(path)
        assert str(caught.value) == why


def test_what_cannot_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    for path in (
        "~nobody-of-this-name/x",
        f"{tmp_path}/" + "x" * 5000,
        f"{tmp_path}/file/x",
        f"{tmp_path}/loop",
        f"{tmp_path}/a\0b",
    ):
        with pytest.raises(ConfigError, match="cannot write "):
            destination(path)
