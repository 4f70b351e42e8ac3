"""TLS to an engine: which certificates, and who asked for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from lobtail.engine.config.docker_config import config_folder
from lobtail.errors import ConfigError
from lobtail.regular import open_regular

__all__ = ["Tls", "check_readable", "resolve_tls"]


class Tls(msgspec.Struct, frozen=True):
    """How TLS is spoken to an engine: paths of PEM files.

    ``ca`` has the only authorities that are trusted, without it those of the system are. ``cert``
    and ``key`` are our own certificate, for an engine that asks for one. Without ``verify`` any
    certificate of the engine will do: what is read may come from anybody.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True


def resolve_tls(
    environ: Mapping[str, str],
    *,
    tls: bool | None = None,
    verify: bool | None = None,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    system: bool = False,
) -> Tls | None:
    """Return how docker's CLI would speak TLS, given its flags and the environment; None for not.

    ``--tlsverify``, even as ``--tlsverify=false``, and ``DOCKER_TLS_VERIFY`` imply ``--tls``. Files
    that are not named are ``{ca,cert,key}.pem`` in ``DOCKER_CERT_PATH``, or else in the folder of
    docker's configuration (docker/cli, ``cli/flags/options.go``). With ``system`` the authorities
    of the system are trusted where there is no ``ca.pem``.

    Raises:
        ConfigError: a file that is named, or the one that tells whom to trust, is not there.
    """
    given = verify is not None
    verify = bool(environ.get("DOCKER_TLS_VERIFY")) if verify is None else verify
    on = bool(environ.get("DOCKER_TLS")) if tls is None else tls
    if not (on or verify or given):
        return None
    cert_path = environ.get("DOCKER_CERT_PATH")
    folder = Path(cert_path) if cert_path else config_folder(environ)
    for name, path in (("ca", ca), ("cert", cert), ("key", key)):
        if path is not None:
            check_readable(path, f" of `{name}`")
    default = {name: str(folder / f"{name}.pem") for name in ("ca", "cert", "key")}
    if ca is None and verify and not system:
        check_readable(default["ca"], ", the authorities to trust (DOCKER_CERT_PATH, `ca`)")
    there = {name: path for name, path in default.items() if os.path.exists(path)}  # noqa: PTH110
    cert, key = cert or there.get("cert"), key or there.get("key")
    if not (cert and key):
        if cert is not None and cert != there.get("cert"):
            raise ConfigError(f"`cert` {cert} needs the key to it: `key`")
        if key is not None and key != there.get("key"):
            raise ConfigError(f"`key` {key} needs the certificate to it: `cert`")
        cert = key = None
    return Tls(ca=ca or there.get("ca"), cert=cert, key=key, verify=verify)


def check_readable(path: str, what: str) -> None:
    """Refuse a file that cannot be opened; ``what`` says in the error what it is for.

    Raises:
        ConfigError: with the path and the reason.
    """
    try:
        os.close(open_regular(path)[0])
    except OSError as exc:
        raise ConfigError(f"TLS needs the file {path}{what}: {exc.strerror}") from exc
