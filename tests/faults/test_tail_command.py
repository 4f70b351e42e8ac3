"""`lobtail tail` from end to end, against containers that a test scripts."""

from __future__ import annotations

import json
import signal
import threading
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from faults.command import line_of, lobtail, popen
from faults.fake_engine import Script, answer, await_event, chunk, frame, json_answer, stall
from faults.fake_host import Box, FakeHost, event, line, stamp
from support.engines import Result, finish

COMPOSE = "com.docker.compose"


def web() -> Box:
    labels = {f"{COMPOSE}.project": "shop", f"{COMPOSE}.service": "web", "tier": "front"}
    history = [
        line('{"level":"info","msg":"GET /","status":200}', 1),
        line('{"level":"info","msg":"GET /health","status":200}', 3),
        line('{"level":"error","msg":"GET /pay","status":502}', 5, 2),
        line('{"level":"info","msg":"GET /","status":200}', 7),
    ]
    return Box("web", history, labels=labels, image="nginx:1.27")


def db() -> Box:
    history = [line(f"LOG: checkpoint {i}", 2 * i) for i in range(1, 5)]
    return Box("db", [*history, line("WARNING: slow query", 9)])


def idle() -> Box:
    return Box("old", [line("long ago", 0)], running=False)


def texts(result: Result) -> list[str]:
    return result.stdout.decode().splitlines()


def history(*args: str, boxes: tuple[Box, ...] | None = None, **more: Any) -> Result:
    """Run `lobtail tail --no-follow -o raw ARGS` on the three containers."""
    with FakeHost(*(boxes or (web(), db(), idle()))) as engine:
        return lobtail(engine.host, "tail", "--no-follow", "-o", "raw", *args, **more)


ALL = [
    '{"level":"info","msg":"GET /","status":200}',
    "LOG: checkpoint 1",
    '{"level":"info","msg":"GET /health","status":200}',
    "LOG: checkpoint 2",
    '{"level":"error","msg":"GET /pay","status":502}',
    "LOG: checkpoint 3",
    '{"level":"info","msg":"GET /","status":200}',
    "LOG: checkpoint 4",
    "WARNING: slow query",
]
WEB, DB = [ALL[i] for i in (0, 2, 4, 6)], [ALL[i] for i in (1, 3, 5, 7, 8)]


# --- which containers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), ALL),
        (("web",), WEB),
        (("web", "db"), ALL),
        (("w*",), WEB),
        (("/^d/",), DB),
        (("0002",), DB),
        (("-E", "web"), DB),
        (("-E", "/./"), []),
        (("-l", "tier"), WEB),
        (("-l", "tier=front", "--label", f"{COMPOSE}.service=web"), WEB),
        (("--project", "shop"), WEB),
        (("--service", "web", "--service", "api"), WEB),
        (("--image", "nginx"), WEB),
        (("--image", "web:*"), DB),
        (("-a",), ["long ago", *ALL]),
        (("-a", "--no-all"), ALL),
        (("old",), ["long ago"]),
    ],
    ids=" ".join,
)
def test_selection(args: tuple[str, ...], expected: list[str]) -> None:
    assert texts(history(*args)) == expected


