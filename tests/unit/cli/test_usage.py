"""What is wrong with a command line is said, with exit 2, before anything connects."""

from __future__ import annotations

import pytest

from faults.command import lobtail
from faults.fake_engine import FakeEngine, frame, log
from lobtail import __version__

ONE = frame(1, b"one\n")
COMMANDS = ["config", "frames", "logs", "ps", "tail"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("logs",), "Missing argument 'CONTAINER'"),
        (("logs", "a", "b"), "unexpected extra argument (b)"),
        (("logs", "--nope", "web"), "No such option '--nope'"),
        (("logs", "-z", "web"), "No such option '-z'"),
        (("logs", "web", "--tail"), "Option '--tail' requires an argument"),
        (("logs", "--follow=maybe", "web"), "--follow takes true or false, not 'maybe'"),
        (("logs", "--follow=", "web"), "--follow takes true or false, not ''"),
        (("logs", "-f=2", "web"), "-f takes true or false, not '2'"),
        (("logs", "-t=TrUe", "web"), "-t takes true or false, not 'TrUe'"),
        (("logs", "--since", "yesterday", "web"), "invalid value for --since: 'yesterday'"),
        (("logs", "--until", "2026-99-01", "web"), "invalid value for --until: '2026-99-01'"),
        (("logs", "--since", "10x", "web"), "invalid value for --since: '10x'"),
        (("logs", ""), "the container's name is empty"),
        (("logs", "/"), "the container's name is empty"),
        (("frames",), "Missing argument 'CONTAINER|-'"),
        (("frames", "--raw", "web"), "No such option '--raw'"),
        (("frames", "--since", "x", "web"), "invalid value for --since"),
        (("ps", "web"), "unexpected extra argument (web)"),
        (("ps", "--json=perhaps"), "--json takes true or false, not 'perhaps'"),
        (("nope",), "No such command 'nope'"),
        (("--nope", "logs", "web"), "No such option '--nope'"),
        (("-H",), "requires an argument"),
        (("-H", "ftp://x", "logs", "web"), "--host 'ftp://x' is no endpoint"),
        (("logs", "-H", "tcp://h:0", "web"), "--host 'tcp://h:0' has no such port"),
        (("ps", "--host=ssh://far"), "--host 'ssh://far': lobtail cannot speak ssh yet"),
    ],
)
def test_usage_errors(args: tuple[str, ...], words: str) -> None:
    with FakeEngine(log([ONE])) as engine:
        result = lobtail(engine.host, *args)
    text = result.stderr.decode()
    assert (result.code, result.stdout) == (2, b"")
    assert text.startswith("lobtail: ")
    assert words in text
    assert "Traceback" not in text
    assert len(text.splitlines()) <= 2
    assert engine.connections == 0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DOCKER_HOST", "ftp://x", "DOCKER_HOST 'ftp://x' is no endpoint"),
        ("DOCKER_API_VERSION", "newest", "the API version 'newest' is not of the form 1.45"),
        ("DOCKER_CONTEXT", "far", "the docker context 'far' (DOCKER_CONTEXT)"),
        ("LOBTAIL_TIMEOUT", "soon", "LOBTAIL_TIMEOUT is no number of seconds: 'soon'"),
        ("LOBTAIL_TIMEOUT", "0", "LOBTAIL_TIMEOUT is no number of seconds: '0'"),
        ("LOBTAIL_TIMEOUT", "-1", "LOBTAIL_TIMEOUT is no number"),
        ("LOBTAIL_TIMEOUT", "nan", "LOBTAIL_TIMEOUT is no number"),
        ("LOBTAIL_TIMEOUT", "inf", "LOBTAIL_TIMEOUT is no number"),
    ],
)
def test_errors_of_the_environment(name: str, value: str, words: str) -> None:
    result = lobtail("", "logs", "web", env={name: value})
    assert (result.code, result.stdout) == (2, b"")
    assert words in result.stderr.decode()
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ((), ""),
        (("-f",), "follow=1"),
        (("--follow=true",), "follow=1"),
        (("-f=true",), "follow=1"),
        (("-f=1",), "follow=1"),
        (("--follow=T",), "follow=1"),
        (("--follow=false",), ""),
        (("-f=F",), ""),
        (("-f=0",), ""),
        (("-f", "--follow=false"), ""),
        (("--follow=false", "-f"), "follow=1"),
        (("-f=1", "-f=0", "-f=1"), "follow=1"),
        (("-ft", "-f=0"), "timestamps=1"),
        (("-tf", "-f=0", "-t=0"), ""),
        (("-ftn", "all", "-f=0"), "timestamps=1"),
        (("-n", "all", "-ff", "-f=0", "-t"), "timestamps=1"),
        (("-t", "--details=true", "-f=false"), "timestamps=1&details=1"),
        (("-ft=false",), "follow=1"),
        (("-tf=0",), "timestamps=1"),
        (("-tf=0", "-f"), "follow=1&timestamps=1"),
        (("-tn=all",), "timestamps=1"),
        (("-n=all", "-t=1"), "timestamps=1"),
    ],
    ids=" ".join,
)
def test_flags_with_values(flags: tuple[str, ...], asked: str) -> None:
    with FakeEngine(log([ONE])) as engine:
        result = lobtail(engine.host, "logs", *flags, "web")
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    query = engine.requests[-1].partition("?")[2]
    assert query == "tail=all&stdout=1&stderr=1" + (asked and f"&{asked}")


