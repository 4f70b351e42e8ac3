"""TLS to an engine: which certificates, who asked for it, and what it means when it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from lobtail.engine.docker_config import config_folder
from lobtail.errors import ConfigError
from lobtail.regular import open_regular

if TYPE_CHECKING:
    # asyncio loads it in any case today; that may change, and most engines are on a Unix socket.
    import asyncio
    import ssl

__all__ = [
    "Tls",
    "client_context",
    "close_notify",
    "explain",
    "resolve_tls",
]


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
    for flag, path in (("--tlscacert", ca), ("--tlscert", cert), ("--tlskey", key)):
        if path is not None:
            _look(path, f" of {flag}")
    default = {name: str(folder / f"{name}.pem") for name in ("ca", "cert", "key")}
    if ca is None and verify and not system:
        _look(default["ca"], ", the authorities to trust (DOCKER_CERT_PATH, `ca`)")
    there = {name: path for name, path in default.items() if os.path.exists(path)}  # noqa: PTH110
    cert, key = cert or there.get("cert"), key or there.get("key")
    if not (cert and key):
        if cert is not None and cert != there.get("cert"):
            raise ConfigError(f"--tlscert {cert} needs the key to it: --tlskey")
        if key is not None and key != there.get("key"):
            raise ConfigError(f"--tlskey {key} needs the certificate to it: --tlscert")
        cert = key = None
    return Tls(ca=ca or there.get("ca"), cert=cert, key=key, verify=verify)


def client_context(tls: Tls) -> ssl.SSLContext:
    """Return what a connection is secured by; its files are read anew each time.

    Raises:
        ConfigError: a file cannot be used.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca is None:
        context.load_default_certs()
    if tls.ca is not None:
        _look(tls.ca, ", the authorities to trust")
        with _reading(tls.ca):
            context.load_verify_locations(tls.ca)
        # As Go: what is in the file is trusted, be it the root of a chain or not.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.cert is not None and tls.key is not None:
        _look(tls.cert, ", our certificate")
        _look(tls.key, ", the key of our certificate")
        with _reading(f"{tls.cert} with {tls.key}"):
            context.load_cert_chain(tls.cert, tls.key, password=_no_password(tls.key))
    elif tls.cert or tls.key:
        raise ConfigError(f"{tls.cert or tls.key} is of no use alone: TLS needs both cert and key")
    return context


def explain(exc: Exception) -> str:
    """Say what an error of TLS means and what to try; empty where it is none."""
    import ssl

    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"the engine's certificate is not trusted: {exc.verify_message}"
    if isinstance(exc, ssl.SSLEOFError):
        return "it ended the connection while TLS was being set up; does it speak TLS?"
    if not isinstance(exc, ssl.SSLError):
        return ""
    reason = exc.reason or ""
    if reason in _PLAIN:
        return "it does not speak TLS, which `tls`, DOCKER_TLS_VERIFY or the context asks for"
    said = (reason.partition("ALERT_")[2] or reason).lower().replace("_", " ")
    if reason.endswith(_CERTIFICATE):
        return f"the engine refuses us ({said}): give a certificate that it trusts, with its key"
    return f"TLS failed: {said or exc.strerror or exc}"


# What OpenSSL calls an answer that is no TLS, by its versions.
_PLAIN: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_CERTIFICATE: Final = (
    *("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE"),
    *("CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN", "ACCESS_DENIED"),
)


def _look(path: str, what: str) -> None:
    try:
        os.close(open_regular(path)[0])
    except OSError as exc:
        raise ConfigError(f"TLS needs the file {path}{what}: {exc.strerror}") from exc


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Name the files that TLS cannot use."""
    import ssl

    try:
        yield
    except ssl.SSLError as exc:
        why = (exc.reason or "").lower().replace("_", " ") or "no PEM file of that kind"
        raise ConfigError(f"{what} cannot be used for TLS: {why}") from exc


def _no_password(key: str) -> Callable[[], str]:
    def ask() -> str:
        # OpenSSL would ask at the terminal, in the midst of whatever is there.
        raise ConfigError(f"{key} is encrypted; such keys are not used, as by docker")

    return ask


def close_notify(transport: asyncio.Transport) -> bool | None:
    """Say over TLS that no more will be sent, and go on reading; return whether that was possible.

    asyncio closes TLS only both ways, so its parts are used here: OpenSSL makes the alert, which
    goes out like all else. It also looks for the peer's, and takes data behind its own alert for an
    error: while something waits to be decrypted, nothing is done, and None returned.
    """
    import ssl

    protocol: Any = getattr(transport, "_ssl_protocol", None)
    tls = getattr(protocol, "_sslobj", None)
    send = getattr(protocol, "_process_outgoing", None)
    incoming = getattr(protocol, "_incoming", None)
    if tls is None or send is None or incoming is None:
        return False
    if incoming.pending or tls.pending():
        return None
    try:
        tls.unwrap()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError:
        return False
    protocol._sslobj = _HalfClosed(tls)  # noqa: SLF001
    send()
    return True


class _HalfClosed:
    """An ``ssl.SSLObject`` whose reads end with nothing, as they do while it can be written to.

    Python raises an error behind our own alert, and asyncio would drop what it read with it.
    """

    def __init__(self, tls: ssl.SSLObject) -> None:
        self._tls = tls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tls, name)

    def read(self, size: int, buffer: Any) -> int:
        import ssl

        try:
            # With a buffer, the number of bytes comes back.
            return cast("int", self._tls.read(size, buffer))
        except ssl.SSLZeroReturnError:
            return 0
