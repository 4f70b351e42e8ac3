"""`lobtail service logs` beside the docker CLI: the same arguments, bytes and exit code.

The swarm has two nodes. Lines of different tasks come in no order, those of one task in its own.
"""

from __future__ import annotations

import signal
import time

import pytest

from support.engines import WAIT, Result, assert_same, finish
from support.swarm import KINDS, Swarm, assert_same_lines, by_task

WRITE = "for i in 1 2 3 4; do echo $SLOT out $i; echo $SLOT err $i >&2; usleep 500; done"
SLOT = ("--env", "SLOT={{.Task.Slot}}")
# Only two of the ten find a place, one on each node; the number of ten makes room for two digits.
TWO = ("--replicas", "10", "--replicas-max-per-node", "1")
DETAILS = ("--log-driver", "json-file", "--log-opt", "env=SLOT,ODD", "--env", "ODD=a, b=c +%")

ARGUMENTS: list[tuple[str, ...]] = [
    (),
    ("--details",),
    ("-t", "--details"),
    ("--no-resolve",),
    ("--no-task-ids", "-t"),
    ("--no-trunc",),
    ("-n", "1"),
    ("--tail=3", "-t"),
    ("-n", "x"),
    ("-n", "-1"),
    ("--since", "2100-01-01T00:00:00Z"),
]


@pytest.fixture(scope="module")
def web(swarm: Swarm) -> str:
    # They go on, for another would get their places.
    name = swarm.create(f"{WRITE}; exec sleep 10000", *SLOT, *TWO, *DETAILS)
    swarm.await_tasks(name, 2, "running")
    swarm.await_output(name, "out 4", 2)
    return name


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_services_of_two_nodes_are_shown_as_by_docker(
    swarm: Swarm, web: str, arguments: tuple[str, ...]
) -> None:
    docker, lobtail = swarm.both(*arguments, web)
    assert_same_lines(docker, lobtail)


@pytest.mark.parametrize("arguments", [(), ("-t",), ("--details",)], ids=" ".join)
def test_raw_logs_are_those_of_docker(swarm: Swarm, web: str, arguments: tuple[str, ...]) -> None:
    docker, lobtail = swarm.both("--raw", *arguments, web)
    assert sorted(lobtail.stdout.splitlines()) == sorted(docker.stdout.splitlines())
    assert sorted(lobtail.stderr.splitlines()) == sorted(docker.stderr.splitlines())
    assert len(lobtail.stdout.splitlines()) == len(lobtail.stderr.splitlines()) == 8
    assert lobtail.code == docker.code == 0


def test_both_nodes_and_both_streams_are_there(swarm: Swarm, web: str) -> None:
    shown = swarm.run("service", "logs", web)
    for output in (shown.stdout, shown.stderr):
        tasks = by_task(output)
        assert {key.split(b"@")[1].split()[0] for key in tasks} == {b"n1", b"n2"}
        assert len({len(key) for key in tasks}) == 1
        assert [len(lines) for lines in tasks.values()] == [4, 4]


def test_a_task_is_named_by_its_id_the_start_of_it_or_its_name(swarm: Swarm, web: str) -> None:
    task = next(task for task in swarm.tasks(web) if task["Status"]["State"] == "running")
    whole = task["ID"]
    for name in (whole, whole[:12], f"{web}.{task['Slot']}.{whole}"):
        docker, lobtail = swarm.both("-t", name)
        assert lobtail == docker
        assert len(lobtail.stdout.splitlines()) == 4


def test_since_and_until_choose_a_part(swarm: Swarm, web: str) -> None:
    task = next(task for task in swarm.tasks(web) if task["Status"]["State"] == "running")
    lines = swarm.run("service", "logs", "-t", "--raw", task["ID"]).stdout.splitlines()
    second, third = (line.split()[0].decode() for line in lines[1:3])
    docker, lobtail = swarm.both("--since", second, task["ID"])
    assert lobtail == docker
    assert len(lobtail.stdout.splitlines()) == 3
    # docker has no --until here.
    chosen = swarm.run("service", "logs", "--raw", "--since", second, "--until", third, task["ID"])
    assert [line.split()[2] for line in chosen.stdout.splitlines()] == [b"2", b"3"]
    assert swarm.run("service", "logs", "--until", "1971-01-01", web) == Result(b"", b"", 0)


def test_pieces_of_long_lines_and_odd_bytes(swarm: Swarm) -> None:
    script = (
        "head -c 40000 /dev/zero | tr '\\0' x; echo; echo; echo a b  c; printf '\\303\\251 %%41+'"
    )
    name = swarm.ended(script)
    swarm.await_output(name, "a b c", 1)
    for arguments in ((), ("-t", "--details"), ("--raw",)):
        docker, lobtail = swarm.both(*arguments, name)
        assert lobtail == docker
    assert len(lobtail.stdout) > 40_000


def test_a_global_service_has_no_slots(swarm: Swarm) -> None:
    name = swarm.ended("echo here", "--mode", "global", count=2)
    docker, lobtail = swarm.both(name)
    assert_same_lines(docker, lobtail)
    assert len(by_task(lobtail.stdout)) == 2


