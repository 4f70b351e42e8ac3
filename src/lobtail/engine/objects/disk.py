"""How much room an engine's objects take on its disk."""

from __future__ import annotations

import msgspec

from lobtail.engine.objects.answer import Answer
from lobtail.engine.objects.container import ContainerSummary
from lobtail.engine.objects.image import ImageSummary
from lobtail.engine.objects.volume import Volume

__all__ = ["BuildCache", "DiskUsage", "Usage"]


class BuildCache(Answer, frozen=True):
    """A record of the cache of builds."""

    id: str = msgspec.field(default="", name="ID")
    type: str = ""
    description: str = ""
    in_use: bool = False
    shared: bool = False
    size: int = 0
    created_at: str = ""
    last_used_at: str | None = None
    usage_count: int = 0


class Usage(msgspec.Struct, frozen=True):
    """How much room objects of one kind take, in bytes; as ``docker system df`` counts it."""

    total: int = 0
    """How many there are."""
    active: int = 0
    """How many of them are in use."""
    size: int = 0
    reclaimable: int = 0
    """What removing those that are not in use would give back."""


class DiskUsage(Answer, frozen=True):
    """``GET /system/df``: the objects with their sizes, and sums."""

    layers_size: int = 0
    images: list[ImageSummary] | None = None
    containers: list[ContainerSummary] | None = None
    volumes: list[Volume] | None = None
    build_cache: list[BuildCache] | None = None

    @property
    def image_usage(self) -> Usage:
        """The images; layers that several have are counted once."""
        images = self.images or []
        used = [image for image in images if image.containers > 0]
        # Podman does not count the layers.
        size = self.layers_size or sum(_own(image) for image in images)
        return Usage(len(images), len(used), size, max(size - sum(map(_own, used)), 0))

    @property
    def container_usage(self) -> Usage:
        """What containers wrote."""
        containers = self.containers or []
        free = [container for container in containers if not container.running]
        return Usage(
            len(containers),
            len(containers) - len(free),
            sum(container.size_rw or 0 for container in containers),
            sum(container.size_rw or 0 for container in free),
        )

    @property
    def volume_usage(self) -> Usage:
        """What is in volumes, so far as the engine can tell."""
        volumes = self.volumes or []
        known = [volume.usage_data for volume in volumes if volume.usage_data is not None]
        return Usage(
            len(volumes),
            sum(usage.ref_count > 0 for usage in known),
            sum(max(usage.size, 0) for usage in known),
            sum(max(usage.size, 0) for usage in known if usage.ref_count == 0),
        )

    @property
    def build_cache_usage(self) -> Usage:
        """The cache of builds; what it shares with images is counted there."""
        records = self.build_cache or []
        own = [record for record in records if not record.shared]
        return Usage(
            len(records),
            sum(record.in_use for record in records),
            sum(record.size for record in own),
            sum(record.size for record in own if not record.in_use),
        )


def _own(image: ImageSummary) -> int:
    """Return the size of what an image has to itself."""
    return image.size - max(image.shared_size, 0)
