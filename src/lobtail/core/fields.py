"""The fields of lines that are JSON objects."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["parse_fields"]


def parse_fields(raw: bytes) -> dict[str, Any]:
    """Return the fields of a line that is a JSON object; nothing for any other text."""
    if not raw.lstrip().startswith(b"{"):
        return {}
    try:
        fields = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return fields if isinstance(fields, dict) else {}
