"""Write a log to a file, as text or as JSON lines: whole, or not at all."""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from lobtail.errors import ConfigError
from lobtail.model.items import ContainerRef, Item, Line
from lobtail.regular import NotRegularError, check_regular
from lobtail.render.formats import make_formatter
from lobtail.render.style import Formatter, Style
from lobtail.tui.state.view_options import ViewOptions

__all__ = ["JSON_SUFFIXES", "Saved", "destination", "save", "sliced"]

JSON_SUFFIXES: Final = (".json", ".jsonl", ".ndjson")
_SLICE: Final = 2000


class Saved(NamedTuple):
    """What a file has."""

    lines: int
    size: int


def destination(text: str) -> tuple[Path, bool]:
    """Return the file that somebody names to save in, and whether it is there already.

    Links are followed, for what is there is replaced: the file, and not the link to it.

    Raises:
        ConfigError: there can be no such file, or it is a folder or a device.
    """
    try:
        path = Path(text.strip()).expanduser().resolve()
        try:
            state = path.stat()
        except FileNotFoundError:
            if path.parent.is_dir():
                return path, False
            raise ConfigError(f"there is no folder {path.parent}") from None
        if stat.S_ISDIR(state.st_mode):
            raise ConfigError(f"{path} is a folder")
        check_regular(state, str(path))
    except NotRegularError as exc:
        raise ConfigError(f"{path} is {exc.strerror}") from exc
    except OSError as exc:
        raise ConfigError(f"cannot write {text.strip()}: {exc.strerror}") from exc
    except (RuntimeError, ValueError) as exc:  # no such home, a loop of links; a NUL
        raise ConfigError(f"cannot write {text.strip()}: {exc}") from exc
    return path, True


async def sliced(items: Sequence[Item]) -> AsyncIterator[Sequence[Item]]:
    """Give items a few at a time."""
    for start in range(0, len(items), _SLICE):
        yield items[start : start + _SLICE]


async def save(
    batches: AsyncIterator[Sequence[Item]],
    path: Path,
    look: ViewOptions,
    *,
    containers: Callable[[], Iterable[ContainerRef]],
    progress: Callable[[int], object] = lambda _: None,
) -> Saved:
    """Write items to ``path``; keys are answered meanwhile.

    The format is JSON lines where the name says so, else text with times. A file that is there is
    replaced once all is written. ``containers``, asked at the first item, are those whose names
    are to have room; ``progress`` is told how many lines there are so far.

    Raises:
        ConfigError: it cannot be written, or there is nothing to write.
    """
    name = "json" if path.suffix.lower() in JSON_SUFFIXES else "pretty"
    formatter = make_formatter(name, Style(timestamps="rfc3339", zone=look.zone))
    temporary = ""
    lines = size = 0
    try:
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(fd, "wb") as file:
            async for items in batches:
                if not lines:
                    formatter.expect(containers())
                # Beside the screen: disks may be slow.
                size += await asyncio.to_thread(_write, file, formatter, items)
                lines += sum(len(item.lines) if isinstance(item, Line) else 1 for item in items)
                progress(lines)
        if not lines:
            raise ConfigError("nothing was saved: there is no such line")
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # noqa: PTH101 - mkstemp gives a name, not a Path
        os.replace(temporary, path)  # noqa: PTH105
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc
    else:
        temporary = ""
    finally:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
    return Saved(lines, size)


def _write(file: BinaryIO, formatter: Formatter, items: Sequence[Item]) -> int:
    return sum(int(file.write(chunk.data)) for chunk in formatter.render(list(items)))
