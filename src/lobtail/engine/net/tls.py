"""Speak TLS with an engine: what secures a connection, and what its errors mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from lobtail.engine.config.tls import Tls, check_readable
from lobtail.errors import ConfigError

if TYPE_CHECKING:
    # asyncio loads it in any case today; that may change, and most engines are on a Unix socket.
    import asyncio
    import ssl

__all__ = ["client_context", "close_notify", "explain"]


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
        check_readable(tls.ca, ", the authorities to trust")
        with _reading(tls.ca):
            context.load_verify_locations(tls.ca)
        # As Go: what is in the file is trusted, be it the root of a chain or not.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.cert is not None and tls.key is not None:
        check_readable(tls.cert, ", our certificate")
        check_readable(tls.key, ", the key of our certificate")
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
