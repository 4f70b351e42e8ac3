"""Every error that lobtail raises, shaped by what the caller does next.

::

    LobtailError
    ├── ConfigError            a flag, variable or argument that cannot be used: change it
    │   └── QueryError         a query that cannot be read: ``position`` says where
    ├── ConnectError           no engine answers at the endpoint: start it, or name another
    ├── ConnectionLostError    the connection broke in mid-answer: reconnect
    ├── EngineError            the engine refused: read its words; ``status`` is the HTTP status
    ├── EngineStreamError      the engine reported an error of its own inside a stream
    ├── NotFoundError          no container is called so: check the names
    ├── LogsEndedError         what was waited for did not come before the logs ended
    ├── LogFileError           a log file cannot be opened or is none: name another, or use sudo
    ├── CodecError             bytes that are no saved items: damaged, or of a newer lobtail
    └── ProtocolError          bytes that are not what the protocol promises: wrong peer or a bug
        └── TruncatedStream    the stream ended inside a frame: what came whole was delivered

The text of each is one line that says what happened, with what, and what to do.
"""

from __future__ import annotations

__all__ = [
    "CodecError",
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "ContainerStateError",
    "EngineError",
    "EngineStreamError",
    "LobtailError",
    "LogFileError",
    "LogsEndedError",
    "NotFoundError",
    "ProtocolError",
    "QueryError",
    "TruncatedStream",
]


class LobtailError(Exception):
    """The root: ``except LobtailError`` catches all that lobtail raises on purpose."""


class ConfigError(LobtailError):
    """A flag, variable or argument that cannot be used. Nothing was connected to."""


class QueryError(ConfigError):
    """A query that cannot be read.

    The text has three lines: ``message``, the ``query``, and a caret below the fault, which is at
    character ``position``, counted from 0.
    """

    def __init__(self, message: str, query: str, position: int) -> None:
        line = "".join(c if c.isprintable() else "·" for c in query)
        super().__init__(f"{message}\n  {line}\n  {' ' * position}^")
        self.message = message
        self.query = query
        self.position = position


class ConnectError(LobtailError):
    """No engine could be reached at the endpoint."""


class ConnectionLostError(LobtailError):
    """The connection ended before the answer did. What came before it was delivered."""


class ContainerStateError(LobtailError):
    """The container is in a state in which this cannot be done."""


class NotFoundError(LobtailError):
    """No container matches what was asked for.

    ``missing`` are the selectors without a container; empty if other criteria leave none.
    """

    def __init__(self, message: str, missing: list[str]) -> None:
        super().__init__(message)
        self.missing = missing


class LogsEndedError(LobtailError):
    """The logs ended, because their containers did, before the awaited line came."""


class EngineError(LobtailError):
    """The engine answered with an error.

    ``status`` is the HTTP status; ``message`` the engine's own words, one line.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return f"Error response from daemon: {self.message}"


class EngineStreamError(LobtailError):
    """The daemon reports an error of its own in mid-stream: of logs, or of a pull.

    ``message`` is the daemon's text, without its last newline.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return f"error from daemon in stream: {self.message}"


class LogFileError(LobtailError):
    """A log file cannot be opened, or is none that lobtail knows. Nothing was read."""


class CodecError(LobtailError):
    """Bytes that should be saved items and are none: damaged, or saved by a newer lobtail."""


class ProtocolError(LobtailError):
    """Bytes that the protocol does not allow."""


class TruncatedStream(ProtocolError):  # noqa: N818 - the name that the issue of data loss goes by
    """The stream ended inside a frame.

    ``got`` and ``wanted`` count bytes of the ``part`` ("header" or "payload") in which it ended;
    ``fragment`` holds the bytes of that part that were still undelivered. ``cause`` says how the
    connection broke; it is empty where the stream seemed to end well.
    """

    def __init__(
        self, part: str, got: int, wanted: int, fragment: bytes = b"", cause: str = ""
    ) -> None:
        text = f"the stream ended inside a frame: got {got} of {wanted} {part} bytes"
        super().__init__(f"{text}; {cause}" if cause else text)
        self.part = part
        self.got = got
        self.wanted = wanted
        self.fragment = fragment
        self.cause = cause
