"""What the terminal client does with objects, and what the engine then has.

Each test has a client on a real terminal, and an engine on which nothing else lives: pruning takes
all that nobody uses.
"""

from __future__ import annotations

import json
import re
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engines import IMAGE, Lab, TestEngine
from support.registry import Registry
from support.ui import Ui, ui

COUNT = "i=0; while :; do i=$((i+1)); echo line $i; usleep 100000; done"
SHOWN = "tail-test:latest"  # long names lose their middle
LONG = "exec sleep 1000"


@pytest.fixture(scope="module", params=["bookworm", "trixie", "podman"])
def engine(request: pytest.FixtureRequest, lab: Lab) -> TestEngine:
    return TestEngine(request.param, lab.host(request.param, "ui"))


@pytest.fixture
def prefix(engine: TestEngine) -> Iterator[str]:
    """What the names of a test's objects begin with; they are gone afterwards."""
    prefix = f"t{uuid.uuid4().hex[:6]}"
    yield prefix
    engine.remove(*names(engine, "container", prefix))
    for kind in ("volume", "network"):
        for name in names(engine, kind, prefix):
            engine.api.call("DELETE", f"/{kind}s/{name}")


def names(engine: TestEngine, kind: str, prefix: str) -> set[str]:
    """Return the names of the objects of a test."""
    filters = json.dumps({"name": [prefix] if prefix else []})
    if kind == "container":
        found = engine.api.json("GET", "/containers/json", all=1, filters=filters)
        return {each["Names"][0].removeprefix("/") for each in found}
    found = engine.api.json("GET", f"/{kind}s", filters=filters)
    return {each["Name"] for each in (found["Volumes"] if kind == "volume" else found)}


def states(engine: TestEngine, *containers: str) -> list[str]:
    return [engine.inspect(name)["State"]["Status"] for name in containers]


def images(engine: TestEngine) -> set[str]:
    listed = engine.api.json("GET", "/images/json")
    return {name for image in listed for name in image["RepoTags"] or ()}


def make(engine: TestEngine, kind: str, *names: str) -> None:
    """Make volumes, or networks that lead nowhere."""
    more = {"Internal": True, "CheckDuplicate": True} if kind == "network" else {}
    for name in names:
        engine.api.call("POST", f"/{kind}s/create", {"Name": name, **more})


def goes_on_as(screen: Ui, name: str) -> None:
    """Wait until the log of a container is shown under this name, and more of it."""
    screen.until(lambda text: text.split("\n")[1].rstrip().endswith(f" {name}"))
    last = newest(screen)
    screen.until(lambda _: newest(screen) > last)


def newest(screen: Ui) -> int:
    """Return the number of the last line of the log that the screen shows."""
    return max(map(int, re.findall(r"│ line ([0-9]+) ", screen.text)), default=0)


def only(engine: TestEngine, docker: str, podman: str) -> str:
    """Return the words of the engine under test."""
    return podman if engine.suite == "podman" else docker


def test_a_container_is_renamed_and_its_log_goes_on(engine: TestEngine, prefix: str) -> None:
    web, taken, new = f"{prefix}-a", f"{prefix}-b", f"{prefix}-new"
    engine.start(COUNT, name=web)
    engine.start(LONG, name=taken)
    with ui(engine) as screen:
        screen.open("containers", prefix)
        screen.rows(f"● {web}", f"● {taken}")
        screen.until(" line ")
        screen.press("R")
        screen.has(f"rename {web} to {web}")
        screen.press("ctrl+u", taken, "enter")
        screen.said(f"{web}:", only(engine, "Conflict. The container name", "already in use"))
        assert names(engine, "container", prefix) == {web, taken}
        # Nor is what no engine takes.
        screen.press("R", "ctrl+u", "no/name", "enter")
        screen.said(f"{web}:", only(engine, "Invalid container name", "names must match"))
        screen.press("R", "ctrl+u", new, "enter")
        screen.said(f"{web} is now {new}")
        screen.rows(f"● {new}")
        screen.lacks(web)
        assert names(engine, "container", prefix) == {new, taken}
        # What is shown is that container still, under its new name, with lines that come.
        goes_on_as(screen, new)
        engine.act("rename", new, name=web)  # by somebody else
        goes_on_as(screen, web)
        screen.quit()


