"""What programs ask of a tail, in both faces: one line each, deadlines, levels, names that miss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import pytest

from faults.fake_engine import LAST, Connection, chunk
from faults.fake_host import Box, FakeHost, line
from lobtail import (
    ConfigError,
    Gap,
    Item,
    Level,
    Line,
    LobtailError,
    LogsEndedError,
    NotFoundError,
    Removed,
    Stopped,
)
from lobtail import Engine as AsyncEngine
from lobtail.docker import ContainerSummary
from lobtail.errors import QueryError
from lobtail.flags import with_flags
from lobtail.sync import Engine, tail_engines, tail_files
from support.items import HOSTILE, REMOTE, START_NS, WEB
from support.items import line as make_line

TEXTS = ("INFO starting", "WARN slow \x1b[31mquery\x1b[0m", "ERROR failed", "ready")


@pytest.fixture
def host() -> Iterator[FakeHost]:
    box = Box("web", [line(text, second) for second, text in enumerate(TEXTS)], number=1)
    db = Box("db", [line("LOG: ready", 9)], number=2)
    with FakeHost(box, db) as host:
        yield host


@pytest.fixture
def engine(host: FakeHost) -> Iterator[Engine]:
    with Engine(host.host) as engine:
        yield engine


def texts(items: Iterable[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, Line)]


# --- print(item) ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (make_line(b"text"), "app-web-1: text"),
        (make_line(b"text\r", REMOTE), "build-7/a-rather-long-name-of-a-worker-17: text"),
        (make_line(b"\x1b[31mred\x1b[0m \x1b[2J\x07"), "app-web-1: red ␛[2J␇"),
        (make_line(b"two\nlines"), "app-web-1: two␊lines"),
        (make_line(b"10%\r20%"), "app-web-1: 20%"),
        (make_line(b"caf\xe9"), r"app-web-1: caf\xe9"),
        (Stopped(WEB, START_NS, 137, oom=True), "app-web-1: stopped, exit code 137, out of memory"),
        (Gap(WEB, None, "cut\n\x1b[2J"), "app-web-1: lines may be missing here: cut␊␛[2J"),
        (Removed(WEB, None), "app-web-1: removed"),
    ],
)
def test_case_print_item_is_one_readable_line(item: Item, shown: str) -> None:
    assert str(item) == f"{item}" == shown


@pytest.mark.parametrize("raw", HOSTILE)
def test_case_print_item_is_safe(raw: bytes) -> None:
    assert str(make_line(raw)).isprintable()


@pytest.mark.parametrize("make", [make_line(b"x"), Stopped(WEB, START_NS)])
def test_case_line_time_is_an_aware_datetime(make: Item) -> None:
    assert make.time == datetime(2024, 5, 1, 11, 59, 59, 123456, tzinfo=UTC)
    assert make.time is not None
    assert make.time.utcoffset() is not None
    assert make_line(b"x", time_ns=None).time is None
    assert make_line(b"x", time_ns=1 << 62).time is not None
    assert make_line(b"x", time_ns=1 << 100).time is None
    assert make_line(b"x", time_ns=-1).time == datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)


def test_case_container_summary_name() -> None:
    assert ContainerSummary("f" * 64, names=["/web/db", "/db"]).name == "db"
    assert ContainerSummary("f" * 64).name == ""


# --- levels and names -----------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["warn", "WARNING", Level.WARN])
def test_case_tail_level(engine: Engine, level: str | Level) -> None:
    tail = engine.tail("web", level=level, follow=False)
    assert texts(tail) == [TEXTS[1], TEXTS[2]]
    both = engine.tail("web", level=level, where="text contains failed", follow=False)
    assert texts(both) == [TEXTS[2]]
    several = tail_engines([engine], "web", level=level, follow=False)
    assert texts(several) == [TEXTS[1], TEXTS[2]]
    with pytest.raises(ConfigError, match="no level is called"):
        engine.tail(level="loud")
    with pytest.raises(ConfigError, match="no level is called"):
        tail_files("x", level="loud")


@pytest.mark.parametrize("follow", [False, True])
def test_case_misspelt_selector_is_an_error_by_choice(engine: Engine, follow: bool) -> None:
    with pytest.raises(NotFoundError, match="no container matches wbe") as caught:
        next(iter(engine.tail("web", "wbe", missing="error", follow=follow)))
    assert caught.value.missing == ["wbe"]
    with pytest.raises(NotFoundError, match="x\\*"), engine.tail("x*", missing="error"):
        pass
    with pytest.raises(NotFoundError), engine.tail(projects=("shop",), missing="error"):
        pass
    with pytest.raises(NotFoundError), tail_engines([engine], "wbe", missing="error"):
        pass
    with engine.tail("we*", "db", missing="error", follow=follow) as tail:
        assert {ref.name for ref in tail.found} == {"web", "db"}
    with pytest.raises(ConfigError, match="missing is 'wait' or 'error'"):
        engine.tail("web", missing="raise")  # type: ignore[arg-type]


def test_an_engine_that_was_not_asked_is_named(engine: Engine) -> None:
    away = Engine("unix:///nonexistent.sock")
    with pytest.raises(NotFoundError, match=r"matches wbe \(cannot be reached: b\)") as caught:
        list(tail_engines({"a": engine, "b": away}, "wbe", missing="error", follow=False))
    assert caught.value.missing == ["wbe"]


def test_what_was_found_can_be_asked_otherwise(engine: Engine) -> None:
    with engine.tail("wbe", follow=False) as tail:
        assert tail.found == []
        assert list(tail) == []


def test_nothing_running_is_no_error_where_nothing_was_named() -> None:
    with FakeHost() as host, Engine(host.host) as engine:
        assert list(engine.tail(missing="error", follow=False)) == []


# --- deadlines ------------------------------------------------------------------------------------


def test_case_deadline_lines_end_at_their_timeout(engine: Engine) -> None:
    seen: list[Item] = []
    with pytest.raises(TimeoutError, match=r"timed out after 0.3 s"):
        seen.extend(engine.tail("web").items(timeout=0.3))
    # What came before the deadline was given out.
    assert texts(iter(seen)) == list(TEXTS[: len(seen)])


def test_case_deadline_a_timeout_is_no_end_of_the_logs(engine: Engine) -> None:
    assert texts(engine.tail("web", follow=False).items(timeout=30)) == list(TEXTS)
    with pytest.raises(TimeoutError):
        list(engine.tail("web", follow=False).items(timeout=0))


def test_case_deadline_wait_for_returns_the_line_and_goes_on_behind_it(engine: Engine) -> None:
    with engine.tail("web") as tail:
        found = tail.wait_for("quer.", timeout=30)
        # Colours do not matter to what is found.
        assert found.text == TEXTS[1]
        for first in tail:
            assert isinstance(first, Line)
            assert first.text == TEXTS[2]
            break
        assert tail.wait_for("^ready$").text == "ready"
        with pytest.raises(TimeoutError, match=r"no line matched 'never' within 0.2 s"):
            tail.wait_for("never", timeout=0.2)
    assert engine.tail("web").wait_for("slow query").text == TEXTS[1]
    with pytest.raises(QueryError):
        engine.tail("web").wait_for("(")


def test_case_deadline_wait_for_ends_with_the_logs(engine: Engine) -> None:
    with pytest.raises(LogsEndedError, match="no line matched 'never': the logs ended"):
        engine.tail("web", follow=False).wait_for("never", timeout=30)
    several = tail_engines([engine], "web", follow=False)
    with pytest.raises(LogsEndedError, match="the logs ended"):
        several.wait_for("never", timeout=30)


def crashing() -> Box:
    box = Box("job", [line("starting")], number=3)

    def end(_connection: Connection) -> None:
        box.running, box.state = False, {"ExitCode": 1}

    box.live = (chunk(line("failed", 1, 2)), end, LAST)
    return box


def wait_blocking(url: str) -> None:
    with Engine(url) as engine:
        engine.tail("job").wait_for("ready", timeout=60)


def wait_async(url: str) -> None:
    async def main() -> None:
        async with AsyncEngine(url) as engine:
            await engine.tail("job").wait_for("ready", timeout=60)

    asyncio.run(main())


@pytest.mark.parametrize("wait", [wait_blocking, wait_async])
def test_case_wait_for_ends_when_the_awaited_container_stops(wait: Callable[[str], None]) -> None:
    words = "no line matched 'ready': job: stopped, exit code 1"
    with FakeHost(crashing()) as host, pytest.raises(LogsEndedError, match=words):
        wait(host.host)
    stopped = Box("job", [line("starting")], running=False, number=3)
    with FakeHost(stopped) as host, pytest.raises(LogsEndedError, match="no line matched 'ready'"):
        wait(host.host)


def test_the_asynchronous_face_resumes_and_times_out_as_well(host: FakeHost) -> None:
    async def main() -> list[str]:
        seen: list[str] = []
        async with AsyncEngine(host.host) as engine, engine.tail("web") as tail:
            async for item in tail.items(timeout=30):
                seen.append(str(item))
                if len(seen) == 2:
                    break
            async for batch in tail.batches():
                seen += map(str, batch)
                if len(seen) == 4:
                    break
            with pytest.raises(TimeoutError):
                async for _ in tail.items(timeout=0.1):
                    pass
        return seen

    assert asyncio.run(main())[1:] == ["web: WARN slow query", "web: ERROR failed", "web: ready"]


# --- errors ---------------------------------------------------------------------------------------


def test_case_errors_speak_of_arguments(engine: Engine) -> None:
    said: list[str] = []
    naive = datetime(2026, 1, 1)
    faults: tuple[tuple[str, Callable[[], object]], ...] = (
        ("since", lambda: engine.tail(since="lately")),
        ("until", lambda: engine.containers.logs("web", until="lately")),
        ("since", lambda: engine.tail(since=naive)),
        ("source", lambda: list(engine.tail("web", source="files", follow=False))),
        ("host", lambda: Engine("unix:///nonexistent.sock").ping()),
        ("host", lambda: Engine("nonsense://")),
    )
    for argument, fault in faults:
        with pytest.raises(LobtailError, match=rf"\b{argument}\b") as caught:
            fault()
        said.append(str(caught.value))
        assert "--" not in said[-1]
    # On the command line they are flags.
    assert with_flags(said[0]).startswith("invalid value for --since: 'lately' is not a time")
    assert with_flags(said[4]).endswith("name another with --host")
    assert with_flags("`docker` and `since` it is there") == "`docker` and --since it is there"
