"""The images of an engine: ``engine.images``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lobtail.engine.net.requests import Requests, quoted
from lobtail.engine.objects.answer import Answer, Filters, decode, encode_filters
from lobtail.engine.objects.image import HistoryEntry, Image, ImageRemoval, ImageSummary
from lobtail.engine.objects.lifecycle import Pruned
from lobtail.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from lobtail.engine.objects.pull import Credentials
    from lobtail.engine.streams.pull import PullStream

__all__ = ["Images", "split_reference"]


class _Pruned(Answer, frozen=True):
    images_deleted: list[ImageRemoval] | None = None
    space_reclaimed: int = 0


class Images:
    """The images of an engine.

    An image is named by a reference, ``name[:tag]`` or ``name@digest``, its ID, or the start of its
    ID. All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def inspect(self, image: str) -> Image:
        """Return all about an image."""
        target = f"{_path(image)}/json"
        return await self._requests.fetch(target, Image)

    async def inspect_raw(self, image: str) -> dict[str, Any]:
        """Return all that the engine says of an image, as its JSON has it."""
        target = f"{_path(image)}/json"
        return await self._requests.fetch(target, dict[str, Any])

    async def history(self, image: str) -> list[HistoryEntry]:
        """Return how the layers of an image came to be, newest first."""
        target = f"{_path(image)}/history"
        return await self._requests.fetch(target, list[HistoryEntry])

    async def tag(self, image: str, reference: str) -> None:
        """Give an image one more name; ``latest`` is the tag if ``reference`` has none.

        Raises:
            ConfigError: ``reference`` is empty, or has a digest.
        """
        name, tag, digest = split_reference(reference)
        if digest:
            raise ConfigError(f"a digest cannot be given to an image: {reference!r}")
        query = {"repo": name, "tag": tag or "latest"}
        await self._requests.post(f"{_path(image)}/tag", query)

    async def remove(
        self, image: str, *, force: bool = False, prune: bool = True
    ) -> list[ImageRemoval]:
        """Take a name away from an image, and delete the image if it has no other.

        ``force`` also removes one with several names, by its ID, or with stopped containers;
        without ``prune`` the nameless images that it was built on stay.

        Raises:
            EngineError: status 409 if containers are made of it.
        """
        query = {"force": "1"} if force else {}
        if not prune:
            query["noprune"] = "1"
        target = _path(image)
        answer = await self._requests.delete(target, query, timeout=self._requests.work_timeout)
        return decode(answer, list[ImageRemoval], target)

    async def prune(self, *, all: bool = False, filters: Filters | None = None) -> Pruned:
        """Remove all images without a name, or with ``all`` all those without a container.

        Engines know the filters ``until`` and ``label``. Podman 4.3 refuses ``all``.
        """
        target = "/images/prune"
        query = encode_filters({**(filters or {}), **({"dangling": "false"} if all else {})})
        answer = await self._requests.post(target, query, timeout=self._requests.work_timeout)
        pruned = decode(answer, _Pruned, target)
        deleted = [step.deleted for step in pruned.images_deleted or () if step.deleted]
        return Pruned(deleted, pruned.space_reclaimed)

    def pull(
        self,
        reference: str,
        *,
        platform: str = "",
        all_tags: bool = False,
        auth: Credentials | None = None,
    ) -> PullStream:
        """Pull an image from its registry; see ``PullStream`` for how to watch it.

        ``latest`` is the tag if ``reference`` has none; ``all_tags`` pulls every tag.
        ``platform`` is such as ``linux/arm64``. ``auth`` is for registries that want it: what
        ``docker login`` has stored is not read.

        Nothing is asked of the engine before the stream is entered or read.

        Raises:
            ConfigError: ``reference`` is empty, or has a tag in spite of ``all_tags``.
        """
        from lobtail.engine.streams.pull import PullStream

        name, tag, digest = split_reference(reference)
        if all_tags and (tag or digest):
            raise ConfigError(f"all tags were asked for, and one: {reference!r}")
        query = {"fromImage": name}
        if not all_tags:
            query["tag"] = digest or tag or "latest"
        if platform:
            query["platform"] = platform
        return PullStream(self._requests, query, auth)

    async def list(
        self, *, all: bool = False, filters: Filters | None = None
    ) -> list[ImageSummary]:
        """List the images, or with ``all`` also the nameless ones that others are built on.

        Engines know the filters ``reference``, ``dangling``, ``label``, ``before``, ``since``.
        """
        query = {"all": "1"} if all else {}
        target = "/images/json"
        answer = await self._requests.get(target, {**query, **encode_filters(filters)})
        return decode(answer, list[ImageSummary], target)


def split_reference(reference: str) -> tuple[str, str, str]:
    """Split ``name[:tag][@digest]``.

    Raises:
        ConfigError: it has no name.
    """
    name, _, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:  # the colon before a registry's port
        head, tag = name, ""
    if not head:
        raise ConfigError("the image's name is empty")
    return head, tag, digest


def _path(image: str) -> str:
    """Return an image's name as a part of a target; its slashes stay."""
    if not image:
        raise ConfigError("the image's name is empty")
    if any(part in ("", ".", "..") for part in image.split("/")):
        raise EngineError(404, f"No such image: {image}")
    return f"/images/{quoted(image, '/:@')}"
