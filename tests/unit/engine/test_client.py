"""The client against a fake engine: versions, answers, what is asked, connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

import pytest

from faults.fake_engine import (
    ID,
    FakeEngine,
    Script,
    answer,
    cut,
    frame,
    head,
    json_answer,
    log,
    stall,
)
from lobtail import (
    ConfigError,
    ConnectError,
    ConnectionLostError,
    Container,
    ContainerSummary,
    Engine,
    EngineError,
    EngineStreamError,
    Frame,
    ProtocolError,
    Stream,
    TruncatedStream,
    Version,
)
from lobtail.engine.logs import LogOptions
from lobtail.engine.models import decode, encode_filters
from lobtail.engine.requests import MAX_API

T = TypeVar("T")
ONE, TWO = frame(1, b"one\n"), frame(2, b"two\n")
OUT, ERR = Stream.STDOUT, Stream.STDERR


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_API_VERSION", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)


def talk(fake: FakeEngine, scenario: Callable[[Engine], Awaitable[T]], **more: Any) -> T:
    """Run `scenario` with an engine that talks to `fake`."""

    async def main() -> T:
        async with Engine(fake.host, **{"timeout": 5, **more}) as engine:
            return await scenario(engine)

    with fake:
        return asyncio.run(main())


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
    talk(fake, lambda engine: engine.inspect("web"))
    assert fake.requests == ["/_ping", f"/v{used}/containers/web/json"]


@pytest.mark.parametrize("fixed", ["1.30", "v1.30"])
def test_a_fixed_version_is_not_negotiated(fixed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeEngine()
    talk(fake, lambda engine: engine.inspect("web"), api_version=fixed)
    assert fake.requests == ["/v1.30/containers/web/json"]

    monkeypatch.setenv("DOCKER_API_VERSION", fixed)
    fake = FakeEngine()
    talk(fake, lambda engine: engine.inspect("web"))
    assert fake.requests == ["/v1.30/containers/web/json"]

    fake = FakeEngine()
    talk(fake, lambda engine: engine.inspect("web"), api_version="1.40")
    assert fake.requests == ["/v1.40/containers/web/json"]


@pytest.mark.parametrize("value", ["1", "1.x", "latest", "1.45 ", "/1.45", "1.45/../x"])
def test_a_version_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"is not of the form 1\.45"):
        Engine(api_version=value)
    monkeypatch.setenv("DOCKER_API_VERSION", value)
    with pytest.raises(ConfigError, match=r"is not of the form 1\.45"):
        Engine()


def test_the_version_is_negotiated_once() -> None:
    async def scenario(engine: Engine) -> None:
        await asyncio.gather(*(engine.inspect("web") for _ in range(10)))

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
    container = talk(FakeEngine(inspect=INSPECT), lambda engine: engine.inspect("/web"))
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
        assert [c.name for c in await engine.list()] == ["web"]
        await engine.list(all=True, filters={"label": ["a=b c"]})

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
    talk(fake, lambda engine: engine.inspect(name))
    assert fake.requests[-1] == f"/v1.45/containers/{path}/json"


@pytest.mark.parametrize(("name", "error"), [("", ConfigError), ("/", ConfigError)])
def test_an_empty_name(name: str, error: type[Exception]) -> None:
    fake = FakeEngine()
    with pytest.raises(error, match="name is empty"):
        talk(fake, lambda engine: engine.inspect(name))
    assert fake.connections == 0


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_would_be_another_path(name: str) -> None:
    fake = FakeEngine()
    with pytest.raises(EngineError, match="No such container") as caught:
        talk(fake, lambda engine: engine.inspect(name))
    assert caught.value.status == 404
    assert fake.connections == 0


def test_an_error_carries_its_status() -> None:
    script = json_answer({"message": "no such thing"}, 404, "Not Found")
    with pytest.raises(EngineError) as caught:
        talk(FakeEngine(answers={"/json": script}), lambda engine: engine.inspect("x"))
    assert (caught.value.status, caught.value.message) == (404, "no such thing")
    assert str(caught.value) == "Error response from daemon: no such thing"


# --- connections --------------------------------------------------------------------------------


def test_a_connection_is_used_again_after_an_error() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(3):
            with pytest.raises(EngineError):
                await engine.inspect("x")

    fake = FakeEngine(answers={"/json": json_answer({"message": "no"}, 404)})
    talk(fake, scenario)
    assert fake.connections == 1


def test_a_connection_that_the_engine_has_closed_is_replaced() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(3):
            await engine.inspect("x")

    inspect: Script = [*json_answer(INSPECT), cut]
    fake = FakeEngine(answers={"/json": inspect})
    talk(fake, scenario)
    assert fake.connections == 3
    assert len([r for r in fake.requests if "json" in r]) == 3


def test_connections_that_are_kept_are_few() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(50):
            await engine.kill("web")
        kept = engine.requests._idle
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
        await engine.inspect("x")
        await engine.aclose()
        await engine.inspect("x")

    fake = FakeEngine()
    talk(fake, scenario)
    assert fake.connections == 2


# --- logs ---------------------------------------------------------------------------------------


def options(**more: Any) -> dict[str, str]:
    plain: dict[str, Any] = {
        "tail": None,
        "since": None,
        "until": None,
        "stdout": True,
        "stderr": True,
        "follow": False,
        "timestamps": False,
        "details": False,
    }
    return LogOptions.build(**{**plain, **more}).query()


BASE = {"tail": "all", "stdout": "1", "stderr": "1"}
MOMENT = datetime(2026, 11, 24, 1, 2, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({}, BASE),
        ({"stdout": False}, {"tail": "all", "stderr": "1"}),
        ({"stderr": False}, {"tail": "all", "stdout": "1"}),
        ({"follow": True, "timestamps": True}, {**BASE, "follow": "1", "timestamps": "1"}),
        ({"details": True}, {**BASE, "details": "1"}),
        ({"tail": 0}, {**BASE, "tail": "0"}),
        ({"tail": 7}, {**BASE, "tail": "7"}),
        ({"tail": "x"}, {**BASE, "tail": "x"}),
        ({"tail": -1}, {**BASE, "tail": "-1"}),
        ({"since": 0}, {**BASE, "since": "0.000000000"}),
        ({"since": 1_500_000_000_000_000_001}, {**BASE, "since": "1500000000.000000001"}),
        ({"since": "1500000000.5"}, {**BASE, "since": "1500000000.500000000"}),
        ({"since": "2026-11-24T01:02:03.000004Z"}, {**BASE, "since": "1795482123.000004000"}),
        ({"since": MOMENT}, {**BASE, "since": "1795482123.000004000"}),
        (
            {"until": MOMENT.astimezone(timezone(timedelta(hours=-5)))},
            {**BASE, "until": "1795482123.000004000"},
        ),
        ({"since": "", "until": ""}, BASE),
        ({"until": "0"}, BASE),
    ],
)
def test_query(given: dict[str, Any], query: dict[str, str]) -> None:
    assert options(**given) == query


@pytest.mark.parametrize("name", ["since", "until"])
def test_times_that_are_none(name: str) -> None:
    for value in ("yesterday", "2026-13-01", datetime(2026, 1, 1)):
        with pytest.raises(ConfigError, match=name):
            options(**{name: value})


def frames_of(fake: FakeEngine, *, runs: bool = False, **more: Any) -> list[Frame]:
    """Return the frames that came, also those before an error, which is the last's payload."""
    got: list[Frame] = []

    async def scenario(engine: Engine) -> None:
        async with engine.logs("web", **more) as stream:
            async for frames in stream.runs() if runs else stream:
                assert frames
                got.extend(frames)

    try:
        talk(fake, scenario)
    except (ConnectionLostError, ProtocolError, EngineStreamError) as exc:
        exc.add_note(repr(got))
        raise
    return got