@pytest.mark.parametrize(
    ("args", "words", "code"),
    [
        (("nope",), "no container is called nope", 1),
        (("nope", "web"), "no container is called nope", 1),
        (("no*", "web"), "no container matches no*", 1),
        (("nope", "none"), "no container matches", 1),
        (("--label", "nope"), "no container matches", 1),
        (("--service", "api"), "no container matches", 1),
        (("-E", "*"), "no container matches", 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_not_there_is_said_and_is_a_failure(
    args: tuple[str, ...], words: str, code: int
) -> None:
    result = history(*args)
    assert (result.stderr.decode(), result.code) == (f"lobtail: {words}\n", code)
    assert texts(result) == (WEB if "web" in args else [])


def test_that_nothing_runs_is_an_answer() -> None:
    result = history(boxes=(idle(),))
    assert result == Result(b"", b"lobtail: no container runs\n", 0)


def test_a_short_log_is_not_taken_for_none() -> None:
    # Its reader may have ended before anything is said about what was found.
    result = history("web", boxes=(Box("web"),))
    assert result == Result(b"", b"", 0)


def test_following_says_what_it_waits_for() -> None:
    with FakeHost(Box("db"), idle()) as engine:
        args = ("tail", "-n0", "nope", "old", "db", "no*", "--timeout", "1s")
        result = lobtail(engine.host, *args)
    assert texts(result) == []
    assert result.stderr.decode().splitlines() == [
        "lobtail: no container is called nope; waiting for one to start",
        "lobtail: no container matches no*; waiting for one to start",
        "lobtail: old does not run; waiting for it to start",
        "lobtail: the time given by --timeout is over",
    ]
    assert result.code == 124


def test_a_form_of_times_is_no_container() -> None:
    result = history("-t", "short", "web")
    assert result.stderr.decode() == (
        "lobtail: no container is called short (for times of this form: -t=short)\n"
    )
    assert len(texts(result)) == 4
    assert result.code == 1


# --- which lines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("-g", "checkpoint"), DB[:4]),
        (("-g", "GET", "-g", "slow"), [*WEB, DB[4]]),
        (("-i", "point [13]"), [DB[0], DB[2]]),
        (("-i", "point 1", "-i", "slow"), [DB[0], DB[4]]),
        (("-i", "GET", "-e", "health", "-e", "pay"), [WEB[0], WEB[3]]),
        (("-w", "status>=500"), [WEB[2]]),
        (("-w", "service=web", "-w", "not /health/"), [WEB[0], WEB[2], WEB[3]]),
        (("--level", "warn"), [WEB[2], DB[4]]),
        (("--level", "ERROR"), [WEB[2]]),
        (("--stream", "stderr"), [WEB[2]]),
        (("--stream", "stdout", "web"), [WEB[0], WEB[1], WEB[3]]),
        (("--stream=both", "-g", "pay"), [WEB[2]]),
        (("-g=GET", "--level=info", "-e=health", "-w=stream=stderr"), [WEB[2]]),
        (("-g", "nothing"), []),
    ],
    ids=" ".join,
)
def test_filters(args: tuple[str, ...], expected: list[str]) -> None:
    result = history(*args)
    assert sorted(texts(result)) == sorted(expected)
    assert [text for text in ALL if text in texts(result)] == texts(result)
    assert (result.stderr, result.code) == (b"", 0)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("-A", "1"), [WEB[1], DB[1], WEB[2], DB[2]]),
        (("-B", "1"), [WEB[0], DB[0], WEB[1], DB[1]]),
        (("-C", "1"), [WEB[0], DB[0], WEB[1], DB[1], WEB[2], DB[2]]),
        (("-C", "1", "-A", "0"), [WEB[0], DB[0], WEB[1], DB[1]]),
        (("-B", "0", "-C", "1"), [WEB[1], DB[1], WEB[2], DB[2]]),
        (("-C", "9"), ALL),
    ],
    ids=" ".join,
)
def test_context_is_of_the_same_container(args: tuple[str, ...], expected: list[str]) -> None:
    result = history("-i", "health|point 2", *args)
    assert sorted(texts(result)) == sorted(expected)


def test_what_context_leaves_out_is_said() -> None:
    args = ("-g", "checkpoint 1", "-g", "slow", "-B1", "db")
    result = history(*args)
    assert texts(result) == [DB[0], DB[3], DB[4]]
    assert result.stderr.decode() == "-- db: 2 lines left out\n"
    assert history(*args, "--no-marks").stderr == b""


# --- how they look ----------------------------------------------------------------------------


def test_pretty() -> None:
    with FakeHost(web(), db()) as engine:
        args = ("tail", "--no-follow", "-t", "--timezone", "+02:00", "-g", "pay", "-g", "slow")
        result = lobtail(engine.host, *args)
        short = lobtail(engine.host, *args, "-t=short", "--no-prefix")
        none = lobtail(engine.host, *args, "-t=none", "--timezone=UTC")
    pad = "2024-05-01T14:00:05.000000000+02:00"
    assert texts(result) == [
        f"{pad} web  e│ {WEB[2]}",
        f"{pad.replace(':05.', ':09.')} db    │ WARNING: slow query",
    ]
    assert texts(short) == [f"14:00:05.000 {WEB[2]}", f"14:00:09.000 {DB[4]}"]
    assert texts(none) == [f"web  e│ {WEB[2]}", f"db    │ {DB[4]}"]


