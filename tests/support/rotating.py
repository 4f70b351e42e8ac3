"""A log that is written and rotated as moby does it, one system call at a time.

daemon/logger/loggerutils/logfile.go: rotate, compressFile; the same in 20.10 and 26.1 but for a log
of one file, which 20.10 renames and 26.1 removes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lobtail.files import Damage, LogTail, MissingRecords, open_log
from support.log_files import START, WRITERS, Message, compressed
from support.records import text_of


class RotatingLog:
    """One container's log. ``generation`` counts its files; ``kept`` says which still exist."""

    def __init__(
        self, path: Path, *, files: int = 5, compress: bool = False, unlink_one: bool = True
    ) -> None:
        self.path = path
        self.files = files
        self.compress = compress and files > 1
        self.unlink_one = unlink_one
        self.generation = 0
        self._names: dict[str, int] = {"": 0}
        self._steps: Iterator[None] | None = None
        self._closed = False
        path.write_bytes(b"")

    @property
    def kept(self) -> set[int]:
        """The generations of which there is a whole file."""
        return set(self._names.values())

    @property
    def busy(self) -> bool:
        """Whether a rotation or a compression is under way."""
        return self._steps is not None

    def write(self, data: bytes) -> None:
        """Append to the newest file."""
        while self._closed:
            self.step()
        with self.path.open("ab") as file:
            file.write(data)

    def begin(self) -> bool:
        """Begin to rotate, as soon as the compression before is done; an empty file is not."""
        self.finish()
        if not self.path.stat().st_size:
            return False
        self._steps = self._rotation()
        self._closed = True
        return True

    def step(self) -> None:
        """Make one system call of what is under way."""
        if self._steps is not None and next(self._steps, 0) == 0:
            self._steps = None

    def finish(self) -> None:
        """Go through with what is under way."""
        while self.busy:
            self.step()

    def rotate(self) -> None:
        """Rotate and compress at once."""
        self.begin()
        self.finish()

    def _rotation(self) -> Iterator[None]:
        suffix = ".gz" if self.compress else ""
        if self.files > 1:
            self._remove(f".{self.files - 1}{suffix}")
            yield
            for number in range(self.files - 1, 1, -1):
                self._rename(f".{number - 1}{suffix}", f".{number}{suffix}")
                yield
        if self.files > 1 or not self.unlink_one:
            self._rename("", ".1")
        else:
            self._remove("")
        yield
        self.path.write_bytes(b"")
        self._closed = False
        self.generation += 1
        self._names[""] = self.generation
        if not self.compress:
            return
        yield
        plain, gz = self._file(".1"), self._file(".1.gz")
        data = compressed(plain.read_bytes())
        for size in (0, 5, len(data) // 2, len(data)):
            gz.write_bytes(data[:size])
            yield
        self._names[".1.gz"] = self._names[".1"]
        self._remove(".1")

    def _file(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def _remove(self, ending: str) -> None:
        self._file(ending).unlink(missing_ok=True)
        self._names.pop(ending, None)

    def _rename(self, old: str, new: str) -> None:
        try:
            self._file(old).rename(self._file(new))
        except FileNotFoundError:
            return
        self._names[new] = self._names.pop(old)


def record(number: int, driver: str, size: int = 0, generation: int = 0) -> bytes:
    # Stamps that are equal, in two files one after another, or a bit older than the one before.
    moment = START + generation // 2 * 1000 - number % 3 // 2 * 25
    return WRITERS[driver](Message(b"%d" % number + b"x" * size, time_ns=moment))


def numbers(tail: LogTail) -> list[int | MissingRecords | Damage]:
    out: list[int | MissingRecords | Damage] = []
    for item in tail.read():
        if isinstance(item, list):
            out += [int(text_of(frame).rstrip(b"x\n")) for frame in item]
        else:
            out.append(item)
    return out


class Writer:
    """Writes numbered records to a log, and knows in which of its files each stands."""

    def __init__(self, path: Path, driver: str, **options: int) -> None:
        self.log = RotatingLog(path, **options)  # type: ignore[arg-type]
        self.driver = driver
        self.count = 0
        self.half = b""
        self.where: list[tuple[int, int]] = []

    def write(self, count: int = 1, size: int = 0) -> None:
        for _ in range(count):
            self.begin(0, size)
            self.end()

    def begin(self, cut: int, size: int = 0) -> None:
        """Write the first bytes of a record."""
        self.end()
        self.count += 1
        data = record(self.count, self.driver, size, self.log.generation)
        cut = min(cut, len(data) - 1)
        self.log.write(data[:cut])
        self.half = data[cut:]

    def end(self) -> None:
        """Write the others."""
        if self.half:
            self.log.write(self.half)
            self.half = b""
            self.where.append((self.count, self.log.generation))

    def rotate(self) -> None:
        self.end()
        self.log.rotate()


def opened(writer: Writer, **options: bool) -> LogTail:
    with open_log(writer.log.path, writer.driver) as files:
        return files.tail(**options)
