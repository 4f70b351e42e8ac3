"""Where the defaults of `lobtail tail` come from, and what is wrong with them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest

from lobtail.cli.defaults import config_path, key_of, load_defaults, settable, variable_of
from lobtail.cli.tail import command, settled
from lobtail.cli.tail_settings import make_settings
from lobtail.errors import ConfigError


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/h"}, "/h/.config/lobtail/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/lobtail/config.toml"),
        # The specification: relative paths are invalid and are ignored.
        ({"HOME": "/h", "XDG_CONFIG_HOME": "x"}, "/h/.config/lobtail/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": ""}, "/h/.config/lobtail/config.toml"),
        ({"HOME": "/h", "LOBTAIL_CONFIG": "/c.toml"}, "/c.toml"),
        ({"HOME": "/h", "LOBTAIL_CONFIG": "c.toml", "XDG_CONFIG_HOME": "/x"}, "c.toml"),
        ({"HOME": "/h", "LOBTAIL_CONFIG": ""}, "/h/.config/lobtail/config.toml"),
    ],
)
def test_where_the_file_is(environ: dict[str, str], path: str) -> None:
    assert config_path(environ) == Path(path)


def test_every_option_but_the_host_has_a_key_and_a_variable() -> None:
    options = settable(command)
    assert "host" not in options
    assert {"follow", "exclude-container", "merge-window", "where", "all"} <= set(options)
    assert all(key == key_of(option) for key, option in options.items())
    assert options["merge-window"].envvar == "LOBTAIL_TAIL_MERGE_WINDOW"
    assert options["follow"].envvar == variable_of("follow") == "LOBTAIL_TAIL_FOLLOW"
    # Another variable of ours has such a name, and must not be meant by it.
    assert options["timeout"].envvar != "LOBTAIL_TIMEOUT"


def load(text: str | bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setenv("LOBTAIL_CONFIG", str(path))
    return load_defaults(command, click.Context(command))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("[tail]\n", {}),
        ("# only words\n", {}),
        ("[tail]\ntail = 5\nafter = 1", {"tail": "5", "after": "1"}),
        ('[tail]\ntail = "all"', {"tail": "all"}),
        ("[tail]\nfollow = false\nall = true", {"follow": False, "everything": True}),
        ('[tail]\ngrep = "a"', {"grep": ["a"]}),
        ('[tail]\ngrep = ["a", "b"]\nexclude = []', {"grep": ["a", "b"], "exclude": []}),
        ('[tail]\nexclude-container = ["x"]', {"excluded": ["x"]}),
        ("[tail]\ntimestamps = true", {"timestamps": "True"}),
        ('[tail]\ntimestamps = "short"', {"timestamps": "short"}),
        ("tail.output = 'json'", {"output": "json"}),
    ],
)
def test_what_a_file_says(
    text: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load(text, monkeypatch, tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tail", "is no TOML: "),
        (b"\xff", "is no TOML: "),
        ("[tail]\nx = 1\nx = 2", "is no TOML: "),
        ("[logs]\n", "'logs' is not known; there are [tail], [ui] and [entries]"),
        ("follow = true", "'follow' is not known; there are [tail], [ui] and [entries]"),
        ("tail = 3", "tail should be a table: [tail]"),
        ("[tail]\nmerge_window = '1s'", "[tail] has no 'merge_window'; did you mean merge-window?"),
        ("[tail]\nfolow = true", "[tail] has no 'folow'; did you mean follow?"),
        ("[tail]\nhost = 'x'", "[tail] has no 'host'"),
        ("[tail]\nzzz = 1", "[tail] has no 'zzz'; there are after, all, before"),
        ("[tail]\nfollow = 'no'", "follow is true or false, not 'no'"),
        ("[tail]\nfollow = 1", "follow is true or false, not 1"),
        ("[tail]\noutput = true", "output takes a value, not true"),
        ("[tail]\noutput = 'yaml'", "output: 'yaml' is not one of 'pretty', 'raw', 'json'"),
        ("[tail]\noutput = ['raw']", "output takes one value, not ['raw']"),
        ("[tail]\noutput = {a = 1}", "output takes one value, not {'a': 1}"),
        ("[tail]\nafter = -1", "after: '-1' is no number of lines"),
        ("[tail]\nmax-lines = 0", "max-lines: 0 is less than 1"),
        ("[tail]\ntimestamps = 'long'", "timestamps: 'long' is not one of"),
    ],
)
def test_what_is_wrong_with_a_file(
    text: str | bytes, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text, monkeypatch, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'config.toml'}")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOBTAIL_CONFIG", str(tmp_path / "none.toml"))
    assert load_defaults(command, click.Context(command)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "a=" + "[" * 100_000,
        "a=" + "{b=" * 100_000,
        "[tail]\ntail=" + "9" * 5000,
        "[tail]\ntail=0x" + "f" * 5000,
        "[tail]\ntail=[[1, 9223372036854775808]]",
        "[ui.keys]\nquit = 0b" + "1" * 64,
        b"\xff\xfe[\0t\0",
        b"\xef\xbb\xbf[tail]",
        "[tail]\n\0",
        "[tail]\ntail = 2026-99-99",
    ],
    ids=lambda text: str(text[:20]),
)
def test_case_config_toml(
    text: str | bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml is no TOML: ") as refused:
        load(text, monkeypatch, tmp_path)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("kind", ["named pipe", "device", "folder"])
def test_case_fifo_beside_as_config_toml(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    if kind == "named pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    monkeypatch.setenv("LOBTAIL_CONFIG", str(path))
    with pytest.raises(ConfigError, match=rf"cannot read {path}: .*\({kind}\)"):
        load_defaults(command, click.Context(command))


HOSTILE = (
    *("nan", "inf", "1e400", "-1", "9223372036854775807", '""', '"\\u0000"', '"a\\u0000b"'),
    *('"\\u001b[2J\\n"', "2026-11-30", "00:00:00", "[]", "[[]]", "[1, 2]", "{}", "{a = 1}"),
    *("true", '"' + "9" * 5000 + '"', '"' + "(" * 2000 + '"', "[{}]", '"{"', '"1e999s"'),
    *('"' + "9" * 400 + 's"', '"a and "', '"[a"', '"%"'),
)


@pytest.mark.parametrize("key", settable(command))
def test_case_config_toml_with_any_value_of_any_key(
    key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for value in HOSTILE:
        path = tmp_path / "config.toml"
        path.write_text(f"[tail]\n{key} = {value}\n")
        monkeypatch.setenv("LOBTAIL_CONFIG", str(path))
        with suppress(ConfigError, click.ClickException):
            context = command.make_context("tail", [])
            with context:
                options = {k: v for k, v in context.params.items() if k != "host"}
                make_settings(**settled(context, options))
