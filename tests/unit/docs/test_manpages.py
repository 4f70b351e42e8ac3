"""The manual pages: what they say is what the commands do, and man finds them and no fault."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest

from lobtail.cli.main import cli
from support.engines import LAB

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    script = ROOT / "scripts" / "manpages"
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1767366245"}
    subprocess.run([sys.executable, str(script), str(folder)], env=environ, check=True)
    return folder


@pytest.fixture(scope="module")
def tools() -> None:
    subprocess.run([sys.executable, str(LAB), "tools"], check=True)


def commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {"lobtail": cli} | {f"lobtail-{k}": v for k, v in found.items() if v is not None}


def flags(command: click.Command) -> set[str]:
    context = click.Context(command)
    if isinstance(command, click.Group) and command is not cli:
        below = [command.get_command(context, name) for name in command.list_commands(context)]
        return {flag for one in below if one is not None for flag in flags(one)}
    options = [param for param in command.params if isinstance(param, click.Option)]
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)}


def test_each_command_has_a_page_and_each_flag_is_on_it(folder: Path) -> None:
    assert {path.stem for path in folder.iterdir()} == set(commands())
    for name, command in commands().items():
        text = (folder / f"{name}.1").read_text()
        plain = text.replace("\\-", "-").replace("\\fB", " ").replace("\\fP", " ")
        words = set(plain.replace(",", " ").replace("[", " ").split())
        assert flags(command) <= words, name
        for other in commands():
            assert other == name or f"\\fB{other.replace('-', chr(92) + '-')}\\fP(1)" in text


def test_the_date_is_that_of_the_build(folder: Path) -> None:
    first = (folder / "lobtail.1").read_text().splitlines()[0]
    assert first.startswith('.TH LOBTAIL 1 "2026-01-02" "lobtail ')


@pytest.mark.parametrize("name", commands())
def test_neither_man_nor_mandoc_finds_a_fault(folder: Path, tools: None, name: str) -> None:
    page = str(folder / f"{name}.1")
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    shown = subprocess.run(
        ["man", "--warnings=w", "-E", "UTF-8", "-l", page],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    assert shown.stdout.splitlines()[0].startswith(name.upper())
    checked = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_man_finds_the_pages_of_an_installed_wheel(tmp_path: Path, tools: None) -> None:
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {f"{name}.1" for name in commands()} == {
        Path(name).name for name in names if "/share/man/man1/" in name
    }
    assert "lobtail/cli/shells/lobtail.bash" in names
    prefix = tmp_path / "prefix"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    pip += ["--prefix", str(prefix), "--ignore-installed", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    environ = {**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}"}
    environ.pop("MANPATH", None)
    found = subprocess.run(
        ["man", "-w", "lobtail-tail"], env=environ, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == f"{prefix}/share/man/man1/lobtail-tail.1"
