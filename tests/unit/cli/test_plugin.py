"""`lobtail plugin`, and how the docker CLI's way of calling plugins becomes ours."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lobtail import __version__
from lobtail.cli.plugin_entry import arguments, metadata
from support.engines import LOBTAIL


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        ("tail", "tail"),
        ("tail web -f", "tail web -f"),
        ("tail -H x -c 3 --help", "tail -H x -c 3 --help"),
        ("--host tcp://h:1 tail web", "--host=tcp://h:1 tail web"),
        ("-H tcp://h:1 tail web", "--host=tcp://h:1 tail web"),
        ("-Htcp://h:1 tail web", "--host=tcp://h:1 tail web"),
        ("-H=tcp://h:1 tail web", "--host=tcp://h:1 tail web"),
        ("--context prod tail", "--context=prod tail"),
        ("--context=prod tail", "--context=prod tail"),
        ("-c prod tail", "--context=prod tail"),
        ("-cprod tail", "--context=prod tail"),
        ("-Dc prod tail", "--context=prod tail"),
        ("-DHx tail", "--host=x tail"),
        ("-D tail", "tail"),
        ("-D=true -l debug --log-level=warn --debug=false tail", "tail"),
        ("--tls --tlsverify tail", "--tls --tlsverify tail"),
        ("--tlsverify=1 --tls=false tail", "--tlsverify --tls=false tail"),
        ("--tlscacert a --tlscert=b --tlskey c tail", "--tlscacert=a --tlscert=b --tlskey=c tail"),
        ("--version", "--version"),
        ("-v tail", "--version tail"),
        ("help tail", "tail --help"),
        ("--help tail", "tail --help"),
        ("-h tail", "tail --help"),
        ("", "tail --help"),
        ("__complete tail -f we", "__complete cobra tail -f we"),
        # From a newer CLI: lobtail says that there is no such option.
        ("--nonsense tail", "--nonsense tail"),
        ("-Dzx tail", "-zx tail"),
    ],
)
def test_the_clis_global_flags(words: str, ours: str) -> None:
    assert arguments(shlex.split(words)) == shlex.split(ours)


@pytest.mark.parametrize("form", [["--config", "/a b"], ["--config=/a b"]])
def test_config_is_where_contexts_are_looked_for(
    form: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", "/other")
    assert arguments([*form, "tail"]) == ["tail"]
    assert os.environ["DOCKER_CONFIG"] == "/a b"


def test_metadata_is_what_the_protocol_asks_for() -> None:
    known = json.loads(metadata())
    assert known["SchemaVersion"] == "0.1.0"
    assert known["Vendor"] == "lobtail"
    assert known["Version"] == f"v{__version__}"
    assert known["ShortDescription"]


def plugin(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environ}
    return subprocess.run(
        [*LOBTAIL, "plugin", *args], env=env, capture_output=True, text=True, check=False
    )


def test_what_is_installed_runs_this_lobtail_wherever_it_is_called(tmp_path: Path) -> None:
    config = tmp_path / 'it\'s $HOME; "here"'
    done = plugin("install", DOCKER_CONFIG=str(config))
    path = config / "cli-plugins" / "docker-tail"
    assert (done.stdout, done.stderr, done.returncode) == (f"docker tail is there: {path}\n", "", 0)
    assert [entry.name for entry in path.parent.iterdir()] == ["docker-tail"]
    # A module of the directory that it is called in must not come before ours.
    (tmp_path / "click.py").write_text("raise SystemExit('imported')")
    shown = subprocess.run(
        [path, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (shown.stdout, shown.stderr) == (f"lobtail {__version__}\n", "")
    again = plugin("install", DOCKER_CONFIG=str(config))
    assert again.returncode == 0
    gone = plugin("uninstall", DOCKER_CONFIG=str(config))
    assert (gone.stdout, gone.returncode) == (f"removed {path}\n", 0)
    assert not path.exists()
    none = plugin("uninstall", DOCKER_CONFIG=str(config))
    assert (none.stderr, none.returncode) == (f"lobtail: there is no {path}\n", 1)


def test_a_python_with_odd_characters_in_its_path(tmp_path: Path) -> None:
    odd = tmp_path / "a 'b' \"$c\"" / "python"
    odd.parent.mkdir()
    odd.symlink_to(sys.executable)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [str(odd), "-m", "lobtail", "plugin", "install", "--dir", str(tmp_path)]
    subprocess.run(command, env=environ, check=True, capture_output=True)
    path = tmp_path / "docker-tail"
    known = subprocess.run(
        [path, "docker-cli-plugin-metadata"], env=environ, capture_output=True, check=True
    )
    assert json.loads(known.stdout)["Vendor"] == "lobtail"
    odd.unlink()
    broken = subprocess.run([path, "tail"], capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert broken.stderr == (
        f"docker tail: {odd}, where lobtail was, has gone; run 'lobtail plugin install' again\n"
    )


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    path = tmp_path / "docker-tail"
    for make in (
        lambda: path.write_text("#!/bin/sh\necho 'lobtail plugin install'\n"),
        lambda: path.write_bytes(b"\x7fELF\x00"),
        lambda: path.symlink_to(tmp_path / "elsewhere"),
        lambda: path.mkdir(),
    ):
        make()
        for word in ("install", "uninstall"):
            done = plugin(word, "--dir", str(tmp_path))
            assert done.returncode == 1
            assert done.stderr == f"lobtail: {path} was not made by lobtail: it stays as it is\n"
        assert os.path.lexists(path)
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "cli-plugins"
    done = plugin("install", "--dir", str(folder))
    assert (done.returncode, done.stderr) == (
        1,
        f"lobtail: cannot write {folder}/docker-tail: Not a directory\n",
    )
    assert plugin("install", "--dir", "").returncode == 2


def test_case_fifo_beside_as_a_plugin(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "docker-tail")
    done = plugin("install", "--dir", str(tmp_path))
    assert done.returncode == 1
    assert "was not made by lobtail" in done.stderr
