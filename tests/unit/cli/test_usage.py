"""What is wrong with a command line is said, with exit 2, before anything connects."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.command import RunHere, lobtail
from faults.fake_engine import FakeEngine, frame, log
from lobtail import __version__

ONE = frame(1, b"one\n")
COMMANDS = ["completion", "config", "doctor", "frames", "logs", "plugin", "ps", "service", "tail"]


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
        (("logs", "--since", "lately", "web"), "invalid value for --since: 'lately'"),
        (("logs", "--until", "2026-99-01", "web"), "invalid value for --until: '2026-99-01'"),
        (("logs", "--since", "10x", "web"), "invalid value for --since: '10x'"),
        (("logs", ""), "the container's name is empty"),
        (("logs", "/"), "the container's name is empty"),
        (("frames",), "Missing argument 'CONTAINER|-'"),
        (("frames", "--raw", "web"), "No such option '--raw'"),
        (("frames", "--since", "x", "web"), "invalid value for --since"),
        (("ps", "web"), "unexpected extra argument (web)"),
        (("ps", "--json=perhaps"), "--json takes true or false, not 'perhaps'"),
        (("completion",), "Missing argument 'SHELL'. Choose from: bash, zsh, fish"),
        (("completion", "csh"), "'csh' is not one of 'bash', 'zsh', 'fish'"),
        (("nope",), "No such command 'nope'.\n"),
        (("tial", "web"), "No such command 'tial'. Did you mean 'tail'?\n"),
        (("log", "web"), "No such command 'log'. Did you mean 'logs'?\n"),
        (("con",), "No such command 'con'. Did you mean 'config'?\n"),
        (("completio", "zsh"), "No such command 'completio'. Did you mean 'completion'?\n"),
        (("--nope", "logs", "web"), "No such option '--nope'"),
        (("-H",), "requires an argument"),
        (("-H", "ftp://x", "logs", "web"), "--host 'ftp://x' is no endpoint"),
        (("logs", "-H", "tcp://h:0", "web"), "--host 'tcp://h:0' has no such port"),
        (("ps", "--host=ssh://me:x@far"), "--host has a password in it"),
        (("-c", "nope", "ps"), "there is no docker context 'nope' (--context)"),
        (("logs", "--context=nope", "web"), "there is no docker context 'nope' (--context)"),
        (("tail", "--context=far"), "'far' is no number of lines; a docker context is -c"),
        (("tail", "-c", "nope"), "there is no docker context 'nope' (--context)"),
        (("-H", "unix:///a", "-H", "unix:///b", "logs", "web"), "'lobtail logs' reads one engine"),
        (("frames", "-c", "default", "-H", "unix:///b", "web"), "'lobtail frames' reads one"),
        (("--tlsverify=maybe", "ps"), "--tlsverify takes true or false, not 'maybe'"),
        (("--tlscacert", "/none", "--tls", "ps"), "TLS needs the file /none of --tlscacert"),
    ],
)
def test_usage_errors(args: tuple[str, ...], words: str, run_here: RunHere) -> None:
    with FakeEngine(log([ONE])) as engine:
        result = run_here(engine.host, *args)
    text = result.stderr.decode()
    assert (result.code, result.stdout) == (2, b"")
    assert text.startswith("lobtail: ")
    assert words in text
    assert "Traceback" not in text
    assert len(text.splitlines()) <= 2
    assert engine.connections == 0


TAIL_FAULTS = [
    ("-i", "(", "--include: invalid regex: missing )", 0),
    ("-e", "a[", "--exclude: invalid regex: unterminated character set", 1),
    ("--highlight", "*", "--highlight: invalid regex: nothing to repeat", 0),
    ("--until-match", "x{2,1}", "--until-match: invalid regex: min repeat greater than max", 2),
    ("--fail-on", "(?<n", "--fail-on: invalid regex: ", 1),
    ("/[/", "", "the selector /[/: invalid regex: unterminated", 0),
    *(
        (option, "^(?=a)b", f"{option}: unsupported regex: RE2 has no look-around", 1)
        for option in ("--include", "--exclude", "--highlight", "--until-match", "--fail-on")
    ),
    ("/x(?!y)/", "", "the selector /x(?!y)/: unsupported regex: RE2 has no look-around", 1),
    ("-E", r"/(x)\1/", r"the selector /(x)\1/: unsupported regex: RE2 has no back-ref", 3),
    ("-w", "level>>warn", '--where: a "text" or a value is expected here', 6),
    ("-w", "status>=500 and", "--where: ", 15),
    ("-w", "text ~ /(?<!a)b/", "--where: unsupported regex: RE2 has no look-around", 8),
    ("-w", "level>loud", "--where: no level is called", 6),
    ("-w", "time>lately", "--where: ", 5),
    ("-w", "level", "--where: ", 5),
    ("--template", "{nope}", "--template: there is no field nope; there are time, container", 1),
    ("--template", "{text", "--template: a { has no }", 0),
    ("--template", "a } b", "--template: a } has no {", 2),
    ("--template", "{text!r}", "--template: !r is no width", 5),
]


@pytest.mark.parametrize(("option", "value", "words", "at"), TAIL_FAULTS)
def test_row_20_a_fault_is_pointed_at_before_anything_connects(
    option: str, value: str, words: str, at: int, run_here: RunHere
) -> None:
    with FakeEngine() as engine:
        result = run_here(engine.host, "tail", option, *([value] if value else []))
    message, shown, caret = result.stderr.decode().splitlines()
    assert message.startswith(f"lobtail: {words}")
    assert shown.removeprefix("  ") in (value, value.strip("/"), option.strip("/"))
    assert caret == "  " + " " * at + "^"
    assert (result.stdout, result.code, engine.connections) == (b"", 2, 0)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("",), "a selector is empty"),
        (("web", "/"), "a selector is empty"),
        (("-E", ""), "--exclude-container is empty"),
        (("-l", ""), "--label is empty"),
        (("-l", "=x"), "--label is empty"),
        (("--project", ""), "--project is empty"),
        (("--service", ""), "--service is empty"),
        (("--image", ""), "--image is empty"),
        (("-n", "-1"), "--tail is a number of lines or all, not '-1'"),
        (("-n", "1.5"), "--tail is a number of lines or all, not '1.5'"),
        (("--tail", "²"), "--tail is a number of lines or all"),
        (("--since", "lately"), "invalid value for --since: 'lately'"),
        (("--until", "2026-99-01"), "invalid value for --until: '2026-99-01'"),
        (("--since", "1m", "--until", "2m"), "--until is before --since"),
        (("-w", ""), "--where is empty; say for instance 'level>=warn'"),
        (("-w", "  "), "--where is empty"),
        (("--level", "loud"), "--level: no level is called 'loud': use one of unknown, trace"),
        (("--stream", "stdin"), "'stdin' is not one of 'both', 'stdout', 'stderr'"),
        (("-A", "x"), "'x' is no number of lines"),
        (("-B", "-1"), "'-1' is no number of lines"),
        (("-C", "1e3"), "'1e3' is no number of lines"),
        (("-o", "yaml"), "'yaml' is not one of 'pretty', 'raw', 'json'"),
        (("--template", ""), "--template is empty; say for instance"),
        (("--template", "{text}", "-o", "json"), "--template is a format of its own"),
        (("-t=long",), "'long' is not one of rfc3339, short, relative and none"),
        (("--timestamps=",), "'' is not one of"),
        (("--timezone", "Mars/Olympus"), "--timezone: no time zone 'Mars/Olympus'"),
        (("--timezone", "../../etc/passwd"), "--timezone: no time zone"),
        (("--color", "blue"), "'blue' is not one of 'auto', 'always', 'never'"),
        (("--merge-window", "5"), "not '5'; say 5s for seconds"),
        (("--merge-window", "-1s"), "--merge-window is a duration such as 50ms"),
        (("--merge-window", "soon"), "--merge-window is a duration such as 50ms"),
        (("--timeout", "0s"), "--timeout is longer than 0; without it there is no limit"),
        (("--timeout", "30"), "not '30'; say 30s for seconds"),
        (("--timeout", "9" * 40 + "h"), "--timeout"),
        (("--max-lines", "0"), "0 is less than 1"),
        (("--max-lines", "many"), "'many' is no number of lines"),
        (("--follow=maybe",), "--follow takes true or false, not 'maybe'"),
        (("--no-such",), "No such option '--no-such'"),
        (("-z",), "No such option '-z'"),
        (("-fz",), "No such option '-z'"),
        (("-n",), "Option '-n' requires an argument"),
        (("-H", "ftp://x"), "--host 'ftp://x' is no endpoint"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_row_20_tail_refuses_before_anything_connects(
    args: tuple[str, ...], words: str, run_here: RunHere
) -> None:
    with FakeEngine() as engine:
        result = run_here(engine.host, "tail", *args)
    text = result.stderr.decode()
    assert (result.code, result.stdout, engine.connections) == (2, b"", 0)
    assert text.startswith("lobtail: ")
    assert words in text
    assert "Traceback" not in text
    assert len(text.splitlines()) <= 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FOLLOW", "maybe", "LOBTAIL_TAIL_FOLLOW is true or false, not 'maybe'"),
        ("OUTPUT", "yaml", "LOBTAIL_TAIL_OUTPUT: 'yaml' is not one of 'pretty', 'raw', 'json'"),
        ("AFTER", "x", "LOBTAIL_TAIL_AFTER: 'x' is no number of lines"),
        ("TIMESTAMPS", "long", "LOBTAIL_TAIL_TIMESTAMPS: 'long' is not one of"),
        ("SINCE", "soon", "for --since: 'soon' is not a time"),
        ("SINCE", "soon", "(LOBTAIL_TAIL_SINCE)"),
        ("TIMEOUT", "x", "not 'x' (LOBTAIL_TAIL_TIMEOUT)"),
        ("MERGE_WINDOW", "x", "not 'x' (LOBTAIL_TAIL_MERGE_WINDOW)"),
        ("WHERE", "level>", "at the end (LOBTAIL_TAIL_WHERE)\n  level>\n        ^\n"),
        ("INCLUDE", "ok\n(", "(LOBTAIL_TAIL_INCLUDE)\n  (\n  ^\n"),
    ],
)
def test_row_20_what_is_wrong_with_a_variable_of_tail(
    name: str, value: str, words: str, run_here: RunHere
) -> None:
    with FakeEngine() as engine:
        result = run_here(engine.host, "tail", env={f"LOBTAIL_TAIL_{name}": value})
    assert (result.code, result.stdout, engine.connections) == (2, b"", 0)
    assert words in result.stderr.decode()
    assert "Traceback" not in result.stderr.decode()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DOCKER_HOST", "ftp://x", "DOCKER_HOST 'ftp://x' is no endpoint"),
        ("DOCKER_API_VERSION", "newest", "invalid API version 'newest': write it as in 1.45"),
        ("DOCKER_CONTEXT", "far", "there is no docker context 'far' (DOCKER_CONTEXT)"),
        ("LOBTAIL_TIMEOUT", "soon", "LOBTAIL_TIMEOUT is no number of seconds: 'soon'"),
        ("LOBTAIL_TIMEOUT", "0", "LOBTAIL_TIMEOUT is no number of seconds: '0'"),
        ("LOBTAIL_TIMEOUT", "-1", "LOBTAIL_TIMEOUT is no number"),
        ("LOBTAIL_TIMEOUT", "nan", "LOBTAIL_TIMEOUT is no number"),
        ("LOBTAIL_TIMEOUT", "inf", "LOBTAIL_TIMEOUT is no number"),
        ("LOBTAIL_TIMEOUT", "５", "LOBTAIL_TIMEOUT is no number"),
        ("LOBTAIL_TIMEOUT", "1_0", "LOBTAIL_TIMEOUT is no number"),
    ],
)
def test_errors_of_the_environment(name: str, value: str, words: str, run_here: RunHere) -> None:
    result = run_here("", "logs", "web", env={name: value})
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
        (
            ("completion",),
            [
                "\n  bash   source <(lobtail completion bash)   in ~/.bashrc\n  zsh  ",
                "\n  fish   lobtail completion fish | source    in ~/.config/fish/config.fish\n",
            ],
        ),
    ],
    ids=["lobtail", "logs", "ps", "frames", "tail", "config", "completion"],
)
def test_help(command: tuple[str, ...], words: list[str], flag: str) -> None:
    with FakeEngine() as engine:
        result = lobtail(engine.host, *command, flag)
    text = result.stdout.decode()
    assert (result.code, result.stderr, engine.connections) == (0, b"", 0)
    assert text.startswith(f"Usage: {' '.join(['lobtail', *command])} ")
    assert all(word in text for word in (*words, "--help"))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", ["logs", "tail", "config"])
def test_help_needs_no_sound_environment(command: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("no toml")
    broken = {
        "LOBTAIL_TIMEOUT": "x",
        "LOBTAIL_TAIL_OUTPUT": "x",
        "LOBTAIL_CONFIG": str(tmp_path / "config.toml"),
    }
    assert lobtail("ftp://x", command, "--help", env=broken).code == 0


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
