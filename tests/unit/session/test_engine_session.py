"""Engines that answer, hang, refuse, go away and come back: what comes of it in the stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lobtail.api import open_tail, tail_request
from lobtail.errors import (
    ConnectError,
    ConnectionLostError,
    EngineError,
    LobtailError,
    LogFileError,
    LogsEndedError,
    NotFoundError,
    ProtocolError,
)
from lobtail.model.items import EngineBack, EngineLost, Gap, Item, Line, Mark, Removed
from lobtail.session.tail import PATIENCE as ENGINE_PATIENCE
from lobtail.session.tail import Tail
from support.fake_client import FakeBox, FakeClient
from support.fake_clock import run_by_fake_clock
from support.simulated import T0


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time of day and the steady clock go with the loop's."""

    def seconds() -> int:
        try:
            return round(asyncio.get_running_loop().time() * 1e9)
        except RuntimeError:  # before it begins
            return 0

    monkeypatch.setattr(time, "time_ns", lambda: T0 + 100 * 10**9 + seconds())
    monkeypatch.setattr(time, "monotonic_ns", seconds)


def tail_of(*clients: FakeClient, names: tuple[str, ...] = (), **options: Any) -> Tail:
    options = {"source": "api", "tail": "all", **options}
    request = tail_request(*names, **options)
    if len(clients) == 1:
        return open_tail({"": (clients[0], request)})  # type: ignore[dict-item]
    hosts = ("one", "two", "three")
    asked: Any = {host: (client, request) for host, client in zip(hosts, clients, strict=False)}
    return open_tail(asked)


def word(item: Item) -> str:
    name = item.container.name or item.container.host
    if isinstance(item, Line):
        return f"{name} {item.text}{' late' if item.late else ''}"
    return f"{name} -{item.kind}"


async def read(tail: Tail, enough: Callable[[list[str]], object] = lambda _: False) -> list[str]:
    """Read until it ends, or it is enough."""
    found: list[str] = []
    async with tail:
        async for batch in tail.batches():
            found += map(word, batch)
            if enough(found):
                break
    return found


def run(main: Awaitable[Any]) -> Any:
    async def whole() -> Any:
        async with asyncio.timeout(600):
            return await main

    return run_by_fake_clock(whole())


async def elapsed() -> float:
    return asyncio.get_running_loop().time()


async def hang() -> None:
    await asyncio.Event().wait()


def refuse(error: Exception) -> Callable[[], Awaitable[None]]:
    async def refused() -> None:
        raise error

    return refused


def test_histories_are_merged_by_time() -> None:
    client = FakeClient(
        FakeBox("web", "0", "1"), FakeBox("db", "0b"), FakeBox("old", running=False)
    )
    tail = tail_of(client, follow=False)
    assert run(read(tail)) == ["web 0", "db 0b", "web 1"]
    assert [ref.name for ref in tail.found] == ["web", "db"]
    assert tail.idle == tail.containers == []
    assert tail.engines == [""]


def test_what_is_named_is_read_though_it_is_stopped() -> None:
    client = FakeClient(FakeBox("web", "0"), FakeBox("old", "was", running=False))
    tail = tail_of(client, names=("old",), follow=False)
    assert run(read(tail)) == ["old was"]
    assert [ref.name for ref in tail.idle] == ["old"]


def test_containers_that_start_later_are_joined_with_their_run() -> None:
    client, box = FakeClient(FakeBox("web", "0")), FakeBox("new", "1")

    def step(found: list[str]) -> bool:
        if found == ["web 0"]:
            client.boxes[box.id] = box
            box.started = 0
            client.happen(box, "start", 0)
            client.happen(FakeBox("gone"), "start", 0)
        return "new 1" in found

    found = run(read(tail_of(client), step))
    assert found[0] == "web 0"
    assert [each for each in found if each.startswith("new")] == ["new -started", "new 1"]


def test_a_container_that_is_gone_before_it_is_inspected_is_marked() -> None:
    client, box = FakeClient(FakeBox("web", "0")), FakeBox("short")

    def step(found: list[str]) -> bool:
        if found == ["web 0"]:
            client.happen(box, "start", 0)
        return "short -removed" in found

    found = run(read(tail_of(client), step))
    assert found == ["web 0", "short -started", "short -gap", "short -removed"]


def test_a_run_ends_and_the_container_is_renamed() -> None:
    box = FakeBox("web", "0")
    client = FakeClient(box)

    def step(found: list[str]) -> bool:
        if found == ["web 0"]:
            box.name = "www"
            client.happen(box, "rename", 101)
            box.write(102, "1")
        if "www 1" in found or "web 1" in found:
            box.stop(103, 3)
            client.happen(box, "die", 103, exitCode="3")
        return any("stopped" in each for each in found)

    found = run(read(tail_of(client), step))
    assert found[-1] == "www -stopped"


def test_waiting_for_the_end_of_what_was_chosen() -> None:
    box = FakeBox("web", "0")
    client = FakeClient(box)
    tail = tail_of(client, until_stopped=True)

    def step(found: list[str]) -> bool:
        if box.running:
            box.stop(101)
            client.happen(box, "die", 101, exitCode="0")
        return False

    assert run(read(tail, step)) == ["web 0", "web -stopped"]


