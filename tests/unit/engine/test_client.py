"""The client against a fake engine: versions, answers, connections."""

from __future__ import annotations

import asyncio
import json
from typing import TypeVar

import pytest

from faults.fake_engine import ID, FakeEngine, Script, cut, frame, json_answer, stall
from lobtail import ConfigError, ConnectError, Engine, EngineError, Stream
from lobtail.docker import Container, ContainerSummary, Version
from lobtail.engine.net.requests import MAX_API
from lobtail.engine.objects.answer import decode, encode_filters
from lobtail.errors import ConnectionLostError, ProtocolError
from support.talking import talk

T = TypeVar("T")
ONE, TWO = frame(1, b"one\n"), frame(2, b"two\n")
OUT, ERR = Stream.STDOUT, Stream.STDERR


# --- versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "used"),
    [
        ("1.24", "1.24"),
        ("1.41", "1.41"),
        ("1.51", "1.51"),
        ("1.52", "1.51"),
        ("1.100", "1.51"),
        ("2.0", "1.51"),
        ("1.9", "1.9"),
        (None, "1.24"),
        ("", "1.24"),
        ("newest", "1.24"),
        ("1.4x", "1.24"),
    ],
)
def test_the_older_of_both_versions_is_used(named: str | None, used: str) -> None:
    assert MAX_API == (1, 51)
    fake = FakeEngine(api=named)
    version = talk(fake, Engine.api_version)
    assert "{}.{}".format(*version) == used

    fake = FakeEngine(api=named)
    talk(fake, lambda engine: engine.containers.inspect("web"))
    assert fake.requests == ["/_ping", f"/v{used}/containers/web/json"]


@pytest.mark.parametrize("fixed", ["1.30", "v1.30"])
def test_a_fixed_version_is_not_negotiated(fixed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeEngine()
    talk(fake, lambda engine: engine.containers.inspect("web"), api_version=fixed)
    assert fake.requests == ["/v1.30/containers/web/json"]

    monkeypatch.setenv("DOCKER_API_VERSION", fixed)
    fake = FakeEngine()
    talk(fake, lambda engine: engine.containers.inspect("web"))
    assert fake.requests == ["/v1.30/containers/web/json"]

    fake = FakeEngine()
    talk(fake, lambda engine: engine.containers.inspect("web"), api_version="1.40")
    assert fake.requests == ["/v1.40/containers/web/json"]


@pytest.mark.parametrize("value", ["1", "1.x", "latest", "1.45 ", "/1.45", "1.45/../x"])
def test_a_version_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"invalid API version"):
        Engine(api_version=value)
    monkeypatch.setenv("DOCKER_API_VERSION", value)
    with pytest.raises(ConfigError, match=r"invalid API version"):
        Engine()


def test_the_version_is_negotiated_once() -> None:
    async def scenario(engine: Engine) -> None:
        await asyncio.gather(*(engine.containers.inspect("web") for _ in range(10)))

    fake = FakeEngine()
    talk(fake, scenario)
    assert fake.requests.count("/_ping") == 1
    assert len(fake.requests) == 11


def test_ping() -> None:
    ping = talk(FakeEngine(), Engine.ping)
    assert (ping.api_version, ping.os_type, ping.server) == (
        "1.45",
        "linux",
        "Docker/26.1.5 (linux)",
    )


# --- answers ------------------------------------------------------------------------------------

INSPECT = {
    "Id": ID,
    "Created": "2026-11-24T01:02:03.000000004Z",
    "Name": "/web",
    "Image": "sha256:abc",
    "LogPath": "/var/lib/docker/containers/x/x-json.log",
    "Config": {
        "Tty": True,
        "Image": "nginx",
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "front"},
    },
    "State": {
        "Status": "running",
        "Running": True,
        "OOMKilled": True,
        "ExitCode": -1,
        "StartedAt": "2026-11-24T01:02:04Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
    },
    "HostConfig": {"LogConfig": {"Type": "local", "Config": {"max-size": "10m"}}},
}


def test_inspect() -> None:
    container = talk(FakeEngine(inspect=INSPECT), lambda engine: engine.containers.inspect("/web"))
    assert container.id == ID
    assert container.name == "/web"
    assert container.tty
    assert container.log_driver == "local"
    assert container.log_path.endswith("x-json.log")
    assert (container.project, container.service) == ("shop", "front")
    assert container.state.oom_killed
    assert container.state.exit_code == -1
    assert container.state.started_at == "2026-11-24T01:02:04Z"
    assert container.host_config.log_config.config == {"max-size": "10m"}


