"""Read docker's ``config.json`` as its CLI does: what of it says how to reach an engine.

What cannot be used is passed over with a warning, as by the CLI (docker/cli, ``cli/config``). Names
are those of Go's encoding/json: in whatever case. Go reads one value, and nothing behind it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from lobtail.errors import ConfigError
from lobtail.regular import read_regular

__all__ = ["DockerConfig", "config_folder", "member", "read_config"]

# RFC 9110, section 5.6.2; Go's net/http refuses other names.
_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CONTROL: Final = r"[\x00-\x08\x0a-\x1f\x7f]"
# One of a record of CSV (Go's encoding/csv), and what ends it.
_FIELD: Final = r'(?:"((?:[^"]++|"")*+)"|([^",\r\n]*+))(,|\r?\n|\Z)'
# Go's net/http and docker's client have these for themselves; we also the two of a hijacking.
_OURS: Final = (
    *("Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer"),
    *("Connection", "Upgrade"),
)


class DockerConfig(msgspec.Struct, frozen=True):
    """What ``config.json`` says."""

    path: str
    current_context: str = ""
    detach_keys: str = ""
    headers: Mapping[str, Any] = {}
    """Of each request, as they are written there."""
    warning: str = ""
    """What is wrong with the file, in a line like the CLI's; empty if nothing is."""

    def http_headers(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return what to send with each request, besides what lobtail sends itself.

        ``DOCKER_CUSTOM_HEADERS`` takes the place of what the file says.

        Raises:
            ConfigError: a header cannot be sent.
        """
        origin, given = f"HttpHeaders in {self.path}", self.headers
        if value := environ.get("DOCKER_CUSTOM_HEADERS"):
            origin, given = "DOCKER_CUSTOM_HEADERS", _of_variable(value)
        headers = {}
        for name, text in given.items():
            # Values may be secrets.
            if not re.fullmatch(_NAME, name):
                raise ConfigError(f"{origin}: invalid header name {name[:40]!r}")
            if re.search(_CONTROL, text):
                raise ConfigError(f"{origin}: the value of {name[:40]} has control characters")
            # Go's CanonicalHeaderKey, so that what is sent all the same comes once.
            name = "-".join(part.capitalize() for part in name.split("-"))
            if name not in _OURS:
                headers[name] = text
        return headers


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of docker's configuration."""
    if given := environ.get("DOCKER_CONFIG"):
        return Path(given)
    return Path(environ.get("HOME") or os.path.expanduser("~"), ".docker")  # noqa: PTH111


def read_config(environ: Mapping[str, str]) -> DockerConfig:
    """Read ``config.json``; one that is not there says nothing."""
    path = config_folder(environ) / "config.json"
    try:
        # Go replaces what is not UTF-8.
        text = read_regular(path).decode("utf-8", "replace")
    except FileNotFoundError:
        return DockerConfig(str(path))
    except OSError as exc:
        return DockerConfig(
            str(path), warning=f"Error loading config file ({path}): {exc.strerror}"
        )
    faults: list[str] = []
    try:
        settings = _settings(text)
    except RecursionError:
        faults, settings = ["it is nested too deeply"], {}
    except ValueError as exc:
        faults, settings = [str(exc)], {}
    context = _text(settings, "currentContext", faults)
    keys = _text(settings, "detachKeys", faults)
    headers = _headers(settings, faults)
    warning = f"Error parsing config file ({path}): {faults[0]}" if faults else ""
    return DockerConfig(str(path), context, keys, headers, warning)


def member(values: Mapping[str, Any], name: str) -> Any:
    """Return what JSON says under a name, in whatever case that is written; None for nothing."""
    return next(reversed(_members(values, name)), None)


def _members(values: Mapping[str, Any], name: str) -> list[Any]:
    folded = name.casefold()
    # To Go, null leaves a field as it is.
    return [v for key, v in values.items() if v is not None and key.casefold() == folded]


def _settings(text: str) -> dict[str, Any]:
    """Return the object that a file begins with; ValueError says why there is none."""
    if not text.strip():
        return {}
    try:
        settings = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        import json  # slow to load, and good at saying what is wrong

        if text.startswith("\ufeff"):
            raise ValueError("it begins with a byte-order mark") from None
        # Numbers are nothing that is read here, and one may have thousands of digits.
        settings, _ = json.JSONDecoder(parse_int=float).raw_decode(text.lstrip())
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - as what is no JSON
    return settings


def _text(settings: Mapping[str, Any], name: str, faults: list[str]) -> str:
    text = ""
    for value in _members(settings, name):
        if isinstance(value, str):
            text = _whole(value)
        else:
            faults.append(f"{name} is not a string")
    return text


def _headers(settings: Mapping[str, Any], faults: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for values in _members(settings, "HttpHeaders"):
        if not isinstance(values, dict):
            faults.append("HttpHeaders is not an object")
            continue
        for name, value in values.items():
            if not isinstance(value, str | None):
                faults.append(f"HttpHeaders: {name[:40]!r} is not a string")
            # Go keeps the name of what it cannot use.
            headers[name] = _whole(value) if isinstance(value, str) else ""
    return headers


def _whole(text: str) -> str:
    """Replace half characters, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _of_variable(value: str) -> dict[str, str]:
    """Read ``NAME=VALUE,"NAME=VALUE, with a comma"``."""
    headers: dict[str, str] = {}
    at = 0
    ended = False
    while not ended:
        match = re.compile(_FIELD).match(value, at)
        if match is None:
            raise ConfigError("DOCKER_CUSTOM_HEADERS: invalid quotes: write NAME=VALUE,NAME=VALUE")
        field = match[2] if match[1] is None else match[1].replace('""', '"')
        name, equals, text = field.partition("=")
        if not equals or not name.strip():
            raise ConfigError(
                f"DOCKER_CUSTOM_HEADERS: {name[:40]!r} is not a header: write NAME=VALUE,NAME=VALUE"
            )
        headers[name.strip()] = text
        at, ended = match.end(), match[3] != ","
    return headers