def test_frames_and_runs() -> None:
    body = [ONE, ONE, TWO, frame(1, b""), ONE]
    assert frames_of(FakeEngine(log(body))) == [
        Frame(OUT, b"one\n"),
        Frame(OUT, b"one\n"),
        Frame(ERR, b"two\n"),
        Frame(OUT, b""),
        Frame(OUT, b"one\n"),
    ]
    # One packet, so that it is one read.
    whole = [b"".join(step for step in log(body) if isinstance(step, bytes))]
    assert frames_of(FakeEngine(whole), runs=True) == [
        Frame(OUT, b"one\none\n"),
        Frame(ERR, b"two\n"),
        Frame(OUT, b"one\n"),
    ]


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize(
    ("body", "end", "error"),
    [
        ([ONE, TWO[:9]], (), TruncatedStream),
        ([ONE, TWO[:9]], (cut,), TruncatedStream),
        ([ONE], (cut,), ConnectionLostError),
        ([ONE, frame(9, b"")], (), ProtocolError),
        ([ONE, frame(3, b"broke\n")], (), EngineStreamError),
    ],
)
def test_what_came_whole_comes_before_the_error(
    body: list[bytes], end: Script, error: type[Exception], runs: bool
) -> None:
    with pytest.raises(error) as caught:
        frames_of(FakeEngine(log(body, *end)), runs=runs)
    assert caught.value.__notes__ == [repr([Frame(OUT, b"one\n")])]


