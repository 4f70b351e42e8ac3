"""What the documents say is so: flags, links, examples, public names."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

import lobtail
from lobtail.cli.main import cli
from lobtail.engine.client import EngineClient

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()


def commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def section(page: str, name: str) -> str:
    text = (ROOT / "docs" / page).read_text()
    match = re.search(rf"^## lobtail {name}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"docs/{page} has no section on lobtail {name}"
    return match[0]


@pytest.mark.parametrize("name", commands())
def test_every_flag_is_documented_and_every_documented_flag_exists(name: str) -> None:
    options = [param for param in commands()[name].params if isinstance(param, click.Option)]
    flags = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}
    cells = re.findall(r"^\| (`.*?) \|", section("logs.md", name), re.MULTILINE)
    documented = {
        flag for cell in cells for flag in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", cell)
    }
    assert documented == flags


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
            assert {alias.name for alias in node.names} <= set(lobtail.__all__)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "lobtail":
                assert node.attr in lobtail.__all__
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


def test_public_names_are_sorted_documented_and_importable() -> None:
    assert lobtail.__all__ == sorted(lobtail.__all__)
    for name in lobtail.__all__:
        value = getattr(lobtail, name)
        if name != "__version__":
            assert value.__doc__, name
    for name in vars(EngineClient):
        if not name.startswith("_"):
            assert getattr(EngineClient, name).__doc__, name


def test_changes_are_told() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    for name in commands():
        assert f"`lobtail {name}`" in changes
