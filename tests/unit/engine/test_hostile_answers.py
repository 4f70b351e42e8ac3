"""Answers that no engine sends: only our own errors escape, and memory and time are bounded."""

from __future__ import annotations

import asyncio
import inspect as introspection
import json
import pkgutil
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect as shapes

import lobtail.engine
from faults.fake_engine import (
    ID,
    FakeEngine,
    answer,
    chunk,
    head,
    json_answer,
    log,
    repeat,
)
from lobtail import ConfigError, Engine, EngineError, LobtailError
from lobtail.docker import Container
from lobtail.engine.client import EngineClient
from lobtail.engine.known_issues import parse_version
from lobtail.engine.net.response import MAX_BARREN, AnswerParser, request_head
from lobtail.engine.objects.answer import MAX_OBJECTS, decode, whole_number
from lobtail.engine.objects.container import HostConfig, LogConfig
from lobtail.engine.objects.event import Event
from lobtail.engine.streams.logs import tail_count
from lobtail.errors import LogFileError, ProtocolError
from lobtail.model.frames import Frame, Stream
from lobtail.model.items import ContainerRef
from lobtail.model.lines import LineAssembler
from lobtail.model.records import record_of, records_of
from lobtail.sources.opening import open_files
from support.talking import asked, collect, stream, talk

LONG = "1" * 5000

# --- any JSON where another is expected ---------------------------------------------------------

VALUES = (
    "null",
    "true",
    "-1",
    "1.5",
    "1e400",
    "-1e400",
    "NaN",
    "9" * 30,
    LONG,
    f"-{LONG}",
    "18446744073709551616",
    '""',
    f'"{LONG}"',
    r'"\ud800"',
    r'"\u0000"',
    '"x y\r\n"',
    '"9999999-01-01T00:00:00Z"',
    '"\udcff"',
    "[]",
    "{}",
    "[[]]",
    '{"a": {}}',
    "[" * 2000,
    '{"a":' * 2000,
)
DEEP = ("[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000)


def models() -> Iterator[type[msgspec.Struct]]:
    """Yield what answers are decoded to."""
    for module in pkgutil.walk_packages(lobtail.engine.__path__, "lobtail.engine."):
        loaded = import_module(module.name)
        for value in vars(loaded).values():
            if (
                isinstance(value, type)
                and issubclass(value, msgspec.Struct)
                and value.__module__ == loaded.__name__
                # These hold what is asked, and are never decoded.
                and value.__name__ not in ("Answer", "KnownIssue", "Context", "Endpoint", "Tls")
            ):
                yield value


def example(shape: shapes.Type) -> Any:
    """Return a value of a shape."""
    match shape:
        case shapes.StructType(fields=fields):
            return {field.encode_name: example(field.type) for field in fields}
        case shapes.UnionType(types=types):
            return example(next(t for t in types if not isinstance(t, shapes.NoneType)))
        case shapes.ListType(item_type=item) | shapes.VarTupleType(item_type=item):
            return [example(item)]
        case shapes.TupleType(item_types=items):
            return [example(item) for item in items]
        case shapes.DictType(value_type=value):
            return {"k": example(value)}
        case shapes.StrType():
            return "x"
        case shapes.BoolType():
            return True
        case shapes.FloatType():
            return 0.5
    return 1


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from places(member, (*path, key))


def written(value: Any, path: Sequence[Any], text: str) -> str:
    """Return a value as JSON, with ``text`` at a place in it."""
    if not path:
        return text
    key, *rest = path
    if isinstance(value, dict):
        parts = (
            f"{json.dumps(k)}:{written(v, rest, text) if k == key else json.dumps(v)}"
            for k, v in value.items()
        )
        return "{" + ",".join(parts) + "}"
    items = (written(v, rest, text) if i == key else json.dumps(v) for i, v in enumerate(value))
    return "[" + ",".join(items) + "]"


def look_at(value: Any) -> None:
    """Read all that can be read of a value."""
    if isinstance(value, list):
        for item in value:
            look_at(item)
    elif isinstance(value, dict):
        look_at(list(value.values()))
    elif isinstance(value, msgspec.Struct):
        for name, _ in introspection.getmembers(type(value), lambda m: isinstance(m, property)):
            getattr(value, name)
        for name in value.__struct_fields__:
            look_at(getattr(value, name))


def decode_or_refuse(data: bytes, model: type) -> None:
    with suppress(LobtailError):
        look_at(decode(data, model, "/x"))


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_only_our_errors_escape(model: type[msgspec.Struct]) -> None:
    whole = example(shapes.type_info(model))
    for path in places(whole):
        for text in VALUES:
            data = written(whole, path, text).encode("utf-8", "surrogateescape")
            decode_or_refuse(data, model)
    for text in DEEP:
        decode_or_refuse(text.encode(), model)
        decode_or_refuse(f'{{"zz": {text}'.encode(), model)
    valid = json.dumps(whole).encode()
    for end in range(0, len(valid), 7):
        decode_or_refuse(valid[:end], model)


@pytest.mark.parametrize("model", [Container, list[Container], dict[str, Any]])
def test_an_object_without_an_id_is_no_answer(model: Any) -> None:
    decode_or_refuse(b'{"Id": ""}', model)
    with pytest.raises(ProtocolError, match="is not what an engine sends"):
        decode(b'[{"Id": ""}]', model, "/x")


@pytest.mark.parametrize("opening", [b"{", b"["])
def test_an_answer_of_too_many_objects(opening: bytes) -> None:
    with pytest.raises(ProtocolError, match="more than 1048576 objects"):
        decode(b"[" + opening * (MAX_OBJECTS + 1), dict[str, Any], "/x")


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("0" * 5000 + "7", 7),
        ("1" + "0" * 19, None),
        (LONG, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        (" 1", None),
        ("\u0663", None),
        ("1e3", None),
    ],
)
def test_case_long_numbers(text: str, value: int | None) -> None:
    assert whole_number(text) == value
    assert tail_count(text) == value