def test_a_truncated_stream_says_how_it_was_cut() -> None:
    with pytest.raises(TruncatedStream) as caught:
        frames_of(FakeEngine(log([ONE, TWO[:9]], cut)))
    error = caught.value
    assert (error.part, error.got, error.wanted, error.fragment) == ("payload", 1, 4, b"t")
    assert "closed the connection after" in error.cause
    assert isinstance(error.__cause__, ConnectionLostError)


def test_until_ends_a_silent_follow() -> None:
    frames = frames_of(FakeEngine(log([ONE], stall)), follow=True, until=1)
    assert frames == [Frame(OUT, b"one\n")]


def test_neither_stream_is_asked_for() -> None:
    fake = FakeEngine(log([ONE]))
    with pytest.raises(ConfigError, match="neither stdout nor stderr"):
        frames_of(fake, stdout=False, stderr=False)
    assert fake.connections == 0


def test_a_stream_is_read_once() -> None:
    async def scenario(engine: Engine) -> None:
        stream = engine.logs("web")
        with pytest.raises(RuntimeError, match="not open yet"):
            _ = stream.container
        async with stream:
            assert stream.container.name == "/web"
            assert stream.multiplexed
            assert b"".join([c async for c in stream.chunks()]) == ONE
        with pytest.raises(RuntimeError, match="has been read"):
            await anext(aiter(stream))

    talk(FakeEngine(log([ONE])), scenario)


def test_a_log_read_to_its_end_gives_its_connection_back() -> None:
    async def scenario(engine: Engine) -> None:
        for _ in range(3):
            async with engine.logs("web") as stream:
                async for _ in stream:
                    pass

    fake = FakeEngine(log([ONE]))
    talk(fake, scenario)
    assert fake.connections == 1


def test_a_log_left_early_closes_its_connection() -> None:
    async def scenario(engine: Engine) -> None:
        async with engine.logs("web", follow=True) as stream:
            async for _ in stream:
                break
        await engine.inspect("web")

    fake = FakeEngine(log([ONE], stall))
    talk(fake, scenario)
    assert fake.connections == 2


def test_http_1_0_and_a_body_without_a_length() -> None:
    script: Script = [head(200, "OK", "1.0"), ONE, TWO, cut]
    assert [f.payload for f in frames_of(FakeEngine(script))] == [b"one\n", b"two\n"]


def test_a_refused_log_is_an_engine_error() -> None:
    script = answer("configured logging driver does not support reading\n", 501)
    with pytest.raises(EngineError, match="does not support reading") as caught:
        frames_of(FakeEngine(script))
    assert caught.value.status == 501


def test_what_is_not_unicode_cannot_be_sent_as_json() -> None:
    with pytest.raises(ConfigError, match="udcff"):
        encode_filters({"name": "\udcff"})
