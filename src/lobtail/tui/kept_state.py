"""Keep filters and places from one run of the client to the next, in a file of the user's.

It is ``$XDG_STATE_HOME/lobtail/ui.json`` (``~/.local/state`` without that variable). Without such
a file, or where it cannot be read or written, all begins anew: no log depends on it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from lobtail.tui.state.visits import MOST, Visit

__all__ = ["keep_visits", "kept_visits", "state_path"]

# Who comes back after more days begins at the end of the log again.
_DAYS: Final = 7
_LARGEST: Final = 4 << 20


class _Kept(msgspec.Struct):
    engines: tuple[str, ...]
    at: float
    """Unix seconds."""
    visit: Visit


def state_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return the file's path."""
    environ = os.environ if environ is None else environ
    # The XDG base directory specification: a relative path is to be ignored.
    base = environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        try:
            base = str(Path.home() / ".local" / "state")
        except RuntimeError:  # a user without a home
            base = os.devnull
    return Path(base) / "lobtail" / "ui.json"


def kept_visits(path: Path, engines: Sequence[str], now: float | None = None) -> list[Visit]:
    """Return how the logs of some engines were left."""
    now = time.time() if now is None else now
    return [
        msgspec.structs.replace(kept.visit, before=True)
        for kept in _read(path)
        if kept.engines == tuple(engines) and now - kept.at < _DAYS * 86_400
    ]


def keep_visits(
    path: Path, engines: Sequence[str], visits: Sequence[Visit], now: float | None = None
) -> None:
    """Write how logs were left, beside those of other engines."""
    now = time.time() if now is None else now
    others = [kept for kept in _read(path) if kept.engines != tuple(engines)]
    kept = [*others, *(_Kept(tuple(engines), now, visit) for visit in visits)]
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # For the user alone: filters may have names and addresses in them.
        fd, temporary = tempfile.mkstemp(prefix=".ui.", dir=path.parent)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.encode(kept[-2 * MOST :]))
        Path(temporary).replace(path)
    except OSError:
        with suppress(OSError):
            if temporary:
                Path(temporary).unlink()


def _read(path: Path) -> list[_Kept]:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return []
        return msgspec.json.decode(path.read_bytes(), type=list[_Kept])
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return []