def limits(**options: str) -> Container:
    config = LogConfig(type="json-file", config=options)
    return Container(id=ID, host_config=HostConfig(log_config=config))


def test_case_long_numbers_in_the_options_of_a_log() -> None:
    assert limits(**{"max-size": "9" * 400}).log_max_size is None
    assert limits(**{"max-size": "1." + "9" * 400 + "k"}).log_max_size is None
    assert limits(**{"max-size": "10m", "max-file": LONG}).log_kept == 0
    assert limits(**{"max-size": "10m", "max-file": "3"}).log_kept == 20_000_000
    assert limits(**{"max-size": "9" * 18 + "p"}).log_max_size == pytest.approx(10**33)


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("20.10.24+dfsg1", (20, 10, 24)),
        ("v5", (5,)),
        (LONG, ()),
        (f"1.{LONG}", ()),
        (f"{LONG}.1", ()),
        ("", ()),
    ],
)
def test_case_long_numbers_in_a_version(text: str, release: tuple[int, ...]) -> None:
    assert parse_version(text) == release


@pytest.mark.parametrize("named", [f"{LONG}.1", f"1.{LONG}", "1." + "9" * 7, "\u0661.45"])
def test_case_long_numbers_in_the_version_of_the_api(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named.isascii():
        assert talk(FakeEngine(api=named), Engine.api_version) == (1, 24)
    with pytest.raises(ConfigError, match="invalid API version") as refused:
        Engine("unix:///x", api_version=named)
    assert len(str(refused.value)) < 120
    monkeypatch.setenv("DOCKER_API_VERSION", named)
    with pytest.raises(ConfigError, match="invalid API version"):
        Engine("unix:///x")


def test_case_long_numbers_in_an_event() -> None:
    event = decode(b'{"Actor": {"Attributes": {"exitCode": "%b"}}}' % LONG.encode(), Event, "/x")
    assert event.exit_code is None


# --- names in requests --------------------------------------------------------------------------

IDS = {
    "x HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET /evil": (
        "x%20HTTP%2F1.1%0D%0AX-Injected%3A%201%0D%0A%0D%0AGET%20%2Fevil"
    ),
    "x/logs?stdout=1 y": "x%2Flogs%3Fstdout%3D1%20y",
    "日本語": "%E6%97%A5%E6%9C%AC%E8%AA%9E",
    "../../info": "..%2F..%2Finfo",
    "a%2fb#c\0\x7f": "a%252fb%23c%00%7F",
}


@pytest.mark.parametrize("identifier", IDS)
def test_case_fake_engine_ids(identifier: str) -> None:
    described = {
        "Id": identifier,
        "State": {"Running": True},
        "Config": {"Tty": False, "OpenStdin": True},
    }
    quoted = IDS[identifier]
    answers = {"/exec": json_answer({"Id": identifier}), "/wait": json_answer({"StatusCode": 0})}
    fake = FakeEngine(log([]), inspect=described, answers=answers)

    async def ask(engine: Engine) -> None:
        # The fake has no more to say of what is attached to than that it does not know it.
        async with engine.containers.logs("web") as frames:
            assert frames.container.id == identifier
            await collect(frames.batches(), [])
        for talking in (
            engine.containers.attach("web", stdin=True),
            engine.containers.exec("web", ["true"]),
        ):
            with pytest.raises(EngineError, match="page not found"):
                await talking.__aenter__()

    talk(fake, ask)
    targets = [target.partition("?")[0] for target in asked(fake)]
    assert targets == [
        "/containers/web/json",
        f"/containers/{quoted}/logs",
        "/containers/web/wait",
        "/containers/web/json",
        f"/containers/{quoted}/attach",
        "/containers/web/exec",
        f"/exec/{quoted}/start",
    ]


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_would_be_another_path_is_not_asked_for(name: str) -> None:
    fake = FakeEngine()
    with pytest.raises(EngineError, match="No such container"):
        talk(fake, lambda engine: engine.containers.inspect(name))
    assert asked(fake) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.containers.inspect("\ud800"),
        lambda engine: engine.images.inspect("a/\ud800"),
        lambda engine: engine.containers.kill("web", "\ud800"),
        lambda engine: engine.containers.list(filters={"label": "\ud800"}),
    ],
)
def test_half_a_character_is_not_sent(ask: Callable[[Engine], Awaitable[object]]) -> None:
    fake = FakeEngine()
    with pytest.raises(ConfigError, match="UTF-8"):
        talk(fake, ask)
    assert asked(fake) == []


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/x y", {}),
        ("/x\r\nEvil: 1", {}),
        ("/é", {}),
        ("", {}),
        ("/x", {"A": "b\r\nEvil: 1"}),
        ("/x", {"A": "b\0"}),
    ],
)
def test_no_request_is_more_than_one(target: str, headers: dict[str, str]) -> None:
    with pytest.raises(ProtocolError, match="not a valid request"):
        request_head("GET", target, headers, b"")


