"""Which containers are joined, when, and from where on: tables of what was asked and what is."""

from __future__ import annotations

import pytest

from lobtail.api import tail_request
from lobtail.engine.objects.container import Config, Container, ContainerSummary, State
from lobtail.engine.objects.event import Actor, Event
from lobtail.engine.objects.swarm import ContainerStatus, Task, TaskStatus
from lobtail.errors import ProtocolError
from lobtail.follow.position import LogPosition, Positions
from lobtail.follow.task import TaskLocation
from lobtail.model.items import ContainerRef, Gap, Removed, Started
from lobtail.model.swarm import SERVICE_NAME, TASK_ID
from lobtail.model.timestamps import format_rfc3339
from lobtail.session.joins import Candidate, Joins
from support.simulated import T0

S = 10**9
WEB, DB, OLD = (c * 64 for c in "abc")
NEVER = "0001-01-01T00:00:00Z"


def at(second: int) -> str:
    return format_rfc3339(T0 + second * S)


def summary(key: str, name: str, *, running: bool = True, **labels: str) -> ContainerSummary:
    state = "running" if running else "exited"
    return ContainerSummary(id=key, names=[f"/{name}"], image="app", state=state, labels=labels)


LISTED = [summary(WEB, "web"), summary(DB, "db"), summary(OLD, "old", running=False)]


def container(key: str, name: str, *, ended: int | None = None, **labels: str) -> Container:
    state = State(
        running=ended is None,
        status="running" if ended is None else "exited",
        started_at=at(10),
        finished_at=NEVER if ended is None else at(ended),
    )
    return Container(
        id=key, name=f"/{name}", config=Config(image="app", labels=labels), state=state
    )


def event(action: str, key: str, name: str) -> Event:
    return Event("container", action, Actor(key, {"name": name, "image": "app"}), time_nano=T0 + S)


def names(candidates: list[Candidate]) -> list[str]:
    return [each.ref.name for each in candidates]


@pytest.mark.parametrize(
    ("asked", "options", "expected", "needs_all"),
    [
        ((), {}, ["web", "db"], False),
        ((), {"all": True}, ["web", "db", "old"], True),
        (("old",), {}, ["web", "db", "old"], True),
        (("w*",), {}, ["web", "db"], False),
    ],
)
def test_what_of_a_listing_is_inspected(
    asked: tuple[str, ...], options: dict[str, bool], expected: list[str], needs_all: bool
) -> None:
    joins = Joins(tail_request(*asked, **options))  # type: ignore[arg-type]
    assert joins.needs_all is needs_all
    assert names(joins.of_listing(LISTED, ())) == expected
    assert names(joins.of_listing(LISTED, {WEB})) == expected[1:]


def test_the_first_are_read_as_was_asked_for_and_later_ones_from_their_run_on() -> None:
    joins = Joins(tail_request(tail=3), host="far")
    (first, *_) = joins.of_listing(LISTED, ())
    web = container(WEB, "web")
    plan = joins.plan(first, web)
    assert (plan.options.tail, plan.options.since, plan.joined) == ("3", None, False)
    assert (plan.ref.host, plan.ref.image) == ("far", "app")
    assert joins.found == [(plan.ref, True)]
    joins.is_first = False
    for ended, started_ns, since in (
        (None, None, None),
        (12, T0 + 9 * S, T0 + 8 * S),  # it has been started again since
        (12, None, T0 + 9 * S),
    ):
        later = joins.plan(
            Candidate(plan.ref, started_ns=started_ns), container(WEB, "web", ended=ended)
        )
        assert (later.options.tail, later.options.since) == ("all", since)
        assert later.joined
        assert later.started_ns == started_ns
    assert len(joins.found) == 1


def test_found_is_in_the_order_of_the_listing() -> None:
    joins = Joins(tail_request())
    first, second = joins.of_listing(LISTED, ())
    joins.plan(second, container(DB, "db"))
    joins.plan(first, container(WEB, "web"))
    assert [ref.name for ref, _ in joins.found] == ["web", "db"]


def test_only_what_is_chosen_is_read() -> None:
    joins = Joins(tail_request("web"))
    candidate = joins.of_start(event("start", DB, "db"))
    assert candidate.started_ns == T0 + S
    assert not joins.chooses(candidate, container(DB, "db"))
    assert joins.chooses(candidate, container(WEB, "web"))
    assert not joins.delay(candidate)
    assert joins.leave_out(candidate, ProtocolError("odd")) == []