def test_raw() -> None:
    result = history("--prefix", "--timestamps", "--timezone", "UTC", "-g", "slow")
    assert texts(result) == ["2024-05-01T12:00:09.000000000Z db WARNING: slow query"]


def test_relative_times_count_from_now() -> None:
    result = history("-t=relative", "-g", "slow")
    (text,) = texts(result)
    ago, _, rest = text.partition(" ")
    assert ago.startswith("-")
    assert ago.endswith("h")
    assert rest == "WARNING: slow query"


def test_json() -> None:
    with FakeHost(web(), db()) as engine:
        result = lobtail(engine.host, "tail", "--no-follow", "-o", "json", "--level", "error")
    (found,) = (json.loads(text) for text in texts(result))
    assert found == {
        "v": 1,
        "time": "2024-05-01T12:00:05.000000000Z",
        "container": "web",
        "id": web().id.replace("0000", "0001"),
        "image": "nginx:1.27",
        "project": "shop",
        "service": "web",
        "host": "",
        "stream": "stderr",
        "line": WEB[2],
        "level": "error",
        "partial": False,
    }


def test_template() -> None:
    template = r"{time} {container:>5}|{service}|{label.tier}|{stream}|{level}|{.status}\t{text}"
    with FakeHost(web(), db()) as engine:
        args = ("tail", "--no-follow", "--timezone", "UTC", "--template", template, "--level=warn")
        result = lobtail(engine.host, *args)
    assert texts(result) == [
        f"2024-05-01T12:00:05.000000000Z   web|web|front|stderr|error|502\t{WEB[2]}",
        "2024-05-01T12:00:09.000000000Z    db|||stdout|warn|\tWARNING: slow query",
    ]


