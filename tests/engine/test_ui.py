"""`lobtail ui` on a real terminal, beside a real engine."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest

from faults.process import state
from faults.terminal import HOSTILE
from support.engines import LOBTAIL, TestEngine
from support.gate import Gate
from support.screen import Screen

COUNT = 'i=0; while :; do i=$((i+1)); echo "line $i of web"; '
COUNT += '[ $((i%5)) = 0 ] && echo "ERROR: no $i" >&2; usleep 50000; done'


def ui(engine: TestEngine, *args: str, columns: int = 100, rows: int = 30) -> Screen:
    env = {**engine.env({"LOBTAIL_CONFIG": os.devnull}), "TERM": "xterm-256color"}
    return Screen([*LOBTAIL, "ui", *args], env, columns=columns, rows=rows)


HOSTILE_LABELS = (
    *("--label", "evil=\x1b]0;owned\x07\x1b[2J"),
    *("--label", "com.docker.compose.project=\x1b[2J\x1b]52;c;ZXZpbA==\x07\u202eshop"),
    *("--label", "com.docker.compose.service=[link=http://x]\x9b2Jweb"),
    *("--env", "EVIL=\x1b]0;owned\x07"),
)


@pytest.fixture(scope="module")
def web_of_one(one_engine: TestEngine) -> Iterator[str]:
    """Return a container that is only looked at."""
    name = one_engine.start(COUNT)
    yield name
    one_engine.remove(name, missing_ok=True)


@pytest.fixture
def web(engine: TestEngine) -> Iterator[str]:
    name = engine.start(COUNT)
    yield name
    engine.remove(name, missing_ok=True)


def test_a_session(engine: TestEngine, web: str) -> None:
    with ui(engine, web) as screen:
        screen.until("following")
        screen.until("ERROR: no")
        # A filter holds while it is typed, and a fault is said at once.
        screen.press("f", "level>>")
        screen.until("a value is expected")
        screen.press("backspace", "=error")
        screen.until(lambda text: "where error" in text or "level>=error" in text)
        screen.until(lambda text: " of web" not in text and "ERROR: no" in text)
        screen.press("enter", "escape")
        screen.until(lambda text: " of web" in text)
        screen.press("/", "no [0-9]*5")
        screen.until(lambda text: "/no [0-9]*5" in text)
        screen.press("enter", "N")
        screen.until("paused")
        screen.until(lambda text: " new" in text)
        screen.press("end")
        screen.until("following")
        # From the list: another run, which the log tells of; then a shell, and back.
        screen.press("2", "/", web)
        screen.until(lambda text: f"filter containers: {web}" in " ".join(text.split()))
        screen.press("enter", "r")
        screen.until(f"Restart {web}?")
        screen.press("y")
        screen.until("restarted: ")
        screen.until("■ stopped, exit code 137")
        screen.until("▶ started")
        screen.until(f"● {web}")
        screen.until(" of web")
        before = screen.raw.count(b"\x1b[?1049l")
        screen.press("E")
        screen.until(f"Open a shell in {web}?")
        screen.press("y")
        screen.until("exit comes back")
        screen.until("/ #")
        screen.press("echo in-$((40+2))", "enter")
        screen.until("in-42")
        assert screen.raw.count(b"\x1b[?1049l") > before
        screen.press("exit", "enter")
        screen.until(lambda _: screen.raw.count(b"\x1b[?1049h") == 2)
        screen.until("2 Containers")
        screen.until(" of web")
        screen.resize(80, 24)
        screen.until(lambda text: "4 Volumes" in text and "▼ following" in text)
        screen.press("q")
        assert screen.wait() == 0
        screen.assert_restored()


def test_nothing_of_a_container_acts_on_the_terminal(engine: TestEngine) -> None:
    # A line each: of what a CR begins anew, only the last state is shown.
    payload = b"".join(b"%s|\n" % value for value in HOSTILE.values()) + b"the end\n"
    octal = "".join(f"\\{byte:03o}" for byte in payload)
    name = engine.start(f"printf '{octal}'; sleep 60", *HOSTILE_LABELS)
    try:
        with ui(engine, name, "--wrap", rows=60) as screen:
            screen.until("the end")
            screen.until("␛]0;owned")
            screen.press("k", "k", "enter")
            screen.until("▼ line")
            screen.press("q")
            # Names and labels in lists, trees and tables.
            screen.press("1")
            screen.until("␛[2J␛]52")
            screen.press("2", "/", name)
            screen.until(lambda text: f"filter containers: {name}" in " ".join(text.split()))
            screen.press("enter")
            screen.until(" Env ")
            screen.press("]", "]")
            screen.until("VARIABLE")
            screen.press("]")
            screen.until("Path: sh")
            screen.press("q")
            assert screen.wait() == 0
            screen.assert_restored()
            screen.assert_harmless()
    finally:
        engine.remove(name, missing_ok=True)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(
    one_engine: TestEngine, web_of_one: str, number: int, code: int
) -> None:
    with ui(one_engine, web_of_one) as screen:
        screen.until("following")
        screen.process.send_signal(number)
        assert screen.wait() == code
        screen.assert_restored()


def test_without_colours_there_are_none(one_engine: TestEngine, web_of_one: str) -> None:
    env = {
        **one_engine.env({"LOBTAIL_CONFIG": os.devnull}),
        "COLORTERM": "truecolor",
        "NO_COLOR": "1",
    }
    with Screen([*LOBTAIL, "ui", web_of_one], env, columns=100, rows=30) as screen:
        screen.until("ERROR: no")
        screen.until(f"● {web_of_one}")
        # What has a look of its own: a prompt, hits, a selection, a notice, a tree, a list, a menu,
        # a question, help.
        screen.press("/", "of web", "enter", "N", "v", "k")
        screen.until("2 selected")
        screen.press("y")
        screen.until("copied 2 lines")
        screen.press("enter")
        screen.until("▼ line")
        screen.press("q", "2", "x")
        screen.until(f"restart {web_of_one}")
        screen.press("q", "s")
        screen.until(f"Stop {web_of_one}?")
        screen.press("n", "?")
        screen.until("In a list")
        screen.press("q")
        screen.until(lambda text: "In a list" not in text)
        screen.press("q")
        assert screen.wait() == 0
        screen.assert_restored()
        said = re.findall(rb"\x1b\[([0-9;:]*)m", screen.raw)
        parts = {part for parts in said for part in parts.split(b";")}
        # Bold, dim, underlined, reverse, and an end of it.
        assert {b"0", b"1", b"2", b"7"} <= parts <= {b"", b"0", b"1", b"2", b"4", b"7"}


def test_attaching_has_the_terminal_until_it_is_left(engine: TestEngine) -> None:
    name = engine.start("while read -r x; do echo got-$x; done", "-it")
    try:
        with ui(engine, name) as screen:
            screen.press("2", "/", name)
            screen.until(lambda text: f"filter containers: {name}" in " ".join(text.split()))
            screen.press("enter")
            screen.until(f"● {name}")
            screen.press("a")
            screen.until(f"Attach to {name}?")
            screen.press("y")
            screen.until("comes back")
            screen.press("whale", "enter")
            screen.until("got-whale")
            screen.press("ctrl+p", "ctrl+q")
            screen.until(lambda _: screen.raw.count(b"\x1b[?1049h") == 2)
            screen.until("3 Images")
            screen.until(lambda text: "got-whale" in text and "following" in text)
            screen.press("q")
            assert screen.wait() == 0
            screen.assert_restored()
    finally:
        engine.remove(name, missing_ok=True)


def test_ctrl_c_comes_back_from_a_container_without_a_terminal(one_engine: TestEngine) -> None:
    # Its input is typed as lines, and what it prints cannot act on the terminal.
    name = one_engine.start("while read -r x; do printf 'got-%s\\033[2J\\n' $x; done", "-i")
    try:
        with ui(one_engine, name) as screen:
            screen.press("2", "/", name)
            screen.until(lambda text: f"filter containers: {name}" in " ".join(text.split()))
            screen.press("enter")
            screen.until(f"● {name}")
            screen.press("a")
            screen.until(f"Attach to {name}?")
            screen.press("y")
            screen.until("Ctrl-C comes back")
            screen.press("whale", "enter")
            screen.until("got-whale\u241b[2J")
            screen.process.send_signal(signal.SIGINT)  # which a terminal makes of Ctrl-C
            screen.until(lambda _: screen.raw.count(b"\x1b[?1049h") == 2)
            screen.until("3 Images")
            screen.press("q")
            assert screen.wait() == 0
            screen.assert_restored()
        assert one_engine.inspect(name)["State"]["Running"]
    finally:
        one_engine.remove(name, missing_ok=True)


def test_a_signal_ends_it_while_a_shell_has_the_terminal(
    one_engine: TestEngine, web_of_one: str
) -> None:
    with ui(one_engine, web_of_one) as screen:
        screen.press("2", "/", web_of_one)
        screen.until(lambda text: f"filter containers: {web_of_one}" in " ".join(text.split()))
        screen.press("enter")
        screen.until(f"● {web_of_one}")
        screen.press("E", "y")
        screen.until("/ #")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.wait() == 143
        screen.assert_restored()


def test_an_engine_that_goes_away_is_told_of_and_found_again(one_engine: TestEngine) -> None:
    # Slow enough for the mark to be seen before it is scrolled away.
    name = one_engine.start("i=0; while sleep 1; do i=$((i+1)); echo line $i of web; done")
    with Gate(one_engine.host) as gate:
        env = one_engine.env({"LOBTAIL_CONFIG": os.devnull, "DOCKER_HOST": gate.host})
        with Screen([*LOBTAIL, "ui", name], env) as screen:
            screen.until(" of web")
            screen.until("docker ")
            gate.shut()
            screen.until("no connection, trying again")
            gate.open()
            screen.until(lambda text: "no connection" not in text and "● " in text)
            # The log goes on where it was, and says that it was cut.
            screen.until("resumed")
            screen.until("following")
            screen.press("q", "q")  # out of the log, and out
            assert screen.wait() == 0
            screen.assert_restored()


CRASH = """
from lobtail.tui.widgets.log_pane import LogPane