def test_models_tolerate_what_is_missing_null_or_unknown() -> None:
    for data in ({}, dict.fromkeys(k for k in INSPECT if k != "Id"), {"New": [{"a": None}]}):
        container = decode(json.dumps({"Id": "x", **data}).encode(), Container, "/t")
        assert container == Container(id="x")
        assert (container.tty, container.log_driver, container.project) == (False, "", "")
    listed = b'[{"Id":"x","Names":null,"Labels":null,"Ports":null,"State":null},{"Id":"y"}]'
    assert decode(listed, list[ContainerSummary], "/t") == [
        ContainerSummary(id="x"),
        ContainerSummary(id="y"),
    ]


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["/web"], "web"),
        (["/other/alias", "/web"], "web"),
        (["/web", "/other/alias"], "web"),
        (["/a/b"], "a/b"),
        (["web"], "web"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_name_of_a_listed_container(names: list[str] | None, name: str) -> None:
    assert ContainerSummary(id="x", names=names).name == name


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"{}", b'{"Id": 1}', b'{"Id": null}', b"\xff", b"[" * 10**5, b"<html>"],
)
def test_an_answer_that_is_none(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="the answer to /t is not what an engine sends"):
        decode(data, Container, "/t")


def test_version() -> None:
    body = {"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": "linux"}
    fake = FakeEngine(answers={"/version": json_answer(body)})
    version = talk(fake, Engine.version)
    assert version == Version(
        version="26.1.5", api_version="1.45", min_api_version="1.24", os="linux"
    )


def test_list() -> None:
    listed = [{"Id": ID, "Names": ["/web"], "Created": 1, "State": "exited"}]
    fake = FakeEngine(answers={"/containers/json": json_answer(listed)})

    async def scenario(engine: Engine) -> None:
        assert [c.name for c in await engine.containers.list()] == ["web"]
        await engine.containers.list(all=True, filters={"label": ["a=b c"]})

    talk(fake, scenario)
    assert fake.requests[1:] == [
        "/v1.45/containers/json",
        "/v1.45/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db+c%22%5D%7D",
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("web", "web"),
        ("/web", "web"),
        ("a/../../b", "a%2F..%2F..%2Fb"),
        ("x?y#z%", "x%3Fy%23z%25"),
        ("a b\r\nHost: x", "a%20b%0D%0AHost%3A%20x"),
        ("é", "%C3%A9"),
        ("\udcff", "%FF"),
    ],
)
def test_a_container_is_named_as_data(name: str, path: str) -> None:
    fake = FakeEngine()
    talk(fake, lambda engine: engine.containers.inspect(name))
    assert fake.requests[-1] == f"/v1.45/containers/{path}/json"


@pytest.mark.parametrize(("name", "error"), [("", ConfigError), ("/", ConfigError)])
def test_an_empty_name(name: str, error: type[Exception]) -> None:
    fake = FakeEngine()
    with pytest.raises(error, match="name is empty"):
        talk(fake, lambda engine: engine.containers.inspect(name))
    assert fake.connections == 0


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_would_be_another_path(name: str) -> None:
    fake = FakeEngine()
    with pytest.raises(EngineError, match="No such container") as caught:
        talk(fake, lambda engine: engine.containers.inspect(name))
    assert caught.value.status == 404
    assert fake.connections == 0


def test_an_error_carries_its_status() -> None:
    script = json_answer({"message": "no such thing"}, 404, "Not Found")
    with pytest.raises(EngineError) as caught:
        talk(FakeEngine(answers={"/json": script}), lambda engine: engine.containers.inspect("x"))
    assert (caught.value.status, caught.value.message) == (404, "no such thing")
    assert str(caught.value) == "Error response from daemon: no such thing"


def test_what_is_not_unicode_cannot_be_sent_as_json() -> None:
    with pytest.raises(ConfigError, match="udcff"):
        encode_filters({"name": "\udcff"})


# --- connections --------------------------------------------------------------------------------


def test_a_connection_is_used_again_after_an_error() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(3):
            with pytest.raises(EngineError):
                await engine.containers.inspect("x")

    fake = FakeEngine(answers={"/json": json_answer({"message": "no"}, 404)})
    talk(fake, scenario)
    assert fake.connections == 1


def test_a_connection_that_the_engine_has_closed_is_replaced() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(3):
            await engine.containers.inspect("x")

    inspect: Script = [*json_answer(INSPECT), cut]
    fake = FakeEngine(answers={"/json": inspect})
    talk(fake, scenario)
    assert fake.connections == 3
    assert len([r for r in fake.requests if "json" in r]) == 3


def test_connections_that_are_kept_are_few() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(50):
            await engine.containers.kill("web")
        kept = engine._requests._idle
        assert 0 < len(kept) <= 8
        assert all(connection.reusable for connection in kept)
        await engine.ping()

    talk(FakeEngine(answers={"/kill": json_answer({})}), scenario)


def test_a_new_connection_that_breaks_is_not_asked_again() -> None:
    fake = FakeEngine(answers={"/_ping": [cut]})
    with pytest.raises(ConnectionLostError, match="unanswered"):
        talk(fake, Engine.ping)
    assert fake.connections == 1


def test_a_silent_engine() -> None:
    fake = FakeEngine(answers={"/_ping": [stall]})
    with pytest.raises(ConnectError, match=r"has not answered for 0\.05 s"):
        talk(fake, Engine.ping, timeout=0.05)


def test_the_engine_closes_its_connections() -> None:
    async def scenario(engine: Engine) -> None:
        await engine.containers.inspect("x")
        await engine.aclose()
        await engine.containers.inspect("x")

    fake = FakeEngine()
    talk(fake, scenario)
    assert fake.connections == 2