@pytest.mark.parametrize(
    ("env", "args", "coloured"),
    [
        ({}, (), False),
        ({}, ("--color=always",), True),
        ({"NO_COLOR": "1"}, ("--color=always",), True),
        ({"FORCE_COLOR": "1"}, (), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
        ({"FORCE_COLOR": "1"}, ("--color=never",), False),
        ({"FORCE_COLOR": "0"}, (), False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, (), True),
    ],
)
def test_colours(env: dict[str, str], args: tuple[str, ...], coloured: bool) -> None:
    with FakeHost(web(), db()) as engine:
        result = lobtail(engine.host, "tail", "--no-follow", "-g", "slow", *args, env=env)
    assert (b"\x1b[" in result.stdout) == coloured
    # What is looked for is highlighted where there are colours.
    assert (b"\x1b[7mslow\x1b[27m" in result.stdout) == coloured


def test_marks_are_on_stderr_but_for_pretty_and_json() -> None:
    # A log that cannot be read is a mark, for those of others can.
    refusal = {"/logs": json_answer({"message": "configured logging driver does not x"}, 501)}
    shown = {}
    for form in ("pretty", "raw", "json"):
        with FakeHost(Box("db", driver="none"), answers=refusal) as engine:
            shown[form] = lobtail(engine.host, "tail", "--no-follow", "-o", form)
            quiet = lobtail(engine.host, "tail", "--no-follow", "-o", form, "--no-marks")
        assert quiet == Result(b"", b"", 0)
    words = "lines may be missing here: configured logging driver does not x"
    assert shown["pretty"].stdout.decode() == f"db    ─ {words}\n"
    assert shown["raw"] == Result(b"", f"-- db: {words}\n".encode(), 0)
    mark = json.loads(shown["json"].stdout)
    assert (mark["mark"], mark["container"], mark["v"]) == ("gap", "db", 1)
    assert "line" not in mark


# --- when to end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code", "shown", "words"),
    [
        (("--until-match", "point 2"), 0, 4, ""),
        (("--until-match", "nothing"), 1, 9, "the logs ended without a line for --until-match"),
        (("--fail-on", "status.:5"), 4, 5, "--fail-on matches a line of web"),
        (("--fail-on", "nothing"), 0, 9, ""),
        # The first line that means something counts, whatever it means.
        (("--until-match", "point 2", "--fail-on", "point 3"), 0, 4, ""),
        (("--until-match", "3", "--fail-on", "point 1"), 4, 2, "--fail-on matches a line of db"),
        # Of one line, the failure.
        (("--until-match", "1", "--fail-on", "1"), 4, 2, "--fail-on matches a line of db"),
        (("--max-lines", "3"), 0, 3, ""),
        (("--max-lines", "99"), 0, 9, ""),
        (("--max-lines", "4", "--until-match", "point 2"), 0, 4, ""),
        (
            ("--max-lines", "3", "--until-match", "point 2"),
            1,
            3,
            "--max-lines is reached without a line for --until-match",
        ),
        (("--max-lines", "3", "--fail-on", "point 2"), 0, 3, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_ends(args: tuple[str, ...], code: int, shown: int, words: str) -> None:
    result = history(*args)
    assert texts(result) == ALL[:shown]
    assert result.stderr.decode() == (f"lobtail: {words}\n" if words else "")
    assert result.code == code


@pytest.mark.parametrize(("flag", "code"), [("--until-match", 0), ("--fail-on", 4)])
def test_ends_look_at_lines_that_filters_hide_and_show_the_one_that_ends(
    flag: str, code: int
) -> None:
    result = history("-g", "slow", "-C", "1", flag, "GET /pay")
    assert texts(result) == [WEB[2]]
    assert result.code == code


def test_ends_do_not_look_at_a_stream_that_is_left_out() -> None:
    result = history("--stream", "stdout", "--fail-on", "GET /pay")
    assert result.code == 0


def test_lines_that_count_are_those_that_are_shown() -> None:
    assert texts(history("-g", "checkpoint", "--max-lines", "2")) == DB[:2]
    assert texts(history("-g", "point 2", "-B1", "--max-lines", "2")) == DB[:2]


@pytest.mark.parametrize(("flag", "code"), [("--until-match", 0), ("--fail-on", 4)])
def test_ends_while_following(flag: str, code: int) -> None:
    box = db()
    box.live = [chunk(line("ready", 20)), chunk(line("more", 21)), stall]
    with FakeHost(box, Box("other", [line("x")])) as engine:
        result = lobtail(engine.host, "tail", "-o", "raw", flag, "^rea")
    assert texts(result)[-1] == "ready"
    assert result.code == code


def test_the_end_is_by_the_time_also_if_all_are_silent() -> None:
    with FakeHost(db()) as engine:
        result = lobtail(engine.host, "tail", "-o", "raw", "--until", "-1s")
        seen = lobtail(engine.host, "tail", "-o", "raw", "--until", "-1s", "--until-match", "nope")
    assert (texts(result), result.stderr, result.code) == (DB, b"", 0)
    assert seen.code == 1
    assert b"--until-match" in seen.stderr


def test_an_end_in_the_past_is_not_followed() -> None:
    with FakeHost(db()) as engine:
        result = lobtail(engine.host, "tail", "-o", "raw", "--until", "1s")
        assert not any("follow=1" in request for request in engine.requests)
        assert not any("tail=10" in request for request in engine.requests)
    assert (texts(result), result.code) == (DB, 0)


def test_timeout() -> None:
    with FakeHost(db()) as engine:
        result = lobtail(engine.host, "tail", "-o", "raw", "--timeout", "1s")
    assert texts(result) == DB
    assert result.stderr == b"lobtail: the time given by --timeout is over\n"
    assert result.code == 124


def test_timeout_of_an_engine_that_does_not_answer() -> None:
    with FakeHost(db(), answers={"/info": [stall]}) as engine:
        result = lobtail(engine.host, "tail", "--timeout", "1s")
    assert (result.stdout, result.code) == (b"", 124)


# --- the range --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "asked"),
    [
        ((), "tail=10"),
        (("-n", "3"), "tail=3"),
        (("-n3",), "tail=3"),
        (("-n=all",), "tail=all"),
        (("--no-follow",), "tail=all"),
        (("-f", "--no-follow", "-n=7"), "tail=7"),
        (("--follow=false",), "tail=all"),
        (("--since", "2024-05-01T12:00:00Z"), "since=1714564800.000000000"),
        (("--since", "0"), "tail=all"),
        (("--since=1714564800.5", "-n", "2"), "tail=2"),
        (("--until", "2024-05-01T12:00:07Z"), "until=1714564807.000000000"),
    ],
    ids=" ".join,
)
def test_what_is_asked_of_the_engine(args: tuple[str, ...], asked: str) -> None:
    with FakeHost(db()) as engine:
        lobtail(engine.host, "tail", *args, "--max-lines", "1")
        first = next(request for request in engine.requests if "/logs?" in request)
    assert asked in first.partition("?")[2].split("&")


# --- following --------------------------------------------------------------------------------


def test_a_container_that_starts_later_is_shown() -> None:
    late = Box("late", running=False, number=9)
    late.live = [chunk(line("hello", 30)), stall]

    def start(_: object) -> None:
        late.running = True

    events: Script = [await_event(go := threading.Event()), start, event(late, "start"), stall]
    with FakeHost(db(), late, events=events) as engine:
        process = popen(engine.host, "tail", "-o", "raw", "--until-match", "hello")
        assert process.stdout is not None
        for text in DB:
            assert process.stdout.readline().decode() == text + "\n"
        go.set()
        result = finish(process)
    assert (texts(result), result.code) == (["hello"], 0)
    assert result.stderr == b"-- late: started\n"


# --- the account ------------------------------------------------------------------------------


def interrupted(*args: str, boxes: tuple[Box, ...], last: bytes) -> Result:
    with FakeHost(*boxes) as engine:
        process = popen(engine.host, "tail", "-o", "raw", "-n", "all", *args)
        assert process.stdout is not None
        while process.stdout.readline() != last:
            pass
        process.send_signal(signal.SIGINT)
        return finish(process)


def test_row_19_sigint_shows_the_account() -> None:
    boxes = (web(), db(), Box("silent"))
    result = interrupted(boxes=boxes, last=b"WARNING: slow query\n")
    assert result.stderr.decode().splitlines() == [
        "lobtail: 9 lines of 3 containers, 0 gaps, 0 dropped",
        "          5 db",
        "          4 web",
        "          0 silent",
    ]
    assert result.code == 130


def test_row_19_the_account_tells_what_was_read_from_what_was_shown() -> None:
    result = interrupted("-g", "slow", boxes=(web(), db()), last=b"WARNING: slow query\n")
    first = result.stderr.decode().splitlines()[0]
    assert first == "lobtail: 9 lines (1 shown) of 2 containers, 0 gaps, 0 dropped"


def test_row_19_the_account_names_twenty() -> None:
    boxes = [Box(f"c{i:02}", [line("x", i)] * i) for i in range(1, 31)]
    result = interrupted(boxes=(*boxes, Box("z", [line("last", 99)])), last=b"last\n")
    rows = result.stderr.decode().splitlines()
    assert rows[0] == "lobtail: 466 lines of 31 containers, 0 gaps, 0 dropped"
    assert rows[1] == "         30 c30"
    assert len(rows) == 22
    assert rows[-1] == f"  {sum(range(11)) + 1:>9} of 11 more"


def test_row_19_the_account_tells_of_gaps() -> None:
    refusal = json_answer({"message": "not readable"}, 501)
    none = Box("none", driver="none", number=7)
    with FakeHost(db(), none, answers={f"/{none.id}/logs": refusal}) as engine:
        process = popen(engine.host, "tail", "-o", "raw")
        assert process.stdout is not None
        assert process.stderr is not None
        while process.stdout.readline() != b"WARNING: slow query\n":
            pass
        gap = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        result = finish(process)
    assert gap == b"-- none: lines may be missing here: not readable\n"
    assert result.stderr.decode().splitlines() == [
        "lobtail: 5 lines of 2 containers, 1 gap, 0 dropped",
        "          5 db",
        "          0 none, 1 gap",
    ]


# --- defaults ---------------------------------------------------------------------------------


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[tail]\nfollow = false\noutput = "raw"\ngrep = ["checkpoint", "slow"]\n')
    env = {"LOBTAIL_CONFIG": str(path)}
    with FakeHost(web(), db()) as engine:
        file = lobtail(engine.host, "tail", env=env)
        environment = lobtail(engine.host, "tail", env={**env, "LOBTAIL_TAIL_GREP": "point 3\npay"})
        args = ("tail", "-g", "point 1", "-o", "json")
        line = lobtail(engine.host, *args, env={**env, "LOBTAIL_TAIL_GREP": "point 3"})
    assert texts(file) == DB
    assert texts(environment) == [WEB[2], DB[2]]
    assert [json.loads(text)["line"] for text in texts(line)] == DB[:1]


@pytest.mark.parametrize(
    ("file", "args", "expected"),
    [
        ('template = "<{text}>"', (), "<WARNING: slow query>"),
        ('template = "<{text}>"', ("-o", "raw"), "WARNING: slow query"),
        ('output = "raw"', ("--template", "<{text}>"), "<WARNING: slow query>"),
        ('output = "raw"\nall = true\nraw = true', ("--no-all", "--no-raw"), "WARNING: slow query"),
        ('output = "raw"\nprefix = true', ("--no-prefix",), "WARNING: slow query"),
        ('output = "raw"\ntimestamps = true', ("-t=none",), "WARNING: slow query"),
        ('output = "raw"\nstream = "stderr"', ("--stream", "both"), "WARNING: slow query"),
        ('output = "raw"\nbefore = 1\nafter = 1', ("-C", "0"), "WARNING: slow query"),
        ('output = "raw"\nfollow = true', ("--no-follow",), "WARNING: slow query"),
    ],
)
def test_what_a_file_says_can_be_taken_back(
    file: str, args: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[tail]\n{file}\n")
    env = {"LOBTAIL_CONFIG": str(path)}
    with FakeHost(db(), idle()) as engine:
        result = lobtail(engine.host, "tail", "--no-follow", "-g", "slow", *args, env=env)
    assert texts(result) == [expected]
    assert result.code == 0


# --- engines that refuse ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            {"/info": json_answer({"message": "no info today"}, 500)},
            "Error response from daemon: no info today",
        ),
        (
            {"/containers/json": json_answer({"message": "list is out"}, 500)},
            "Error response from daemon: list is out",
        ),
        (
            {"/containers/json": answer("<html><body>Bad gateway</body></html>", 502)},
            "Error response from daemon: 502 OK: an HTML page",
        ),
        ({"/containers/json": answer("{}")}, "lobtail: "),
        ({"/info": answer("nonsense")}, "lobtail: "),
        ({"/_ping": [b"SSH-2.0-OpenSSH_9.2\r\n", stall]}, "lobtail: "),
    ],
)
@pytest.mark.parametrize("follow", ["--follow", "--no-follow"])
def test_row_7_one_line_and_no_traceback(
    answers: dict[str, Script], words: str, follow: str
) -> None:
    with FakeHost(db(), answers=answers) as engine:
        result = lobtail(engine.host, "tail", follow, env={"LOBTAIL_TIMEOUT": "1"})
    assert result.stdout == b""
    assert line_of(result).startswith(words)


