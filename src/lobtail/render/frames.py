"""Show frames as they come over the wire: one row a frame."""

from __future__ import annotations

from typing import Final

from lobtail.model.frame_inspector import PREVIEW_SIZE, WireFrame
from lobtail.model.frames import HEADER_SIZE
from lobtail.model.sanitize import sanitize
from lobtail.render.escaped import encode_json

__all__ = ["HEADING", "as_json", "as_text"]

HEADING: Final = f"{'OFFSET':>10}  {'HEADER':23}  {'STREAM':9}  {'SIZE':>6}  PAYLOAD\n"


def as_text(frame: WireFrame) -> str:
    """Return the frame as a line of ``HEADING``'s columns; nothing in it acts on a terminal."""
    header = frame.header.hex(" ") if frame.header else " ".join(["--"] * HEADER_SIZE)
    return (
        f"{frame.offset:>10}  {header:23}  {frame.stream:9}  {frame.size:>6}  "
        f"{_preview(frame.preview, frame.size)}\n"
    )


def as_json(frame: WireFrame) -> str:
    """Return the frame as a line of JSON."""
    fields = {
        "offset": frame.offset,
        "header": frame.header.hex(" ") or None,
        "stream": frame.stream,
        "size": frame.size,
        "preview": frame.preview.decode("utf-8", "replace"),
    }
    return encode_json(fields).decode() + "\n"


def _preview(payload: bytes, size: int) -> str:
    # Here even colour and the end of a line are to be seen, not to act.
    shown = sanitize(payload.decode("utf-8", "surrogateescape"))
    return shown + ("…" if size > PREVIEW_SIZE else "")
