"""`scripts/demo` ends by itself with what it promises, and removes all that it made."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        "LOBTAIL_TEST_HOST" in os.environ and os.geteuid() != 0,
        reason="an engine was given, and the lab's own need root",
    ),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """Give an engine as a user would have one: without the lab's image, with one of the user's."""
    with tempfile.TemporaryDirectory(prefix="lt", dir="/tmp") as base:
        lab = [sys.executable, str(SCRIPTS / "lab")]
        place = ["--dir", f"{base}/e"]
        try:
            up = [*lab, "up", "bookworm", *place, "--owner", str(os.getpid())]
            host = subprocess.check_output(up, text=True).strip()
            request(host, "POST", "/images/lobtail-test/tag?repo=users&tag=own")
            request(host, "DELETE", "/images/lobtail-test")
            yield host
        finally:
            subprocess.run([*lab, "down", *place], check=True)


def request(host: str, method: str, path: str) -> Any:
    connection = HTTPConnection("localhost", timeout=30)
    connection.sock = socket(AF_UNIX)
    try:
        connection.sock.connect(host.removeprefix("unix://"))
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
        assert response.status < 300, body
        return json.loads(body or b"null")
    finally:
        connection.close()


def demo(host: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPTS / "demo")],
        env={**os.environ, "DOCKER_HOST": host},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_only_the_users(host: str) -> None:
    assert request(host, "GET", "/containers/json?all=1") == []
    tags = [image["RepoTags"] for image in request(host, "GET", "/images/json")]
    assert tags == [["users:own"]]


def test_demo_on_the_users_engine(engine: str) -> None:
    with demo(engine) as child:
        output = child.communicate()[0]
    assert child.returncode == 0, output
    assert "\nInitializing database\n2019-02-07T03:53:08.512874Z 0 [Warning] " in output
    assert "02 00 00 00 00 00 00 5d  stderr         93  2019-02-07" in output
    assert "20041 bytes: " in output
    merged = output.partition("$ lobtail tail --no-follow -n 3 -t=short")[2].partition("\n#")[0]
    assert len(re.findall(r"^\d\d:\d\d:\d\d\.\d{3} [\w-]+ +e?│ ", merged, re.MULTILINE)) == 8
    grave = output.partition("--level warn")[2].partition("\n#")[0]
    assert "│ WARN  retry in 5 s  attempt=2\n" in grave
    assert "[Note]" not in grave
    found = re.search(r'^\{"v":2,.*', output, re.MULTILINE)
    assert found
    assert json.loads(json.loads(found[0])["line"])["attempt"] == 2
    waited = output.partition("--until-match")[2].partition("\n#")[0]
    assert waited.count(" 502 ") == 2  # the command's own, and the line that ended it
    assert output.rstrip().endswith("everything is removed now.")
    assert_only_the_users(engine)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_broken_off(engine: str, number: signal.Signals) -> None:
    with demo(engine) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("$ lobtail logs --follow"):
                child.send_signal(number)
                break
        child.communicate()
    assert child.returncode == 128 + number
    assert_only_the_users(engine)


def test_demo_without_an_engine_says_what_to_install(tmp_path: Path) -> None:
    # On a platform where no private engine can run.
    code = (
        "import platform, runpy, sys; platform.system = lambda: 'Plan 9'; "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(SCRIPTS / "demo")],
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "install Docker or Podman" in done.stderr
    assert "Traceback" not in done.stderr
