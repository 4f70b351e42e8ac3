"""Read docker's contexts: engines by name, kept in files by ``docker context create``.

The store is in the folder of docker's configuration (docker/cli, ``cli/context/store``)::

    config.json                                     currentContext
    contexts/meta/<SHA-256 of the name>/meta.json   where the engine is
    contexts/tls/<SHA-256 of the name>/docker/      {ca,cert,key}.pem
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lobtail.engine.config.docker_config import DockerConfig, config_folder, member
from lobtail.errors import ConfigError
from lobtail.regular import read_regular

if TYPE_CHECKING:
    from lobtail.engine.config.tls import Tls

__all__ = ["DEFAULT", "Context", "current_context", "list_contexts", "read_context"]

DEFAULT: Final = "default"
"""The context that is none: the host of the command line or the environment."""


# What reading JSON raises that is none.
_BROKEN: Final = (msgspec.DecodeError, ValueError, RecursionError)


class Context(msgspec.Struct, frozen=True):
    """Where a context's engine is; ``host`` may be empty."""

    host: str
    tls: Tls | None


def current_context(environ: Mapping[str, str], config: DockerConfig) -> tuple[str, str]:
    """Return the context that is in use, ``default`` without any, and where that is said."""
    if name := environ.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    if name := config.current_context:
        return name, f"currentContext in {config.path}"
    return DEFAULT, ""


def list_contexts(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the name and the host of each context that can be used, but for the default one."""
    return sorted(
        (name, _host(meta))
        for name, folder, meta in _metas(config_folder(environ) / "contexts")
        if folder == _digest(name)
    )


def read_context(name: str, environ: Mapping[str, str], origin: str) -> Context:
    """Return the context called ``name``.

    Raises:
        ConfigError: there is none, or it cannot be used; the message has its ``origin``.
    """
    store = config_folder(environ) / "contexts"
    digest = _digest(name)
    path = store / "meta" / digest / "meta.json"
    try:
        meta = msgspec.json.decode(read_regular(path))
    except FileNotFoundError as exc:
        raise _missing(name, environ, origin) from exc
    except OSError as exc:
        raise ConfigError(
            f"the docker context {name!r} ({origin}): {path}: {exc.strerror}"
        ) from exc
    except _BROKEN as exc:
        raise ConfigError(f"the docker context {name!r} ({origin}): {path} is no JSON") from exc
    endpoint = _docker(meta)
    if endpoint is None:
        raise ConfigError(f"the docker context {name!r} ({origin}) has no docker endpoint")
    if not isinstance(member(endpoint, "Host"), str | None):
        # Not the default engine, which may be another one.
        raise ConfigError(f"the docker context {name!r} ({origin}): its host is not a string")
    unverified = member(endpoint, "SkipTLSVerify") is True
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
        from lobtail.engine.config.tls import Tls

        pair = {"cert", "key"} <= there_are.keys()
        tls = Tls(
            ca=there_are.get("ca"),
            cert=there_are["cert"] if pair else None,
            key=there_are["key"] if pair else None,
            verify=not unverified,
        )
    return Context(_host(meta), tls)


def _missing(name: str, environ: Mapping[str, str], origin: str) -> ConfigError:
    """Return the error for a context that is not there, or not where docker looks for it."""
    text = f"there is no docker context {name!r} ({origin})"
    store = config_folder(environ) / "contexts"
    for other, folder, _ in _metas(store):
        if other == name:
            return ConfigError(
                f"{text}: one of that name is in {store / 'meta' / folder}, where docker does not "
                f"look for it; make it anew with 'docker context create'"
            )
    there = ", ".join(other for other, _ in list_contexts(environ) if other.isprintable())
    return ConfigError(f"{text}; there is {there or 'none but the default one'}")


def _exists(path: str) -> bool:
    try:
        os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _docker(meta: Any) -> dict[str, Any] | None:
    endpoints = member(meta, "Endpoints") if isinstance(meta, dict) else None
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    return docker if isinstance(docker, dict) else None


def _host(meta: Any) -> str:
    host = member(_docker(meta) or {}, "Host")
    return host if isinstance(host, str) else ""


def _digest(name: str) -> str:
    """Return the name of a context's folders."""
    from hashlib import sha256  # it loads OpenSSL, which those without contexts can do without

    try:
        data = name.encode("utf-8", "surrogateescape")  # the bytes of the command line
    except UnicodeEncodeError:  # half a character has none
        data = name.encode("utf-8", "replace")
    return sha256(data).hexdigest()


def _metas(store: Path) -> Iterator[tuple[str, str, Any]]:
    """Yield the name, the folder and the contents of each ``meta.json`` that can be read."""
    for path in store.glob("meta/*/meta.json"):
        try:
            meta = msgspec.json.decode(read_regular(path))
        except (OSError, *_BROKEN):
            continue
        name = member(meta, "Name") if isinstance(meta, dict) else None
        if isinstance(name, str):
            yield name, path.parent.name, meta
