"""Tell which files were rotated out of a log, and in which order, by their names.

===========================  =====================================================================
``x.2`` ``x.1.gz`` ``x.0``   Docker, Podman, logrotate, newsyslog: the higher the number, the older
``x-20260131.gz``            logrotate's ``dateext``, with other formats, hours and epochs as well
``x.20260131-120000``        kubelet
``x-2026-01-31T12-00.log``   before the ending: logrotate's ``extension``, lumberjack
===========================  =====================================================================

While a file is compressed both exist, and the plain one is whole.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lobtail.files.log_file import PACKED

__all__ = ["all_names"]

_PACKED: Final = rf"(?s:(.*?))\.(?:{'|'.join(PACKED)})"
_NUMBER: Final = r"\.(0|[1-9][0-9]{0,8})"
_DATE: Final = (
    r"[-._]((?:19|20)[0-9]{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12][0-9]|3[01])"
    r"(?:[-_.T]?([0-9]{2})(?:[-_.:]?([0-9]{2})(?:[-_.:]?([0-9]{2}))?)?)?"
    r"(?:[-_.]([0-9]{1,13}))?Z?"
)
_EPOCH: Final = r"[-._]([12][0-9]{9})([0-9]{3})?"

_Order = tuple[int, ...]


def all_names(path: Path, siblings: list[str]) -> list[str]:
    """Return all files that were rotated out of a log, oldest first."""
    groups = [_sorted(path, siblings, order) for order in (_by_number, _by_date)]
    if all(groups):  # the scheme was changed: what was written last is of the newer one
        groups.sort(key=lambda names: max(map(_written, names)))
    return [name for group in groups for name in group]


def _sorted(path: Path, siblings: list[str], order: Callable[[Path, str], _Order]) -> list[str]:
    found: dict[_Order, str] = {}
    for name in siblings:
        if not name.startswith(path.stem) or name == path.name:
            continue
        packed = re.fullmatch(_PACKED, name)
        place = order(path, packed[1] if packed else name)
        if place and (place not in found or not packed):
            found[place] = str(path.parent / name)
    return [found[place] for place in sorted(found)]


def _by_number(path: Path, name: str) -> _Order:
    match = re.fullmatch(_NUMBER, name[len(path.name) :]) if name.startswith(path.name) else None
    return (-int(match[1]),) if match else ()


def _by_date(path: Path, name: str) -> _Order:
    if name.startswith(path.name):
        middle = name[len(path.name) :]
    elif path.suffix and name.endswith(path.suffix):
        middle = name[len(path.stem) : -len(path.suffix)]
    else:
        return ()
    if match := re.fullmatch(_DATE, middle):
        year, _, month, day, hour, minute, second, count = match.groups("0")
        return (*map(int, (year, month, day, hour, minute, second, count)),)
    if match := re.fullmatch(_EPOCH, middle):
        return (*time.gmtime(int(match[1]))[:6], int(match[2] or 0))
    return ()


def _written(name: str) -> float:
    try:
        return os.stat(name).st_mtime  # noqa: PTH116
    except OSError:
        return 0
