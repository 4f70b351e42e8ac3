"""`lobtail tail` of services on two nodes: tasks of the other one come by way of the manager."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import signal
from functools import partial
from typing import Any

import pytest

from engine.test_tail import collect, texts
from lobtail import Engine
from lobtail.model.frames import Stream
from lobtail.model.items import Gap, Item, Line, Removed, Resumed, Stopped
from support.engines import ROOT, WAIT, Result, finish
from support.proxy import CuttingProxy, random_distance
from support.swarm import Swarm

SLOT = ("--env", "SLOT={{.Task.Slot}}")
EACH = ("--replicas", "2", "--replicas-max-per-node", "1")
ELSEWHERE = ("--constraint", "node.role==worker")


def lines_of(items: list[Item], host: str = "n2") -> list[str]:
    return [i.text for i in items if isinstance(i, Line) and i.container.host == host]


@pytest.fixture(scope="module")
def web(swarm: Swarm) -> str:
    script = "for i in 1 2 3; do echo $SLOT out $i; echo $SLOT err $i >&2; usleep 9000; done"
    stack = "com.docker.stack.namespace=store"  # as `docker stack deploy` labels them
    labels = ("--container-label", stack, "--label", stack)
    name = swarm.create(f"{script}; exec sleep 10000", *SLOT, *EACH, *labels)
    swarm.await_tasks(name, 2, "running")
    swarm.await_output(name, "out 3", 2)
    return name


def test_a_service_is_one_stream_in_time_order(swarm: Swarm, web: str) -> None:
    for chosen in (["--service", web], [web], [f"{web}.1", f"{web}.2"], ["--project", "store"]):
        shown = swarm.run("tail", "--no-follow", "-o", "json", *chosen)
        assert (shown.stderr, shown.code) == (b"", 0)
        lines = [json.loads(line) for line in shown.stdout.splitlines()]
        # The order within a task is its node's, which writes two streams as it happens to: there
        # a line may be a little older than the one before it.
        newest: dict[str, str] = {}
        for line in lines:
            task = line["container"]
            newest[task] = line["time"] = max(line["time"], newest.get(task, ""))
        assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
        assert len(lines) == 12
        assert {line["host"] for line in lines} == {"", "n2"}
        assert {line["service"] for line in lines} == {web}
        for slot in (1, 2):
            for stream, word in (("stdout", "out"), ("stderr", "err")):
                own = [x["line"] for x in lines if x["container"].startswith(f"{web}.{slot}.")]
                assert [x for x in own if word in x] == [f"{slot} {word} {i}" for i in (1, 2, 3)]
                assert {x["stream"] for x in lines if word in x["line"]} == {stream}


def test_a_task_is_chosen_by_its_number_its_name_or_its_id(swarm: Swarm, web: str) -> None:
    for task in swarm.tasks(web):
        slot, identifier = task["Slot"], task["ID"]
        for word in (f"{web}.{slot}", f"{web}.{slot}.{identifier}", identifier, identifier[:12]):
            items = asyncio.run(collect(swarm.manager, word, follow=False, tail=1))
            assert texts(items) in ([f"{slot} out 3"], [f"{slot} err 3"]), word


def test_an_engine_that_manages_nothing_shows_its_own_tasks(swarm: Swarm, web: str) -> None:
    for chosen in ([web], ["--service", web]):
        shown = swarm.worker.run("lobtail", "tail", "--no-follow", "-o", "json", *chosen)
        assert (len(shown.stdout.splitlines()), shown.stderr, shown.code) == (6, b"", 0)


def test_globs_choose_among_the_containers_of_the_engine(swarm: Swarm, web: str) -> None:
    shown = swarm.run("tail", "--no-follow", "-o", "json", f"{web}.*")
    assert {json.loads(line)["host"] for line in shown.stdout.splitlines()} == {""}
    shown = swarm.run("tail", "--no-follow", "-o", "json", web, "-E", f"{web}.*")
    assert (shown.stdout, shown.code) == (b"", 1)


def test_options_hold_for_tasks_of_other_nodes(swarm: Swarm) -> None:
    script = "echo $SLOT one; echo $SLOT two >&2; echo $SLOT three; exec sleep 10000"
    details = ("--log-driver", "json-file", "--log-opt", "env=SLOT")
    name = swarm.create(script, *SLOT, *ELSEWHERE, *details)
    swarm.await_tasks(name, 1, "running")
    swarm.await_output(name, "three", 1)

    def read(**options: Any) -> list[Line]:
        async def tail() -> list[Item]:
            async with (
                Engine(swarm.manager.host) as client,
                client.tail(name, follow=False, **options) as tail,
            ):
                return [item async for item in tail]

        items = asyncio.run(tail())
        assert all(isinstance(item, Line) for item in items)
        return [item for item in items if isinstance(item, Line)]

    whole = read(details=True)
    assert sorted(line.text for line in whole) == ["1 one", "1 three", "1 two"]
    assert {tuple(line.details.items()) for line in whole} == {(("SLOT", "1"),)}
    stdout = [line for line in whole if line.stream is Stream.STDOUT]
    assert [line.text for line in read(streams=(Stream.STDOUT,))] == ["1 one", "1 three"]
    assert len(read(tail=1)) == 1
    assert len(read(tail=0)) == 0
    chosen = read(streams=(Stream.STDOUT,), since=stdout[1].time_ns)
    assert [line.text for line in chosen] == ["1 three"]
    chosen = read(streams=(Stream.STDOUT,), until=stdout[0].time_ns)
    assert [line.text for line in chosen] == ["1 one"]
    shown = swarm.run("tail", "--no-follow", "--source", "files", name)
    assert shown.code == 1
    assert b"runs on node n2, whose files are not here" in shown.stderr
    swarm.remove(name)


def test_a_terminal_on_another_node(swarm: Swarm) -> None:
    name = swarm.create("echo one; echo two; exec sleep 10000", "--tty", *ELSEWHERE)
    swarm.await_tasks(name, 1, "running")
    items = asyncio.run(
        collect(swarm.manager, name, until=lambda items: "two" in texts(items), details=True)
    )
    assert texts(items) == ["one", "two"]
    assert [item.details for item in items if isinstance(item, Line)] == [{}, {}]
    swarm.remove(name)


def test_restarts_are_followed_from_task_to_task(swarm: Swarm) -> None:
    script = f"echo began; {WAIT}; echo over; exit 3"
    options = ("--restart-condition", "any", "--restart-delay", "0s", "--restart-max-attempts", "1")
    name = swarm.create(script, *ELSEWHERE, *options)
    swarm.await_tasks(name, 1, "running")

    async def follow() -> list[Item]:
        items: list[Item] = []
        went = 0
        async with (
            asyncio.timeout(45),
            Engine(swarm.manager.host) as client,
            client.tail(name) as tail,
        ):
            async for batch in tail.batches():
                items += batch
                if texts(items).count("began") > went:
                    went += 1
                    found = await asyncio.to_thread(
                        swarm.worker.docker, "ps", "-q", "--filter", f"name={name}."
                    )
                    await asyncio.to_thread(swarm.worker.go, found)
                if sum(isinstance(item, Stopped) for item in items) == 2:
                    break
        return items

    items = asyncio.run(follow())
    first = items[0].container.id
    told: list[list[tuple[str, object]]] = [[], []]
    for item in items:
        words = getattr(item, "text", getattr(item, "exit_code", None))
        told[item.container.id != first].append((type(item).__name__, words))
    run = [("Line", "began"), ("Line", "over"), ("Stopped", 3)]
    assert told == [run, [("Started", None), *run]]
    swarm.remove(name)


def test_a_removed_service_is_told_of(swarm: Swarm) -> None:
    name = swarm.create("echo here; exec sleep 10000", *ELSEWHERE)
    swarm.await_tasks(name, 1, "running")
    items = asyncio.run(
        collect(
            swarm.manager,
            name,
            actions=(
                (
                    lambda items: "here" in texts(items),
                    partial(swarm.manager.docker, "service", "rm", name),
                ),
            ),
            until=lambda items: isinstance(items[-1], Removed | Stopped),
        )
    )
    assert texts(items) == ["here"]


def test_cuts_lose_nothing(swarm: Swarm) -> None:
    count = 3000
    script = (
        f"i=0; while [ $i -lt {count} ]; do a=$((i+1)); i=$((i+50));"
        "seq $a $i | sed s/^/o/; seq $a $i | sed s/^/e/ >&2; usleep 20000; done; exec sleep 10000"
    )
    name = swarm.create(script, *ELSEWHERE)
    swarm.await_tasks(name, 1, "running")

    async def read() -> tuple[list[Item], int]:
        items: list[Item] = []
        async with (
            asyncio.timeout(50),
            CuttingProxy(swarm.manager.host, random_distance(7, 40_000), 10) as proxy,
            Engine(proxy.host) as client,
            client.tail(name, tail="all") as tail,
        ):
            async for batch in tail.batches():
                items += batch
                if len(items) >= 2 * count and sum(isinstance(i, Line) for i in items) >= 2 * count:
                    break
        return items, proxy.cuts

    items, cuts = asyncio.run(read())
    assert cuts == 10
    assert any(isinstance(item, Resumed) for item in items)
    for letter, stream in (("o", Stream.STDOUT), ("e", Stream.STDERR)):
        own = [i.text for i in items if isinstance(i, Line) and i.stream is stream]
        assert own == [f"{letter}{i}" for i in range(1, count + 1)]
    swarm.remove(name)


@pytest.mark.parametrize("swarm", ["trixie"], indirect=True)
def test_a_node_that_is_away_is_a_gap_and_holds_up_nobody(swarm: Swarm) -> None:
    """A frozen engine is what the manager itself waits for for ever."""
    script = "i=0; while :; do i=$((i+1)); echo $i; usleep 100000; done"
    name = swarm.create(script, *SLOT, *EACH)
    swarm.await_tasks(name, 2, "running")
    history: list[Item] = []
    service: list[Result] = []
    went_on = asyncio.Event()

    async def look_meanwhile(client: Engine) -> None:
        """Freeze the worker, and look at what others see who begin to look now."""
        frozen = swarm.frozen_worker()
        await asyncio.to_thread(frozen.__enter__)
        async with client.tail(name, follow=False) as tail:
            history.extend([item async for item in tail])
        command = ("lobtail", "service", "logs", "--raw", name)
        env = {"LOBTAIL_TIMEOUT": "4"}
        service.append(await asyncio.to_thread(swarm.manager.run, *command, env=env))
        await went_on.wait()
        await asyncio.to_thread(frozen.__exit__, None, None, None)

    async def follow() -> list[Item]:
        items: list[Item] = []
        async with (
            asyncio.timeout(55),
            Engine(swarm.manager.host) as client,
            client.tail(name, tail="all") as tail,
        ):
            meanwhile: asyncio.Task[None] | None = None
            async for batch in tail.batches():
                items += batch
                if meanwhile is None and len(lines_of(items)) > 5:
                    meanwhile = asyncio.create_task(look_meanwhile(client))
                gap = next((i for i, item in enumerate(items) if isinstance(item, Gap)), len(items))
                if len(lines_of(items[gap:], "")) > 5:
                    went_on.set()  # whoever is there is not held up
                if any(isinstance(item, Stopped) for item in items):
                    break
            assert meanwhile is not None
            await meanwhile
        return items

    items = asyncio.run(follow())
    assert [item.reason for item in items if isinstance(item, Gap)] == ["node n2 is down"]
    # The swarm ends the task when its node is back; by then nothing is lost.
    numbers = list(map(int, lines_of(items)))
    assert numbers == list(range(1, len(numbers) + 1))
    assert [item.reason for item in history if isinstance(item, Gap)] == ["node n2 is down"]
    assert len(lines_of(history, "")) > 5
    assert (service[0].code, service[0].stderr) == (
        1,
        b"error from daemon in stream: warning: incomplete log stream: node n2 does not answer\n",
    )
    assert service[0].stdout.startswith(b"1\n2\n3\n")
    swarm.remove(name)


@pytest.mark.parametrize("swarm", ["trixie"], indirect=True)
def test_the_commands_of_the_page_show_a_service(swarm: Swarm) -> None:
    page = (ROOT / "docs" / "services.md").read_text()
    commands = re.findall(r"^(?:\$ )?lobtail (.*?)(?: *#.*)?$", page, re.MULTILINE)
    assert len(commands) >= 5
    stack = ("--label", "com.docker.stack.namespace=shop")
    script = "echo ERROR GET /; exec sleep 10000"
    swarm.create(script, *EACH, *stack, name="web")
    swarm.await_output("web", "GET", 2)
    running = [swarm.manager.popen("lobtail", *shlex.split(command)) for command in commands]
    for command, process in zip(commands, running, strict=True):
        assert process.stdout is not None
        assert b"GET /" in process.stdout.readline(), command
        process.send_signal(signal.SIGINT)
        assert finish(process).code in (0, 130), command
    swarm.remove("web")
