"""The records of Podman's k8s-file driver: a line each, written by conmon.

::

    2006-01-02T15:04:05.123456789+00:00 stdout F text

``P`` in the place of ``F`` says that the line goes on in the next record of its stream. The format
is that of Kubernetes' container runtimes. Times are shown in UTC.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from lobtail.files.formats import STREAMS, Format, Records, time_of
from lobtail.files.records import Decoded
from lobtail.model.records import Record

__all__ = ["K8sFile"]

_RECORD: Final = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    rb"(Z|[+-][0-9]{2}:[0-9]{2}) (stdout|stderr) ([FP])(?:[:a-zA-Z0-9]*) (.*)",
    re.DOTALL,
)
_BEGIN: Final = re.compile(
    rb"(?:\A|[\n\x00])[0-9]{4}-[0-9]{2}-[0-9]{2}T[^ \n]{8,30} std(?:out|err) [FP](?:[: ]|\Z)"
)
_MAX_KNOWN: Final = 4096


class K8sFile(Format):
    """The format of Podman's k8s-file driver."""

    driver = "k8s-file"

    def __init__(self) -> None:
        self._seconds: dict[tuple[bytes, bytes], int | None] = {}

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.messages`` says."""
        used = data.rfind(b"\n") + 1
        records = Records()
        add = records.records.append
        match = _RECORD.fullmatch
        known = self._seconds
        for line in data[:used].split(b"\n")[:-1]:
            found = match(line)
            if found is not None:
                second, fraction, zone, stream, flag, text = found.groups(b"")
                begin = known.get((second, zone)) or self._second(second, zone)
                if begin is not None:
                    time_ns = begin + int(fraction.ljust(9, b"0"))
                    add(Record(STREAMS[stream], time_ns, text, flag == b"P"))
                    base += len(line) + 1
                    continue
            self._odd(line, base, details, records)
            base += len(line) + 1
        return records.decoded(used)

    def recognises(self, data: bytes, *, ends: bool) -> bool:  # noqa: ARG002
        """Say so as ``Format.recognises`` does: a line begins as a record."""
        return _BEGIN.search(data) is not None

    def remainder(self, data: bytes, base: int, *, live: bool, details: bool) -> Decoded[Record]:
        """Decode as ``Format.remainder`` says; nothing tells whether a last line is whole.

        So it is shown without a newline.
        """
        if live and self.unfinished(data):
            return Decoded([], [], 0)
        records, holes, _ = self.messages(data + b"\n", base, details=details)
        if not records:
            return super().remainder(data, base, live=False, details=details)
        records[-1] = replace(records[-1], partial=True)
        return Decoded(records, holes, len(data))

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of a record."""
        return b"\0" not in data and data[:1].isdigit()

    def align(self, data: bytes, *, ends: bool) -> int:  # noqa: ARG002 - for other formats
        """Return where the first line begins behind another one."""
        start = data.find(b"\n") + 1
        return start if 0 < start < len(data) else -1

    def _odd(self, line: bytes, base: int, details: bool, records: Records) -> None:
        """Look for a record behind what is damaged, such as the NUL bytes that a crash left."""
        found = _RECORD.search(line, 1)
        if found is not None and self._second(found[1], found[3]) is not None:
            start = found.start()
            records.lost(line[:start], base)
            records.records += self.messages(line[start:] + b"\n", 0, details=details).records
        else:
            records.lost(line + b"\n", base)

    def _second(self, second: bytes, zone: bytes) -> int | None:
        if len(self._seconds) > _MAX_KNOWN:
            self._seconds.clear()
        begin = self._seconds[second, zone] = time_of(second + zone)
        return begin
