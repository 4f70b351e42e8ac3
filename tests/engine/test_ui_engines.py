"""Several engines in one terminal client, of which some go away and come back."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.engines import IMAGE, Lab, TestEngine, docker_cli
from support.gate import Gate
from support.ui import Ui

COUNT = "i=0; while :; do i=$((i+1)); echo line $i of {}; usleep 200000; done"
AWAY = "no connection, trying again"
ALL = "● one  ● two  ● three"
LONG = "exec sleep 1000"


class Fleet:
    """Three engines, each behind a gate, known to docker as the contexts ``one``, ``two``, …"""

    def __init__(self, engines: dict[str, TestEngine], home: Path) -> None:
        self.engines = engines
        self.gates = {name: Gate(each.host) for name, each in engines.items()}
        first = next(iter(engines.values()))
        self._env = {**first.env(), "HOME": str(home), "DOCKER_CONFIG": str(home / ".docker")}
        del self._env["DOCKER_HOST"]

    def make_contexts(self) -> None:
        for name, gate in self.gates.items():
            create = ("context", "create", name, "--docker", f"host={gate.host}")
            subprocess.run([docker_cli(), *create], env=self._env, check=True, capture_output=True)

    def ui(self) -> Ui:
        return Ui(env=self._env, engines=tuple(f"-c{name}" for name in self.engines))


@pytest.fixture(scope="module")
def fleet(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    suites = {"one": "bookworm", "two": "trixie", "three": "podman"}
    engines = {name: TestEngine(suite, lab.host(suite, "ui")) for name, suite in suites.items()}
    fleet = Fleet(engines, tmp_path_factory.mktemp("home"))
    with ExitStack() as stack:
        for gate in fleet.gates.values():
            stack.enter_context(gate)
        fleet.make_contexts()
        yield fleet


@pytest.fixture
def name(fleet: Fleet) -> Iterator[str]:
    """What the names of a test's containers begin with, on both engines."""
    name = f"t{uuid.uuid4().hex[:6]}"
    yield name
    for gate in fleet.gates.values():
        gate.shut()
        gate.open()
    for engine in fleet.engines.values():
        if found := engine.docker("ps", "-aq", "-f", f"name={name}").split():
            engine.remove(*found)


def names(engine: TestEngine, name: str) -> set[str]:
    listed = engine.docker("ps", "-a", "-f", f"name={name}", "--format", "{{.Names}}")
    return set(listed.split())


def newest(screen: Ui, host: str) -> int:
    """Return the number of the newest line of an engine's container that the screen shows."""
    return max(map(int, re.findall(rf"│ line ([0-9]+) of {host} ", screen.text)), default=0)


@pytest.mark.timeout(180)
def test_what_is_done_is_done_on_the_engine_of_its_row(fleet: Fleet, name: str) -> None:
    one, two, three = fleet.engines.values()
    for host, engine in fleet.engines.items():
        engine.start(COUNT.format(host), name=f"{name}-a")
        engine.start(LONG, name=f"{name}-b")
    one.start(COUNT.format("one"), name=f"{name}-c")
    with fleet.ui() as screen:
        screen.until(ALL)
        screen.open("containers", name)
        screen.rows(*(f"● {host}/{name}-{n}" for host in fleet.engines for n in "ab"))
        # Of containers with one name, the log is that of the engine whose row it is.
        screen.press("g", "j", "j", "j")
        screen.until(lambda text: " of two" in text and " of one" not in text)
        # Their names are not those of the rows.
        screen.press("R")
        screen.has(f"rename two/{name}-a to {name}-a")
        screen.press("ctrl+u", f"{name}-b", "enter")
        screen.said(f"two/{name}-a:", "in use")
        screen.press("R", "ctrl+u", f"{name}-x", "enter")
        screen.said(f"two/{name}-a is now {name}-x")
        screen.rows(f"● one/{name}-a", f"● two/{name}-x")
        assert names(one, name) == {f"{name}-{n}" for n in "abc"}
        assert names(two, name) == {f"{name}-{n}" for n in "bx"}
        screen.until(lambda text: titled(text).endswith(f"two/{name}-x"))
        # Marked on several: their logs are shown, and no other of the same name.
        two.docker("rename", f"{name}-x", f"{name}-c")
        screen.rows(f"● two/{name}-c")
        marked = f"one/{name}-c, two/{name}-b, three/{name}-b"
        screen.press("g", "j", "j", " ", "g", "j", "j", "j", " ", "G", " ")
        screen.until(lambda text: "3✓" in text and titled(text).endswith(marked))
        screen.until(lambda text: " of one" in text and " of t" not in text)
        screen.press("d")
        screen.answer(f"Remove {marked}?", "y")
        screen.said(f"removed: {marked}")
        screen.lacks(*marked.split(", "))
        assert names(one, name) == {f"{name}-a", f"{name}-b"}
        assert names(two, name) == {f"{name}-c"}
        assert names(three, name) == {f"{name}-a"}
        # Images of one name are several images.
        screen.open("images", IMAGE)
        screen.press("g", "k")
        for engine in fleet.engines.values():
            identifier = engine.api.json("GET", f"/images/{IMAGE}/json")["Id"]
            screen.has(identifier.removeprefix("sha256:"))
            screen.press("j")
        screen.press("P")
        screen.has("pull on three", "name:tag")
        screen.press("escape")
        screen.until(lambda text: "pull on" not in text)
        screen.press("b")
        screen.answer("Remove all untagged images? On three.", "n")
        screen.quit()


