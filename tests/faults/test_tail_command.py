"""`lobtail tail` from end to end, against containers that a test scripts."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from faults.command import lobtail, popen
from faults.fake_engine import Script, await_event, chunk, json_answer, stall
from faults.fake_host import Box, FakeHost, event, line
from support.engines import Result, finish
from support.shop import ALL, COMPOSE, DB, WEB, db, history, idle, texts, web

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


def orders(number: int, text: str, *, running: bool = True) -> Box:
    labels = {f"{COMPOSE}.project": "shop", f"{COMPOSE}.service": "orders"}
    return Box(f"shop-orders-{number}", [line(text, number)], labels=labels, running=running)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ((orders(1, "one"), orders(2, "two"), Box("db", [line("no")])), ["one", "two"]),
        ((orders(1, "one"), orders(2, "two", running=False)), ["one"]),
        ((orders(1, "one", running=False), orders(2, "two", running=False)), ["one", "two"]),
        ((orders(1, "one"), Box("orders", [line("own", 5)])), ["own"]),
        ((orders(1, "one"), Box("orders", [line("own", 5)], running=False)), ["own"]),
    ],
    ids=["service", "running", "stopped", "container", "stopped container"],
)
def test_case_tail_compose_service(boxes: tuple[Box, ...], expected: list[str]) -> None:
    result = history("orders", boxes=boxes)
    assert (texts(result), result.stderr, result.code) == (expected, b"", 0)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("orderz",), "no container is called orderz (did you mean orders?)"),
        (("shop-order-1",), "no container is called shop-order-1 (did you mean shop-orders-1?)"),
        (("shop",), "no container is called shop (did you mean --project shop?)"),
        (("shp",), "no container is called shp (did you mean --project shop?)"),
        (("zzz",), "no container is called zzz"),
        (("order*x",), "no container matches order*x"),
        (("--service", "order"), "no container matches (did you mean orders?)"),
        (("--project", "shop", "--label", "a=b"), "no container matches"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_case_tail_did_you_mean(args: tuple[str, ...], words: str) -> None:
    result = history(*args, boxes=(orders(1, "one"),))
    assert (result.stderr.decode(), result.code) == (f"lobtail: {words}\n", 1)


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
        "lobtail: old is not running; waiting for it to start",
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
        written = lobtail(engine.host, *args, "-t=none", "--fields", "raw")
    compact = "ERROR GET /pay  status=502"
    pad = "2024-05-01T14:00:05.000000000+02:00"
    assert texts(result) == [
        f"{pad} web  e│ {compact}",
        f"{pad.replace(':05.', ':09.')} db    │ WARNING: slow query",
    ]
    assert texts(short) == [f"14:00:05.000 {compact}", f"14:00:09.000 {DB[4]}"]
    assert texts(none) == [f"web  e│ {compact}", f"db    │ {DB[4]}"]
    assert texts(written) == [f"web  e│ {WEB[2]}", f"db    │ {DB[4]}"]


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
        "v": 2,
        "time": "2024-05-01T12:00:05.000000000Z",
        "container": "web",
        "id": web().id.replace("0000", "0001"),
        "image": "nginx:1.27",
        "project": "shop",
        "service": "web",
        "host": "",
        "labels": web().labels,
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
    assert (mark["mark"], mark["container"], mark["v"]) == ("gap", "db", 2)
    assert "line" not in mark


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