def test_containers_are_marked_and_all_of_them_acted_on(engine: TestEngine, prefix: str) -> None:
    one, two, three, four = every = [f"{prefix}-{n}" for n in "abcd"]
    for name in every[:3]:
        engine.start(LONG, name=name)
    engine.create("true", name=four)
    with ui(engine) as screen:
        screen.open("containers", prefix)
        screen.rows(f"● {one}", f"● {two}", f"● {three}", f"{four}")
        screen.press(" ", " ")
        screen.until(lambda text: "2✓" in text)
        screen.press("K")
        screen.answer(f"Kill {one}, {two}?", "n")
        assert states(engine, one, two, three) == ["running"] * 3
        screen.press("K")
        screen.answer(f"Kill {one}, {two}?", "y")
        screen.said(f"killed: {one}, {two}")
        screen.rows(f"○ {one}", f"○ {two}", f"● {three}")
        screen.until(lambda text: "✓" not in text)
        assert states(engine, one, two, three) == ["exited", "exited", "running"]
        # Of what is marked, only what does not run can be started.
        screen.press("g", " ", " ", " ")
        screen.until(lambda text: "3✓" in text)
        screen.press("u")
        screen.answer(f"Start {one}, {two}?", "y")
        screen.said(f"started: {one}, {two}")
        screen.rows(f"● {one}", f"● {two}", f"● {three}")
        assert states(engine, one, two, three) == ["running"] * 3
        # One goes while the question is asked: the others are removed, and that is said.
        screen.press("g", " ", " ", " ")
        screen.until(lambda text: "3✓" in text)
        screen.press("d")
        screen.until(lambda _: f"Remove {one}, {two}, {three}?" in screen.question)
        engine.remove(two)
        screen.answer(f"Remove {one}, {two}, {three}?", "y")
        screen.said(f"{two}:", only(engine, "No such container", "no such container"))
        screen.said(f"removed: {one}, {three}")
        screen.lacks(one, two, three)
        screen.rows(f"{four}")
        assert names(engine, "container", prefix) == {four}
        # The last one, and nothing is left to act on.
        screen.press("d")
        screen.answer(f"Remove {four}?", "y")
        screen.said(f"removed: {four}")
        screen.lacks(four)
        assert not names(engine, "container", prefix)
        screen.press("d")
        screen.said("not available for this item")
        screen.quit()


