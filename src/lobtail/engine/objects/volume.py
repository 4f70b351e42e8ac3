"""Volumes, as engines describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lobtail.engine.objects.answer import Answer

if TYPE_CHECKING:
    pass

__all__ = ["Volume", "VolumeUsage"]


class VolumeUsage(Answer, frozen=True):
    """How much room a volume takes, and how many containers have it; -1 if not known."""

    size: int = -1
    ref_count: int = -1


class Volume(Answer, frozen=True):
    """A volume."""

    name: str = ""
    driver: str = ""
    mountpoint: str = ""
    """Its folder on the engine's host."""
    created_at: str = ""
    """RFC 3339."""
    scope: str = ""
    labels: dict[str, str] | None = None
    options: dict[str, str] | None = None
    usage_data: VolumeUsage | None = None
    """Only ``disk_usage`` tells it."""
