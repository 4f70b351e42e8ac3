"""Read docker's contexts: engines by name, kept in files by ``docker context create``.

The store is in the folder of docker's configuration (docker/cli, ``cli/context/store``)::

    config.json                                     currentContext
    contexts/meta/<SHA-256 of the name>/meta.json   where the engine is
    contexts/tls/<SHA-256 of the name>/docker/      {ca,cert,key}.pem
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lobtail.errors import ConfigError

if TYPE_CHECKING:
    from lobtail.engine.tls import Tls

__all__ = ["DEFAULT", "Context", "config_folder", "current_context", "read_context"]

DEFAULT: Final = "default"
"""The context that is none: the host of the command line or the environment."""


# What reading JSON raises that is none.
_BROKEN: Final = (msgspec.DecodeError, ValueError, RecursionError)


class Context(msgspec.Struct, frozen=True):
    """Where a context's engine is; ``host`` may be empty."""

    host: str
    tls: Tls | None


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of docker's configuration."""
    if given := environ.get("DOCKER_CONFIG"):
        return Path(given)
    return Path(environ.get("HOME") or os.path.expanduser("~"), ".docker")  # noqa: PTH111


def current_context(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the context that is in use, ``default`` without any, and where that is said."""
    if name := environ.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    path = config_folder(environ) / "config.json"
    try:
        config = msgspec.json.decode(path.read_bytes())
    except (OSError, *_BROKEN):
        return DEFAULT, ""  # as the docker CLI: no usable file, no context
    name = config.get("currentContext") if isinstance(config, dict) else None
    return (name, f"currentContext in {path}") if isinstance(name, str) and name else (DEFAULT, "")


def read_context(name: str, environ: Mapping[str, str], origin: str) -> Context:
    """Return the context called ``name``.

    Raises:
        ConfigError: there is none, or it cannot be used; the message has its ``origin``.
    """
    from hashlib import sha256  # it loads OpenSSL, which those without contexts can do without

    store = config_folder(environ) / "contexts"
    digest = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    path = store / "meta" / digest / "meta.json"
    try:
        meta = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError as exc:
        there = ", ".join(_names(store)) or "none but the default one"
        text = f"there is no docker context {name!r} ({origin}); there is {there}"
        raise ConfigError(text) from exc
    except OSError as exc:
        raise ConfigError(
            f"the docker context {name!r} ({origin}): {path}: {exc.strerror}"
        ) from exc
    except _BROKEN as exc:
        raise ConfigError(f"the docker context {name!r} ({origin}): {path} is no JSON") from exc
    endpoint = _docker(meta)
    if endpoint is None:
        raise ConfigError(f"the docker context {name!r} ({origin}) has no docker endpoint")
    host = endpoint.get("Host")
    unverified = endpoint.get("SkipTLSVerify") is True
    folder = store / "tls" / digest / "docker"
    files = {file: str(folder / f"{file}.pem") for file in ("ca", "cert", "key")}
    try:
        # Not what cannot be looked at: without it an engine might be trusted, or told, too much.
        there_are = {file: path for file, path in files.items() if _exists(path)}
    except OSError as exc:
        raise ConfigError(
            f"the docker context {name!r} ({origin}): {exc.filename}: {exc.strerror}"
        ) from exc
    tls = None
    if there_are or unverified:
        from lobtail.engine.tls import Tls

        pair = {"cert", "key"} <= there_are.keys()
        tls = Tls(
            ca=there_are.get("ca"),
            cert=there_are["cert"] if pair else None,
            key=there_are["key"] if pair else None,
            verify=not unverified,
        )
    return Context(host if isinstance(host, str) else "", tls)


def _exists(path: str) -> bool:
    try:
        os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _docker(meta: Any) -> dict[str, Any] | None:
    endpoints = meta.get("Endpoints") if isinstance(meta, dict) else None
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    return docker if isinstance(docker, dict) else None


def _names(store: Path) -> list[str]:
    """Return the names of all contexts that can be read."""
    names = []
    for path in store.glob("meta/*/meta.json"):
        try:
            meta = msgspec.json.decode(path.read_bytes())
        except (OSError, *_BROKEN):
            continue
        if isinstance(meta, dict) and isinstance(meta.get("Name"), str):
            names.append(meta["Name"])
    return sorted(names)
