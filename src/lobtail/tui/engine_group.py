"""The engines that are looked at: one, or several by their names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec

from lobtail.api import Engine, open_tail, tail_request
from lobtail.engine.objects.container import ContainerSummary
from lobtail.errors import LobtailError
from lobtail.session.request import TailRequest
from lobtail.session.tail import Tail
from lobtail.tui.engine_monitor import EngineMonitor
from lobtail.tui.reading_thread import ReadingThread, ThreadedTail
from lobtail.tui.state.inventory import Inventory, Kind, Row
from lobtail.tui.state.target import Target

__all__ = ["EngineGroup"]


class EngineGroup:
    """Engines by name; the name is empty where there is only one.

    ``words`` are what the command line calls each of them by, such as ``-c prod``. Logs are read
    in ``thread`` if there is one. ``continuations`` are regexes of lines that continue others.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        words: Mapping[str, tuple[str, ...]] | None = None,
        thread: ReadingThread | None = None,
        continuations: Sequence[str] = (),
    ) -> None:
        self.engines = dict(engines)
        self._thread = thread
        self._continuations = tuple(continuations)
        self._short = _short_names(list(self.engines))
        self.words = dict(words or {})
        self.watches = {name: EngineMonitor(engine) for name, engine in self.engines.items()}

    async def aclose(self) -> None:
        """End all that is read, and close the engines."""
        if self._thread is not None:
            await asyncio.to_thread(self._thread.close)
        for engine in self.engines.values():
            await engine.aclose()

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.engines) > 1

    def engine(self, host: str) -> Engine:
        """Return an engine by its name."""
        return self.engines[host]

    def engine_words(self, host: str) -> tuple[str, ...]:
        """Return the options that name an engine, or all of them for no name."""
        if host:
            return self.words.get(host, ())
        return tuple(word for words in self.words.values() for word in words)

    def silence(self, target: Target) -> int:
        """Return for how many seconds an engine of a target has not answered."""
        hosts = {part.host for part in target.parts or (target,)}
        watches = (w for name, w in self.watches.items() if "" in hosts or name in hosts)
        return max((watch.silence for watch in watches), default=0)

    def ending(self, target: Target, now_ns: int) -> str:
        """Say how the containers of a target ended; nothing as long as one of them runs."""
        found = [
            (watch, container)
            for name, watch in self.watches.items()
            if target.host in ("", name)
            for container in watch.inventory.of(target)
        ]
        endings = [watch.ending_of(container) for watch, container in found]
        if not endings or None in endings:
            return ""
        if len(endings) > 1:
            return f"■ all {len(endings)} containers stopped"
        return endings[0].words(now_ns) if endings[0] is not None else ""

    # --- what is read -----------------------------------------------------------------------

    def tail(self, target: Target, **options: Any) -> Tail | ThreadedTail:
        """Tail containers of one engine, or of those that the target is of."""
        parts = target.parts or (target,)
        hosts = {part.host for part in parts}
        if not self.several or "" in hosts:
            hosts = set(self.engines)

        def request_of(host: str) -> TailRequest:
            own = (part for part in parts if part.host in ("", host))
            options["continuations"] = self._continuations
            asked = (tail_request(*part.names, **part.arguments(), **options) for part in own)
            return reduce(TailRequest.also, asked)

        def make(engines: Mapping[str, Engine]) -> Tail:
            return open_tail(
                {name: (engines[name], request_of(name)) for name in engines if name in hosts}
            )

        return make(self.engines) if self._thread is None else self._thread.tail(make)

    def check(self, *names: str, **options: Any) -> None:
        """See whether containers can be chosen so.

        Raises:
            ConfigError: they cannot.
        """
        tail_request(*names, **options)

    async def containers(self) -> list[ContainerSummary]:
        """List the containers of the engines that answer, also those that do not run."""
        asked = (engine.containers.list(all=True) for engine in self.engines.values())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        listed: list[ContainerSummary] = []
        for answer in answers:
            if isinstance(answer, LobtailError):
                continue
            if isinstance(answer, BaseException):
                raise answer
            listed += answer
        return listed

    # --- what they have ---------------------------------------------------------------------

    @property
    def inventories(self) -> list[Inventory]:
        """What each has."""
        return [watch.inventory for watch in self.watches.values()]

    def rows(self, kind: Kind) -> list[Row]:
        """Return the rows of a list, those of all engines one after another."""
        rows: list[Row] = []
        for name, watch in self.watches.items():
            watch.inventory.now = time.time()
            own = watch.inventory.rows(kind)
            if watch.away:
                own = [row.not_live() for row in own]
            if not self.several:
                return own
            rows += [row.on(name, self._short[name]) for row in own if row.key]
        if kind == "container":
            running = sum(inventory.running for inventory in self.inventories)
            everything = Inventory.everything(running)
            live = not any(watch.away for watch in self.watches.values())
            rows.insert(0, msgspec.structs.replace(everything, live=live))
        return rows

    def members(self, rows: Iterable[Row]) -> list[Row]:
        """Return the containers that are meant by rows: of projects and services, or themselves."""
        found: dict[tuple[str, str], Row] = {}
        for row in rows:
            own = [row]
            if row.kind == "project" and row.target is not None:
                own = self.watches[row.host].inventory.members(row.target)
                if self.several:
                    own = [each.on(row.host, row.engine) for each in own]
            found |= {each.place: each for each in own if each.key}
        return list(found.values())


def _short_names(names: Sequence[str]) -> dict[str, str]:
    """Return what is left of names without the folders that all begin and end with."""
    split = [name.split("/") for name in names]
    begin = end = 0
    shortest = min(map(len, split), default=1)
    if len(split) > 1:
        while begin < shortest - 1 and len({parts[begin] for parts in split}) == 1:
            begin += 1
        while begin + end < shortest - 1 and len({parts[-1 - end] for parts in split}) == 1:
            end += 1
    return {
        name: "/".join(parts[begin : len(parts) - end])
        for name, parts in zip(names, split, strict=True)
    }