def test_what_cannot_be_read_is_marked() -> None:
    joins = Joins(tail_request())
    (first, *_) = joins.of_listing(LISTED, ())
    assert joins.delay(first)
    (gap,) = joins.leave_out(first, ProtocolError("odd"))
    assert isinstance(gap, Gap)
    assert gap.reason == "cannot be read: odd"
    assert joins.found == [(first.ref, True)]
    kinds = [type(mark) for mark in joins.leave_out(joins.of_start(event("start", DB, "db")), None)]
    assert kinds == [Started, Gap, Removed]


def test_containers_without_a_wanted_line_are_not_opened() -> None:
    joins = Joins(tail_request(where="container=web"))
    assert names(joins.of_listing(LISTED, ())) == ["web"]
    assert [ref.name for ref, _ in joins.found] == ["db"]
    assert joins.unwanted == {DB}
    assert not joins.chooses(Candidate(joins.found[0][0]), container(DB, "db"))
    renamed = joins.of_rename(event("rename", DB, "web"))
    assert not joins.unwanted
    plan = joins.plan(renamed, container(DB, "web"))
    assert (plan.options.since, plan.joined) == (T0 + S, False)
    by_image = Joins(tail_request(where="image=x"))
    assert len(by_image.of_listing(LISTED, ())) == 2


def position(key: str, name: str, *, host: str = "", is_over: bool = False) -> LogPosition:
    log = LogPosition(ContainerRef(key, name, host=host))
    log.is_over = is_over
    return log


def test_a_position_is_gone_on_from() -> None:
    known = Positions([position(OLD, "old"), position(WEB, "web")], saved_ns=T0 + 5 * S)
    joins = Joins(tail_request(), positions=known)
    assert joins.needs_all
    web, db, old = joins.of_listing(LISTED, ())
    assert joins.plan(web, container(WEB, "web")).position is known.logs[WEB]
    assert joins.plan(old, container(OLD, "old", ended=3)).position is known.logs[OLD]
    # It was started since: it has come later than the others.
    assert joins.plan(db, container(DB, "db")).joined


def test_what_was_removed_meanwhile_is_told_once() -> None:
    logs = [position("d" * 64, "gone"), position("e" * 64, "over", is_over=True)]
    elsewhere = position("f" * 64, "far", host="far")
    joins = Joins(tail_request(), positions=Positions([*logs, elsewhere], saved_ns=T0))
    told = sorted(joins.of_removed([WEB]), key=len)
    assert [[type(mark) for mark in marks] for marks in told] == [[Removed], [Gap, Removed]]
    assert joins.of_removed([WEB]) == []


def location(key: str, state: str = "running", service: str = "web") -> TaskLocation:
    labels = {TASK_ID: key, SERVICE_NAME: service}
    ref = ContainerRef(key * 8, f"{service}.1.{key}", service=service, labels=labels)
    status = TaskStatus(timestamp=at(20), state=state, container_status=ContainerStatus(key * 8))
    return TaskLocation(Task(id=key, status=status), ref, None)


def test_tasks_on_other_nodes() -> None:
    joins = Joins(tail_request("web", tail=2))
    found = {
        each.task.id: each
        for each in (location("t1"), location("t2", "failed"), location("t3", "new"))
    }
    (first,) = joins.of_tasks(found, (), first=True)
    assert first.task.id == "t1"
    plan = joins.plan_task(first, first=True)
    assert (plan.options.tail, plan.joined, joins.is_replaced) == ("2", False, True)
    assert joins.of_tasks(found, {"t1"}, first=False) == []
    found["t4"] = location("t4")
    (later,) = joins.of_tasks(found, {"t1"}, first=False)
    plan = joins.plan_task(later, first=False)
    assert (plan.options.tail, plan.joined) == ("all", True)
    unwanted = Joins(tail_request("web", where="container=db"))
    assert unwanted.of_tasks(found, (), first=True) == []


def test_what_has_ended_is_read_where_nothing_of_its_service_runs() -> None:
    joins = Joins(tail_request("web", "old"))
    listed = [summary(OLD, "shop-web-1", running=False, **{"com.docker.compose.service": "web"})]
    assert joins.of_listing(listed, ()) == []
    assert joins.of_tasks({"t1": location("t1", "complete")}, (), first=True) == []
    candidates, tasks = joins.of_ended()
    assert names(candidates) == ["shop-web-1"]
    assert [each.task.id for each in tasks] == ["t1"]


def test_requests_are_joined() -> None:
    joins = Joins(tail_request("web").also(tail_request("db", all=True)))
    assert joins.needs_all
    candidate = joins.of_start(event("start", DB, "db"))
    assert joins.chooses(candidate, container(DB, "db"))
    assert not joins.chooses(candidate, container(OLD, "old"))
