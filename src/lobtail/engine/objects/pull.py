"""The progress of a pull, and who may pull."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    pass

__all__ = ["Credentials", "PullProgress"]


class Credentials(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a registry wants to know: a user and a password, or a token."""

    username: str = ""
    password: str = msgspec.field(default="")
    identitytoken: str = ""
    serveraddress: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


class PullProgress(msgspec.Struct, frozen=True):
    """A step of a pull."""

    status: str = ""
    """``Pulling fs layer``, ``Downloading``, ``Extracting``, ``Pull complete``, …"""
    id: str = ""
    """The layer, or the tag; empty for what concerns all."""
    current: int | None = None
    """Bytes so far; None if this is no progress in bytes."""
    total: int | None = None
    """Bytes in all, where they are known."""
