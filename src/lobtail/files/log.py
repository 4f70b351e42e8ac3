"""Read one container's log from the engine's files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from lobtail.errors import ConfigError, LogFileError
from lobtail.files.detect import DRIVERS, detect, make_format
from lobtail.files.following import LogTail
from lobtail.files.formats import Show
from lobtail.files.log_file import TRUNCATED
from lobtail.files.opening import find_log, open_parts
from lobtail.files.records import Damage, SkippedRecords
from lobtail.files.search import RecordScanner
from lobtail.files.seek import find_first, find_moment, find_tail
from lobtail.files.span import NEVER, Span
from lobtail.files.walk import Walk, in_place
from lobtail.files.watch import FileWatch
from lobtail.model.frames import Frame, Stream
from lobtail.model.records import Record, record_of
from lobtail.query.literals import Literals

if TYPE_CHECKING:
    from lobtail.files.formats import Format
    from lobtail.files.log_file import LogFile
    from lobtail.files.select import RecordFilter
    from lobtail.model.items import Item

__all__ = ["LogFiles", "open_log"]

_BOTH = (Stream.STDOUT, Stream.STDERR)


def open_log(
    path: Path | str,
    driver: str = "auto",
    *,
    legacy: bool = False,
    latched: bool = False,
    engines: bool = False,
) -> LogFiles:
    """Open the files of one container's log, rotated and compressed ones included.

    ``path`` is the log itself (``…-json.log``, ``container.log``, ``ctr.log``), a container's
    folder, a captured stream of frames, or what journalctl or ``lobtail tail -o json`` has written.
    ``driver`` is ``json-file``, ``local``, ``k8s-file``, ``stream``, ``journald`` (``-o json``),
    ``journald-export`` (``-o export``), ``lobtail``, or ``auto`` to tell by what is in it.

    ``legacy`` gives the messages of the local driver as engines before 23.0 send them: the last
    piece of a long line without its newline. (Before 25.0 they also write its times in the
    engine's own time zone, which the files do not tell; here they are in UTC.)

    ``latched`` takes ``since`` as engines from 24.0 on do: all that stands behind the first message
    of the range belongs to it, also if the clock was set back and stamps are older.

    ``engines`` leaves out files that somebody else has rotated, such as logrotate: an engine does
    not show them. Then ``path`` is the log itself: in a folder could be that of another container.

    Raises:
        LogFileError: there is no such file, it may not be read, is no regular file, is not
            recognised, or is rotated faster than it can be opened.
        ConfigError: no driver is called that.
    """
    if driver != "auto" and driver not in DRIVERS:
        raise ConfigError(f"no log driver {driver!r} can be read: use auto, {', '.join(DRIVERS)}")
    path = Path(path)
    parts = open_parts(path if engines else find_log(path), engines=engines)
    try:
        parts[-1].live = True
        form = make_format(driver) if driver != "auto" else detect(parts)
        form.legacy = legacy
        return LogFiles(parts, form, latched=latched)
    except BaseException:
        for part in parts:
            part.close()
        raise


class LogFiles:
    """The open files of one container's log: what they held when they were opened.

    A context manager, which closes them. May be read several times, one after another.

    What comes is batches, in the order of the files, and in its place a ``Damage`` for
    bytes that hold no record. So it is for a last record that is half written, unless more has been
    written since: then it is left out, for it is not there yet.
    """

    def __init__(self, parts: list[LogFile], form: Format, *, latched: bool = False) -> None:
        self._parts = parts
        self._latched = latched
        self._format = form
        self.driver: str = form.driver
        """``json-file``, ``local``, ``k8s-file``, ``stream``, ``journald`` or ``lobtail``."""

    @property
    def paths(self) -> list[str]:
        """The files, oldest first."""
        return [part.path for part in self._parts]

    @property
    def size(self) -> int:
        """How many bytes the files have together, compressed ones as they are."""
        return sum(part.size for part in self._parts)

    @property
    def is_stamped(self) -> bool:
        """Whether messages have times."""
        return self._format.stamped

    @property
    def truncated(self) -> list[str]:
        """The files that lost bytes before these were read; a ``Damage`` tells where."""
        return [part.path for part in self._parts if part.fault and part.fault[1] == TRUNCATED]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.close()

    def messages(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        tail: int | None = None,
        details: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        wanted: Literals | None = None,
        context: tuple[int, int] | None = None,
    ) -> Iterator[list[Record] | Damage | SkippedRecords]:
        """Yield the records; with ``details``, they have their attributes.

        Times are nanoseconds since the epoch, and both belong to the range; ``tail`` counts records
        of both streams and is applied before them, as the engine does.

        ``wanted`` leaves out messages that cannot belong to a wanted line; many that do not may
        still come. ``SkippedRecords`` stands in their place. With ``context`` as many lines of the
        streams asked for, before and behind, are kept around each that may be wanted, and the
        messages left out are counted. At the end the last lines come in any case: they are the
        context of what comes behind the files.
        """
        span = Span.of(since, until)
        streams = frozenset(
            stream for stream, asked in zip(_BOTH, (stdout, stderr), strict=True) if asked
        )
        selector = None
        if wanted is not None and wanted.groups:
            selector = self._format.selector(wanted, context, streams)
        if selector is not None:
            yield from self._search(selector, span, tail, details, streams, context)
            return
        for item in self._read(None, span, tail, details=details):
            if isinstance(item, Damage):
                yield item
                continue
            if not self._format.stamped:
                item = [_stamped(record) for record in item]
            if len(streams) == len(_BOTH):
                yield item
            elif records := [record for record in item if record.stream in streams]:
                yield records

    def runs(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        tail: int | None = None,
        timestamps: bool = False,
        details: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> Iterator[list[Frame] | Damage]:
        """Yield what the Engine API sends, neighbours of one stream joined into one frame.

        For those who copy bytes: one write a run.
        """
        show = Show(timestamps, details, stdout, stderr)
        yield from self._read(show, Span.of(since, until), tail, details=details)

    def items(self) -> Iterator[list[Item] | Damage]:
        """Yield lines and marks as they were saved: of the driver ``lobtail`` only."""
        # Only those who read such a log need it.
        from lobtail.files.saved import SavedItems

        walk = Walk(SavedItems())
        for part in self._parts:
            for batch in in_place(walk.read(part), part.path):
                yield batch if isinstance(batch, Damage) else cast("list[Item]", batch)

    def tail(self, *, details: bool = False) -> LogTail:
        """Return what goes on, live, behind the last record that ``messages`` gives.

        It has files of its own: these may be closed.

        Raises LogFileError: nothing is written to a compressed file any more.
        """
        newest = self._parts[-1]
        if newest.compressed:
            raise LogFileError(f"{newest.path} is compressed: nothing is written to it any more")
        _, offset, _ = find_tail([newest], self._format, 1)
        walk = Walk(self._format, follows=True)
        blocks = walk.read(newest, offset)
        times = [record.time_ns for block in blocks for record in block.records[-1:]]
        last = times[-1] if times else None
        return LogTail(
            newest.again(), walk.end, self._format, details=details, newest=last or NEVER
        )

    def watch(self) -> FileWatch | None:
        """Return what notices that the newest file is truncated; None for a compressed one."""
        newest = self._parts[-1]
        return None if newest.compressed else FileWatch(newest)

    def _read(
        self, show: Show | None, span: Span, tail: int | None, *, details: bool
    ) -> Iterator[list[Any] | Damage]:
        span, index, offset, skip = self._begin(span, tail)
        walk = Walk(self._format, details=details, show=show, span=span, skip=skip)
        for part in self._parts[index:]:
            yield from in_place(walk.read(part, offset), part.path)
            if walk.done:
                return
            offset = 0

    def _search(
        self,
        selector: RecordFilter,
        span: Span,
        tail: int | None,
        details: bool,
        streams: frozenset[Stream],
        context: tuple[int, int] | None,
    ) -> Iterator[list[Record] | Damage | SkippedRecords]:
        span, index, offset, skip = self._begin(span, tail)
        search = RecordScanner(
            self._format,
            selector,
            details=details,
            span=span,
            skip=skip,
            before=context[0] if context else None,
            streams=streams,
        )
        for part in self._parts[index:]:
            yield from search.read(part, offset)
            if search.done:
                break
            offset = 0
        yield from search.finish()

    def _begin(self, span: Span, tail: int | None) -> tuple[Span, int, int, int]:
        """Return what to compare, and where to begin: file, offset, how many messages to skip."""
        form, parts = self._format, self._parts
        if not form.stamped and span.bounded:
            raise LogFileError(
                f"{parts[-1].path}: a captured stream has no times: leave since and until out"
            )
        if tail == 0 or span.empty:
            return span, len(parts), 0, 0
        if tail is not None and tail > 0:
            begin = find_tail(parts, form, tail)
        elif span.since is not None:
            begin = *find_moment(parts, form, span.since), 0
        else:
            begin = 0, 0, 0
        if span.since is not None and self._latched:
            begin = find_first(parts, form, span.since, begin)
            span = Span.of(None, span.until)
        return span, *begin


def _stamped(record: Record) -> Record:
    """Take the stamp out of the text of a captured message, if it was sent with one."""
    return record_of(record.stream, record.raw + b"\n" * (not record.partial))
