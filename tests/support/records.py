"""Records as the API would send them, for those who compare bytes."""

from __future__ import annotations

from lobtail.model.records import Record, StampText

__all__ = ["sent", "text_of"]


def text_of(record: Record) -> bytes:
    """Return the text of a record, with its newline."""
    return StampText(timestamps=False, details=False).show([record])


def sent(record: Record, *, details: bool = False) -> bytes:
    """Return a record as the API sends it with timestamps."""
    return StampText(timestamps=True, details=details).show([record])
