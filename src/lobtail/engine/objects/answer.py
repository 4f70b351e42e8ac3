"""Decode what engines answer, and encode what they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from lobtail.errors import ConfigError, ProtocolError

__all__ = [
    "Answer",
    "Filters",
    "Identifier",
    "Ping",
    "decode",
    "encode",
    "encode_filters",
    "whole_number",
]

T = TypeVar("T")

Filters: TypeAlias = Mapping[str, str | Sequence[str]]
"""The engine's own filters, such as ``{"label": ["env=prod", "tier=web"], "status": "exited"}``."""

Identifier: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
"""What an engine calls an object by. Without it, requests would be about something else."""
# Of an answer. An engine with 50 000 containers lists them with fewer.
MAX_OBJECTS: Final = 1 << 20
# Go's int64 has 19 digits.
_DIGITS: Final = 19


class Answer(msgspec.Struct, frozen=True, rename="pascal"):
    """Go's field names are those of Python in Pascal case."""


class Ping(msgspec.Struct, frozen=True):
    """What ``/_ping`` says in its headers."""

    api_version: str = ""
    """The newest API version of the engine, such as ``1.45``; empty if it names none."""
    os_type: str = ""
    server: str = ""

    @property
    def podman(self) -> bool:
        """Whether this is Podman's compatible API."""
        return self.server.startswith("Libpod/")


def encode_filters(filters: Filters | None) -> dict[str, str]:
    """Return the query of a request with the engine's filters, or without."""
    if not filters:
        return {}
    lists = {
        name: [values] if isinstance(values, str) else list(values)
        for name, values in filters.items()
    }
    return {"filters": encode(lists).decode()}


def encode(value: Any) -> bytes:
    """Encode what is sent to an engine as JSON.

    Raises:
        ConfigError: a text in it is not Unicode, which JSON cannot hold.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as exc:
        raise ConfigError(f"what is no UTF-8 cannot be sent to an engine: {exc.object!r}") from exc


def whole_number(text: str) -> int | None:
    """Return the value of decimal digits; None for other text, and above what engines can hold.

    Python refuses to convert thousands of digits.
    """
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) < _DIGITS else None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value


def decode(data: bytes, what: type[T], target: str) -> T:
    """Decode the JSON answer to a request of ``target``.

    Raises:
        ProtocolError: it is not JSON, or not of that form.
    """
    # Each takes some hundred bytes of memory, and two of the answer.
    if data.count(b"{") + data.count(b"[") > MAX_OBJECTS:
        raise ProtocolError(f"the answer to {target} has more than {MAX_OBJECTS} objects")
    try:
        try:
            return msgspec.json.decode(data, type=what)
        except msgspec.ValidationError:
            # To Go, null leaves a field as it is, whatever its type. Hardly any engine sends it
            # where a map or list is not meant, so only then are nulls looked for.
            return msgspec.convert(_without_nulls(msgspec.json.decode(data)), what)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ProtocolError(
            f"the answer to {target} is not what an engine sends: {exc}; it begins with "
            f"{data[:40]!r}"
        ) from exc
