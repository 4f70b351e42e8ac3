"""Podman's Docker-compatible API: the same bytes as the docker CLI gets from it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support.engines import Lab, TestEngine

SCRIPTS = {
    "mix": "for i in 1 2 3; do echo out $i; echo err $i >&2; usleep 500; done; printf tail",
    "long": "head -c 100000 /dev/zero | tr '\\0' x; echo; echo next",
    "bytes": "printf 'a\\0b\\n\\377\\376\\n'; printf 'a\\r\\nb'",
    "empty": "true",
}


@pytest.fixture(scope="module")
def podman(lab: Lab) -> Iterator[TestEngine]:
    engine = TestEngine("podman", lab.host("podman"))
    yield engine
    engine.docker("rm", "-f", "-v", *set(engine.containers.values()), check=False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_logs(podman: TestEngine, script: str) -> None:
    name = podman.ended(script, SCRIPTS[script])
    for arguments in ((), ("-t",), ("-n", "1"), ("-n", "0"), ("-f",), ("--since", "1h")):
        assert podman.both(*arguments, name).code == 0


def test_follow(podman: TestEngine) -> None:
    name = podman.start("for i in $(seq 30); do echo $i; usleep 20000; done")
    result = podman.both("-f", name)
    assert result.stdout == b"".join(b"%d\n" % i for i in range(1, 31))


def test_its_errors_are_its_own_words(podman: TestEngine) -> None:
    for arguments in (("nosuch",), ("-n", "x", podman.ended("mix", SCRIPTS["mix"]))):
        result = podman.both(*arguments)
        assert result.code == 1
        assert result.stderr.startswith(b"Error response from daemon: ")


def test_ps_and_frames(podman: TestEngine) -> None:
    name = podman.ended("mix", SCRIPTS["mix"])
    rows = [json.loads(x) for x in podman.run("lobtail", "ps", "-a", "--json").stdout.splitlines()]
    row = next(row for row in rows if row["name"] == name)
    assert (row["state"], row["tty"]) == ("exited", False)
    frames = podman.run("lobtail", "frames", name).stdout.decode().splitlines()
    assert frames[1] == "         0  01 00 00 00 00 00 00 06  stdout          6  out 1␊"
