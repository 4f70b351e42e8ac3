"""Variables for a command's environment, as docker's CLI reads them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lobtail.cli.variables import read_variables
from lobtail.errors import ConfigError


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "its value")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("NOWHERE", raising=False)


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ("A=1", "A=1"),
        ("A=", "A="),
        ("A=b=c d", "A=b=c d"),
        ("HERE", "HERE=its value"),
        ("EMPTY", "EMPTY="),
        ("NOWHERE", "NOWHERE"),
        ("with blank=x", "with blank=x"),
    ],
)
def test_given(given: str, variable: str) -> None:
    assert read_variables((), (given,)) == [variable]


@pytest.mark.parametrize("given", ["", "=", "=x"])
def test_without_a_name(given: str) -> None:
    with pytest.raises(ConfigError, match=r"names no variable: write NAME=VALUE$"):
        read_variables((), (given,))


def test_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(
        b"\xef\xbb\xbfA=1\n# a comment\n\n  B=2 # its value \nHERE\nNOWHERE\nEMPTY\nC=a=b\r\n"
    )
    two.write_bytes(b"A=other\n \t# no\nD=\xc3\xa4")
    assert read_variables((str(one), str(two)), ("E=5",)) == [
        "A=1",
        "B=2 # its value ",
        "HERE=its value",
        "EMPTY=",
        "C=a=b",
        "A=other",
        "D=ä",
        "E=5",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"A=1\n=x\n", "line 2: '=x' names no variable"),
        (b"A B=1\n", "line 1: there is a blank in the name 'A B'"),
        (b"A =1\n", "line 1: there is a blank in the name 'A '"),
        (b"A=1\nB=\xff\n", "line 2: it is not UTF-8"),
    ],
)
def test_files_that_cannot_be_used(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_variables((str(path),), ())
    assert str(caught.value) == f"--env-file {path}, {words}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path, words in (("no", "No such file or directory"), ("", "Is a directory")):
        with pytest.raises(ConfigError, match=words):
            read_variables((str(tmp_path / path),), ())


def test_case_fifo_beside_as_a_file_of_variables(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--env-file /dev/zero: larger than 16 MiB"):
        read_variables(["/dev/zero"], [])
    reader, writer = os.pipe()
    os.write(writer, b"A=b\n")
    os.close(writer)
    assert read_variables([f"/dev/fd/{reader}"], []) == ["A=b"]
    os.close(reader)
