"""Read a log on after a cut, so that every message comes once.

A log has no offsets: a reader can only ask for what is not older than a moment. Stamps are not
unique, and between stdout and stderr not monotonic either, so "newer than the last" loses lines
and "not older than the last" shows some twice. Instead the recent messages are remembered, the log
is asked for again from a little before its end, and what was seen already is left out, message by
message, each as often as it was seen: equal 16 KiB pieces of one line are equal messages.

A message is a record, and its stamp belongs to what is compared. Lines are remembered in the same
way for a reader that goes on after its own restart: what it has taken are lines, and records that
have not become lines yet are not among them.
"""

from __future__ import annotations

from array import array
from collections import Counter, deque
from typing import Any, Final, TypeVar

import msgspec
from xxhash import xxh3_64_intdigest

from lobtail.model.items import Line
from lobtail.model.records import Record

__all__ = [
    "HELD_SIZE",
    "LIMIT",
    "WHOLE_SECONDS_WINDOW_NS",
    "WINDOW_NS",
    "Deduplicator",
    "RereadFilter",
    "ResumeState",
    "RotationReplayFilter",
    "cost_of",
    "key_of",
    "keys_of",
]

# How far the stamps of messages may be out of order: stamping and writing are two steps of two
# goroutines a few microseconds apart; two seconds also bear a small step of the clock.
WINDOW_NS: Final = 2 * 10**9
# The same where stamps are whole seconds: what has one was written up to a second later.
WHOLE_SECONDS_WINDOW_NS: Final = WINDOW_NS + 10**9

# The same where the engine looks at each message by itself, for a connection that never lives long
# enough to read what was written within the window: each time an eighth of it, down to this.
NARROWEST_NS: Final = 30_000_000

# Messages remembered for one container, 8 bytes each. A log that is faster than that within the
# window is asked for again from its last LIMIT messages on.
LIMIT: Final = 200_000
# Bytes of messages that are held at most until it is known what they are.
HELD_SIZE: Final = 32 << 20
# What Python takes for a message beside its bytes.
OVERHEAD: Final = 160

# Messages that an engine may send again at a rotation: more than a file of the usual size holds
# is never read again.
REPLAY_LIMIT: Final = 20_000

Message = TypeVar("Message", Record, Line)