@pytest.mark.parametrize("flags", [("-n=5",), ("-n5",), ("-n", "5"), ("--tail=5",), ("-tn=5",)])
def test_numbers_behind_letters(flags: tuple[str, ...]) -> None:
    with FakeEngine(log([ONE])) as engine:
        assert lobtail(engine.host, "logs", *flags, "web").code == 0
    assert "tail=5&" in engine.requests[-1]


@pytest.mark.parametrize("value", ["-f=maybe", "--follow=maybe", "-t", "--"])
def test_the_value_of_an_option_is_no_option(value: str) -> None:
    with FakeEngine(log([ONE])) as engine:
        assert lobtail(engine.host, "logs", "--tail", value, "web").code == 0
    query = engine.requests[-1].partition("?")[2]
    assert [part.partition("=")[0] for part in query.split("&")] == ["tail", "stdout", "stderr"]


@pytest.mark.parametrize("name", ["-x", "--follow=maybe", "-f"])
def test_a_name_behind_two_dashes(name: str) -> None:
    with FakeEngine(log([ONE])) as engine:
        assert lobtail(engine.host, "logs", "--", name).code == 0
    assert "follow" not in engine.requests[-1]
    assert engine.requests[1].endswith(f"/{name.replace('=', '%3D')}/json")


@pytest.mark.parametrize("args", [("-H", "{}", "logs", "web"), ("logs", "--host={}", "web")])
def test_the_host_before_and_behind_the_command(args: tuple[str, ...]) -> None:
    with FakeEngine(log([ONE])) as engine:
        result = lobtail("unix:///nonexistent", *(arg.format(engine.host) for arg in args))
    assert (result.stdout, result.code) == (b"one\n", 0)


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((), ["Usage: lobtail [OPTIONS] COMMAND", *COMMANDS, "--host"]),
        (
            ("logs",),
            ["--follow", "--tail", "--timestamps", "--since", "--until", "--details", "--raw"],
        ),
        (("ps",), ["--all", "--json"]),
        (("frames",), ["CONTAINER|-", "--follow", "--tail", "--json"]),
        (
            ("tail",),
            [
                "[SELECTOR]...",
                "Which containers:",
                "-a, --all / --no-all",
                "-f, --follow / --no-follow",
                "[default: follow]",
                "--where QUERY",
                "--template TEMPLATE",
                "-t, --timestamps [=FORM]",
                "--until-match REGEX",
            ],
        ),
        (("config",), ["LOBTAIL_TAIL_OUTPUT", "config.toml"]),
    ],
    ids=["lobtail", "logs", "ps", "frames", "tail", "config"],
)
def test_help(command: tuple[str, ...], words: list[str], flag: str) -> None:
    with FakeEngine() as engine:
        result = lobtail(engine.host, *command, flag)
    text = result.stdout.decode()
    assert (result.code, result.stderr, engine.connections) == (0, b"", 0)
    assert text.startswith(f"Usage: {' '.join(['lobtail', *command])} ")
    assert all(word in text for word in (*words, "--help"))
    assert max(map(len, text.splitlines())) <= 80


def test_help_needs_no_sound_environment() -> None:
    assert lobtail("ftp://x", "logs", "--help", env={"LOBTAIL_TIMEOUT": "x"}).code == 0


def test_version() -> None:
    result = lobtail("", "--version")
    assert (result.stdout.decode(), result.stderr, result.code) == (
        f"lobtail {__version__}\n",
        b"",
        0,
    )


def test_no_command() -> None:
    result = lobtail("")
    assert (result.stdout, result.code) == (b"", 2)
    assert result.stderr == lobtail("", "--help").stdout
