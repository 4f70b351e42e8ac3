"""What the options of `lobtail tail` stand for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lobtail.cli.tail import command, settled
from lobtail.cli.tail_settings import TailSettings, make_settings
from lobtail.errors import ConfigError
from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line, Skipped
from lobtail.render.json import JsonFormatter
from lobtail.render.pretty import PrettyFormatter
from lobtail.render.raw import RawFormatter
from lobtail.render.stamps import local, utc
from lobtail.render.template import TemplateFormatter
from support.items import DB, WEB, line


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOBTAIL_CONFIG", str(tmp_path / "config.toml"))


def settings(*args: str) -> TailSettings:
    context = command.make_context("tail", list(args))
    with context:
        options: dict[str, Any] = settled(context, context.params)
    return make_settings(**{k: v for k, v in options.items() if k != "host"})


def shown(wanted: TailSettings, *raws: bytes) -> list[str]:
    items: list[Item] = [line(raw) for raw in raws]
    kept = wanted.wanted.apply(items)
    return [item.text for item in kept if isinstance(item, Line)]


def test_nothing_said() -> None:
    plain = settings()
    assert plain.selection == {
        "follow": True,
        "tail": "10",
        "since": None,
        "until": None,
        "streams": (Stream.STDOUT, Stream.STDERR),
        "labels": (),
        "projects": (),
        "services": (),
        "images": (),
        "exclude": (),
        "all": False,
        "until_stopped": False,
        "merge_window": 0.05,
        "source": "auto",
        "group": True,
        "continuations": (),
        "where": None,
        "before": 0,
        "after": 0,
    }
    assert plain.named == ()
    assert (plain.until_match, plain.fail_on, plain.timeout) == (None, None, None)
    assert (plain.until_ns, plain.max_lines) == (None, None)
    assert isinstance(plain.formatter, PrettyFormatter)
    style = plain.formatter.style
    assert (style.color, style.safe, style.prefix, style.marks) == (False, False, None, True)
    assert style.timestamps is None


def test_selection() -> None:
    chosen = settings(
        *("web-*", "-l", "a", "--label=b=c", "--project", "p", "--service=s", "--image", "i"),
        *("-E", "x", "-E", "y", "-a", "db"),
    )
    assert chosen.named == ("web-*", "db")
    assert chosen.selection["labels"] == ("a", "b=c")
    assert chosen.selection["projects"] == ("p",)
    assert chosen.selection["services"] == ("s",)
    assert chosen.selection["images"] == ("i",)
    assert chosen.selection["exclude"] == ("x", "y")
    assert chosen.selection["all"] is True


@pytest.mark.parametrize(
    ("args", "tail"),
    [
        ((), "10"),
        (("--no-follow",), "all"),
        (("--since", "1h"), "all"),
        (("--since", "0"), "all"),
        (("--until", "1h"), "all"),
        (("--until", "-1h"), "10"),
        (("-n", "3", "--since", "1h"), "3"),
        (("-n", "all"), "all"),
        (("-n0",), "0"),
    ],
)
def test_how_many_lines(args: tuple[str, ...], tail: str) -> None:
    assert settings(*args).selection["tail"] == tail


def test_an_end_in_the_past_is_history() -> None:
    past = settings("--until", "1h")
    assert past.selection["follow"] is False
    assert past.until_ns is None
    before = time.time_ns()
    future = settings("--until", "-1h")
    assert future.selection["follow"] is True
    assert future.until_ns == future.selection["until"]
    # As docker does, a duration is counted in whole seconds.
    assert abs((future.until_ns or 0) - before - 3600 * 10**9) <= 2 * 10**9


@pytest.mark.parametrize(
    ("args", "streams"),
    [
        (("--stream", "stdout"), (Stream.STDOUT,)),
        (("--stream=stderr",), (Stream.STDERR,)),
        (("--stream=both",), (Stream.STDOUT, Stream.STDERR)),
    ],
)
def test_streams(args: tuple[str, ...], streams: tuple[Stream, ...]) -> None:
    assert settings(*args).selection["streams"] == streams


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0.0), ("0s", 0.0), ("1.5s", 1.5), ("2m", 120.0), ("200us", 0.0002)]
)
def test_durations(text: str, seconds: float) -> None:
    assert settings("--merge-window", text).selection["merge_window"] == seconds
    if seconds:
        assert settings("--timeout", text).timeout == seconds


LINES = (b"INFO: one", b"ERROR: two", b"three", b'{"level":"warn","n":4}', b"ERROR: five one")


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        ((), [0, 1, 2, 3, 4]),
        (("-g", "one"), [0, 4]),
        (("-g", "one", "-g", "two"), [0, 1, 4]),
        (("-g", "One"), []),
        (("-i", "(?i)ONE$"), [0, 4]),
        (("-i", "^ERROR", "-i", "three"), [1, 2, 4]),
        (("-e", "o"), [2, 3]),
        (("-e", "one", "-e", "two"), [2, 3]),
        (("--level", "warn"), [1, 3, 4]),
        (("--level", "err"), [1, 4]),
        (("--level", "unknown"), [0, 1, 2, 3, 4]),
        (("-w", "n>3 or level=info"), [0, 3]),
        (("-w", "level=error", "-w", "not /two/"), [4]),
        (
            ("-g", "one", "-i", "^E", "-e", "two", "--level", "error", "-w", "text contains five"),
            [4],
        ),
    ],
)
def test_filters_all_hold(args: tuple[str, ...], numbers: list[int]) -> None:
    assert shown(settings(*args), *LINES) == [LINES[i].decode() for i in numbers]


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (("-A1",), [3, 4]),
        (("-B", "1"), [2, 3]),
        (("-C", "1"), [2, 3, 4]),
        (("-C", "1", "-A", "0"), [2, 3]),
        (("-C", "1", "-B", "0", "-A", "0"), [3]),
        (("-C", "9"), [0, 1, 2, 3, 4]),
    ],
)
def test_context(args: tuple[str, ...], numbers: list[int]) -> None:
    assert shown(settings("-g", "n", "-i", "4", *args), *LINES) == [
        LINES[i].decode() for i in numbers
    ]


def test_what_context_leaves_out_is_counted() -> None:
    items: list[Item] = [line(b"%d" % i, WEB if i % 2 else DB) for i in range(12)]
    kept = settings("-i", "^[19]$", "-A", "1").wanted.apply(items)
    assert [item.text if isinstance(item, Line) else item for item in kept] == [
        "1",
        "3",
        Skipped(WEB, kept[0].time_ns, 2),
        "9",
        "11",
    ]


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ((), PrettyFormatter),
        (("-o", "raw"), RawFormatter),
        (("--output=json",), JsonFormatter),
        (("--template", "{text}"), TemplateFormatter),
    ],
)
def test_formats(args: tuple[str, ...], kind: type) -> None:
    assert type(settings(*args).formatter) is kind


@pytest.mark.parametrize(
    ("args", "form"),
    [
        ((), None),
        (("-t",), "rfc3339"),
        (("--timestamps",), "rfc3339"),
        (("-t=short",), "short"),
        (("-tshort",), "short"),
        (("--timestamps=relative",), "relative"),
        (("-t", "-t=none"), None),
        (("-t=false",), None),
        (("-t=true",), "rfc3339"),
        (("-t", "short"), "rfc3339"),
        (("-at",), "rfc3339"),
        (("-at=short",), "short"),
        (("-tn3",), "rfc3339"),
    ],
)
def test_forms_of_times(args: tuple[str, ...], form: str | None) -> None:
    found = settings(*args)
    assert found.formatter.style.timestamps == form
    assert found.named == (("short",) if args == ("-t", "short") else ())
    assert found.selection["all"] == ("-a" in "".join(args))


@pytest.mark.parametrize("value", ["-t", "--timestamps", "-f=0", "--follow=maybe", "-E"])
def test_what_looks_like_an_option_may_be_looked_for(value: str) -> None:
    assert shown(settings("-g", value), b"run -t, -f=0 --follow=maybe -E --timestamps") != []
    assert settings("--grep", value).selection["follow"] is True


def test_the_zone_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings("--timezone", "UTC").formatter.style.zone is utc
    assert settings("--timezone", "+02:30").formatter.style.zone(0) == 9000
    monkeypatch.setattr(time, "timezone", 3600)
    assert settings().formatter.style.zone is local
    # Where there is nothing to add, times are as short as those of UTC.
    monkeypatch.setattr(time, "timezone", 0)
    monkeypatch.setattr(time, "daylight", 0)
    assert settings().formatter.style.zone is utc


@pytest.mark.parametrize(
    ("args", "color"),
    [((), False), (("--color=always",), True), (("--color", "never"), False)],
)
def test_colours_in_a_pipe(args: tuple[str, ...], color: bool, capfd: Any) -> None:
    style = settings(*args).formatter.style
    assert (style.color, style.color_stderr) == (color, color)


def test_what_is_looked_for_is_highlighted() -> None:
    style = settings("-g", "a.b", "-i", "c+", "--highlight", "d", "-e", "x").formatter.style
    assert [pattern.pattern for pattern in style.highlight] == ["d", "c+", r"a\.b"]


def test_ends() -> None:
    found = settings("--until-match", "rea.y", "--fail-on", "^boom", "--max-lines", "3")
    assert found.until_match is not None
    assert found.fail_on is not None
    assert found.until_match(line(b"\x1b[32mready\x1b[0m"))
    assert not found.fail_on(line(b"no boom"))
    assert found.fail_on(line(b"boom"))
    assert found.max_lines == 3


def test_prefix_and_marks() -> None:
    style = settings("--no-prefix", "--no-marks").formatter.style
    assert (style.prefix, style.marks) == (False, False)
    style = settings("-o", "raw", "--prefix").formatter.style
    assert style.prefix is True


def test_row_20_all_faults_are_config_errors() -> None:
    for args in (("-n", "x"), ("--timeout", "x"), ("-w", "a>"), ("-i", "("), ("--since", "x")):
        with pytest.raises(ConfigError):
            settings(*args)


@pytest.mark.parametrize(
    ("args", "texts"),
    [
        (("-g", "deep"), (("deep", "\x1b"),)),
        (("-g", "a b", "-g", "c"), (("a b", "\x1b", "c"),)),
        (("-i", "^time.*out$"), (("time", "\x1b"),)),
        (("-g", "x", "-w", 'text contains "why"'), (("x", "\x1b"), ("why", "\x1b"))),
        (("-w", "level>=warn"), ()),
        (("-e", "x"), ()),
        (("-g", "x", "--fail-on", "panic"), (("x", "\x1b", "panic"),)),
        (("-g", "x", "--until-match", "^ready"), (("x", "\x1b", "ready"),)),
        (("-g", "x", "--until-match", "[0-9]"), ()),
    ],
)
def test_what_files_are_searched_for(
    args: tuple[str, ...], texts: tuple[tuple[str, ...], ...]
) -> None:
    assert settings(*args).selection["where"].plan().literals.groups == texts


def test_a_level_changes_nothing_of_what_is_read() -> None:
    assert settings("--level", "warn").selection["where"] is None


def test_context_is_asked_for() -> None:
    selection = settings("-g", "x", "-C", "2", "-A", "5").selection
    assert (selection["before"], selection["after"]) == (2, 5)


def test_what_ends_a_run_is_read_whatever_is_shown() -> None:
    shown = settings("-w", "container=web", "-w", "stream=stderr").selection["where"].plan()
    assert shown.containers is not None
    assert shown.streams == {Stream.STDERR}
    read = settings("-w", "container=web", "--until-match", "ready").selection["where"].plan()
    assert read.containers is None
