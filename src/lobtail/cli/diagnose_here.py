"""Look at this side as ``lobtail doctor`` does: the program, its settings, its terminal."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from typing import Final

import click
import msgspec

from lobtail._version import __version__
from lobtail.cli.defaults import config_path
from lobtail.cli.diagnose import Finding
from lobtail.engine.config.docker_config import read_config
from lobtail.errors import ConfigError
from lobtail.render.colors import use_color

__all__ = ["HereReport", "examine_here"]

# What changes which engine is meant, how it is asked, or how lines look. Others that begin with
# DOCKER_ may be secrets.
_VARIABLES: Final = (
    *("DOCKER_API_VERSION", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST"),
    *("DOCKER_TLS", "DOCKER_TLS_VERIFY", "NO_COLOR", "FORCE_COLOR", "TERM", "TZ", "LANG", "LC_ALL"),
    *("LC_CTYPE", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
)


class HereReport(msgspec.Struct):
    """What was found out about this side."""

    lobtail: str
    python: str
    system: str
    user: str
    terminal: bool
    """Whether stdout is one."""
    color: bool
    columns: int
    settings: str
    """The file of defaults, whether it is there or not."""
    settings_there: bool
    variables: dict[str, str]
    docker: str
    """The docker CLI on PATH."""
    findings: list[Finding] = []


def examine_here() -> HereReport:
    """Find out all about this side."""
    terminal = _isatty()
    path = config_path()
    report = HereReport(
        lobtail=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        user=f"uid {os.getuid()}",
        terminal=terminal,
        color=use_color("auto", os.environ, terminal),
        columns=shutil.get_terminal_size().columns,
        settings=str(path),
        settings_there=path.exists(),
        variables={
            name: value
            for name, value in sorted(os.environ.items())
            if name in _VARIABLES or name.startswith("LOBTAIL_")
        },
        docker=shutil.which("docker") or "",
    )
    report.findings.append(_settings(report))
    if warning := read_config(os.environ).warning:
        hint = "what cannot be read there does not count: neither its context nor its HttpHeaders"
        report.findings.append(Finding("warning", warning, hint))
    shown = "with colours" if report.color else "without colours"
    where = f"a terminal of {report.columns} columns" if terminal else "no terminal"
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower()
    if terminal and encoding not in ("utf-8", "utf8"):
        text = f"stdout is {where}, {shown}, and its encoding is {encoding or 'not known'}"
        hint = "lobtail writes UTF-8: set LANG or LC_ALL, C.UTF-8 for instance"
        report.findings.append(Finding("warning", text, hint))
    else:
        report.findings.append(Finding("ok", f"stdout is {where}, {shown}"))
    return report


def _settings(report: HereReport) -> Finding:
    """Say whether the file of defaults can be used."""
    from lobtail.cli.tail import command as tail

    try:
        tail.make_context("tail", [])  # reads the file and the variables, as the command does
    except (ConfigError, click.ClickException) as exc:
        said = exc.format_message() if isinstance(exc, click.ClickException) else str(exc)
        return Finding("error", f"the settings cannot be used: {' '.join(said.split())}")
    if report.settings_there:
        return Finding("ok", f"settings from {report.settings}", "'lobtail config' shows them")
    return Finding("ok", f"no settings of your own ({report.settings} is not there)")


def _isatty() -> bool:
    try:
        return os.isatty(1)
    except OSError:
        return False
