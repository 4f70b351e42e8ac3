"""Write what is shown to a file, as text or as JSON lines: whole, or not at all."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from lobtail.core.model import Item
from lobtail.errors import ConfigError
from lobtail.render.formats import make_formatter
from lobtail.render.style import Style
from lobtail.tui.state.look import Look

__all__ = ["JSON_SUFFIXES", "save"]

JSON_SUFFIXES: Final = (".json", ".jsonl", ".ndjson")
_SLICE: Final = 2000


async def save(items: list[Item], path: Path, look: Look) -> int:
    """Write the items to ``path``; return how many bytes. Keys are answered meanwhile.

    The format is JSON lines where the name says so, else text with times. A file that is there is
    replaced once all is written.

    Raises:
        ConfigError: it cannot be written.
    """
    name = "json" if path.suffix.lower() in JSON_SUFFIXES else "pretty"
    formatter = make_formatter(name, Style(timestamps="rfc3339", zone=look.zone))
    formatter.expect({item.container.id: item.container for item in items}.values())
    temporary = ""
    try:
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        total = 0
        with os.fdopen(fd, "wb") as file:
            for start in range(0, len(items), _SLICE):
                for chunk in formatter.render(items[start : start + _SLICE]):
                    total += file.write(chunk.data)
                await asyncio.sleep(0)
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
    return total
