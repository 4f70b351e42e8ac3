"""Containers that end or go away: what is told of them, and when waiting for a line ends."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from faults.command import lobtail, popen
from faults.fake_engine import (
    LAST,
    Connection,
    Script,
    Step,
    answer,
    await_event,
    chunk,
    json_answer,
    stall,
    tell,
)
from faults.fake_host import Box, FakeHost, event, line
from support.engines import Result, finish

GONE = json_answer({"message": "No such container: web"}, 404, "Not Found")
OTHER = Box("other", number=9)
WORDS = "the container was removed before its log was read to the end"


def items(result: Result) -> list[dict[str, Any]]:
    return [json.loads(text) for text in result.stdout.splitlines()]


def told(result: Result) -> list[str]:
    """Return lines, and the kinds of marks."""
    return [item.get("line") or f"-{item['mark']}" for item in items(result)]


# --- what could not be read -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code"), [(("web",), 1), (("w*",), 1), ((), 0)], ids=["named", "glob", "all"]
)
@pytest.mark.parametrize("answers", ["logs", "json"])
def test_case_removed_before_read(args: tuple[str, ...], code: int, answers: str) -> None:
    """A container that was listed, and whose log or inspection is answered with 404."""
    web = Box("web", number=1)
    gone = {f"/containers/{web.id}/{answers}": GONE}
    with FakeHost(web, Box("db", [line("ready")]), answers=gone) as engine:
        result = lobtail(engine.host, "tail", "--no-follow", "-o", "json", *args)
    assert [t for t in told(result) if t != "ready"] == ["-gap", "-removed"]
    (gap,) = (item for item in items(result) if item.get("mark") == "gap")
    assert (gap["container"], gap["reason"]) == ("web", WORDS)
    assert result.code == code


def short_job() -> FakeHost:
    """Return a host whose job starts after the listing, and is gone when it is looked at."""
    job = Box("job-1", number=7, labels={"tier": "batch", "com.docker.compose.project": "shop"})
    events = [event(job, action, second=5) for action in ("start", "die", "destroy")]
    return FakeHost(events=(*events, stall), answers={f"/{job.id}/json": GONE})


@pytest.mark.parametrize(
    "args",
    [("job-*",), ("job-1",), ("--project", "shop"), ("-l", "tier=batch"), ()],
    ids=" ".join,
)
def test_case_short_job(args: tuple[str, ...]) -> None:
    """It vanishes with a mark, and the wait for a line of it ends."""
    with short_job() as engine:
        result = lobtail(engine.host, "tail", "-o", "json", "--until-match", "done", *args)
    assert told(result) == ["-started", "-gap", "-removed"]
    assert items(result)[1]["reason"] == WORDS
    assert items(result)[1]["project"] == "shop"
    assert result.code == 1


def test_a_job_that_was_not_chosen_is_not_told_of() -> None:
    with short_job() as engine:
        result = lobtail(engine.host, "tail", "-o", "json", "--timeout", "1s", "web-*")
    assert (told(result), result.code) == ([], 124)


def test_a_start_that_is_told_of_again_after_a_cut_is_told_once() -> None:
    job = Box("job", number=7)
    starts = event(job, "start", second=5), event(job, "destroy", second=6)
    streams: list[list[Step]] = [[*starts, LAST], [*starts, LAST], [*starts, stall]]

    class Host(FakeHost):
        def _script(self, target: str) -> Script:
            if "/events" in target:
                self._events = streams.pop(0) if len(streams) > 1 else streams[0]
            return super()._script(target)

    with Host(answers={f"/{job.id}/json": GONE}) as engine:
        result = lobtail(engine.host, "tail", "-o", "json", "job", "--timeout", "1s")
    assert told(result) == ["-started", "-gap", "-removed"]


def test_events_are_asked_for_from_where_they_broke_off() -> None:
    """Also if none had come yet: a job may come and go until they are asked for again."""
    job = Box("job", number=7)
    clock_set_back = [event(job, action, second=-3600) for action in ("start", "destroy")]
    streams: list[list[Step]] = [[LAST], [event(OTHER, "start", second=9), LAST]]

    class Host(FakeHost):
        def _script(self, target: str) -> Script:
            if "/events" in target:
                self._events = streams.pop(0) if streams else [*clock_set_back, stall]
            return super()._script(target)

    gone = {f"/{box.id}/json": GONE for box in (job, OTHER)}
    with Host(answers=gone) as engine:
        result = lobtail(engine.host, "tail", "-o", "json", "--until-match", "x", "job")
        asked = [request for request in engine.requests if "/events" in request]
    assert told(result) == ["-started", "-gap", "-removed"]
    assert [("since=" in request) for request in asked] == [False, True, True]


def followed_to_the_end(*live: Step) -> Result:
    """Follow a container that is removed when its stream ends, however that is."""
    web = Box("web", [line("one")], live=live)

    class Host(FakeHost):
        def _script(self, target: str) -> Script:
            if self.gone and web.id in target:
                return GONE
            return super()._script(target)

        gone = False

    def remove(connection: Connection) -> None:
        assert isinstance(connection.engine, Host)
        connection.engine.gone = True

    over = threading.Event()
    web.live = (chunk(line("two", 1)), remove, tell(over), *live)
    ends = [event(web, action, second=2) for action in ("die", "destroy")]
    with Host(web, events=(await_event(over), *ends, stall)) as engine:
        return lobtail(engine.host, "tail", "-o", "json", "--until-match", "three", "web")


def test_a_log_that_was_followed_to_its_end_is_no_gap() -> None:
    result = followed_to_the_end(LAST)
    assert told(result) == ["one", "two", "-stopped", "-removed"]
    assert result.code == 1


def test_a_log_that_was_cut_and_then_removed_is_a_gap() -> None:
    def cut(connection: Connection) -> None:
        connection.sock.close()

    result = followed_to_the_end(cut)
    assert told(result) == ["one", "two", "-gap", "-stopped", "-removed"]
    assert result.code == 1


# --- waiting for a line of a container that ends ----------------------------------------------


def ending(box: Box, **state: object) -> Step:
    """Let a container end, as inspect shows it then."""

    def step(connection: Connection) -> None:
        box.running, box.state = False, state

    return step


def crashing(name: str = "web", **state: object) -> Box:
    box = Box(name, [line("starting")])
    box.live = (chunk(line("failed", 1, 2)), ending(box, **state), LAST)
    return box


def wait(*boxes: Box, args: tuple[str, ...] = (), names: tuple[str, ...] = ("web",)) -> Result:
    with FakeHost(*boxes) as engine:
        return lobtail(engine.host, "tail", "-o", "raw", "--until-match", "ready", *args, *names)


ENDED = b"lobtail: the logs ended without a line for --until-match\n"


@pytest.mark.parametrize("names", [("web",), ("w*",), ()], ids=["name", "glob", "all"])
def test_case_wait_ends(names: tuple[str, ...]) -> None:
    result = wait(crashing(ExitCode=1), names=names)
    assert result.stdout == b"starting\nfailed\n"
    assert result.stderr == b"-- web: stopped, exit code 1\n" + ENDED
    assert result.code == 1


def test_the_wait_for_a_container_that_has_ended_ends_at_once() -> None:
    result = wait(Box("web", [line("failed")], running=False))
    assert (result.stdout, result.code) == (b"failed\n", 1)
    assert result.stderr == b"lobtail: web is not running\n" + ENDED


def test_the_last_line_of_a_container_that_ends_counts() -> None:
    box = crashing(ExitCode=1)
    box.live = (chunk(line("ready", 1)), *box.live[1:])
    result = wait(box)
    assert (result.stdout, result.code) == (b"starting\nready\n", 0)


def test_the_wait_goes_on_while_another_container_runs() -> None:
    over = threading.Event()
    db = Box("db", live=(await_event(over), chunk(line("ready", 2)), stall))
    with FakeHost(crashing(ExitCode=1), db) as engine:
        args = ("tail", "-o", "raw", "--until-match", "ready")
        process = popen(engine.host, *args)
        assert process.stderr is not None
        assert process.stderr.readline() == b"-- web: stopped, exit code 1\n"
        over.set()
        assert finish(process).code == 0


@pytest.mark.parametrize(
    "state",
    [{"Running": True, "Restarting": True, "Status": "restarting"}, {"Status": "created"}],
    ids=["restarting", "created"],
)
def test_the_wait_goes_on_while_a_container_is_to_be_started(state: dict[str, object]) -> None:
    box = Box("web", [line("starting")], running=False, state=state)
    assert wait(box, args=("--timeout", "1s")).code == 124


def test_the_wait_goes_on_while_nothing_was_found() -> None:
    assert wait(Box("db"), args=("--timeout", "1s")).code == 124


def test_without_a_line_to_wait_for_the_end_of_a_container_ends_nothing() -> None:
    with FakeHost(crashing(ExitCode=1)) as engine:
        result = lobtail(engine.host, "tail", "-o", "raw", "--timeout", "1s", "web")
    assert result.code == 124


# --- an event stream that always breaks -------------------------------------------------------


@pytest.mark.parametrize(
    "events", [(LAST,), (event(OTHER, "start", second=1), LAST)], ids=["empty", "replay"]
)
def test_case_broken_events(events: Script) -> None:
    """Pauses grow, and it is said once."""
    gone = {f"/{OTHER.id}/json": GONE}
    with FakeHost(Box("web", [line("one")]), events=events, answers=gone) as engine:
        result = lobtail(engine.host, "tail", "-o", "raw", "--timeout", "2s", "web")
        asked = sum("/events" in request for request in engine.requests)
    assert result.stdout == b"one\n"
    said = [text for text in result.stderr.splitlines() if b"events" in text]
    assert said == [b"lobtail: the engine ended the stream of events; trying again"]
    assert asked < 10


def test_events_that_are_refused_are_an_error() -> None:
    refused = answer('{"message":"no"}', 500, "Oops", content_type="application/json")
    with FakeHost(Box("web"), answers={"/events": refused}) as engine:
        result = lobtail(engine.host, "tail", "web")
    assert result.code == 1


# --- several engines ----------------------------------------------------------------------------


def test_the_wait_ends_when_the_containers_of_all_engines_have_ended() -> None:
    with FakeHost(crashing(ExitCode=1)) as one, FakeHost(Box("db")) as other:
        args = ("-H", one.host, "-H", other.host, "tail", "-o", "raw", "--until-match", "ready")
        result = lobtail("", *args, "web")
        running = lobtail("", *args, "--timeout", "1s")
    assert (result.stdout, result.code) == (b"starting\nfailed\n", 1)
    assert running.code == 124, "the other engine has a container that runs"


def test_the_wait_goes_on_while_an_engine_is_away() -> None:
    with FakeHost(crashing(ExitCode=1)) as one:
        args = ("-H", one.host, "-H", "unix:///nonexistent/s", "tail", "-o", "raw")
        result = lobtail("", *args, "--until-match", "ready", "--timeout", "2s", "web")
    assert result.code == 124
