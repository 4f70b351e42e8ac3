"""Lines and marks for tests of the terminal client."""

from __future__ import annotations

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line

REF = ContainerRef(id="a" * 64, name="web-1", image="shop/web:1", project="shop", service="web")
DB = ContainerRef(id="b" * 64, name="db-1", image="postgres:16", project="shop", service="db")


def line(text: str, time_ns: int, ref: ContainerRef = REF, *, err: bool = False) -> Line:
    return Line(ref, Stream.STDERR if err else Stream.STDOUT, time_ns, text.encode())