class ResumeState:
    """What was received lately, for a later ``Deduplicator``.

    Set ``whole_seconds`` when the engine's stamps have no fraction (Podman 4): all messages of a
    second then have one stamp, and the window is wider by a second.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.whole_seconds = False
        self._limit = limit
        self._batches: deque[tuple[int, array[int]]] = deque()
        self._size = 0
        self._newest: int | None = None
        self._last: int | None = None  # the stamp of the last message, if it is far from the newest
        self._tip: int | None = None  # the key of the last message
        self.forgotten_ns: int | None = None
        """The newest stamp that is no longer remembered; None while all are."""
        self._owed: int | None = None  # the newest stamp when less than the window was first read
        self.keep_ns: int | None = None
        """From a window before this stamp on nothing is forgotten, but for the limit."""
        self.received = 0
        """How many messages were ever added."""
        self.first: int | None = None
        """The key of the very first message."""

    def __len__(self) -> int:
        return self._size

    def restart(self) -> None:
        """Forget everything but how much there was."""
        self._batches.clear()
        self._size = 0
        self._newest = self._last = self._tip = None

    def add(self, messages: list[Message], newest_ns: int | None) -> None:
        """Remember ``messages``; ``newest_ns`` is the newest stamp received so far."""
        if not messages:
            return
        if newest_ns is not None:
            self._newest = newest_ns
        newest = self._newest or 0
        keys = keys_of(messages)
        if self.first is None:
            self.first = keys[0]
        last = messages[-1].time_ns
        self._last = last if last is not None and last < newest - self._window() else None
        self._tip = keys[-1]
        self._batches.append((newest, keys))
        self._size += len(messages)
        self.received += len(messages)
        # Twice the window: what is asked for again begins one window back, and a message that is
        # older than that may still stand behind one that is not.
        horizon = newest - 2 * self._window()
        for kept in (self.keep_ns, self._owed):
            if kept is not None:
                horizon = min(horizon, kept - self._window())
        while len(self._batches) > 1 and (
            self._batches[0][0] < horizon or self._size > self._limit
        ):
            stamp, batch = self._batches.popleft()
            self._size -= len(batch)
            self.forgotten_ns = stamp

    def save(self) -> bytes:
        """Return what is remembered, for ``load`` in any other process."""
        return msgspec.msgpack.encode(
            _Saved(
                [(stamp, list(batch)) for stamp, batch in self._batches],
                self._newest,
                self._last,
                self._tip,
                self.forgotten_ns,
                self.whole_seconds,
            )
        )

    @classmethod
    def load(cls, data: bytes) -> ResumeState:
        """Return what was saved. ValueError: it was not."""
        saved = msgspec.msgpack.decode(data, type=_Saved)
        memory = cls()
        for stamp, keys in saved.batches:
            batch = array("Q", keys)
            memory._batches.append((stamp, batch))
            memory._size += len(batch)
        memory.received = memory._size
        memory._newest, memory._last, memory._tip = saved.newest, saved.last, saved.tip
        memory.forgotten_ns, memory.whole_seconds = saved.forgotten, saved.whole_seconds
        return memory

    @property
    def newest_ns(self) -> int | None:
        """The newest stamp received so far; None if nothing was received with a stamp."""
        return self._newest

    @property
    def since_ns(self) -> int | None:
        """From when on to ask for the log again; None if nothing was received with a stamp."""
        return self.since()

    def since(self, narrower: int = 0, *, latched: bool = False) -> int | None:
        """Return ``since_ns``, or a later moment: for connections that end too soon.

        ``narrower`` counts the last reads in a row that ended before they came to anything new. An
        engine that is ``latched`` sends all that stands behind the first message that is not older
        than asked for, so from the newest on nothing is left out, however stamps are out of order.
        Equal stamps are never divided, so what is counted stays exact. Otherwise a message that is
        out of order by more may have been left out: it is found when all is asked for again, from
        before the first of these reads. Say ``met`` when that came to what is known.
        """
        if self._newest is None:
            return None
        window = self._window()
        if self._last is not None:
            # The clock was set back. What was forgotten stands before what is remembered.
            return self._newest if narrower and latched else self._last - window
        newest = self._newest
        if narrower and latched:
            window = 0
        elif narrower:
            window = max(window >> 3 * narrower, NARROWEST_NS)
            self._owed = newest if self._owed is None else self._owed
        elif self._owed is not None:
            newest = min(newest, self._owed)
        since = newest - window
        if self.whole_seconds:
            since = since // 10**9 * 10**9
        if self.forgotten_ns is not None:
            since = max(since, self.forgotten_ns + (10**9 if self.whole_seconds else 1))
        return min(since, self._newest)

    def met(self) -> None:
        """Say that all that was asked for from ``since_ns`` on has come, up to what is known."""
        self._owed = None

    def overlap(self) -> Deduplicator | None:
        """Begin to leave out what is remembered now; None if that is nothing."""
        if not self._size:
            return None
        return Deduplicator(self.counts(), self._newest or 0, self._tip)

    def _window(self) -> int:
        return WHOLE_SECONDS_WINDOW_NS if self.whole_seconds else WINDOW_NS

    def holds(self, message: Record) -> bool:
        """Tell whether a message is remembered."""
        key = key_of(message)
        return any(key in batch for _, batch in self._batches)

    def counts(self) -> Counter[int]:
        """Return how often each message that is remembered was received."""
        counts: Counter[int] = Counter()
        for _, batch in self._batches:
            counts.update(batch)
        return counts


class _Saved(msgspec.Struct, array_like=True):
    """The form of a memory that is saved."""

    batches: list[tuple[int, list[int]]]
    newest: int | None
    last: int | None
    tip: int | None
    forgotten: int | None
    whole_seconds: bool


class LastMessages:
    """The last messages of a log, so many bytes of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._messages: deque[Any] = deque()

    def append(self, message: Record | Line) -> None:
        """Take one more, and let go of the first ones where that is too much."""
        self._messages.append(message)
        self._size += cost_of(message)
        while self._size > self._most:
            self._size -= cost_of(self._messages.popleft())

    def clear(self) -> list[Any]:
        """Return them, and begin anew."""
        messages = list(self._messages)
        self._messages.clear()
        self._size = 0
        return messages