def test_row_8_no_engine() -> None:
    result = lobtail("unix:///nonexistent/s", "tail")
    assert "cannot connect to the engine at unix:///nonexistent/s (DOCKER_HOST)" in line_of(result)


# --- lines ------------------------------------------------------------------------------------


def shown(frames: list[bytes], *args: str, **more: Any) -> bytes:
    with FakeHost(Box("web", frames, **more)) as engine:
        result = lobtail(engine.host, "tail", "--no-follow", *args)
    assert (result.stderr, result.code) == (b"", 0)
    return result.stdout


def test_row_11_empty_lines_and_carriage_returns() -> None:
    frames = [line(""), line("a\r"), line("10%\r20%"), line(""), line("\r"), line("end")]
    assert shown(frames, "-o", "raw") == b"\na\r\n10%\r20%\n\n\r\nend\n"
    lines = [json.loads(text)["line"] for text in shown(frames, "-o", "json").splitlines()]
    assert lines == ["", "a", "10%\r20%", "", "", "end"]


def test_row_11_a_carriage_return_and_its_newline_in_two_messages() -> None:
    head = stamp(1).encode() + b" "
    assert shown([frame(1, head + b"a\r"), frame(1, head + b"\n")], "-o", "raw") == b"a\r\n"


NOT_UTF8 = [b"NUL \0", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbfBOM", b"\xe2\x82"]


@pytest.mark.parametrize("args", [("-o", "raw"), ("--no-prefix",), ("--template", "{text}")])
def test_row_12_bytes_are_kept(args: tuple[str, ...]) -> None:
    assert shown([line(raw) for raw in NOT_UTF8], *args) == b"\n".join(NOT_UTF8) + b"\n"


def test_row_12_json_has_the_bytes_too() -> None:
    output = shown([line(raw) for raw in NOT_UTF8], "-o", "json")
    found = [json.loads(text) for text in output.splitlines()]
    for raw, item in zip(NOT_UTF8, found, strict=True):
        assert item["line"] == raw.decode("utf-8", "replace")
        if "line_base64" in item:
            assert b64decode(item["line_base64"]) == raw
        else:
            assert item["line"].encode() == raw


def test_row_12_a_character_in_two_pieces_of_a_line() -> None:
    data = b"x" * 16383 + "é".encode() + b"\n"
    head = stamp(1).encode() + b" "
    frames = [frame(1, head + data[:16384]), frame(1, head + data[16384:])]
    (found,) = shown(frames, "-o", "json").splitlines()
    assert json.loads(found)["line"] == "x" * 16383 + "é"


COMMANDS = [
    "##vso[task.setvariable variable=x]y",
    "::set-output name=x::y",
    "<script>alert(1)</script>",
    "[link=javascript:x]Rich[/link] [bold]",
    "{time} %s $HOME `id`",
]


@pytest.mark.parametrize("args", [("-o", "raw"), ("--no-prefix",), ("--template", "{text}")])
def test_row_14_text_that_is_a_command_elsewhere(args: tuple[str, ...]) -> None:
    output = shown([line(text) for text in COMMANDS], *args, "--highlight", "i", "--color", "never")
    assert output.decode().splitlines() == COMMANDS


@pytest.mark.parametrize(
    "text",
    ["[" * 10_000 + "]" * 10_000, '{"a":' * 10_000 + "1" + "}" * 10_000, '{"level":1e400}'],
    ids=["deep list", "deep object", "1e400"],
)
def test_row_15_json_out_of_bounds_is_text(text: str) -> None:
    args = ("-o", "json", "-w", "not has level and not has .a.b", "--level", "unknown")
    (found,) = shown([line(text[:16000], 1)], *args).splitlines()
    assert json.loads(found)["line"] == text[:16000]


def test_row_15_of_equal_keys_the_last_wins() -> None:
    frames = [line('{"status":200,"status":500}')]
    assert shown(frames, "-o", "raw", "-w", "status=500")
    assert not shown(frames, "-o", "raw", "-w", "status=200")


def test_row_16_stamps_of_all_kinds() -> None:
    stamps = {
        "0000-01-01T00:00:00.000000000Z": "0000-01-01T00:00:00.000000000Z",
        "2024-05-01T12:00:00Z": "2024-05-01T12:00:00.000000000Z",
        "2024-05-01T14:00:00.000000001+02:00": "2024-05-01T12:00:00.000000001Z",
        "9999-12-31T23:59:59.999999999Z": "9999-12-31T23:59:59.999999999Z",
        "2024-05-01T12:00:00.500000000Z": "2024-05-01T12:00:00.500000000Z",
    }
    frames = [frame(1, f"{stamp} x\n".encode()) for stamp in stamps]
    found = [json.loads(text) for text in shown(frames, "-o", "json").splitlines()]
    assert [item["time"] for item in found] == list(stamps.values())
    assert {item["line"] for item in found} == {"x"}


def test_row_16_without_a_stamp() -> None:
    found = json.loads(shown([frame(1, b"no stamp at all\n")], "-o", "json"))
    assert (found["time"], found["line"]) == (None, "no stamp at all")


def test_row_16_ten_thousand_lines_of_one_moment_keep_their_order() -> None:
    output = shown([line(f"{i}", 1) for i in range(10_000)], "-o", "raw")
    assert output.decode().split() == [str(i) for i in range(10_000)]
