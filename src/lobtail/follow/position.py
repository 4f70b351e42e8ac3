"""Where a program that takes lines has got to, so that it can stop and go on, each line once.

What counts is what it has taken. Items on their way through the merge have not been, so positions
are kept where items are handed out, as lines: a saved position needs nothing of what was under way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.errors import ConfigError
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Item, Line, Removed, Started, Stopped
from lobtail.model.resume import WINDOW_NS, Deduplicator, ResumeState

if TYPE_CHECKING:
    from lobtail.follow.options import FollowOptions

__all__ = ["KnownLines", "LogPosition", "Positions", "Reached"]

_VERSION: Final = 1


class _SavedLog(msgspec.Struct, array_like=True):
    container: ContainerRef
    lines: bytes
    from_ns: int | None
    run_ns: int | None
    is_over: bool
    begun: dict[int, tuple[int | None, bytes]]


class _Saved(msgspec.Struct, array_like=True):
    version: int
    saved_ns: int
    logs: list[_SavedLog]


class Reached(msgspec.Struct, frozen=True):
    """What is known of a log that is read, whether or not a line of it was taken."""

    container: ContainerRef
    from_ns: int | None
    """From when on lines are to be read if none was taken; None if that cannot be said yet."""
    run_ns: int | None
    """When the run began that it was in when it was first looked at."""
    is_over: bool
    """Whether that run was over."""


class LogPosition:
    """How far one log has been taken."""

    def __init__(self, container: ContainerRef) -> None:
        self.container = container
        self.lines = ResumeState()
        """The last lines that were taken."""
        self.from_ns: int | None = None
        """From when on lines are to be read, as long as none was taken."""
        self.run_ns: int | None = None
        """When the run began that was told of last, if that was told."""
        self.is_over = False
        """Whether its end was told of."""
        self.begun: dict[int, tuple[int | None, bytes]] = {}
        """By stream, the time and the text of a line that was taken before its end had come."""

    def note(self, items: list[Item]) -> None:
        """Take note of items that have been taken, all of this log."""
        lines = [item for item in items if isinstance(item, Line)]
        if lines:
            stamps = [line.time_ns for line in lines if line.time_ns is not None]
            newest = max([*stamps, self.lines.newest_ns or 0]) or None
            self.lines.add(lines, newest)
            for stream in Stream:
                last = next((line for line in reversed(lines) if line.stream is stream), None)
                if last is None:
                    continue
                self.begun.pop(stream, None)
                if last.unterminated:
                    self.begun[stream] = last.time_ns, last.raw
        for item in items:
            if isinstance(item, Started):
                self.run_ns, self.is_over = item.time_ns, False
            elif isinstance(item, Stopped):
                self.is_over = True


class Positions:
    """How far each log has been taken, by the container's ID."""

    def __init__(self, logs: Iterable[LogPosition] = (), saved_ns: int | None = None) -> None:
        self.logs = {log.container.id: log for log in logs}
        self.saved_ns = saved_ns
        """When it was saved, by our clock; None if that is the beginning."""

    def note(self, items: Iterable[Item]) -> None:
        """Take note of items that have been taken."""
        by_container: defaultdict[str, list[Item]] = defaultdict(list)
        for item in items:
            by_container[item.container.id].append(item)
        for key, each in by_container.items():
            log = self.logs.get(key)
            if log is None:
                log = self.logs[key] = LogPosition(each[-1].container)
            log.container = each[-1].container
            log.note(each)
            if isinstance(each[-1], Removed):
                del self.logs[key]

    def save(self, reached: Iterable[Reached], now_ns: int) -> bytes:
        """Return it as bytes, for ``load``; ``reached`` are the logs that are read now."""
        for each in reached:
            log = self.logs.get(each.container.id)
            if log is None:
                if each.from_ns is None:
                    continue
                log = self.logs[each.container.id] = LogPosition(each.container)
            log.from_ns = each.from_ns
            if log.run_ns is None:
                log.run_ns, log.is_over = each.run_ns, each.is_over or log.is_over
        logs = [
            _SavedLog(
                log.container, log.lines.save(), log.from_ns, log.run_ns, log.is_over, log.begun
            )
            for log in self.logs.values()
        ]
        return msgspec.msgpack.encode(_Saved(_VERSION, now_ns, logs))

    @classmethod
    def load(cls, data: bytes) -> Positions:
        """Return what was saved; nothing is the beginning.

        Raises:
            ConfigError: this is no saved position, or one of another version.
        """
        if not data:
            return cls()
        try:
            saved = msgspec.msgpack.decode(data, type=_Saved)
            if saved.version != _VERSION:
                raise ValueError(f"version {saved.version}")
            logs = []
            for each in saved.logs:
                log = LogPosition(each.container)
                log.lines = ResumeState.load(each.lines)
                log.from_ns, log.begun = each.from_ns, each.begun
                log.run_ns, log.is_over = each.run_ns, each.is_over
                logs.append(log)
        except (ValueError, RecursionError) as exc:
            raise ConfigError(f"this is no position that was saved: {exc}") from exc
        return cls(logs, saved.saved_ns)


class KnownLines:
    """Leaves out lines that were taken before."""

    def __init__(self, position: LogPosition) -> None:
        lines = position.lines
        self.since_ns = position.from_ns if lines.since_ns is None else lines.since_ns
        """From when on the log is to be read; None for all of it."""
        self._overlap = lines.overlap() or Deduplicator(Counter(), -1)
        self._begun = dict(position.begun)
        self._newest_ns = lines.newest_ns
        self._is_owed = lines.newest_ns is not None  # whether something known is to come

    def narrow(self, options: FollowOptions) -> FollowOptions:
        """Return what is to be read of the log in place of what was asked for at first."""
        if options.since is not None and options.since > (self._newest_ns or 0):
            self._is_owed = False  # it is older than what is asked for
        times = [time for time in (self.since_ns, options.since) if time is not None]
        return msgspec.structs.replace(
            options, tail="all", since=max(times, default=None), search=None
        )

    @property
    def gap(self) -> bool:
        """Whether the log went on without a line that is known: some may be missing."""
        return self._is_owed and self._overlap.gap

    def is_behind(self, lines: list[Line]) -> bool:
        """Tell whether nothing that is known can come behind these lines any more."""
        last, newest = lines[-1].time_ns, self._newest_ns
        return newest is None or (last is not None and last > newest + WINDOW_NS)

    def filter(self, lines: list[Line]) -> list[Line]:
        """Return the lines that are new."""
        fresh = self._overlap.filter(lines)
        return [self._rest(line) for line in fresh] if self._begun else fresh

    def finish(self) -> list[Line]:
        """Say that the log has ended; return what was held, for nothing known came behind it."""
        return self._overlap.finish()

    def _rest(self, line: Line) -> Line:
        """Return what of a line was not taken with its beginning."""
        time_ns, text = self._begun.pop(line.stream, (None, b""))
        if time_ns is None or line.time_ns != time_ns or not line.raw.startswith(text):
            return line
        return msgspec.structs.replace(line, raw=line.raw[len(text) :])