class Deduplicator:
    """Leaves out messages that were received before a cut, each as often as it was received.

    A log only grows at its end. So what stands before the first message that is known was there
    when that one was read, and had been left out on purpose (``tail``, ``since``): it is left out
    again. Until a known message comes, messages that are not younger than ``newest_ns`` are held,
    the last HELD_SIZE bytes of them. ``tip`` is the key of the last message that was received.
    """

    def __init__(self, counts: Counter[int], newest_ns: int, tip: int | None = None) -> None:
        self._counts = counts
        self._newest = newest_ns
        self._tip = tip
        self._held = LastMessages(HELD_SIZE)
        self.complete = False
        """Whether the last message that was received has come again: all that follows is new."""
        self.matched = 0
        """Messages left out so far because they were known."""
        self.gap = False
        """Whether the log went on without one message that was known: some may be missing."""

    def filter(self, messages: list[Message]) -> list[Message]:
        """Return the messages that are new."""
        counts = self._counts
        fresh: list[Message] = []
        for message in messages:
            key = key_of(message)
            left = counts.get(key, 0)
            if left:
                counts[key] = left - 1
                self.matched += 1
                self.complete = self.complete or (left == 1 and key == self._tip)
                self._held.clear()
            elif self.matched or self.gap:
                fresh.append(message)
            elif self._old(message):
                self._held.append(message)
            else:
                fresh += self.finish()
                self.gap = True
                fresh.append(message)
        return fresh

    def finish(self) -> list[Any]:
        """Say that the log has ended; return what was held, for nothing known came behind it."""
        held = self._held.clear()
        self.gap = self.gap or bool(held)
        return held

    def _old(self, message: Record | Line) -> bool:
        stamp = message.time_ns
        return stamp is not None and stamp <= self._newest


class RotationReplayFilter:
    """Leaves out what an engine sends twice within one follow stream when it rotates a file.

    Engines before 23.0 read some of it again, from an earlier record on (moby,
    ``daemon/logger/loggerutils/logfile.go`` of 20.10), later ones now and then one line. That
    shows as a step back in time, within a stream, to a message that is known, or as the last line
    once more; from there on messages that are known are left out, each as often as it was
    received, until one is new. What is sent again may step back in turn: then the count begins
    anew.

    Remembered are the last ``limit`` messages, 8 bytes each.
    """

    def __init__(self, limit: int = REPLAY_LIMIT) -> None:
        self._last: dict[int, int] = {}  # the newest time of each stream
        self._tips: dict[int, Record] = {}  # and the last message that had it
        self._batches: deque[array[int]] = deque()
        self._size = 0
        self._limit = limit
        self._replayed: Counter[int] | None = None  # what may still come again
        self._again: dict[int, Record] = {}  # the last message of each stream that did

    def note(self, messages: list[Record]) -> None:
        """Remember messages that did not come in a follow stream."""
        if not messages:
            return
        self._remember(messages)
        if self._replayed is not None:
            self._replayed.update(keys_of(messages))
        for message in messages:
            time_ns = message.time_ns or 0
            if time_ns >= self._last.get(message.stream, 0):
                self._last[message.stream], self._tips[message.stream] = time_ns, message

    def filter(self, messages: list[Record]) -> list[Record]:
        """Return the messages that are new."""
        fresh: list[Record] = []
        last, tips = self._last, self._tips
        for message in messages:
            time_ns = message.time_ns or 0
            newest = last.get(message.stream, 0)
            if time_ns <= newest or self._replayed is not None:
                before = (tips if self._replayed is None else self._again).get(message.stream)
                if self._is_known(message, fresh, begins=_steps_back(message, before)):
                    continue
            if time_ns >= newest:
                last[message.stream], tips[message.stream] = time_ns, message
            fresh.append(message)
        self._remember(fresh)
        return fresh

    def _is_known(self, message: Record, fresh: list[Record], *, begins: bool) -> bool:
        """Tell whether a message is left out; one that ``begins`` to be sent again, or goes on."""
        if begins:
            # Seldom so, hence it is made only now.
            self._replayed = Counter(keys_of(fresh))
            for batch in self._batches:
                self._replayed.update(batch)
        elif self._replayed is None:
            return False
        key = key_of(message)
        if self._replayed.get(key):
            self._replayed[key] -= 1
            self._again[message.stream] = message
            return True
        self._replayed = None
        self._again.clear()
        return False

    def _remember(self, messages: list[Record]) -> None:
        if messages:
            self._batches.append(keys_of(messages))
            self._size += len(messages)
        while self._size > self._limit and len(self._batches) > 1:
            self._size -= len(self._batches.popleft())