def test_a_line_that_cannot_come_any_more() -> None:
    box = FakeBox("web", "0", running=False)

    async def main() -> None:
        async with tail_of(FakeClient(box), names=("web",)) as tail:
            with pytest.raises(LogsEndedError, match="no line matched 'ready'"):
                await tail.wait_for("ready")
            assert tail.containers

    run(main())


def test_a_container_that_cannot_be_inspected_in_time_comes_late() -> None:
    answers = asyncio.Event()
    slow, web = FakeBox("slow", "0"), FakeBox("web", "1")
    slow.inspecting = answers.wait  # type: ignore[assignment]
    begun: list[float] = []

    async def main() -> list[str]:
        tail = tail_of(FakeClient(slow, web))

        def step(found: list[str]) -> bool:
            if "web 1" in found and not begun:
                begun.append(asyncio.get_running_loop().time())
                answers.set()
            return "slow 0 late" in found

        found = await read(tail, step)
        assert [ref.name for ref in tail.found] == ["slow", "web"]
        return found

    assert run(main()) == ["slow -gap", "web 1", "slow 0 late"]
    assert begun[0] <= 5


def test_many_containers_that_cannot_be_inspected_hold_up_the_others_once() -> None:
    stuck = [FakeBox(f"s{i}") for i in range(70)]
    for box in stuck:
        box.inspecting = hang
    client = FakeClient(*stuck[:35], FakeBox("web", "1"), *stuck[35:])

    async def main() -> float:
        found = await read(tail_of(client), lambda found: any("web 1" in each for each in found))
        assert sum("gap" in each for each in found) >= 70
        return await elapsed()

    assert run(main()) <= 5


def test_events_of_others_do_not_wait_for_an_inspection() -> None:
    web, stuck, new = FakeBox("web", "0"), FakeBox("stuck"), FakeBox("new", "1")
    stuck.inspecting = hang
    client = FakeClient(web)

    def step(found: list[str]) -> bool:
        if found == ["web 0"]:
            for box in (stuck, new):
                client.boxes[box.id] = box
                client.happen(box, "start", 0)
        return "new 1" in found

    async def main() -> float:
        await read(tail_of(client), step)
        return await elapsed()

    assert run(main()) < 1


@pytest.mark.parametrize("error", [EngineError(500, "no"), ProtocolError("odd")])
def test_a_container_that_cannot_be_read(error: LobtailError) -> None:
    bad = FakeBox("bad")
    bad.inspecting = refuse(error)
    tail = tail_of(FakeClient(bad, FakeBox("web", "0")), follow=False)
    found: list[str] = []

    async def main() -> None:
        async with tail:
            async for batch in tail.batches():
                found.extend(map(word, batch))

    with pytest.raises(type(error)):
        run(main())
    assert sorted(found) == ["bad -gap", "web 0"]


def test_a_log_that_cannot_be_read_to_its_end_is_said_when_others_have_been() -> None:
    bad = FakeBox("bad")
    bad.opening = refuse(ConnectError("nobody there"))
    tail = tail_of(FakeClient(bad, FakeBox("web", "0")), follow=False)
    found: list[str] = []

    async def main() -> None:
        async with tail:
            async for batch in tail.batches():
                found.extend(map(word, batch))

    with pytest.raises(ConnectError, match="nobody there"):
        run(main())
    assert sorted(found) == ["bad -gap", "web 0"]


def test_what_ends_one_engine_alone_is_raised() -> None:
    for error in (ConnectError("none"), EngineError(500, "no"), ConnectionLostError("cut")):
        for follow in (True, False):
            client = FakeClient(FakeBox("web"))
            client.failure = error
            with pytest.raises(type(error)):
                run(read(tail_of(client, follow=follow)))


def test_an_error_of_files_ends_the_stream_of_several_engines() -> None:
    bad = FakeBox("bad")
    bad.opening = refuse(LogFileError("truncated"))
    with pytest.raises(LogFileError):
        run(read(tail_of(FakeClient(FakeBox("web")), FakeClient(bad), follow=False)))


def test_an_engine_alone_that_goes_and_comes_back_is_marked() -> None:
    box = FakeBox("web", "0")
    client = FakeClient(box)
    told: list[Mark] = []

    async def main() -> None:
        async with tail_of(client) as tail:
            async for batch in tail.batches():
                for item in batch:
                    if isinstance(item, Line) and not told:
                        client.failure = ConnectError("refused")
                        client.happened.put_nowait(ConnectionLostError("cut"))
                    if isinstance(item, EngineLost):
                        assert [*tail.unreachable] == [""]
                        told.append(item)
                        client.failure = None
                    if isinstance(item, EngineBack):
                        told.append(item)
                        assert not tail.unreachable
                        return

    run(main())
    assert [(type(mark), mark.time_ns) for mark in told] == [(EngineLost, None), (EngineBack, None)]
    assert isinstance(told[0], EngineLost)
    assert told[0].reason == "refused"


