"""Lifecycle, pulls and other objects against a fake engine: requests, waiting."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from faults.fake_engine import (
    ID,
    Connection,
    Ended,
    FakeEngine,
    Script,
    Step,
    answer,
    cut,
    head,
    json_answer,
    stall,
    tell_eof,
)
from lobtail import ConfigError, ConnectError, Engine, EngineError
from lobtail.docker import Credentials, Pruned
from lobtail.errors import ConnectionLostError
from support.talking import asked, stream, talk

T = TypeVar("T")
START = b'{"Type":"container","Action":"start","Actor":{"ID":"x"},"timeNano":5}'


# --- what is asked ------------------------------------------------------------------------------

NOTHING = answer("", 204, "No Content")
SUCCESS = json_answer({"Id": "x", "Titles": [], "StatusCode": 0})


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (lambda e: e.containers.start("/web"), "/containers/web/start"),
        (lambda e: e.containers.stop("web", timeout=0), "/containers/web/stop?t=0"),
        (lambda e: e.containers.stop("web", timeout=-1), "/containers/web/stop?t=-1"),
        (
            lambda e: e.containers.stop("web", timeout=3, signal="USR1"),
            "/containers/web/stop?signal=USR1&t=3",
        ),
        (lambda e: e.containers.restart("web", timeout=3), "/containers/web/restart?t=3"),
        (lambda e: e.containers.kill("web"), "/containers/web/kill?signal=SIGKILL"),
        (lambda e: e.containers.rename("web", "a b"), "/containers/web/rename?name=a+b"),
        (lambda e: e.containers.remove("web"), "/containers/web"),
        (
            lambda e: e.containers.remove("web", force=True, volumes=True),
            "/containers/web?force=1&v=1",
        ),
        (lambda e: e.containers.wait("web"), "/containers/web/wait?condition=not-running"),
        (lambda e: e.containers.top("web"), "/containers/web/top"),
        (lambda e: e.containers.top("web", "-o pid"), "/containers/web/top?ps_args=-o+pid"),
        (lambda e: e.containers.inspect("web", size=True), "/containers/web/json?size=1"),
        (
            lambda e: e.containers.prune(filters={"label": "a"}),
            "/containers/prune?filters=%7B%22label%22%3A%5B%22a%22%5D%7D",
        ),
        (lambda e: e.images.inspect("a/b:1"), "/images/a/b:1/json"),
        (lambda e: e.images.remove("a b", prune=False), "/images/a%20b?noprune=1"),
        (lambda e: e.images.tag("x", "r:5/y"), "/images/x/tag?repo=r%3A5%2Fy&tag=latest"),
        (lambda e: e.images.tag("x", "r:5/y:z"), "/images/x/tag?repo=r%3A5%2Fy&tag=z"),
        (lambda e: e.volumes.remove("v/w", force=True), "/volumes/v%2Fw?force=1"),
        (lambda e: e.networks.remove("n"), "/networks/n"),
    ],
)
def test_requests(call: Callable[[Engine], Awaitable[Any]], target: str) -> None:
    answers = {target.partition("?")[0]: SUCCESS}
    if target.startswith("/images/a%20b"):
        answers = {target.partition("?")[0]: json_answer([])}
    fake = FakeEngine(answers=answers)
    talk(fake, call)
    assert asked(fake) == [target]


@pytest.mark.parametrize(
    ("reference", "options", "query"),
    [
        ("busybox", {}, "fromImage=busybox&tag=latest"),
        (
            "busybox:1",
            {"platform": "linux/arm64"},
            "fromImage=busybox&tag=1&platform=linux%2Farm64",
        ),
        ("r:5000/a/b", {}, "fromImage=r%3A5000%2Fa%2Fb&tag=latest"),
        ("a@sha256:0", {}, "fromImage=a&tag=sha256%3A0"),
        ("a:1@sha256:0", {}, "fromImage=a&tag=sha256%3A0"),
        ("busybox", {"all_tags": True}, "fromImage=busybox"),
    ],
)
def test_pulls_ask_for(reference: str, options: dict[str, Any], query: str) -> None:
    fake = FakeEngine(answers={"/images/create": stream()})
    talk(fake, lambda engine: engine.images.pull(reference, **options).wait())
    assert asked(fake) == [f"/images/create?{query}"]


def test_credentials_go_into_a_header() -> None:
    auth = Credentials(username="me", password="p", serveraddress="r:5000")
    pull = Engine("unix:///nowhere").images.pull("r:5000/x", auth=auth)
    encoded = pull._headers["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(encoded)) == {
        "username": "me",
        "password": "p",
        "serveraddress": "r:5000",
    }
    assert repr(auth) == "Credentials(username='me')"


def test_it_was_so_already() -> None:
    so = answer("", 304, "Not Modified")
    fake = FakeEngine(answers={"/start": so, "/stop": so})
    assert talk(fake, lambda engine: engine.containers.start("web")) is False
    fake = FakeEngine(answers={"/start": NOTHING})
    assert talk(fake, lambda engine: engine.containers.start("web")) is True


def test_nulls_for_lists() -> None:
    answers = {
        "/volumes": json_answer({"Volumes": None, "Warnings": None}),
        "/containers/prune": json_answer({"ContainersDeleted": None, "SpaceReclaimed": 0}),
        "/images/prune": json_answer({"ImagesDeleted": None, "SpaceReclaimed": 5}),
        "/system/df": json_answer({"Images": None, "Containers": None, "BuildCache": None}),
    }

    async def scenario(engine: Engine) -> None:
        assert await engine.volumes.list() == []
        assert await engine.containers.prune() == Pruned(None, 0)
        assert await engine.images.prune() == Pruned([], 5)
        assert (await engine.disk_usage()).volume_usage.total == 0

    talk(FakeEngine(answers=answers), scenario)


# --- how long it may take -----------------------------------------------------------------------


def slow(seconds: float, *rest: Step) -> Script:
    """Answer late: what stands behind is sent when the client has waited that long, or is gone."""

    def wait(connection: Connection) -> None:
        connection.sock.settimeout(seconds)
        try:
            if not connection.sock.recv(1):
                raise Ended
        except TimeoutError:
            connection.sock.settimeout(None)

    return [wait, *rest]


def test_stop_is_given_the_time_that_the_container_has() -> None:
    inspect = {"Id": ID, "Name": "/web", "Config": {"StopTimeout": 1}}
    fake = FakeEngine(inspect=inspect, answers={"/stop": slow(0.6, *NOTHING)})
    assert talk(fake, lambda engine: engine.containers.stop("web"), timeout=0.2) is True
    fake = FakeEngine(answers={"/stop": slow(0.6, *NOTHING)})
    assert talk(fake, lambda engine: engine.containers.stop("web", timeout=1), timeout=0.2) is True
    fake = FakeEngine(answers={"/stop": [stall]})
    with pytest.raises(ConnectError, match=r"has not answered for 0\.2 s"):
        talk(fake, lambda engine: engine.containers.stop("web", timeout=0), timeout=0.2)


def test_wait_waits_for_ever() -> None:
    answers: dict[str, Script] = {
        "/wait": [head(200, "OK", content_length=16), *slow(0.4, b'{"StatusCode":5}')]
    }
    assert talk(FakeEngine(answers=answers), lambda e: e.containers.wait("web"), timeout=0.1) == 5
    answers = {"/wait": slow(0.4, *json_answer({"StatusCode": 6}))}
    assert talk(FakeEngine(answers=answers), lambda e: e.containers.wait("web"), timeout=0.1) == 6


@pytest.mark.parametrize(
    "call",
    [
        lambda engine: engine.containers.start("web"),
        lambda engine: engine.containers.remove("web"),
        lambda engine: engine.containers.prune(),
        lambda engine: engine.disk_usage(),
        lambda engine: engine.images.pull("web").wait(),
    ],
)
def test_work_may_take_longer_than_words(call: Callable[[Engine], Awaitable[Any]]) -> None:
    late = slow(0.3, *json_answer({}))
    answers = dict.fromkeys(("/start", "/containers/web", "/prune", "/df", "/create"), late)
    talk(FakeEngine(answers=answers), call, timeout=0.1)


def test_a_request_that_is_given_up_closes_its_connection() -> None:
    gone = threading.Event()

    async def scenario(engine: Engine) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await engine.containers.wait("web")
        assert await asyncio.to_thread(gone.wait, 10)

    talk(FakeEngine(answers={"/wait": [tell_eof(gone)]}), scenario)


def test_a_change_is_never_sent_twice() -> None:
    # The engine closes the kept connection; whether a POST on it was carried out nobody knows.
    answers = {"/start": [cut]}
    fake = FakeEngine(answers=answers)

    async def scenario(engine: Engine) -> None:
        await engine.containers.inspect("web")  # leaves a connection for others
        with pytest.raises(ConnectionLostError):
            await engine.containers.start("web")

    talk(fake, scenario)
    assert [target for target in fake.requests if target.endswith("/start")] == [
        "/v1.45/containers/web/start"
    ]


def test_what_wait_is_told_of() -> None:
    told = json_answer({"StatusCode": 125, "Error": {"Message": "it is gone"}})
    with pytest.raises(EngineError, match="it is gone"):
        talk(FakeEngine(answers={"/wait": told}), lambda engine: engine.containers.wait("web"))


def test_stop_signals_need_a_newer_engine() -> None:
    fake = FakeEngine(api="1.41")
    with pytest.raises(ConfigError, match=r"the engine's API 1\.41 cannot be told a signal"):
        talk(fake, lambda engine: engine.containers.stop("web", timeout=1, signal="USR1"))
    assert not [target for target in fake.requests if "/stop" in target]