class RereadFilter:
    """Leaves out what an engine sends twice within one follow stream of a truncated log.

    Where the file is shorter than before, engines before 23.0 read it again from its beginning on,
    with the same ``since`` (moby, ``daemon/logger/loggerutils/follow.go`` of 20.10). All that the
    file has kept was sent before it was truncated, so what comes again is, message by message, a
    part of what this stream has sent; the first that is not the next of these is new.

    Remembered are the first ``limit`` messages of the stream, 8 bytes each. What comes again behind
    them is told by its stamp: what is new is newer than the last that was.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._sent = array("Q")  # keys
        self._limit = limit
        self._again: int | None = None  # where in _sent the next message stands, if it comes again
        self._tips: dict[int, Record] = {}  # the last message of each stream that was new

    def filter(self, messages: list[Record]) -> list[Record]:
        """Return the messages that did not come before."""
        fresh: list[Record] = []
        for message in messages:
            key = key_of(message)
            if not self._comes_again(message, key):
                self._again = None
                if len(self._sent) < self._limit:
                    self._sent.append(key)
                self._tips[message.stream] = message
                fresh.append(message)
        return fresh

    def _comes_again(self, message: Record, key: int) -> bool:
        sent, again, tip = self._sent, self._again, self._tips.get(message.stream)
        if again is not None:
            if again < len(sent):
                if sent[again] == key:
                    self._again = again + 1
                    return True
            elif len(sent) == self._limit and tip is not None:
                return (message.time_ns or 0) <= (tip.time_ns or 0)
        # It may have been truncated again meanwhile.
        if tip is None:
            return False
        # Pieces of one line may be equal, stamp and all; nothing else is.
        whole = not (message.partial and tip.partial)
        if (whole and key == sent[0]) or (_steps_back(message, tip) and key in sent):
            self._again = sent.index(key) + 1
            return True
        return False


def _steps_back(message: Record, before: Record | None) -> bool:
    """Tell whether an engine that sends ``message`` behind ``before`` has gone back in the log."""
    if before is None:
        return False
    if message == before:
        # A piece of a long line may equal the one before it, stamp and all.
        return not message.partial
    return (message.time_ns or 0) < (before.time_ns or 0)


def cost_of(message: Record | Line) -> int:
    """Return about how many bytes of memory a message takes that is kept."""
    return len(message.raw) + OVERHEAD


def key_of(message: Record | Line) -> int:
    """Return 64 bits that tell a message from others, by its stream, time and text.

    They are the same in every process and version, so that they can be saved.
    """
    if isinstance(message, Line):
        return xxh3_64_intdigest(message.raw, _seed_of(message))
    return xxh3_64_intdigest(message.raw, (message.time_ns or 0) << 2 | message.stream)


def keys_of(messages: list[Record] | list[Line]) -> array[int]:
    """Return the ``key_of`` each message."""
    if not messages or isinstance(messages[0], Line):
        return array("Q", map(key_of, messages))
    records = messages
    try:
        # Of a seed the lowest 64 bits count.
        keys = [
            xxh3_64_intdigest(r.raw, r.time_ns << 2 | r.stream)  # type: ignore[operator]
            for r in records
        ]
    except TypeError:  # some have no time
        keys = list(map(key_of, records))
    return array("Q", keys)


def _seed_of(line: Line) -> int:
    """Return what tells a line from others with its text: stream, stamp, and whether it goes on."""
    flags = line.stream | line.partial << 2 | line.unterminated << 3
    return ((line.time_ns or 0) << 4 | flags) & 0xFFFF_FFFF_FFFF_FFFF
