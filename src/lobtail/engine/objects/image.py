"""Images, as engines describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lobtail.engine.objects.answer import Answer
from lobtail.engine.objects.container import Config

if TYPE_CHECKING:
    pass

__all__ = ["HistoryEntry", "Image", "ImageRemoval", "ImageSummary", "RootFS"]


class ImageSummary(Answer, frozen=True):
    """An item of ``GET /images/json``."""

    id: str = ""
    parent_id: str = ""
    repo_tags: list[str] | None = None
    """Its names, such as ``busybox:1.36``; none of an image that only others are built on."""
    repo_digests: list[str] | None = None
    created: int = 0
    """Unix seconds."""
    size: int = 0
    """Bytes, with the layers that it shares with others."""
    shared_size: int = -1
    """Bytes of layers that others have, too; -1 if the engine did not count."""
    containers: int = -1
    """How many containers are made of it; -1 if the engine did not count."""
    labels: dict[str, str] | None = None

    @property
    def tags(self) -> list[str]:
        """Its names, without docker's ``<none>:<none>`` for none."""
        return [tag for tag in self.repo_tags or () if tag != "<none>:<none>"]


class RootFS(Answer, frozen=True):
    """The layers of an image, lowest first."""

    type: str = ""
    layers: list[str] | None = None


class Image(Answer, frozen=True):
    """``GET /images/{name}/json``: all about one image."""

    id: str = ""
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    parent: str = ""
    comment: str = ""
    created: str = ""
    """RFC 3339; empty if the image does not say."""
    author: str = ""
    architecture: str = ""
    variant: str = ""
    os: str = ""
    size: int = 0
    config: Config = Config()
    """What containers of it have unless they are told otherwise."""
    root_fs: RootFS = msgspec.field(default=RootFS(), name="RootFS")


class HistoryEntry(Answer, frozen=True):
    """How one layer of an image came to be."""

    id: str = ""
    """``<missing>`` where it was built elsewhere."""
    created: int = 0
    """Unix seconds."""
    created_by: str = ""
    tags: list[str] | None = None
    size: int = 0
    comment: str = ""


class ImageRemoval(Answer, frozen=True):
    """One step of removing an image: a name taken away, or an image or a layer deleted."""

    untagged: str = ""
    deleted: str = ""
