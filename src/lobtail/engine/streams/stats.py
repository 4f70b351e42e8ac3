"""Watch what a container uses, sample by sample."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import decode
from lobtail.engine.objects.stats import Sample, Stats, compute, moment
from lobtail.engine.streams.json_stream import JsonStream
from lobtail.engine.streams.lookup import inspect_container

__all__ = ["StatsStream", "stats_once"]
# Between two samples where an engine takes but one, as docker's engine does by itself.
INTERVAL: Final = 1.0


class StatsStream(JsonStream[Stats]):
    """What a container uses, again and again, each time a ``Stats``.

    ::

        async for stats in engine.containers.stats("web"):
            print(stats.cpu_percent, stats.memory_used)

    Docker samples once a second, Podman every five. The stream ends when the container is removed.
    Of one that does not run Docker sends zeros until it does, and Podman ends the stream.
    """

    def __init__(self, requests: Requests, container: str) -> None:
        super().__init__(requests, _target(container), {"stream": "1"})
        self._podman = False
        self._before: Sample | None = None

    async def _prepare(self) -> None:
        self._podman = await self._requests.is_podman()

    def _value(self, line: bytes) -> Stats:
        sample = decode(line, Sample, self._target)
        stats = compute(sample, self._before, podman=self._podman)
        self._before = sample
        return stats


async def stats_once(requests: Requests, container: str, *, one_shot: bool) -> Stats:
    """Return what a container uses now; see ``Engine.stats_once``."""
    podman = await requests.is_podman()
    sample = await _sample(requests, container, one_shot=one_shot)
    before = None
    if podman and not one_shot and moment(sample.read) is not None:
        # Podman takes one sample only.
        await asyncio.sleep(INTERVAL)
        before, sample = sample, await _sample(requests, container, one_shot=one_shot)
    stats = compute(sample, before, podman=podman)
    if stats.id:
        return stats
    # Podman says nothing of what does not run, and newer ones of Docker no name in one shot.
    known = await inspect_container(requests, container)
    return msgspec.structs.replace(stats, id=known.id, name=known.name.removeprefix("/"))


async def _sample(requests: Requests, container: str, *, one_shot: bool) -> Sample:
    query = {"stream": "0", **({"one-shot": "1"} if one_shot else {})}
    target = _target(container)
    answer = await requests.get(target, query)
    return decode(answer, Sample, target) if answer.strip() else Sample()


def _target(container: str) -> str:
    return f"/containers/{segment(container.removeprefix('/'), 'container')}/stats"
