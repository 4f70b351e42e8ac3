"""``lobtail plugin``: make ``docker tail`` a command of the docker CLI.

The CLI looks for executables named ``docker-NAME`` in its plugin folders (docker/cli,
``cli-plugins/manager/manager.go``). Ours is a launcher of a few lines: it starts the Python that
lobtail is installed in, so it goes on working where lobtail is upgraded in place.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from lobtail.errors import LobtailError
from lobtail.regular import open_regular
from lobtail.terminal.output import Output

__all__ = ["FILE", "command"]

FILE: Final = "docker-tail"

# In the second line of a launcher; a file without it is somebody else's.
_MARK: Final = "# Made by 'lobtail plugin install'; 'lobtail plugin uninstall' removes it."
# -P: what lies in the directory where docker is run must not be imported.
_LAUNCHER: Final = """\
#!/bin/sh
{mark}
python={python}
if [ ! -x "$python" ]; then
  echo "docker tail: $python, where lobtail was, has gone; run 'lobtail plugin install' again" >&2
  exit 1
fi
exec "$python" -P -m lobtail.cli.plugin_entry "$@"
"""
# Longer than Python takes to start on a busy machine.
_TIMEOUT: Final = 30


@click.group("plugin", short_help="Make 'docker tail' a command of the docker CLI.")
def command() -> None:
    """Make 'docker tail' a command of the docker CLI, or take it away again.

    Then 'docker tail web' is 'lobtail tail web', on the engine that docker's own --context and
    --host name.
    """


_dir_option = click.option(
    "--dir",
    "folder",
    metavar="DIR",
    help="The CLI's plugin folder.  [default: cli-plugins in DOCKER_CONFIG or ~/.docker]",
)


@command.command("install", short_help="Put docker-tail into the CLI's plugin folder.")
@_dir_option
def install(folder: str | None) -> None:
    """Put docker-tail into the plugin folder of the docker CLI.

    It runs this lobtail. One that an earlier install put there is replaced; anything else of that
    name stays as it is. For all users: --dir /usr/local/lib/docker/cli-plugins.
    """
    path = _folder(folder) / FILE
    _refuse_others(path)
    if not sys.executable:
        raise LobtailError("the Python that lobtail runs in has no path: docker could not start it")
    python = shlex.quote(str(Path(sys.executable).absolute()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _LAUNCHER.format(mark=_MARK, python=python))
    except OSError as exc:
        raise LobtailError(f"cannot write {path}: {exc.strerror}") from exc
    _say(f"docker tail is there: {path}")


@command.command("uninstall", short_help="Remove docker-tail again.")
@_dir_option
def uninstall(folder: str | None) -> None:
    """Remove the docker-tail that 'lobtail plugin install' made; nothing else."""
    path = _folder(folder) / FILE
    if not os.path.lexists(path):
        raise LobtailError(f"there is no {path}")
    _refuse_others(path)
    try:
        path.unlink()
    except OSError as exc:
        raise LobtailError(f"cannot remove {path}: {exc.strerror}") from exc
    _say(f"removed {path}")


def _folder(given: str | None) -> Path:
    if given is not None:
        if not given:
            raise click.BadParameter("is empty", param_hint="--dir")
        return Path(given).absolute()
    config = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    return Path(config).absolute() / "cli-plugins"


def _refuse_others(path: Path) -> None:
    """Raise if something stands at ``path`` that no install of ours has made."""
    if not os.path.lexists(path):
        return
    try:
        fd, _ = open_regular(path)
        with os.fdopen(fd, "rb") as file:
            ours = _MARK.encode() in file.read(4096).split(b"\n")
    except OSError:
        ours = False
    if path.is_symlink() or not ours:
        raise LobtailError(f"{path} was not made by lobtail: it stays as it is")


def _write(path: Path, text: str) -> None:
    """Put a launcher that works at ``path``, at once: docker may be reading the folder."""
    fd, name = tempfile.mkstemp(prefix=".lobtail-", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        part.chmod(0o755)
        _try(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _try(launcher: Path) -> None:
    """Run a launcher as docker does to learn of a plugin; raise unless that works."""
    try:
        done = subprocess.run(  # noqa: S603 - our own file
            [launcher, "docker-cli-plugin-metadata"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise LobtailError("the launcher does not end; nothing was installed") from exc
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        raise LobtailError(f"the launcher does not run; nothing was installed: {said[-1]}")


def _say(text: str) -> None:
    Output.stdout().write(text.encode("utf-8", "surrogateescape") + b"\n")