def test_headers_are_sent_as_the_bytes_that_they_were_given_in() -> None:
    sent = request_head("GET", "/x", {"A": "é\t\udcff"}, b"")
    assert sent == b"GET /x HTTP/1.1\r\nA: \xc3\xa9\t\xff\r\n\r\n"


# --- pages of proxies ---------------------------------------------------------------------------


def page_error(page: bytes) -> str:
    fake = FakeEngine(
        answers={"/containers/json": answer(page, 502, "Bad Gateway", content_type="text/html")}
    )
    with pytest.raises(EngineError) as refused:
        talk(fake, lambda engine: engine.containers.list())
    return refused.value.message


def test_case_html_title() -> None:
    page = "502 Bad Gateway: an HTML page{}, which no engine sends; is a proxy in between?"
    # Quadratic, these megabytes would take hours.
    assert page_error(b"<html>" + b"<title" * 1_000_000) == page.format("")
    assert page_error(b"<html><title>" + b"a" * 10_000_000).startswith(
        page.partition("{")[0] + " titled 'aaa"
    )
    assert page_error(b"<html><TITLE class=x>Bad\n &amp; worse</title>") == page.format(
        " titled 'Bad & worse'"
    )
    # html.unescape converts all the digits that there are.
    assert "titled '\ufffd'" in page_error(b"<html><title>&#" + LONG.encode() + b";</title>")


