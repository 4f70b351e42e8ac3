"""What the documents say is so: flags, links, examples, public names."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
from pathlib import Path

import click
import pytest

import lobtail
import lobtail.docker
import lobtail.errors
import lobtail.types
from lobtail.cli.main import cli
from lobtail.engine.client import EngineClient
from lobtail.model.items import Dropped, Gap, Removed, Resumed, Skipped, Started, Stopped
from lobtail.query.query import Query
from lobtail.render.template import FIELDS

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
# Where each command is described, by its first word, if not in logs.md.
HOME = {
    "tail": "tail.md",
    "config": "tail.md",
    "ui": "ui.md",
    "attach": "attach.md",
    "exec": "attach.md",
    "plugin": "shell.md",
    "completion": "shell.md",
    "doctor": "shell.md",
    "service": "services.md",
}


def commands(group: click.Group = cli, before: str = "") -> dict[str, click.Command]:
    """Return all commands by their words; of a group, such as plugin, those in it."""
    context = click.Context(group)
    found: dict[str, click.Command] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        elif command is not None:
            found[before + name] = command
    return found


def section(page: str, name: str) -> str:
    text = (ROOT / "docs" / page).read_text()
    match = re.search(rf"^## lobtail {name}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"docs/{page} has no section on lobtail {name}"
    return match[0]


@pytest.mark.parametrize("name", commands())
def test_every_flag_is_documented_and_every_documented_flag_exists(name: str) -> None:
    options = [param for param in commands()[name].params if isinstance(param, click.Option)]
    flags = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}
    cells = re.findall(
        r"^\| (`.*?) \|", section(HOME.get(name.split()[0], "logs.md"), name), re.MULTILINE
    )
    documented = {
        flag for cell in cells for flag in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", cell)
    }
    assert documented == flags


@pytest.mark.parametrize("name", ["", *commands()])
def test_every_flag_has_a_sentence(name: str) -> None:
    options = [
        param for param in commands().get(name, cli).params if isinstance(param, click.Option)
    ]
    for option in options:
        # What holds without it stands behind the sentence, where click puts it, too.
        words, *default = re.split("  (?=\\[default: )", option.help or "")
        assert re.fullmatch(r"[A-Z][^\n]*[^ ]\.", words), f"{name} {option.opts[0]}: {words!r}"
        assert re.fullmatch(r"(\[default: [^]]+\])?", "".join(default))


def test_every_query_of_the_documents_can_be_read() -> None:
    text = (ROOT / "docs" / "tail.md").read_text() + README
    queries = re.findall(r"(?:-w|--where) '([^']+)'", text)
    assert len(queries) >= 8
    for query in queries:
        Query(query)


def test_the_json_of_the_documents_has_the_keys_that_the_table_has() -> None:
    text = (ROOT / "docs" / "tail.md").read_text()
    objects = [json.loads(line) for line in re.findall(r'^\{"v".*', text, re.MULTILINE)]
    table = re.search(r"^## JSON\n.*?(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert table
    documented = set(
        re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", table[0], re.MULTILINE)))
    )
    assert {key for item in objects for key in item} <= documented
    marks = (Started, Stopped, Removed, Resumed, Gap, Dropped, Skipped)
    of_marks = {name for mark in marks for name in mark.__struct_fields__}
    assert of_marks - {"container", "time_ns"} <= documented
    for mark in marks:
        assert f"| `{mark.kind}` |" in text
        assert f"`{mark.kind}`" in table[0]


def test_every_field_of_a_template_is_documented() -> None:
    text = (ROOT / "docs" / "tail.md").read_text()
    for name in FIELDS:
        assert f"`{{{name}}}`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("number", range(README.count("```python")))
def test_python_in_the_readme_uses_public_names(number: int) -> None:
    block = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[number]
    tree = ast.parse(block)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "lobtail":
            assert {alias.name for alias in node.names} <= set(dir(lobtail))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "lobtail":
                assert node.attr in dir(lobtail)
            if node.value.id == "engine":
                assert hasattr(lobtail.Engine, node.attr)


def tour() -> list[str]:
    return re.findall(r"^    (lobtail .*?)(?: *#.*)?$", README, re.MULTILINE)


@pytest.mark.parametrize("line", tour())
def test_commands_in_the_tour_parse(line: str) -> None:
    words = shlex.split(line)[1:]
    at = next(i for i, word in enumerate(words) if word in commands())
    context = cli.make_context("lobtail", words[: at + 1])
    commands()[words[at]].make_context(words[at], words[at + 1 :], parent=context)


def test_the_tour_is_there() -> None:
    assert len(tour()) >= 6


# An error is shown where it is at home, for that is where most of them are imported from.
PUBLIC = [
    (module, name)
    for module in (lobtail, lobtail.docker, lobtail.errors, lobtail.types)
    for name in module.__all__
    if name != "__version__" and (module is not lobtail or name not in lobtail.errors.__all__)
]


def test_public_names_are_documented_and_importable() -> None:
    for module, name in PUBLIC:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert value.__doc__, name
    for name in vars(EngineClient):
        if not name.startswith("_"):
            assert getattr(EngineClient, name).__doc__, name


def test_case_api_lists_no_entry_twice_and_leaves_none_out() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    shown = re.findall(r"^::: (lobtail[.\w]*)\.(\w+)$", page, re.MULTILINE)
    assert sorted(shown) == sorted((module.__name__, name) for module, name in PUBLIC)
    titles = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert len(titles) == len(set(titles))


def test_case_compare_tells_the_truth_about_lobtail() -> None:
    page = (ROOT / "docs" / "compare.md").read_text()
    ours = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE))
    # The histogram, the search and the jump to a time are in the client.
    assert {ours[row] for row in ("histogram", "search while looking", "jump to a time")} == {
        "`lobtail ui`"
    }
    flags = {option for command in commands().values() for option in _flags(command)}
    for row, flag in {
        "lines of context": "--context",
        "exit code on a match, for CI": "--until-match",
        "log files without an engine": "--file",
        "levels": "--level",
        "JSON output": "--output",
    }.items():
        assert ours[row] == "yes"
        assert flag in flags


def _flags(command: click.Command) -> list[str]:
    return [name for option in command.params for name in option.opts]


def test_changes_are_told() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    for name in commands():
        assert f"`lobtail {name.split()[0]}" in changes
