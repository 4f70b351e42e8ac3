"""Make lines of records: rejoin the pieces, each stream for itself.

The daemon cuts a line of 16 384 bytes and more into pieces, each a record of its own with a stamp;
only the last ends in a newline (moby, ``daemon/logger/copier.go``). Whether
a piece goes on with the one before it, the log driver decides:

- json-file and local give all pieces of a line one stamp. A piece without newline that is followed
  by another stamp was the unterminated end of a run: a line of its own.
- journald stamps each piece, and so does Podman: there only the newline tells.

Pieces of stdout and stderr come interleaved, so each stream has its own unfinished line.
"""

from __future__ import annotations

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.model.records import Record
from lobtail.model.tty import MAX_LINE

__all__ = ["LineAssembler"]


class _Open:
    """A line that has not ended yet."""

    __slots__ = ("details", "shown", "text", "time_ns")

    def __init__(self, time_ns: int | None, details: bytes) -> None:
        self.time_ns = time_ns
        self.details = details
        # Not a list: pieces may be of a byte, or of none.
        self.text = bytearray()
        self.shown = False  # a part of it has gone out


class LineAssembler:
    """Make lines of one container's records.

    ``restamped`` says that the log driver stamps each piece of a long line anew (journald,
    Podman).
    """

    def __init__(self, container: ContainerRef, *, restamped: bool = False) -> None:
        self.container = container
        self.newest_ns: int | None = None
        """The newest stamp received so far."""
        self.whole_seconds = False
        """Whether a stamp had no fraction: Podman 4 cuts them."""
        self._restamped = restamped
        self._open: dict[Stream, _Open] = {}

    @property
    def pending(self) -> bool:
        """Whether a line has begun that was not given out yet."""
        return any(line.text for line in self._open.values())

    def receive(self, records: list[Record]) -> list[Line]:
        """Return the lines that ``records`` complete, in the order of their ends.

        Text without a time goes on with the line before it, or is a line of unknown time.
        """
        lines: list[Line] = []
        add = lines.append
        container = self.container
        newest = self.newest_ns or 0
        opened = self._open
        for record in records:
            stream, time_ns, raw = record.stream, record.time_ns, record.raw
            if time_ns is None or record.partial or stream in opened or len(raw) > MAX_LINE:
                newest = max(newest, time_ns or 0)
                self._piece(record, lines)
                continue
            if time_ns > newest:
                newest = time_ns
            if record.details:
                add(Line(container, stream, time_ns, raw, raw_details=record.details))
            else:
                add(Line(container, stream, time_ns, raw))
        if records and not records[-1].exact:
            self.whole_seconds = True
        if newest:
            self.newest_ns = newest
        return lines

    def flush(self) -> list[Line]:
        """Return the lines that have begun, as unterminated ones; oldest first.

        Call this at the end of a run, and after a short silence of a live log: the text is all
        there is. If the line goes on after all, its rest becomes a line of its own.
        """
        lines: list[Line] = []
        for stream in list(self._open):
            self._end(stream, lines, unterminated=True)
        lines.sort(key=lambda line: line.time_ns or 0)
        return lines

    def _piece(self, record: Record, lines: list[Line]) -> None:
        stream, time_ns = record.stream, record.time_ns
        line = self._open.get(stream)
        goes_on = line is not None and (
            time_ns is None or self._restamped or time_ns == line.time_ns
        )
        if line is not None and not goes_on:
            self._end(stream, lines, unterminated=True)
        if line is None or not goes_on:
            line = self._open[stream] = _Open(time_ns, record.details)
        line.text += record.raw
        while len(line.text) > MAX_LINE:
            self._add(line, stream, bytes(line.text[:MAX_LINE]), lines, partial=True)
            del line.text[:MAX_LINE]
        if not record.partial:
            self._end(stream, lines, unterminated=False)

    def _end(self, stream: Stream, lines: list[Line], *, unterminated: bool) -> None:
        line = self._open.pop(stream)
        self._add(line, stream, bytes(line.text), lines, unterminated=unterminated)

    def _add(
        self,
        line: _Open,
        stream: Stream,
        raw: bytes,
        lines: list[Line],
        *,
        partial: bool = False,
        unterminated: bool = False,
    ) -> None:
        lines.append(
            Line(
                self.container,
                stream,
                line.time_ns,
                raw,
                partial=partial,
                unterminated=unterminated,
                raw_details=line.details,
            )
        )