def test_a_refusal_is_read_as_far_as_it_matters() -> None:
    refusal = [
        head(500, "Internal Server Error", transfer_encoding="chunked"),
        repeat(chunk(b"word " * 1000)),
    ]
    fake = FakeEngine(answers={"/containers/json": refusal})
    with pytest.raises(EngineError, match=r"daemon: word word [word ]*word$") as refused:
        talk(fake, lambda engine: engine.containers.list())
    assert len(refused.value.message) < 2001


# --- without end --------------------------------------------------------------------------------


def feed_until_refused(parser: AnswerParser, data: bytes) -> int:
    """Return how many bytes the parser bears."""
    for start in range(0, len(data), 4096):
        try:
            parser.feed(memoryview(data[start : start + 4096]))
        except ProtocolError:
            return start + 4096
    raise AssertionError("it was not refused")


@pytest.mark.parametrize(
    "barren",
    [
        b"0\r\n" + b"Trailer: x\r\n" * 100_000,
        b"1;" + b"extension=x;" * 100_000,
        b"0" * 1_000_000,
    ],
    ids=["trailers", "extensions", "digits"],
)
def test_what_has_no_content_is_refused_some_time(barren: bytes) -> None:
    parser = AnswerParser()
    parser.feed(memoryview(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
    assert feed_until_refused(parser, barren) <= MAX_BARREN + 4096


def test_a_value_of_a_stream_has_a_limit() -> None:
    fake = FakeEngine(answers={"/events": stream(b" " * (1 << 20), b" " * 100)})

    async def read(engine: Engine) -> None:
        await collect(engine.events(), [])

    with pytest.raises(ProtocolError, match="longer than"):
        talk(fake, read)


def test_case_empty_frames() -> None:
    lines = LineAssembler(ContainerRef(id="x", name="web"))
    empty = records_of([Frame(Stream.STDOUT, b"")] * 8000)
    tracemalloc.start()
    for _ in range(10):
        assert lines.receive(empty) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert not lines.pending
    assert lines.flush() == []


def test_pieces_of_a_byte_take_no_more_than_their_text() -> None:
    lines = LineAssembler(ContainerRef(id="x", name="web"))
    stamp = b"2026-01-01T00:00:00.000000000Z "
    piece = [record_of(Stream.STDOUT, stamp + b"x")] * 1000
    tracemalloc.start()
    for _ in range(50):
        lines.receive(piece)
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now < 1_000_000
    assert [line.raw for line in lines.flush()] == [b"x" * 50_000]


# --- paths --------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", ["json-file", "local"])
@pytest.mark.parametrize("root", ["/tmp/a\0b", "/tmp/\ud800", "/" + "x" * 5000, "/dev/null"])
def test_case_log_path_nul(driver: str, root: str) -> None:
    info = {"DockerRootDir": root.replace("\ud800", "?"), "SystemTime": "2026-01-01T00:00:00Z"}
    fake = FakeEngine(answers={"/info": json_answer(info)})
    config = HostConfig(log_config=LogConfig(type=driver))
    container = Container(id=ID, log_path=root, host_config=config)

    async def open_it() -> str:
        async with EngineClient(fake.host) as engine:
            with pytest.raises(LogFileError) as caught:
                await open_files(engine, container)
            return str(caught.value)

    with fake:
        assert "\n" not in asyncio.run(open_it())


@pytest.mark.parametrize("driver", ["json-file", "local"])
@pytest.mark.parametrize("root", [".", "", "x-json.log", "{here}"])
def test_a_log_path_that_names_no_file_does_not_lead_to_another_log(
    driver: str, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = b'{"log":"other\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n'
    (tmp_path / "x-json.log").write_bytes(record)
    monkeypatch.chdir(tmp_path)
    root = root.format(here=tmp_path)
    info = {"DockerRootDir": root, "SystemTime": "2026-01-01T00:00:00Z"}
    config = HostConfig(log_config=LogConfig(type=driver))
    container = Container(id=ID, log_path=root, host_config=config)
    fake = FakeEngine(answers={"/info": json_answer(info)})

    async def open_it() -> None:
        async with EngineClient(fake.host) as engine:
            with pytest.raises(LogFileError):
                await open_files(engine, container)

    with fake:
        asyncio.run(open_it())
