"""What is typed and what is written: jumps, records as filters, commands, keys."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import _character_to_key

from lobtail.cli.tail import command
from lobtail.errors import ConfigError
from lobtail.model.frames import Stream
from lobtail.model.items import Line, Stopped
from lobtail.model.levels import Level
from lobtail.query.query import Query
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.jump import parse_jump
from lobtail.tui.state.keymap import check_keymap, key_name
from lobtail.tui.state.keys import KEYS
from lobtail.tui.state.record import Node, record_of, term_for
from lobtail.tui.state.target import Target, command_for
from lobtail.tui.state.text_selection import Point, TextSelection
from unit.tui.items import REF, line

S = 1_000_000_000
NOW = 1_790_000_000 * S  # 2026-09-21T14:13:20Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@12:30", 1_789_993_800 * S),
        ("12:30:05.25", 1_789_993_805 * S + 250_000_000),
        ("@14:14", (1_790_000_040 - 86_400) * S),  # not yet: yesterday
        ("-10m", 1_000 * S - 600 * S),
        ("+90s", 1_090 * S),
        ("2026-09-21T10:00:00Z", 1_789_984_800 * S),
        ("12", 1_789_992_000 * S),
        ("15", (1_790_002_800 - 86_400) * S),
        ("now", NOW),
        ("10m ago", NOW - 600 * S),
        ("10 minutes ago", NOW - 600 * S),
        ("1d", NOW - 86_400 * S),
        ("yesterday", 1_789_862_400 * S),
        ("2026-09-21 04:12", 1_789_963_920 * S),
        ("-1d", 1_000 * S - 86_400 * S),
        ("+10 minutes", 1_600 * S),
        ("1789984800", 1_789_984_800 * S),
    ],
)
def test_case_forms_of_times_to_jump_to(text: str, expected: int) -> None:
    found = parse_jump(text, now_ns=NOW, here_ns=1_000 * S, zone=lambda _: 0)
    assert found == expected


def test_a_clock_is_that_of_the_zone() -> None:
    utc = parse_jump("12:30", now_ns=NOW, here_ns=0, zone=lambda _: 0)
    assert parse_jump("14:30", now_ns=NOW, here_ns=0, zone=lambda _: 7200) == utc


@pytest.mark.parametrize(
    "text", ["", "24", "99", "1234", "12.5", "25:00", "-10", "+x", "-9999999999999h", "12:61"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_jump(text, now_ns=NOW, here_ns=0, zone=lambda _: 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6), JSON, min_size=1, max_size=4))
def test_every_field_makes_a_filter_that_keeps_its_line(fields: dict[str, Any]) -> None:
    item = line("", 1)
    item = msgspec.structs.replace(item, raw=msgspec.json.encode(fields))
    for node in leaves(record_of(item)):
        term = term_for(node)
        if term:
            assert Query(term).matches(item), term
            assert not Query(term_for(node, without=True)).matches(item), term


def leaves(nodes: tuple[Node, ...]) -> list[Node]:
    found = []
    for node in nodes:
        found += [node, *leaves(node.children)]
    return found


def test_fields_that_are_called_like_something_else_stay_fields() -> None:
    item = line('{"level":"notice","time":"now","and":1,"label":{"x":2}}', 1)
    paths = {node.path for node in leaves(record_of(item))}
    assert {".level", ".time", ".and", ".label.x"} <= paths


def test_a_mark_is_a_record_as_well() -> None:
    nodes = {node.name: node.value for node in record_of(Stopped(REF, 1, 137, oom=True))}
    assert nodes["exit_code"] == "137"
    assert nodes["oom"] == "True"


def test_a_record_of_a_line_has_its_container_and_its_details() -> None:
    item = Line(REF, Stream.STDERR, 1, b"x", raw_details=b"a=b")
    names = {node.path: node.value for node in leaves(record_of(item)) if node.path}
    assert names["container"] == "web-1"
    assert names["stream"] == "stderr"
    assert ("a", "b") in {(node.name, node.value) for node in leaves(record_of(item))}


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (Target(names=("web-1",)), Filter()),
        (Target(names=("web 1", "-odd"), everything=True), Filter(query="level>=warn and a='b c'")),
        (Target(projects=("shop",), services=("web",)), Filter(level=Level.WARN)),
        (Target(), Filter(stream=Stream.STDERR)),
        (
            Target(labels=("a=b",), images=("nginx",), exclude=("x-*",)),
            Filter(stream=Stream.STDOUT),
        ),
    ],
)
def test_the_command_says_the_same(target: Target, wanted: Filter) -> None:
    words = shlex.split(command_for(target, wanted, stamps="full"))
    assert words[:2] == ["lobtail", "tail"]
    params = command.make_context("tail", words[2:], resilient_parsing=False).params
    assert set(params["selectors"]) == set(target.names)
    assert params["everything"] == target.arguments()["all"]
    assert (params["where"] or ("",))[0] == wanted.query


def test_the_command_names_the_engine() -> None:
    said = command_for(Target(), Filter(), engine=("-H", "tcp://x:1"))
    assert said == "lobtail -H tcp://x:1 tail"


def test_nothing_in_the_command_acts_where_it_is_pasted() -> None:
    target = Target(projects=("a'b\x1b]0;x\x07\u202e\\",))
    command = command_for(target, Filter())
    assert command.isprintable()
    script = f"printf '%s\n' {command}"
    env = {"PATH": "/bin:/usr/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=env)
    assert done.stdout.decode().split("\n")[3] == target.projects[0]


def test_titles() -> None:
    assert Target().title == "All running"
    assert Target(names=("a", "b")).title == "a, b"
    assert Target(projects=("shop",), services=("web",)).title == "shop/web"
    assert Target(names=("a",)).single
    assert not Target(names=("a*",)).single


def test_keys_are_there_once() -> None:
    names = [key.name for key in KEYS]
    assert len(names) == len(set(names))
    for where in ("log", "list", "app"):
        keys = [k for key in KEYS if key.where in (where, "app") for k in key.keys.split(",")]
        # In the log 0 is the beginning of lines; from elsewhere it goes there.
        assert len(keys) == len(set(keys)) + (where == "log"), where
    assert all(key.words for key in KEYS)


def test_a_keymap_is_checked() -> None:
    assert check_keymap({"wrap": "W"}) == {"wrap": "W"}
    assert check_keymap({"search": "X, ctrl+S"}) == {"search": "X,ctrl+s"}
    # Two that change places.
    assert check_keymap({"wrap": "t", "timestamps": "w"}) == {"wrap": "t", "timestamps": "w"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"warp": "W"}, "has no 'warp'"),
        ({"wrap": 1}, "takes keys"),
        ({"wrap": "ctrl+nonsense"}, "wrap: there is no key 'ctrl\\+nonsense'"),
        ({"wrap": "W,"}, "there is no key ''"),
        ({"wrap": "hyper+w"}, "no key"),
        ({"search": "f"}, "search: f is a key of 'filter' already; give 'filter' another one"),
        ({"wrap": "X", "names": "X"}, "'wrap' already|'names' already"),
        ({"wrap": "question_mark"}, r"wrap: \? is a key of 'help'"),
        ({"zoom": "w"}, "zoom: w is a key of 'wrap'"),
        ({"copy": "ctrl+c"}, "copy: Ctrl-c is a key of 'quit'"),
    ],
)
def test_keys_that_do_not_fit_are_refused_in_one_line(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        check_keymap(given)
    assert "\n" not in str(caught.value)


def test_some_keys_always_quit() -> None:
    assert check_keymap({"quit": "Q"}) == {"quit": "Q,ctrl+c,ctrl+q"}


def test_keys_are_called_as_by_textual() -> None:
    for key in map(chr, range(33, 127)):
        assert key_name(key) == _character_to_key(key)
        name = _character_to_key(key)
        assert key_name(name) == name
    for action in KEYS:
        assert all(key_name(key) for key in action.keys.split(",")), action
    for known in ("f12", "alt+x", "ctrl+pagedown", "ctrl+shift+up", "shift+tab", "ä"):
        assert key_name(known) == known


def test_a_selection_goes_from_point_to_point() -> None:
    selection = TextSelection.at(Point(5, 3)).to(Point(3, 1))
    assert selection.ordered() == (Point(3, 1), Point(5, 3))
    assert selection.span_in(3, 0, 10) == (1, 10)
    assert selection.span_in(4, 0, 10) == (0, 10)
    assert selection.span_in(5, 0, 10) == (0, 3)
    assert selection.span_in(5, 10, 4) is None
    assert selection.span_in(6, 0, 10) is None
    assert TextSelection.at(Point(1, 1)).empty
    assert TextSelection.at(Point(1, 1), whole=True).span_in(1, 0, 4) == (0, 4)
