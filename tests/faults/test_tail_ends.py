"""When `lobtail tail` ends, what it accounts for then, and engines that refuse."""

from __future__ import annotations

import signal

import pytest

from faults.command import line_of, lobtail, popen
from faults.fake_engine import Script, answer, chunk, json_answer, stall
from faults.fake_host import Box, FakeHost, line
from support.engines import Result, finish
from support.shop import ALL, DB, WEB, db, history, texts, web

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