def test_an_engine_that_is_not_there_does_not_keep_the_others_waiting() -> None:
    away, there = FakeClient(FakeBox("db", "0")), FakeClient(FakeBox("web", "1"))
    away.failure = ConnectError("refused")

    def step(found: list[str]) -> bool:
        if "web 1" in found:
            away.failure = None
        return "db 0 late" in found

    tail = tail_of(away, there)
    found = run(read(tail, step))
    assert found[:2] == ["one -engine_lost", "web 1"]
    assert sorted(found[2:]) == ["db 0 late", "one -engine_back"]
    assert tail.engines == ["one", "two"]


def test_an_engine_that_never_answers_holds_up_the_others_for_five_seconds_at_most() -> None:
    mute, there = FakeClient(FakeBox("db")), FakeClient(FakeBox("web", "1"))
    mute.hangs = True

    async def main() -> None:
        async with tail_of(mute, there) as tail:
            assert await elapsed() <= ENGINE_PATIENCE == 5
            assert "has not answered yet" in str(tail.unreachable["one"])
            assert (await read(tail, lambda found: "web 1" in found))[0] == "one -engine_lost"

    run(main())


def test_none_of_the_engines_can_be_reached() -> None:
    clients = FakeClient(), FakeClient()
    for client in clients:
        client.failure = ConnectError("refused")
    for follow in (True, False):
        with pytest.raises(ConnectError, match="none of the 2 engines can be reached: refused; re"):
            run(read(tail_of(*clients, follow=follow)))


def test_what_is_required_is_not_there() -> None:
    client = FakeClient(FakeBox("web"))
    with pytest.raises(NotFoundError, match=r"no container matches db$") as caught:
        run(read(tail_of(client, names=("db", "web"), missing="error")))
    assert caught.value.missing == ["db"]
    away = FakeClient()
    away.failure = ConnectError("refused")
    with pytest.raises(NotFoundError, match=r"\(cannot be reached: two\)"):
        run(read(tail_of(client, away, names=("db",), missing="error", follow=False)))


def test_a_position_tells_of_what_was_removed() -> None:
    web, db = FakeBox("web", "0", "1"), FakeBox("db", "2")
    client = FakeClient(web, db)

    async def main() -> None:
        async with tail_of(client, position=b"") as tail:
            found: list[str] = []
            async for batch in tail.batches():
                found += map(word, batch)
                if "db 2" in found and "web 1" in found:
                    position = tail.save_position()
                    break
        del client.boxes[db.id]
        web.write(99, "3")
        again = tail_of(client, position=position, follow=True)
        found = await read(again, lambda found: {"web 3", "db -removed"} <= {*found})
        assert sorted(found) == ["db -gap", "db -removed", "web 3"]

    run(main())


def test_the_engines_clock_and_its_distance() -> None:
    client = FakeClient(FakeBox("web", "0"), kind="tcp")
    client.system_time = "2026-01-01T01:00:00Z"
    assert run(read(tail_of(client, follow=False))) == ["web 0"]


def test_a_deadline_and_going_on_after_it() -> None:
    box = FakeBox("web", "0", "1")

    async def main() -> None:
        async with tail_of(FakeClient(box)) as tail:
            lines: list[str] = []
            with pytest.raises(TimeoutError, match="timed out after 2 s"):
                lines.extend([word(item) async for item in tail.items(timeout=2)])
            box.write(101, "ready")
            assert (await tail.wait_for("ready", timeout=5)).text == "ready"
            with pytest.raises(TimeoutError, match="no line matched 'never' within 1 s"):
                await tail.wait_for("never", timeout=1)

    run(main())


def test_a_beginning_that_takes_too_long() -> None:
    client = FakeClient()
    client.hangs = True
    with pytest.raises(TimeoutError, match="timed out after 1 s"):
        run(anext(aiter(tail_of(client).items(timeout=1))))


def test_a_stream_that_was_not_entered_ends_with_its_loop() -> None:
    async def main() -> set[asyncio.Task[Any]]:
        async for item in tail_of(FakeClient(FakeBox("web", "0"))).items():
            assert word(item) == "web 0"
            break
        await asyncio.sleep(1)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert not {task for task in run(main()) if "whole" not in repr(task)}


def test_a_failure_within_is_raised_rather_than_lost() -> None:
    box = FakeBox("web", "0")
    box.opening = refuse(ZeroDivisionError("a fault of ours"))
    with pytest.raises(ZeroDivisionError):
        run(read(tail_of(FakeClient(box))))


def test_a_removed_container() -> None:
    box = FakeBox("web", "0")
    client = FakeClient(box)

    def step(found: list[str]) -> bool:
        if client.boxes:
            del client.boxes[box.id]
            box.stop(101)
            client.happen(box, "die", 101, exitCode="0")
            client.happen(box, "destroy", 101)
        return False

    tail = tail_of(client, until_stopped=True)
    assert run(read(tail, step))[-1] == word(Removed(tail.found[0], None))
    assert isinstance(Gap(tail.found[0], None), Mark)