def test_images_volumes_and_networks_are_removed(engine: TestEngine, prefix: str) -> None:
    used, free, other = (f"{prefix}-{n}" for n in ("used", "free", "other"))
    engine.api.call("POST", f"/images/{IMAGE}/tag", repo=prefix, tag="1")
    make(engine, "volume", used, free, other)
    make(engine, "network", *(f"{name}-net" for name in (used, free, other)))
    engine.start(LONG, "-v", f"{used}:/data", "--network", f"{used}-net", name=prefix)
    with ui(engine) as screen:
        # An image that a container is made of stays; a name more of it goes.
        screen.open("images", "lobtail-test")
        screen.rows("● ", SHOWN)
        screen.open("images", f"{prefix}:1")
        screen.rows(f"{prefix}:1")
        screen.press("d")
        screen.answer(f"Remove {only(engine, '', 'docker.io/library/')}{prefix}:1?", "y")
        screen.said("removed:", f"{prefix}:1")
        screen.lacks(f"{prefix}:1")
        assert not any(f"{prefix}:1" in name for name in images(engine))
        screen.open("images", "lobtail-test")
        screen.press("d")
        screen.until(lambda _: f"{IMAGE}:latest?" in screen.question)
        screen.press("y")
        # It may be forced, once that has been asked; not so here.
        screen.until(lambda _: f"{IMAGE}:latest by force?" in screen.question)
        reason = only(engine, "conflict: unable to remove", "is in use")
        screen.until(lambda _: reason in screen.question)
        screen.press("n")
        assert any(f"{IMAGE}:latest" in name for name in images(engine))
        # Of several that are marked, those go that can.
        screen.open("volumes", prefix)
        screen.rows(f"○ {free}", f"○ {other}", f"● {used}")
        screen.press("g", " ", " ", " ")
        screen.until(lambda text: "3✓" in text)
        screen.press("d")
        screen.answer(f"Remove {free}, {other}, {used}? All data in it will be lost.", "y")
        screen.said(f"{used}:", only(engine, "volume is in use", "is being used"))
        screen.said(f"removed: {free}, {other}")
        screen.until(lambda text: "✓" not in text)
        assert names(engine, "volume", prefix) == {used}
        # So with networks.
        used, free, other = (f"{name}-net" for name in (used, free, other))
        screen.open("networks", prefix)
        screen.rows(f"○ {free}", f"○ {other}", f"● {used}")
        screen.press("G", "d")
        screen.answer(f"Remove {used}?", "y")
        screen.said(f"{used}:", only(engine, "has active endpoints", "network is being used"))
        screen.press("g", "d")
        screen.answer(f"Remove {free}?", "y")
        screen.said(f"removed: {free}")
        screen.until(lambda _: free not in screen.lists)
        assert names(engine, "network", prefix) == {used, other}
        # Gone meanwhile: the engine's words, once.
        screen.until(lambda _: f"○ {other}" in screen.lists)
        screen.press("g", "d")
        screen.until(lambda _: f"Remove {other}?" in screen.question)
        engine.api.call("DELETE", f"/networks/{other}")
        screen.press("y")
        screen.said(f"{other}:", "not found")
        screen.quit()


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


def test_an_image_is_pulled_while_the_line_at_the_top_says_how_far(
    engine: TestEngine, registry: Registry
) -> None:
    name = f"{registry.host}/image"
    with ui(engine) as screen:
        screen.rows("✱ All running", SHOWN)
        screen.open("images")
        screen.press("P")
        screen.has("pull", "name:tag")
        screen.press(":1")
        screen.has("the image's name is empty")
        screen.press("ctrl+u", f"{name}:nope", "enter")
        screen.said(f"{name}:nope:", only(engine, "manifest unknown", "manifest unknown"))
        screen.press("P", "127.0.0.1:1/x", "enter")
        screen.said("127.0.0.1:1/x:", "connection refused")
        with registry.held():
            screen.press("P", f"{name}:large", "enter")
            header = "⇣ image:large"
            screen.until(lambda text: header in text.split("\n")[0])
            if engine.suite != "podman":  # which tells no bytes
                some = re.compile(rf"{header} [0-9.]+[BKM] of 3\.0M ")
                found = some.search(screen.until(lambda text: some.search(text.split("\n")[0])))
                assert found
                assert "3.0M of 3.0M" not in found[0]
            # All else goes on meanwhile.
            screen.open("networks")
            screen.has("5 Networks", "Config")
            assert not any(f"{name}:large" in image for image in images(engine))
        screen.said(f"pulled {name}:large")
        screen.until(lambda text: "⇣" not in text)
        screen.rows("image:large")
        assert f"{name}:large" in images(engine)
        # What comes damaged is not there.
        screen.open("images")
        screen.press("P", f"{name}:broken", "enter")
        screen.said(f"{name}:broken:")
        assert f"{name}:broken" not in images(engine)
        # Whoever quits gives a pull up.
        with registry.held():
            screen.press("P", f"{name}:larger", "enter")
            screen.until("⇣ image:larger")
            screen.quit()
    engine.api.call("DELETE", f"/images/{name}:large")