@pytest.mark.timeout(180)
def test_some_go_away_and_come_back(fleet: Fleet, name: str) -> None:
    one, two, three = fleet.engines.values()
    for host, engine in fleet.engines.items():
        engine.start(COUNT.format(host), name=f"{name}-a")
    fleet.gates["one"].shut()
    with fleet.ui() as screen:
        # Away from the start: the others are shown, and it as soon as it is there.
        screen.until(f"✗ one: {AWAY}  ● two  ● three: cannot connect")
        screen.open("containers", name)
        screen.rows(f"● two/{name}-a", f"● three/{name}-a")
        screen.until(" of two")
        assert f"one/{name}-a" not in screen.lists
        fleet.gates["one"].open()
        screen.until(ALL)
        screen.rows(*(f"● {host}/{name}-a" for host in fleet.engines))
        screen.show_all()
        screen.until(lambda _: all(newest(screen, host) for host in fleet.engines))
        for host in ("two", "three"):
            fleet.gates[host].shut()
        screen.until(f"✗ two: {AWAY}  ✗ three: {AWAY}  ● one: cannot connect")
        screen.until("lines may be missing here")
        last = {host: newest(screen, host) for host in fleet.engines}
        screen.until(lambda _: newest(screen, "one") > last["one"] + 2)
        # What was known of them stays; what is done with it fails, once.
        screen.open("containers", name)
        screen.rows(f"● two/{name}-a", f"● three/{name}-a")
        screen.press("G", "d")
        screen.answer(f"Remove three/{name}-a?", "y")
        screen.said(f"three/{name}-a: cannot connect to the engine at")
        # With the other all goes on.
        one.start(LONG, name=f"{name}-b")
        screen.rows(f"● one/{name}-b")
        screen.press("g", "j", "K")
        screen.answer(f"Kill one/{name}-b?", "y")
        screen.said(f"killed: one/{name}-b")
        screen.rows(f"○ one/{name}-b")
        # Back again, with what has come there meanwhile, to be acted on.
        three.start(LONG, name=f"{name}-new")
        for host in ("two", "three"):
            fleet.gates[host].open()
        screen.until(ALL)
        screen.rows(f"● two/{name}-a", f"● three/{name}-a", f"● three/{name}-new")
        screen.press("G", "d")
        screen.answer(f"Remove three/{name}-new?", "y")
        screen.said(f"removed: three/{name}-new")
        screen.lacks(f"three/{name}-new")
        assert names(two, name) == names(three, name) == {f"{name}-a"}
        screen.show_all()
        screen.until(lambda _: all(newest(screen, host) > last[host] + 2 for host in last))
        # All away, and all back.
        for gate in fleet.gates.values():
            gate.shut()
        screen.until(f"✗ one: {AWAY}  ✗ two: {AWAY}  ✗ three: {AWAY}: ")
        for gate in fleet.gates.values():
            gate.open()
        screen.until(ALL)
        screen.quit()


def titled(text: str) -> str:
    """Return the line of tabs, at whose end stands what is shown."""
    return text.split("\n")[1].rstrip()
