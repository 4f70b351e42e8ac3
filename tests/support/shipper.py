"""A program that ships lines to a file, and goes on where it was when it is killed.

``shipper.py HOST FOLDER SOURCE SELECTOR...``: the file and the position are one thing, for the
position says how long the file is that belongs to it. A dot on stdout says that a batch is saved.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from lobtail import Engine, Line


async def main(host: str, folder: Path, source: Any, *selectors: str) -> None:
    saved, position = folder / "position", (0, b"")
    if saved.exists():
        position = msgspec.msgpack.decode(saved.read_bytes(), type=tuple[int, bytes])
    with (folder / "shipped").open("ab") as out:
        out.truncate(position[0])
        async with (
            Engine(host) as engine,
            engine.tail(
                *selectors, tail="all", all=True, source=source, position=position[1]
            ) as tail,
        ):
            async for batch in tail.batches():
                for item in batch:
                    name = item.container.name.encode()
                    text = item.raw if isinstance(item, Line) else f"# {item.kind}".encode()
                    out.write(b"%b %b\n" % (name, text))
                out.flush()
                new = folder / "new"
                new.write_bytes(msgspec.msgpack.encode((out.tell(), tail.save_position())))
                new.replace(saved)
                sys.stdout.write(".")
                sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