def action_wrap(self):
    raise RuntimeError("made by a test")

LogPane.action_wrap = action_wrap
from lobtail.cli.entry import main
main()
"""


def test_a_fault_of_ours_is_one_line_and_the_terminal_is_as_it_was(
    one_engine: TestEngine, web_of_one: str
) -> None:
    import sys

    env = {**one_engine.env({"LOBTAIL_CONFIG": os.devnull}), "TERM": "xterm-256color"}
    with Screen([sys.executable, "-c", CRASH, "ui", web_of_one], env) as screen:
        screen.until("following")
        screen.press("w")
        assert screen.wait() == 1
        screen.assert_restored()
        end = screen.raw[screen.raw.rfind(b"\x1b[?1049l") :].decode()
        assert "the terminal UI failed: RuntimeError: made by a test" in end
        assert "Traceback" not in end


def test_ctrl_z_gives_the_terminal_back_and_takes_it_again(
    one_engine: TestEngine, web_of_one: str
) -> None:
    with ui(one_engine, web_of_one) as screen:
        screen.until(" of web")
        screen.press("ctrl+z")
        screen.until(lambda _: state(screen.process.pid) == "T")
        screen.until(lambda _: screen.raw.count(b"\x1b[?1049l") == 1)
        screen.assert_restored()
        screen.process.send_signal(signal.SIGCONT)
        screen.until(lambda _: screen.raw.count(b"\x1b[?1049h") == 2)
        screen.until("following")
        screen.press("w", "?")
        screen.until("In a log")
        screen.press("q", "q", "q")
        assert screen.wait() == 0
        screen.assert_restored()
