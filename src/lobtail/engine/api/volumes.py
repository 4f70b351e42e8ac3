"""The volumes of an engine: ``engine.volumes``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import Answer, Filters, decode, encode_filters
from lobtail.engine.objects.lifecycle import Pruned
from lobtail.engine.objects.volume import Volume
from lobtail.errors import ConfigError

__all__ = ["Volumes"]

# From here on pruning spares volumes with a name unless it is told not to (moby, API changelog).
SPARING_API: Final = (1, 42)


class _Volumes(Answer, frozen=True):
    volumes: list[Volume] | None = None


class _Pruned(Answer, frozen=True):
    volumes_deleted: list[str] | None = None
    space_reclaimed: int = 0


class Volumes:
    """The volumes of an engine.

    All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def create(
        self,
        name: str = "",
        *,
        driver: str = "local",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:
        """Make a volume, and return it; one that is there already is returned as it is.

        The engine chooses a name if none is given. ``options`` are the driver's own.
        """
        target = "/volumes/create"
        wanted: dict[str, Any] = {"Driver": driver}
        if name:
            wanted["Name"] = name
        if options:
            wanted["DriverOpts"] = dict(options)
        if labels:
            wanted["Labels"] = dict(labels)
        return decode(await self._requests.post(target, content=wanted), Volume, target)

    async def inspect(self, volume: str) -> Volume:
        """Return all about a volume."""
        target = _path(volume)
        return await self._requests.fetch(target, Volume)

    async def inspect_raw(self, volume: str) -> dict[str, Any]:
        """Return all that the engine says of a volume, as its JSON has it."""
        target = _path(volume)
        return await self._requests.fetch(target, dict[str, Any])

    async def remove(self, volume: str, *, force: bool = False) -> None:
        """Remove a volume, and what is in it. With ``force`` one that is not there is no error.

        Raises:
            EngineError: status 409 if a container has it.
        """
        query = {"force": "1"} if force else {}
        await self._requests.delete(_path(volume), query, timeout=self._requests.work_timeout)

    async def prune(self, *, all: bool = False, filters: Filters | None = None) -> Pruned:
        """Remove all volumes that were made without a name and that no container has.

        ``all`` removes also those with a name. Engines know the filter ``label``.

        Raises:
            ConfigError: the engine is too old (API below 1.42) to spare those with a name, and
                ``all`` was not given.
        """
        wanted = dict(filters or {})
        api = await self._requests.api_version()
        if api >= SPARING_API:
            if all:
                wanted["all"] = "true"
        elif not all:
            raise ConfigError(
                f"the engine's API {api[0]}.{api[1]} removes unused volumes with a name, too: "
                "allow it with all=True"
            )
        target = "/volumes/prune"
        timeout = self._requests.work_timeout
        answer = await self._requests.post(target, encode_filters(wanted), timeout=timeout)
        pruned = decode(answer, _Pruned, target)
        return Pruned(pruned.volumes_deleted, pruned.space_reclaimed)

    async def list(self, *, filters: Filters | None = None) -> list[Volume]:
        """List the volumes.

        Engines know the filters ``name``, ``driver``, ``label``, ``dangling``.
        """
        target = "/volumes"
        answer = await self._requests.get(target, encode_filters(filters))
        return decode(answer, _Volumes, target).volumes or []


def _path(volume: str) -> str:
    return f"/volumes/{segment(volume, 'volume')}"