def test_tasks_that_fail_are_all_shown(swarm: Swarm) -> None:
    options = ("--restart-condition", "any", "--restart-delay", "0s", "--restart-max-attempts", "2")
    name = swarm.ended("echo try; exit 3", *options, count=3, state="failed")
    docker, lobtail = swarm.both("-t", name)
    assert_same_lines(docker, lobtail)
    assert len(by_task(lobtail.stdout)) == 3


def test_terminals_are_shown_raw_or_not_at_all(swarm: Swarm) -> None:
    name = swarm.ended("echo one; echo two >&2; printf '\\033[31mthree\\r'", "--tty")
    docker, lobtail = swarm.both(name)
    assert lobtail == docker
    assert lobtail.code == 1
    task = swarm.tasks(name)[0]["ID"]
    for arguments in (
        ("--raw", name),
        ("--raw", "-t", "--details", name),
        ("--raw", "-n", "1", task),
        (task,),
    ):
        docker, lobtail = swarm.both(*arguments)
        assert lobtail == docker
    whole = swarm.run("service", "logs", "--raw", "--until", "1h", name)
    assert whole == Result(b"", b"", 0)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    whole = swarm.run("service", "logs", "--raw", "--until", now, name)
    assert whole.stdout == b"one\r\ntwo\r\n\x1b[31mthree\r"


def test_what_is_followed_goes_on_until_it_is_ended(swarm: Swarm) -> None:
    script = f"{WRITE}; {WAIT}; echo $SLOT more; sleep 1000"
    name = swarm.create(script, *SLOT, "--replicas", "2", "--replicas-max-per-node", "1")
    swarm.await_tasks(name, 2, "running")
    followers = [swarm.manager.popen(kind, "service", "logs", "-f", name) for kind in KINDS]
    seen = [b"", b""]
    for number, follower in enumerate(followers):
        assert follower.stdout is not None
        while seen[number].count(b"\n") < 8:
            seen[number] += follower.stdout.readline()
    for engine in (swarm.manager, swarm.worker):
        engine.go(engine.docker("ps", "-q", "--filter", f"name={name}"))
    results = []
    for number, follower in enumerate(followers):
        assert follower.stdout is not None
        while seen[number].count(b"\n") < 10:
            seen[number] += follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        result = finish(follower)
        # Old versions of the docker CLI let the signal kill them; a shell shows the same code.
        code = 130 if result.code == -signal.SIGINT else result.code
        results.append(Result(seen[number] + result.stdout, result.stderr, code))
    assert_same_lines(*results)
    assert results[1].code == 130
    assert results[1].stdout.count(b" more\n") == 2
    swarm.remove(name)


def test_what_is_not_there(swarm: Swarm) -> None:
    for name in ("nothing-is-called-so", "web.1", "a/b", "..", "ä"):
        docker, lobtail = swarm.both(name)
        assert lobtail == docker
        assert lobtail == Result(b"", f"no such task or service: {name}\n".encode(), 1)


def test_an_engine_that_manages_no_swarm_says_so(swarm: Swarm) -> None:
    docker, lobtail = (swarm.worker.run(kind, "service", "logs", "web") for kind in KINDS)
    assert lobtail == docker
    assert lobtail.code == 1
    assert b"not a swarm manager" in lobtail.stderr


def test_logs_takes_a_service_where_no_container_is_called_so(swarm: Swarm, web: str) -> None:
    docker = swarm.manager.run("docker", "service", "logs", "-t", web)
    assert_same_lines(docker, swarm.run("logs", "-t", web))
    task = next(task for task in swarm.tasks(web) if task["Status"]["State"] == "running")["ID"]
    docker = swarm.manager.run("docker", "service", "logs", task)
    assert swarm.run("logs", task) == docker


def test_logs_prefers_a_container_to_a_service(swarm: Swarm) -> None:
    name = swarm.ended("echo the service")
    swarm.manager.wait(swarm.manager.start("echo the container", name=name))
    assert swarm.run("logs", name) == Result(b"the container\n", b"", 0)
    swarm.manager.docker("rm", name)
    assert swarm.run("logs", name).stdout.endswith(b"| the service\n")


def test_logs_takes_no_first_letters_for_a_service(swarm: Swarm, web: str) -> None:
    identifier = swarm.manager.docker("service", "inspect", "-f", "{{.ID}}", web)
    docker, lobtail = (swarm.manager.run(kind, "logs", identifier[:3]) for kind in KINDS)
    assert_same(lobtail, docker)
    assert lobtail.code == 1
    assert swarm.run("logs", "-n", "0", identifier).code == 0
    docker, lobtail = (swarm.worker.run(kind, "logs", web) for kind in KINDS)
    assert_same(lobtail, docker)


def test_names_of_services_are_completed(swarm: Swarm, web: str) -> None:
    for words in (("service", "logs", web[:4]), ("tail", "--service", web[:4])):
        shown = swarm.run("__complete", "zsh", *words)
        assert f"word\t{web}\t" in shown.stdout.decode().splitlines()