def test_what_nobody_uses_is_pruned(engine: TestEngine, prefix: str, tmp_path: Path) -> None:
    runs, ended = f"{prefix}-runs", f"{prefix}-ended"
    used, free = f"{prefix}-used", f"{prefix}-free"
    make(engine, "volume", free)
    make(engine, "network", used, free)
    engine.start(LONG, "-v", "/data", "--network", used, name=runs)
    engine.wait(engine.start("true", "-v", "/data", name=ended))
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.add(__file__, prefix)
    nameless = engine.docker("import", str(tmp_path / "root.tar"))[-64:]
    volumes = {name: engine.inspect(name)["Mounts"][0]["Name"] for name in (runs, ended)}

    def has_nameless() -> bool:
        listed = engine.api.json("GET", "/images/json", all=1)
        return any(nameless in image["Id"] for image in listed)

    with ui(engine) as screen:
        prune(screen, "containers", "Remove all stopped containers?", "n")
        assert names(engine, "container", prefix) == {runs, ended}
        prune(screen, "containers", "Remove all stopped containers?", "y")
        screen.said("1 container removed")
        screen.lacks(ended)
        assert names(engine, "container", prefix) == {runs}
        assert has_nameless()
        prune(screen, "images", "Remove all untagged images?", "y")
        screen.said("image", "removed")
        screen.until(lambda _: f"<none> {nameless[:12]}" not in screen.lists)
        assert not has_nameless()
        assert any(IMAGE in image for image in images(engine))
        assert names(engine, "volume", "") >= {*volumes.values(), free}
        prune(screen, "volumes", "Remove all unused anonymous volumes?", "y")
        screen.said("1 volume removed")
        screen.until(lambda _: volumes[ended][:20] not in screen.lists)
        assert names(engine, "volume", "") == {volumes[runs], free}
        prune(screen, "networks", "Remove all unused networks?", "y")
        screen.said("1 network removed")
        assert names(engine, "network", prefix) == {used}
        screen.press("1", "b")
        screen.said("projects cannot be pruned")
        screen.quit()


def prune(screen: Ui, panel: str, question: str, answer: str) -> None:
    screen.open(panel)
    screen.press("b")
    screen.answer(question, answer)


@pytest.mark.parametrize("engine", ["trixie"], indirect=True)
def test_read_only_nothing_is_done(engine: TestEngine, prefix: str) -> None:
    engine.start(LONG, name=prefix)
    engine.create("true", name=f"{prefix}-b")
    make(engine, "volume", prefix)
    make(engine, "network", prefix)

    def everything() -> list[set[tuple[str, ...]]]:
        containers = engine.api.json("GET", "/containers/json", all=1)
        listed = engine.api.json("GET", "/images/json", all=1)
        return [
            {(each["Id"], *each["Names"], each["State"]) for each in containers},
            {(each["Id"], *each["RepoTags"]) for each in listed},
            {(name,) for name in names(engine, "volume", "")},
            {(name,) for name in names(engine, "network", "")},
        ]

    before = everything()
    with ui(engine, "--read-only") as screen:
        screen.has("read-only")
        for panel, keys in (
            ("containers", "usrpKdREab"),
            ("images", "dPb"),
            ("volumes", "db"),
            ("networks", "db"),
        ):
            screen.open(panel, "lobtail-test" if panel == "images" else prefix)
            screen.rows(SHOWN if panel == "images" else prefix)
            for key in keys:
                # Each is refused, and no question is asked.
                screen.until_drawn(b"read-only: nothing is changed", key)
                assert not screen.question
            screen.press("x")
            screen.until(lambda _: "filter by name" in screen.box)
            assert "remove" not in screen.box
            screen.press("x")
            screen.until(lambda _: not screen.box)
        screen.quit()
    assert everything() == before
