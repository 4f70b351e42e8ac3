"""What the pages show is so: every command and every piece of Python in them is run."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from support.engines import LAB, Lab, Result, TestEngine, finish
from support.examples import Command, blocks, commands, pages, shows
from support.gate import Gate
from support.registry import Registry
from support.world import World

SUPPORT = Path(__file__).parents[1] / "support"
# Nothing was written then, at the examples' own times.
PAST = re.compile(r"\d{4}-\d\d-\d\dT")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    subprocess.run([sys.executable, str(LAB), "tools"], check=True)
    # An engine of its own, unless one was given: on another the containers of other tests run.
    lab = Lab()
    given = os.environ.get("LOBTAIL_TEST_HOST", "")
    if given:
        subprocess.run([sys.executable, str(LAB), "image", given], check=True)
    engine = TestEngine("given" if given else "bookworm", given or lab.host("bookworm"))
    with Registry() as registry, Gate(engine.host) as second:
        yield World(engine, tmp_path_factory.mktemp("world"), registry, second.host)
    engine.remove(*set(engine.containers.values()), missing_ok=True)
    lab.close()


def name_of(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", [page for page in pages() if commands(page)], ids=name_of)
def test_commands(world: World, page: Path) -> None:
    settings = [block.text for block in blocks(page) if block.kind == "toml"]

    def wrong(command: Command) -> str:
        try:
            check(world, command, settings)
        except AssertionError as exc:
            said = str(exc).split("\nassert ")[0]  # what pytest adds tells nothing more
            return f"{page.name}:{command.line}: {command.text}\n{said}"
        return ""

    found = commands(page)
    # What is installed on a page is used behind that.
    together = 1 if any("install" in command.text for command in found) else 4
    with ThreadPoolExecutor(together) as pool:
        said = "\n\n".join(filter(None, pool.map(wrong, found)))
    assert not said, said


def check(world: World, command: Command, settings: list[str]) -> None:
    """Run a command until it has ended, or printed something and goes on: that is interrupted."""
    more = {}
    if "lobtail config" in command.text and settings:
        more["HOME"] = str(world.home / "me")
        file = world.home / "me" / ".config" / "lobtail" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(settings[0])
    result = run(world, world.literal(command.text), more)
    stdout, stderr = result.stdout.decode(), result.stderr.decode()
    silent = command.text.startswith("source ") or "| source" in command.text
    if not silent and not PAST.search(command.text):
        assert stdout, f"it prints nothing; on stderr: {stderr}"
    assert result.code in (0, 130), f"it ended with {result.code}: {stderr}"
    # The account at the end of what was interrupted is no complaint.
    complaint = re.search(
        r"^(Traceback|Exception|lobtail: (?!\d+ lines? )).*", stderr, re.MULTILINE
    )
    assert complaint is None, stderr
    if command.shown:
        shown = [line.replace("/home/me", more.get("HOME", "")) for line in command.shown]
        assert shows(shown, stdout + stderr), f"it prints:\n{stdout}{stderr}"


# What needs a terminal of its own.
TERMINAL = re.compile(r"^lobtail (?:ui|exec -it)\b")


def run(world: World, text: str, more: dict[str, str]) -> Result:
    """Run a command; one that goes on is interrupted once it has printed something."""
    if not TERMINAL.search(text):
        process = world.popen(text, env=more)
        assert process.stdout is not None
        select.select([process.stdout], [], [], 20)
        # One that ends does so within this time, or prints half of what it would: both are seen.
        timer = threading.Timer(0.5, os.killpg, (process.pid, signal.SIGINT))
        timer.start()
        result = finish(process, timeout=20)
        timer.cancel()
        return result
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (30, 100))
    process = world.popen(text, stdin=slave, stdout=slave, stderr=slave, env=more)
    os.close(slave)
    shown = os.read(master, 65536)
    timer = threading.Timer(0.5, os.killpg, (process.pid, signal.SIGINT))
    timer.start()
    with suppress(OSError):  # EIO: nobody holds the other side any more
        while data := os.read(master, 65536):
            shown += data
    os.close(master)
    return Result(shown, b"", process.wait(timeout=20))


def python(page: Path) -> list[str]:
    return [block.text for block in blocks(page) if block.kind == "python"]


@pytest.mark.parametrize("page", [page for page in pages() if python(page)], ids=name_of)
def test_python(world: World, page: Path) -> None:
    with world.lively():
        done = subprocess.run(
            [sys.executable, str(SUPPORT / "run_python.py")],
            input=json.dumps([*map(world.literal, python(page))]),
            env=world.env,
            cwd=world.home,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [page for page in pages() if "```toml" in page.read_text()])
def test_settings(world: World, page: Path) -> None:
    for number, block in enumerate(block for block in blocks(page) if block.kind == "toml"):
        file = world.home / f"settings-{number}.toml"
        file.write_text(block.text)
        result = finish(world.popen("lobtail config", env={"LOBTAIL_CONFIG": str(file)}))
        assert (result.code, result.stderr) == (0, b"")


def test_what_make_is_called_with_is_there() -> None:
    targets = set(
        re.findall(r"^([a-z]+):", (SUPPORT.parents[1] / "Makefile").read_text(), re.MULTILINE)
    )
    called = [
        re.findall(r"^    .*?\bmake (\w+)", page.read_text(), re.MULTILINE) for page in pages()
    ]
    assert {name for names in called for name in names} <= targets
